"""Where a result comes from."""

import subprocess

from debias import provenance


def test_provenance_names_commit_versions_and_machine():
    found = provenance.provenance()
    assert set(found) == {"commit", "versions", "host"} and all(found.values())
    assert "tensorflow 2." in found["versions"] and "cores" in found["host"]


def test_without_git_the_commit_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.commit() == "unknown"


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
