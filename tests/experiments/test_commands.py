"""The command line: one small job from data to README, and bad options."""

import contextlib
import dataclasses
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import pandas as pd
import pytest

from baselines import METHODS
from debias.data import catalog
from debias.data.dataset import Splits
from debias.errors import InputError
from debias.provenance import ROOT
from experiments import __main__, commands
from experiments.commands import shared
from experiments.engine import evaluation, store, sweep
from experiments.quick import EXPERIMENT as QUICK
from experiments.registry import EXPERIMENTS
from experiments.report import artefacts, figure_data
from experiments.report.results import refresh
from experiments.report.rows import read_rows

FIGURES = ("groups.png", "sampling.png", "reconstructions.png")
NAMES = [setting.name for setting in QUICK.settings]
BLOCK = "<!-- begin quick-squares/table.md -->\n<!-- end -->\n"


def main(*words) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command line, in this process."""
    output, error = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(output), contextlib.redirect_stderr(error):
        patch.setattr(sys, "argv", ["experiments", *map(str, words)])
        try:
            code = __main__.main()
        except SystemExit as stop:
            code = stop.code
    return code, output.getvalue(), error.getvalue()


@pytest.fixture(scope="module")
def small(tiny_config):
    """'quick' with short training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EXPERIMENTS, "quick", dataclasses.replace(EXPERIMENTS["quick"], base=tiny_config))
        yield


@pytest.fixture(scope="module")
def run(small, dataset_path):
    """`run quick` on a small file with everything in a folder."""

    def run(folder, *more):
        places = ("--cache", folder / "cache", "--results", folder / "results")
        return main("run", "quick", "--data", dataset_path, "--seeds", 1, "--jobs", 1, *places, *more)

    return run


@pytest.fixture(scope="module")
def job(run, tmp_path_factory):
    """The folder of a real job, and what it printed."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "README.md").write_text(BLOCK)
    code, output, error = run(folder)
    assert (code, error) == (0, "")
    return folder, output


@pytest.fixture
def undrawn(monkeypatch):
    """No figures, which take seconds each."""
    monkeypatch.setattr(artefacts, "_save", lambda *_: None)


@pytest.fixture
def done(job, tmp_path, monkeypatch):
    """A copy of the job's folder, in which nothing is trained any more."""
    monkeypatch.setattr(evaluation, "train", lambda *_: pytest.fail("trained again"))
    return Path(shutil.copytree(job[0], tmp_path / "job"))


def written(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def results_of(folder):
    return folder / "results" / "quick-squares"


def test_a_job_writes_rows_tables_figures_and_readme(job):
    folder, output = job
    results = results_of(folder)
    assert {"runs.csv", "summary.json", "table.md", *FIGURES} <= {path.name for path in results.iterdir()}
    rows = pd.read_csv(results / "runs.csv")
    assert list(rows["setting"]) == NAMES
    assert set(json.loads((results / "summary.json").read_text())["settings"]) == set(NAMES)
    for figure in FIGURES:
        assert min(matplotlib.image.imread(results / figure).shape[:2]) > 50
    assert (results / "table.md").read_text() in (folder / "README.md").read_text()
    assert all(setting.title in output for setting in QUICK.settings) and "E[A]" in output


def test_a_second_call_trains_and_writes_nothing(run, done, monkeypatch):
    monkeypatch.setattr(sweep, "evaluated", lambda *_: pytest.fail("evaluated again"))
    times = written(done / "results")
    code, output, _ = run(done)
    assert code == 0 and "E[A]" in output
    assert written(done / "results") == times


def test_rows_that_differ_from_published_ones_go_to_the_cache_unless_told_to(undrawn, run, done):
    results, own = results_of(done), done / "cache" / "other-results" / "quick-squares"
    mine = (results / "runs.csv").read_text()
    theirs = read_rows(results).assign(mean_recall=1.5, commit="theirs")
    artefacts.write(EXPERIMENTS["quick"], results, theirs, figure_data.load(results))
    refresh(done / "results", EXPERIMENTS.values())
    before = written(done / "results")
    code, output, _ = run(done)
    assert code == 0 and "commit theirs" in output and "--overwrite" in output and str(own) in output
    assert written(done / "results") == before
    assert (own / "runs.csv").read_text() == mine
    assert run(done, "--overwrite")[0] == 0
    assert (results / "runs.csv").read_text() == mine


def test_fewer_seeds_of_one_s_own_data_leave_the_rows_of_more(tmp_path, capsys):
    """Which are in the cache folder themselves."""
    results = tmp_path / "results"
    more = pd.DataFrame({"id": ["quick/cnn/seed0", "quick/cnn/seed1"], "commit": "abc"})
    found = [
        shared.placed(shared.Folders(cache=tmp_path), results, results / name, more, more[:1])[0]
        for name in ("photographs", "methods/photographs")
    ]
    assert len({*found, results / "photographs", results / "methods/photographs"}) == 4
    output = capsys.readouterr().out
    assert all(f"yours are in {folder}." in output for folder in found)


def test_a_damaged_runs_csv_is_one_line_and_nothing_is_overwritten(run, done):
    path = results_of(done) / "runs.csv"
    path.write_text(path.read_text()[:-200])
    before = written(done / "results")
    code, _, error = run(done)
    assert code == 2 and error.startswith("error: ") and error.count("\n") == 1 and str(path) in error
    assert written(done / "results") == before


def test_reuse_takes_published_rows_as_finished(run, done):
    shutil.rmtree(done / "cache" / "runs")
    before = written(results_of(done))
    code, output, _ = run(done, "--reuse")
    assert code == 0 and METHODS["oracle"].title in output
    assert written(results_of(done)) == before


# --- with methods that train nothing -------------------------------------------------------------------------------


def test_failed_runs_end_in_failures_csv_and_code_1(guessed, undrawn, run, tmp_path, monkeypatch):
    whole = METHODS["dbvae-max"]
    monkeypatch.setitem(METHODS, "dbvae-max", dataclasses.replace(whole, module="instant_broken"))
    code, _, error = run(tmp_path)
    results = results_of(tmp_path)
    assert code == 1 and "1 runs failed" in error
    failures = pd.read_csv(results / "failures.csv").to_dict("records")
    assert failures == [{"id": "quick/max-camera/seed0", "reason": "RuntimeError: first line"}]
    assert not (results / "runs.csv").exists()
    monkeypatch.setitem(METHODS, "dbvae-max", whole)
    assert run(tmp_path)[0] == 0 and not (results / "failures.csv").exists()
    assert list(pd.read_csv(results / "runs.csv")["setting"]) == NAMES
    assert len(guessed) == len(NAMES) + 1  # the failed one twice


@pytest.mark.slow
def test_shards_publish_once_all_are_there(guessed, undrawn, run, tmp_path):
    code, output, _ = run(tmp_path, "--shard", "2/2")
    assert code == 0 and "2 of 4" in output and not (tmp_path / "results").exists()
    assert run(tmp_path, "--shard", "1/2")[0] == 0
    assert (results_of(tmp_path) / "runs.csv").exists() and len(guessed) == 4


@pytest.mark.slow
def test_finished_publishes_what_there_is(guessed, undrawn, run, tmp_path):
    code, _, error = run(tmp_path, "--finished")
    assert code == 2 and error.endswith("none of its models is trained yet: leave out --finished\n")
    assert not (tmp_path / "results").exists()
    run(tmp_path, "--shard", "2/2")
    code, output, _ = run(tmp_path, "--finished")
    assert code == 0 and "2 of 4 runs are finished" in output and len(guessed) == 2
    assert len(pd.read_csv(results_of(tmp_path) / "runs.csv")) == 2
    assert run(tmp_path)[0] == 0 and len(guessed) == 4
    assert len(pd.read_csv(results_of(tmp_path) / "runs.csv")) == 4


def test_only_what_results_do_not_show_to_work_is_tried(monkeypatch, tmp_path):
    monkeypatch.setattr("experiments.engine.known.is_known_to_work", lambda experiment, rows: rows is not None)
    rows = pd.read_csv(ROOT / "results" / "quick" / "runs.csv")
    (tmp_path / "quick").mkdir()
    rows.to_csv(tmp_path / "quick" / "runs.csv", index=False)
    places = ("--smoke", "--changed", "--results", tmp_path, "--cache", tmp_path / "cache")
    code, output, _ = main("run", "quick", *places)
    assert code == 0 and output.endswith("by this code: quick\n") and not (tmp_path / "cache").exists()
    tried = []
    monkeypatch.setattr(commands.Run, "_run", lambda self, experiment, *_, **__: tried.append(experiment.name) or 0)
    assert main("run", "all", *places)[0] == 0
    assert "quick" not in tried and {"digits", "rule"} <= set(tried)


@pytest.mark.parametrize("part", ["0/2", "3/2", "one/2", "1", "1/0"])
def test_bad_shards_are_one_line(guessed, run, tmp_path, part):
    code, _, error = run(tmp_path, "--shard", part)
    assert code == 2 and error.count("\n") == 1 and part in error and not guessed


@pytest.mark.parametrize("words", [["--shard", "9/1"], ["--stale", "maybe"], ["--seeds", "99999999999"]])
def test_bad_options_are_refused_before_data_are_read_or_rendered(monkeypatch, words):
    monkeypatch.setattr("experiments.engine.store.loaded", lambda *_: pytest.fail("read"))
    with pytest.raises(InputError, match=words[0]):
        commands.Run("quick", data="parliament", **{words[0][2:]: int(words[1]) if words[1].isdigit() else words[1]})()


def test_an_experiment_of_which_too_little_is_there_does_not_end_the_others(capsys):
    own, run = EXPERIMENTS["calibration"], commands.Run("all", finished=True)
    rows = pd.DataFrame({"setting": ["cnn"]})
    assert not run._takes_less(own, rows, 10, brief=True)
    assert "nothing can be told without a finished run of" in capsys.readouterr().out
    with pytest.raises(InputError, match="nothing can be told"):
        run._takes_less(own, rows, 10, brief=False)


@pytest.mark.parametrize("name", ["quick", "calibration"])
def test_seeds_beyond_the_experiment_s_own_are_those_that_follow(name):
    own = EXPERIMENTS[name]
    for count in (1, len(own.seeds) + 2):
        run = commands.Run(name, seeds=count)
        assert run.name == name  # the one word that needs no option
        seeds = run._adapted(own).seeds
        assert (len(seeds), seeds[0]) == (count, own.seeds[0])
        assert list(seeds) == list(range(seeds[0], seeds[0] + count))


@pytest.mark.parametrize(
    ("words", "base", "seeds"),
    [
        ("", {}, (0, 1)),
        ("--epochs 3", {"epochs": 3}, (0, 1)),
        ("--precision float32", {"precision": "float32"}, (0, 1)),
        ("--xla True", {"xla": True}, (0, 1)),
        ("--xla False", {"xla": False}, (0, 1)),
        ("--images streamed", {"images": "streamed"}, (0, 1)),
        ("--seeds 3", {}, (0, 1, 2)),
    ],
)
def test_options_change_what_they_name_and_nothing_else(monkeypatch, words, base, seeds):
    found, own = [], EXPERIMENTS["quick"]
    monkeypatch.setattr(commands.Run, "_run", lambda self, experiment, *_, **__: found.append(experiment) or 0)
    assert main("run", "quick", "--jobs", 1, *words.split()) == (0, "", "")
    assert found == [dataclasses.replace(own, base=dataclasses.replace(own.base, **base), seeds=seeds)]


def test_unwritable_results_are_one_line(guessed, run, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, _, error = run(tmp_path / "file")
    assert code == 2 and error.count("\n") == 1 and str(tmp_path / "file") in error, error


def test_photographs_are_of_one_experiment():
    with pytest.raises(InputError, match="--of ablations stands for .* name one"):
        commands.Photographs(faces=Path("faces.h5"), negatives=Path("others.h5"), of="ablations")()


@pytest.mark.parametrize("words", [("--data", ""), ("--train", "a.h5", "--test", "")])
def test_an_empty_variable_is_told_from_a_wrong_path(words):
    code, _, error = main("run", "quick", *words)
    assert code == 2 and "is a variable unset?" in error and error.count("\n") == 1


def test_figures_of_one_s_own_data_stay_out_of_the_repository(tmp_path):
    own, public = str(tmp_path / "own.h5"), "digits"
    assert commands.Run(data=own)._results() == shared.CACHE / "results"
    assert commands.Run(train=own, test="ppb.h5", cache=tmp_path)._results() == tmp_path / "results"
    assert commands.Run(data=own, results=tmp_path)._results() == tmp_path
    assert commands.Run(data=public)._results() == commands.Run()._results() == shared.RESULTS
    assert commands.Run(data=own, smoke=True, cache=tmp_path)._results() == tmp_path / "smoke"


def test_methods_that_need_groups_are_left_out_in_one_line_where_there_are_none(splits, monkeypatch, capsys):
    parts = (splits.train, splits.validation, splits.test)
    plain = Splits("plain", *(part.without_groups() for part in parts))
    line = "quick: the faces have no groups: leaves out Oracle (groups), random camera\n"
    for found, said in ((splits, ""), (plain, line)):
        monkeypatch.setattr(store, "loaded", lambda *_, found=found: found)
        adapted = commands.Run(data="own.h5")._adapted(EXPERIMENTS["quick"])
        assert capsys.readouterr().out == said
        assert ("oracle" in [setting.method for setting in adapted.settings]) == (not said)


# --- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["nonsense"], "nonsense"),
        (["run", "nonsense"], "nonsense"),
        (["run", "quick", "--sedes", "3"], "--sedes"),
        (["run", "quick", "--seeds", "three"], "--seeds"),
        (["run", "quick", "--seeds", "0"], "--seeds"),
        (["run", "quick", "--seeds", "-1"], "--seeds"),
        (["run", "epochs", "--epochs", "1"], "epochs compares lengths of training: leave out --epochs"),
        (["run", "passes", "--epochs", "1"], "passes compares lengths of training: leave out --epochs"),
        (["run", "quick", "--jobs", "0"], "--jobs"),
        (["run", "quick", "--jobs", "4096"], "--jobs"),
        (["run", "quick", "--jobs", "99", "--address", "nowhere.invalid:6379"], "no Ray cluster answers at nowhere"),
        (["run", "quick", "--strategy", "mirrored", "--jobs", "2"], "leave out --jobs and --address"),
        (["run", "quick", "--strategy", "workers", "--address", "localhost:6379"], "leave out --jobs and --address"),
        (["run", "quick", "--strategy", "tpu", "--jobs", "1"], "unknown strategy 'tpu'"),
        (["run", "quick", "--stale", "maybe"], "--stale"),
        (["run", "all", "--changed"], "--changed is for --smoke"),
        (["run", "quick", "--smoke", "--changed", "--data", "digits"], "--changed: results/ does not tell what works"),
        (["run", "alpha", "--smoke", "--changed", "--precision", "mixed_bfloat16"], "works with --precision"),
        (["run", "quick", "--data", "nowhere.h5"], "nowhere.h5"),
        (["run", "quick", "--data", str(ROOT / "pyproject.toml")], "pyproject.toml"),
        (["run", "darker", "--data", "digits"], "embedded benchmark"),
        (["run", "calibration", "--data", "digits"], "embedded benchmark"),
        ([], "run"),
    ],
)
def test_bad_options_are_one_line_and_code_2(words, named, tmp_path, monkeypatch):
    if "--data" not in words:  # refused before data are built, which would take minutes
        monkeypatch.setattr(catalog, "load", lambda *_: pytest.fail("built the data first"))
    places = ["--cache", str(tmp_path), "--results", str(tmp_path)] if words[1:] else []
    code, output, error = main(*words, *places)
    assert (code, output) == (2, "")
    assert error.startswith("error: ") and error.count("\n") == 1 and named in error, error
    assert list(tmp_path.iterdir()) == []


def test_list_names_every_experiment_with_its_runs():
    code, output, _ = main("list")
    listed = {line.split()[0]: line.split()[1] for line in output.splitlines()}
    assert code == 0 and set(EXPERIMENTS) <= set(listed)
    assert listed["transfer"] == str(10 * len(EXPERIMENTS["transfer"].settings))


def test_help_is_no_error():
    code, output, error = main("run", "--help")
    assert (code, error) == (0, "")
    assert "--data" in output and "--seeds" in output


def test_interruption_says_how_to_go_on(monkeypatch):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run", interrupted)
    code, _, error = main("run", "quick")
    assert code == 130 and "continues" in error


def test_in_a_process_of_its_own_it_is_quiet_and_exits_with_2(tmp_path):
    command = [sys.executable, "-m", "experiments", "run", "quick", "--data", "nowhere.h5", "--cache", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == ["error: nowhere.h5: no such file: check the path given to --data"]
