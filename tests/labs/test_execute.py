"""What a run of a lab leaves where something is in its way, and what it says of a kernel that does not come up."""

import nbformat
import pytest
from nbclient import NotebookClient

from debias.errors import InputError
from labs import build, execute


def fill(folder, name):
    with execute.replacing_folder(folder) as made:
        (made / name).write_text("new")


@pytest.fixture
def folder(tmp_path):
    kept = tmp_path / "labs" / "rl"
    kept.mkdir(parents=True)
    (kept / "old").write_text("old")
    return kept


def test_a_new_folder_takes_the_place_of_the_old_one_and_nothing_else_stays(folder):
    fill(folder, "new")
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert [path.name for path in folder.parent.iterdir()] == ["rl"]
    assert folder.stat().st_mode & 0o777 == 0o755


def test_a_failure_leaves_the_old_one(folder):
    with pytest.raises(ZeroDivisionError), execute.replacing_folder(folder):
        raise ZeroDivisionError
    assert [path.name for path in folder.iterdir()] == ["old"] and len(list(folder.parent.iterdir())) == 1


def test_a_link_in_its_place_is_replaced_and_what_it_leads_to_stays(folder):
    link = folder.with_name("link")
    link.symlink_to(folder)
    fill(link, "new")
    assert not link.is_symlink() and (link / "new").exists() and (folder / "old").exists()


def test_what_cannot_be_removed_costs_nothing_new(folder, monkeypatch):
    """As where a network disk keeps the name of a file that is still open."""
    monkeypatch.setattr(execute.shutil, "rmtree", lambda *_, **options: options["ignore_errors"] or pytest.fail())
    fill(folder, "new")
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_where_nothing_can_be_written_it_is_one_line(tmp_path):
    (tmp_path / "labs").write_text("a file")
    with pytest.raises(InputError, match="cannot write .*labs"):
        fill(tmp_path / "labs" / "rl", "new")


def test_a_kernel_that_does_not_start_is_one_line(monkeypatch, tmp_path, capsys):
    def start(self, **_):
        raise RuntimeError("Kernel didn't respond in 300 seconds")

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", metadata={"tags": ["parameters"]})])
    monkeypatch.setattr(NotebookClient, "execute", start)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "sources", lambda: {"toy": None})
    monkeypatch.setattr(build, "notebook", lambda *_, **__: notebook)
    assert execute.run("toy", smoke=True) == 1
    said = "error: lab toy, before its first cell: the kernel did not start: Kernel didn't respond in 300 seconds"
    assert capsys.readouterr().err.splitlines()[-1] == said
