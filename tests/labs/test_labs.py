"""Every lab: its notebooks are what its source gives, its solution runs, and an empty student's version says so."""

import re

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from labs import build, execute

LABS = build.sources()
NOTEBOOKS = [source.with_name(name) for source in LABS.values() for name in (build.STUDENT, build.SOLUTION)]
SOLVED = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)


@pytest.fixture(params=LABS, scope="module")
def source(request):
    """The source of a lab."""
    return LABS[request.param]


@pytest.fixture(scope="module")
def student(source):
    """The student's notebook of a lab, as it is committed."""
    return nbformat.read(source.with_name(build.STUDENT), as_version=4)


def codes(notebook):
    """The code cells of a notebook."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def raised(cell):
    """The error that a cell ended with, None if it did not."""
    return next((output for output in cell.outputs if output.output_type == "error"), None)


def checks_after(cells, number):
    """The next cell that calls a check."""
    return [cell for cell in cells[number : number + 4] if "checks." in cell.source][:1]


def test_built_notebooks_are_what_their_sources_give():
    assert not build.stale(LABS), "run python -m labs build"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[f"{path.parent.name}-{path.stem}" for path in NOTEBOOKS])
def test_notebooks_are_valid_empty_and_open_in_colab(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(cell.outputs == [] and cell.execution_count is None for cell in codes(notebook))
    target = re.search(r"github/[^/]+/[^/]+/blob/main/(\S+\.ipynb)\)", notebook.cells[0].source)[1]
    assert build.ROOT / target == path


def test_a_stale_notebook_is_noticed(tmp_path, monkeypatch):
    (tmp_path / "labs" / "toy").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/a/b"\n')
    source = tmp_path / "labs" / "toy" / build.SOURCE
    source.write_text("# %% [markdown]\n# # Toy\n\n# %%\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    build.write(build.stale({"toy": source}))
    assert build.stale({"toy": source}) == {}
    source.write_text(source.read_text().replace("x = 1", "x = 2"))
    assert [path.name for path in build.stale({"toy": source})] == [build.SOLUTION]  # the student's shows neither


def test_no_solution_is_in_the_students_notebook(source, student):
    shown = {line.strip() for cell in codes(student) for line in cell.source.splitlines()}
    solved = [line.strip() for part in SOLVED.findall(source.read_text("utf-8")) for line in part.splitlines()]
    solved = [line for line in solved if re.search("[a-z]", line)]  # brackets tell nothing
    told = {line for line in solved if line in shown}
    assert len(solved) > 3 and len(told) <= len(solved) / 10, told  # a line such as `with tape:` may occur elsewhere


def test_every_todo_has_a_hint_and_a_check(student):
    cells = codes(student)
    todos = [number for number, cell in enumerate(cells) if build.STUB in cell.source]
    assert todos
    for number in todos:
        assert "# TODO" in cells[number].source
        assert checks_after(cells, number), cells[number].source


def test_solution_runs_from_start_to_end_at_toy_size(source, tmp_path):
    ran = execute.execute(build.notebook(source, solved=True), True, tmp_path, source.parent.name)
    assert all(cell.execution_count for cell in codes(ran) if cell.source)
    assert (tmp_path / "summary.json").exists()


def test_unfilled_todos_stop_there_or_at_their_checks_with_a_message(source, tmp_path):
    unfilled = build.notebook(source, solved=False)
    cells = codes(execute.execute(unfilled, True, tmp_path, source.parent.name, allow_errors=True))
    for number, cell in enumerate(cells):
        if build.STUB in cell.source:
            error = raised(cell) or next(filter(None, map(raised, checks_after(cells, number))), None)
            assert error, f"nothing says that this is still to be done:\n{cell.source}"
            assert error.ename in ("NotImplementedError", "CheckFailed"), (cell.source, error)
            assert re.search("still to be done|not written yet", error.evalue) and "\n" not in error.evalue


def test_a_failing_cell_is_one_line_and_keeps_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "labs" / "toy").mkdir(parents=True)
    (tmp_path / "labs" / "build.py").write_text("")
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/a/b"\n')
    source = tmp_path / "labs" / "toy" / build.SOURCE
    source.write_text(
        "# %% [markdown]\n# # Toy\n\n# %% tags=['parameters']\nRESULTS = None\n\n# %%\n"
        "open(RESULTS + '/half', 'w').close()\nraise ValueError('first line\\nsecond')\n"
    )
    monkeypatch.setattr(build, "ROOT", tmp_path)
    assert execute.run("toy", smoke=False) == 1
    said = capsys.readouterr().err
    cell = "the cell that begins with \"open(RESULTS + '/half', 'w').close()\""
    assert said.splitlines()[-1] == f"error: lab toy, {cell}: ValueError: first line"
    assert list((tmp_path / "results" / "labs").iterdir()) == []


def test_notebook_shows_the_message_of_a_check_and_no_trace(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[])
    notebook.cells = [
        nbformat.v4.new_code_cell("SMOKE = RESULTS = None", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("from labs.checking import CheckFailed\nraise CheckFailed('look at the axis')"),
    ]
    with pytest.raises(CellExecutionError):
        execute.execute(notebook, True, tmp_path, "toy")
    assert notebook.cells[-1].outputs[0].traceback == ["Not yet: look at the axis"]
