"""Peers are installed once, aside, and a missing one does not end the benchmark."""

import subprocess
import tarfile

import pytest

from experiments.benchmark import peers


@pytest.fixture
def pip(monkeypatch):
    """Stands in for pip; gives the commands that it saw."""
    commands, done = [], {"returncode": 0}

    def run(command, **options):
        commands.append(command)
        return subprocess.CompletedProcess(command, done["returncode"], "", "notice\nERROR: no network\n")

    monkeypatch.setattr(subprocess, "run", run)
    return commands, done


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Stands in for the course's package."""
    source, path = tmp_path / "lab2.py", tmp_path / "course.tar.gz"
    source.write_text("x = 1\n")
    with tarfile.open(path, "w:gz") as packed:
        packed.add(source, peers._COURSE)
    monkeypatch.setattr(peers.packages, "fetch", lambda *_: path)


def test_they_are_installed_once_into_the_cache(tmp_path, pip, archive):
    cache = tmp_path / "cache"
    assert peers.found(cache) == peers.Peers() and peers.Peers().versions() == ""
    there = peers.installed(cache)
    assert there == peers.found(cache) == peers.installed(cache)
    assert len(pip[0]) == 1 and "--target" in pip[0][0] and pip[0][0][-1].startswith("torch==")
    assert there.course.read_text() == "x = 1\n" and there.torch.is_dir()
    assert all(path.is_relative_to(cache) for path in (there.course, there.torch))
    assert there.versions() == f"mitdeeplearning 0.7.5; torch {peers.TORCH}"


def test_one_that_cannot_be_had_is_left_out_with_a_line(tmp_path, pip, archive, capsys):
    pip[1]["returncode"] = 1
    there = peers.installed(tmp_path / "cache")
    assert there.torch is None and there.course.is_file()
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("Left out, PyTorch: pip could not install torch==") and "no network" in said[-1]
    assert peers.found(tmp_path / "cache") == there
