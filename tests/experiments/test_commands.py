"""The command line: one small job from data to README, and bad options."""

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import pandas as pd
import pytest
from experiments.common import on_other_data
from experiments.store import Store

from baselines import METHODS
from debias.data import catalog
from debias.data.dataset import SPLITS
from experiments import __main__, commands, evidence, provenance, publish, runner
from experiments.registry import EXPERIMENTS

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
def small(monkeypatch, tiny_config, tmp_path):
    """'quick' with short training, and a README that is not the repository's."""
    monkeypatch.setitem(EXPERIMENTS, "quick", dataclasses.replace(EXPERIMENTS["quick"], base=tiny_config))
    monkeypatch.setattr(commands, "README", tmp_path / "README.md")


@pytest.fixture
def job(call, folder, dataset_path, small, monkeypatch):
    """`run quick` on a small file, in this process."""
    monkeypatch.setattr(commands, "README", folder / "README.md")
    places = ("--cache", folder / "cache", "--results", folder / "results")
    return lambda *more: call("run", "quick", "--data", dataset_path, "--seeds", 1, "--jobs", 1, *places, *more)


def written(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_run_writes_everything_and_a_second_call_trains_nothing(job, folder, monkeypatch):
    (folder / "README.md").write_text("<!-- begin quick-squares/table.md -->\n<!-- end -->\n")
    code, output, _ = job()
    results = folder / "results" / "quick-squares"
    assert code == 0
    assert {"runs.csv", "summary.json", "table.md", *FIGURES} <= {path.name for path in results.iterdir()}
    rows = pd.read_csv(results / "runs.csv")
    assert list(rows["method"]) == list(METHODS)
    assert set(json.loads((results / "summary.json").read_text())["settings"]) == set(METHODS)
    for figure in FIGURES:
        assert min(matplotlib.image.imread(results / figure).shape[:2]) > 50
    assert (results / "table.md").read_text() in (folder / "README.md").read_text()
    assert all(method.title in output for method in METHODS.values())

    monkeypatch.setattr(runner, "_train", lambda *_: pytest.fail("trained again"))
    times = written(results)
    code, again, _ = job()
    assert code == 0 and "E[A]" in again
    assert written(results) == times


def test_rows_that_differ_from_published_ones_go_elsewhere_unless_told_to(job, folder):
    job()
    results, own = folder / "results" / "quick-squares", folder / "cache" / "results" / "quick-squares"
    mine = (results / "runs.csv").read_text()
    theirs = publish.read_rows(results).assign(mean_recall=1.5, commit="theirs")
    publish.write(EXPERIMENTS["quick"], results, theirs, evidence.load(results))
    before = written(results)
    code, output, _ = job()
    assert code == 0 and "commit theirs" in output and "--overwrite" in output and str(own) in output
    assert written(results) == before and (own / "runs.csv").read_text() == mine
    assert job("--overwrite")[0] == 0
    assert (results / "runs.csv").read_text() == mine


def test_a_damaged_runs_csv_is_one_line_and_nothing_is_overwritten(job, folder):
    job()
    path = folder / "results" / "quick-squares" / "runs.csv"
    whole = path.read_text()
    path.write_text(whole[:-200])
    before = written(folder / "results")
    code, _, error = job()
    assert code == 2 and error.startswith("error: ") and error.count("\n") == 1 and str(path) in error
    assert written(folder / "results") == before
    path.write_text(whole)


def test_reuse_takes_published_rows_as_finished(job, folder, monkeypatch):
    job()
    shutil.rmtree(folder / "cache" / "runs")
    monkeypatch.setattr(runner, "_train", lambda *_: pytest.fail("trained again"))
    before = written(folder / "results")
    code, output, _ = job("--reuse")
    assert code == 0 and METHODS["oracle"].title in output
    assert written(folder / "results") == before


def test_failed_runs_end_in_failures_csv_and_code_1(call, small, dataset_path, tmp_path, monkeypatch):
    def broken(seen, config):
        raise RuntimeError("no luck")

    method = METHODS["vae"]
    monkeypatch.setitem(METHODS, "vae", type(method)(broken, method.labels, method.title))
    places = ("--cache", tmp_path, "--results", tmp_path / "results")
    code, _, error = call("run", "quick", "--data", dataset_path, "--seeds", 1, "--jobs", 1, *places)
    results = tmp_path / "results" / "quick-squares"
    assert code == 1 and "1 runs failed" in error
    failures = pd.read_csv(results / "failures.csv").to_dict("records")
    assert failures == [{"id": "quick/vae/seed0", "reason": "RuntimeError: no luck"}]
    assert not (results / "runs.csv").exists()
    monkeypatch.setitem(METHODS, "vae", method)
    code, _, _ = call("run", "quick", "--data", dataset_path, "--seeds", 1, "--jobs", 1, *places)
    assert code == 0 and not (results / "failures.csv").exists()
    assert list(pd.read_csv(results / "runs.csv")["method"]) == list(METHODS)


def test_shards_publish_once_all_are_there(call, small, dataset_path, tmp_path):
    places = ("--cache", tmp_path, "--results", tmp_path / "results", "--seeds", 1, "--jobs", 1)
    code, output, _ = call("run", "quick", "--data", dataset_path, "--shard", "2/2", *places)
    assert code == 0 and "2 of 5" in output and not (tmp_path / "results").exists()
    code, _, _ = call("run", "quick", "--data", dataset_path, "--shard", "1/2", *places)
    assert code == 0 and (tmp_path / "results" / "quick-squares" / "runs.csv").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["nonsense"], "nonsense"),
        (["run", "nonsense"], "nonsense"),
        (["run", "quick", "--sedes", "3"], "--sedes"),
        (["run", "quick", "--seeds", "three"], "--seeds"),
        (["run", "quick", "--seeds", "0"], "--seeds"),
        (["run", "quick", "--seeds", "-1"], "--seeds"),
        (["run", "quick", "--jobs", "0"], "--jobs"),
        (["run", "quick", "--jobs", "4096"], "--jobs"),
        (["run", "quick", "--stale", "maybe"], "--stale"),
        (["run", "quick", "--data", "nowhere.h5"], "nowhere.h5"),
        (["run", "quick", "--data", str(ROOT / "pyproject.toml")], "pyproject.toml"),
        (["run", "darker", "--data", "digits"], "embedded benchmark"),
        (["run", "calibration", "--data", "digits"], "embedded benchmark"),
        ([], "run"),
    ],
)
def test_bad_options_are_one_line_and_code_2(call, words, named, tmp_path, monkeypatch):
    if "--data" not in words:  # refused before data are built, which would take minutes
        monkeypatch.setattr(catalog, "load", lambda *_: pytest.fail("built the data first"))
    places = ["--cache", str(tmp_path), "--results", str(tmp_path)] if words[1:] else []
    code, output, error = call(*words, *places)
    assert (code, output) == (2, "")
    assert error.startswith("error: ") and error.count("\n") == 1 and named in error, error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", ["0/2", "3/2", "one/2", "1", "1/0"])
def test_bad_shards_are_one_line(call, small, dataset_path, tmp_path, part):
    places = ("--cache", tmp_path, "--results", tmp_path, "--jobs", 1)
    code, _, error = call("run", "quick", "--data", dataset_path, "--shard", part, *places)
    assert code == 2 and error.count("\n") == 1 and part in error


def test_unwritable_results_are_one_line(call, small, dataset_path, tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = tmp_path / "file" / "cache"
    places = ("--cache", cache, "--results", tmp_path / "results")
    code, _, error = call("run", "quick", "--data", dataset_path, "--jobs", 1, *places)
    assert code == 2 and error.count("\n") == 1 and str(tmp_path / "file") in error, error


def test_list_names_every_experiment_with_its_runs(call):
    code, output, _ = call("list")
    listed = {line.split()[0]: line.split()[1] for line in output.splitlines()}
    assert code == 0 and set(EXPERIMENTS) <= set(listed)
    assert listed["table1"] == str(10 * len(EXPERIMENTS["table1"].settings))


def test_help_is_no_error(call):
    code, output, error = call("run", "--help")
    assert (code, error) == (0, "")
    assert "--data" in output and "--seeds" in output


def test_interruption_says_how_to_go_on(call, monkeypatch):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run", interrupted)
    code, _, error = call("run", "quick")
    assert code == 130 and "continues" in error


def test_in_a_process_of_its_own_it_is_quiet_and_exits_with_2(tmp_path):
    command = [sys.executable, "-m", "experiments", "run", "quick", "--data", "nowhere.h5", "--cache", tmp_path]
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


def test_methods_that_need_groups_are_left_out_where_there_are_none(splits, tmp_path):
    parts = (splits.train, splits.validation, splits.test)
    ungrouped = dataclasses.replace(splits, **dict(zip(SPLITS, (part.without_groups() for part in parts), strict=True)))

    class Loaded(Store):
        def whole(self, data):
            return ungrouped if data == "plain" else splits

    adapted = [on_other_data(EXPERIMENTS["quick"], data, Loaded(tmp_path)) for data in ("plain", "grouped")]
    methods = [{setting.method for setting in experiment.settings} for experiment in adapted]
    assert methods == [set(METHODS) - {"oracle"}, set(METHODS)]
    assert all(not setting.draw for experiment in adapted for setting in experiment.settings)
