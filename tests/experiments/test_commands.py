"""The command line: one small job from data to README, and bad options."""

import json
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import pandas as pd
import pytest

from baselines import METHODS
from experiments import __main__, commands, provenance, quick

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ("groups.png", "sampling.png", "reconstructions.png")


@pytest.fixture
def call(monkeypatch, capsys):
    """Exit code, stdout and stderr of the command line, in this process."""

    def main(*words):
        monkeypatch.setattr(sys, "argv", ["experiments", *map(str, words)])
        try:
            code = __main__.main()
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the job keeps everything."""
    return tmp_path_factory.mktemp("job")


@pytest.fixture
def job(call, folder, dataset_path, tiny_config, monkeypatch):
    """`quick` on a small file, with a README of its own."""
    monkeypatch.setattr(quick, "FACES", tiny_config)
    monkeypatch.setattr(commands, "README", folder / "README.md")
    places = ("--cache", folder / "cache", "--results", folder / "results")
    return lambda: call("quick", "--data", dataset_path, "--seeds", 1, *places)


def test_quick_writes_everything_and_a_second_call_trains_nothing(job, folder, monkeypatch):
    (folder / "README.md").write_text("<!-- begin quick-squares/table.md -->\n<!-- end -->\n")
    code, output, _ = job()
    results = folder / "results" / "quick-squares"
    assert code == 0
    assert sorted(path.name for path in results.iterdir()) == sorted(["runs.csv", "summary.json", "table.md", *FIGURES])
    rows = pd.read_csv(results / "runs.csv")
    assert list(rows["method"]) == list(METHODS)
    assert set(json.loads((results / "summary.json").read_text())["methods"]) == set(METHODS)
    for figure in FIGURES:
        assert min(matplotlib.image.imread(results / figure).shape[:2]) > 50
    assert (results / "table.md").read_text() in (folder / "README.md").read_text()
    assert all(method.title in output for method in METHODS.values())

    for name in METHODS:
        monkeypatch.delitem(METHODS[name].__dict__, "run")  # training would fail
    times = {path: path.stat().st_mtime_ns for path in results.iterdir()}
    code, again, _ = job()
    assert code == 0 and "E[A]" in again
    assert {path: path.stat().st_mtime_ns for path in results.iterdir()} == times


def test_failed_runs_end_in_failures_csv_and_code_1(call, dataset_path, tiny_config, tmp_path, monkeypatch):
    def broken(seen, config):
        raise RuntimeError("no luck")

    monkeypatch.setattr(quick, "FACES", tiny_config)
    for name, method in METHODS.items():
        monkeypatch.setitem(METHODS, name, type(method)(broken, method.labels, method.title))
    code, _, error = call("quick", "--data", dataset_path, "--seeds", 1, "--cache", tmp_path, "--results", tmp_path)
    failures = pd.read_csv(tmp_path / "quick-squares" / "failures.csv")
    assert code == 1 and "5 runs failed" in error
    assert set(failures["reason"]) == {"RuntimeError: no luck"}
    assert not (tmp_path / "quick-squares" / "runs.csv").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["nonsense"], "nonsense"),
        (["quick", "--sedes", "3"], "--sedes"),
        (["quick", "--seeds", "three"], "--seeds"),
        (["quick", "--seeds", "0"], "--seeds"),
        (["quick", "--seeds", "-1"], "--seeds"),
        (["calibration", "--seeds", "11"], "--seeds"),
        (["quick", "--data", "nowhere.h5"], "nowhere.h5"),
        (["quick", "--data", str(ROOT / "pyproject.toml")], "pyproject.toml"),
        ([], "quick"),
    ],
)
def test_bad_options_are_one_line_and_code_2(call, words, named, tmp_path, monkeypatch):
    if "--seeds" in words:  # refused before data are built, which would take minutes
        monkeypatch.setattr(commands.catalog, "load", lambda *_: pytest.fail("built the data first"))
    places = ["--cache", str(tmp_path), "--results", str(tmp_path)] if words[1:] else []
    code, output, error = call(*words, *places)
    assert (code, output) == (2, "")
    assert error.startswith("error: ") and error.count("\n") == 1 and named in error, error
    assert list(tmp_path.iterdir()) == []


def test_unwritable_results_are_one_line(call, dataset_path, tiny_config, tmp_path, monkeypatch):
    monkeypatch.setattr(quick, "FACES", tiny_config)
    (tmp_path / "file").write_text("in the way")
    code, _, error = call("quick", "--data", dataset_path, "--cache", tmp_path / "file" / "cache")
    assert code == 2 and error.count("\n") == 1 and str(tmp_path / "file") in error, error


def test_help_is_no_error(call):
    code, output, error = call("quick", "--help")
    assert (code, error) == (0, "")
    assert "--data" in output and "--seeds" in output


def test_interruption_says_how_to_go_on(call, monkeypatch):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run", interrupted)
    code, _, error = call("quick")
    assert code == 130 and "continues" in error


def test_in_a_process_of_its_own_it_is_quiet_and_exits_with_2(tmp_path):
    command = [sys.executable, "-m", "experiments", "quick", "--data", "nowhere.h5", "--cache", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == ["error: nowhere.h5: no such file: check the path given to --data"]


def test_provenance_names_commit_versions_and_machine():
    found = provenance.provenance()
    assert set(found) == {"commit", "versions", "host"} and all(found.values())
    assert "tensorflow 2." in found["versions"] and "cores" in found["host"]


def test_without_git_the_commit_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.commit() == "unknown"


def test_methods_that_need_groups_are_left_out_where_there_are_none(splits):
    from debias.data.dataset import Splits

    ungrouped = Splits("plain", *(part.without_groups() for part in (splits.train, splits.validation, splits.test)))
    assert quick.left_out(splits) == []
    assert quick.left_out(ungrouped) == ["oracle"]
    assert {run.method for run in quick.runs(ungrouped)} == set(METHODS) - {"oracle"}
