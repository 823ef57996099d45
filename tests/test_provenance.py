"""Where a result comes from."""

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
