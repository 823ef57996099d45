"""Where a result comes from."""

import re
import subprocess

import pytest

from debias import provenance


def test_provenance_names_commit_versions_and_machine():
    found = provenance.provenance()
    assert set(found) == {"commit", "versions", "host"} and all(found.values())
    assert "tensorflow 2." in found["versions"] and "cores" in found["host"]


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (
            "processor\t: 0\ncpu family\t: 6\nmodel\t\t: 167\nmodel name\t: A: B\n\nprocessor\t: 1\nmodel\t: 1\n",
            "A: B 6 167",
        ),
        ("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n", "0x41 0xd0c"),
    ],
    ids=["x86_64", "aarch64"],
)
def test_processors_of_one_name_differ_by_their_model(monkeypatch, tmp_path, told, kind):
    (tmp_path / "cpuinfo").write_text(told)
    monkeypatch.setattr(provenance, "_CPU", tmp_path / "cpuinfo")
    assert provenance.processor() == kind


def test_without_linux_the_processor_has_a_name(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "_CPU", tmp_path / "none")
    assert provenance.processor()


def test_without_git_the_commit_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.commit() == "unknown"


def test_a_copy_within_another_repository_has_not_its_commit(monkeypatch, tmp_path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "file").write_text("of others")
    author = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "--quiet"), ("add", "."), (*author, "commit", "--quiet", "--message", "all")):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    monkeypatch.setattr(provenance, "ROOT", tmp_path / "copy")
    assert provenance.commit() == "unknown"
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert re.fullmatch("[0-9a-f]{12}", provenance.commit())


def test_code_without_its_history_is_told_its_commit(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setenv(provenance.COMMIT, "abc-dirty")
    assert provenance.commit() == "abc-dirty"


def test_only_what_decides_a_run_makes_a_checkout_dirty(monkeypatch, tmp_path):
    monkeypatch.delenv(provenance.COMMIT, raising=False)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    files = ["code.py", "labs/student.ipynb", "labs/README.md", "results/runs.csv"]
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("first")
    author = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")
    for words in (("init", "--quiet"), ("add", "."), (*author, "commit", "--quiet", "--message", "all")):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    clean = provenance.commit()
    assert len(clean) == 12
    for name in reversed(files):
        assert provenance.commit() == clean
        (tmp_path / name).write_text("second")
    assert provenance.commit() == f"{clean}-dirty"
