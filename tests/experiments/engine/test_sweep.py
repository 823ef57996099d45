"""Many runs: kept, resumed, refused, recorded, published and shared out; rows do not depend on interruptions."""

import dataclasses
import json
import signal
import subprocess
import sys

import pandas as pd
import pytest

from baselines import METHODS
from debias.errors import InputError
from debias.provenance import ROOT
from experiments.engine import store, sweep
from experiments.engine.store import StoredRun
from experiments.engine.sweep import Options, assist_all, reason, run_all

KILLED_JOB = """
import json, os, signal, sys
from pathlib import Path
from debias.backend import keras
from debias.config import Config
from debias.training import one_thread
from experiments.engine.experiment import Experiment, Setting
from experiments.engine.sweep import run_all

class Kill(keras.callbacks.Callback):
    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == 7 + 4:  # in the second epoch
            os.kill(os.getpid(), signal.SIGKILL)

one_thread()
data, folder, settings = sys.argv[1:]
base = Config(**json.loads(settings), callbacks=(Kill(),))
run_all(Experiment("test", "Test", (Setting("cnn", "cnn"),), (5,), base, data).runs(), Path(folder))
"""


def without_seconds(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns="seconds").dropna(axis=1)


@pytest.mark.slow
def test_killed_and_started_again_gives_the_same_row(undisturbed, job, dataset_path, tiny_config, cache):
    command = [sys.executable, "-c", KILLED_JOB, dataset_path, cache, json.dumps(tiny_config.settings())]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (killed.returncode, killed.stderr) == (-signal.SIGKILL, "")  # TensorFlow is quiet, too
    rows, [whole, _] = undisturbed
    folder, expected = StoredRun(job[0], cache).folder, without_seconds(rows[:1])
    assert len((folder / "log.csv").read_text().splitlines()) == 2  # the header and the first epoch
    first = (folder / "sampling" / "epoch-000.npy").stat().st_mtime_ns
    rows, failures = run_all(job[:1], cache)
    assert len(failures) == 0
    pd.testing.assert_frame_equal(without_seconds(rows), expected, check_exact=True)
    assert (folder / "log.csv").read_text() == (whole.folder / "log.csv").read_text()
    assert (folder / "sampling" / "epoch-000.npy").stat().st_mtime_ns == first  # the first epoch was not repeated


def test_finished_runs_are_kept_also_under_another_name(undisturbed, job, monkeypatch):
    monkeypatch.setattr(sweep, "evaluated", lambda *_: pytest.fail("done again"))
    before, [kept, _] = undisturbed
    rows, failures = run_all(job, kept.cache)
    assert len(failures) == 0
    pd.testing.assert_frame_equal(rows, before, check_exact=True)
    renamed = [dataclasses.replace(run, id=run.id.replace("test/", "other/")) for run in job]
    rows, _ = run_all(renamed, kept.cache)
    assert list(rows["id"]) == ["other/cnn/seed5", "other/max/seed5"]
    pd.testing.assert_frame_equal(rows.drop(columns="id"), before.drop(columns="id"), check_exact=True)


def test_diverged_run_is_a_failed_run(runs, dataset_path, tiny_config, cache):
    short = dataclasses.replace(tiny_config, learning_rate=3e38, epochs=1)
    rows, failures = run_all(runs(dataset_path, short, "cnn"), cache)
    assert len(rows) == 0 and failures["reason"][0].startswith("FloatingPointError: the loss is NaN or infinite")


# --- with methods that train nothing -------------------------------------------------------------------------------


@pytest.fixture
def made(instant, unmeasured, runs, dataset_path, tiny_config):
    """Makes runs of methods that train nothing."""
    return lambda *methods, **options: runs(dataset_path, tiny_config, *methods, **options)


def test_failed_run_is_recorded_and_the_others_go_on(made, cache, capsys):
    rows, failures = run_all(made("broken", "speechless", "constant"), cache)
    assert list(rows["id"]) == ["test/constant/seed5"]
    assert failures.to_dict("records") == [
        {"id": "test/broken/seed5", "reason": "RuntimeError: first line"},
        {"id": "test/speechless/seed5", "reason": "MemoryError"},
    ]
    shown = capsys.readouterr().out
    assert "FAILED test/broken/seed5: RuntimeError: first line" in shown and "[3/3] test/constant/seed5" in shown


def test_failed_run_is_tried_again(made, instant, cache, capsys):
    job = made("broken", "constant")
    run_all(job, cache)
    run_all(job, cache)
    assert len(instant) == 3  # the broken one twice
    assert "1 finished runs kept, 1 to do" in capsys.readouterr().out


def test_the_bar_moves_with_the_batches_of_a_run(made, cache, monkeypatch):
    config, shares = made("constant")[0].config, []

    def train(seen, config):
        [progress] = config.callbacks
        progress.set_params({"steps": 2})
        for epoch in range(config.epochs):
            progress.on_epoch_begin(epoch)
            for batch in range(2):
                progress.on_train_batch_end(batch)
        raise RuntimeError("that is all")

    monkeypatch.setattr(sys.modules[METHODS["constant"].module], "train", train)
    monkeypatch.setattr(sweep.RunProgress, "advance", lambda self, share: shares.append(share))
    _, failures = run_all(made("constant"), cache)
    assert failures["reason"][0] == "RuntimeError: that is all"
    assert shares == pytest.approx([n / (2 * config.epochs) for n in range(2 * config.epochs)])


def test_bad_input_stops_the_job(made, instant, cache):
    with pytest.raises(InputError, match="alpha"):
        run_all(made("misused", "constant"), cache)
    assert instant == []


def test_finished_runs_of_other_code_are_refused_kept_or_done_again(made, instant, cache, monkeypatch):
    job = made("constant")
    first, _ = run_all(job, cache)
    entry = METHODS["constant"]
    monkeypatch.setitem(METHODS, "constant", dataclasses.replace(entry, arguments={"changed": True}))
    path = StoredRun(job[0], cache).row_path
    before = path.read_text()
    with pytest.raises(InputError, match="1 of 1 runs were trained by other code") as caught:
        run_all(job, cache)
    assert "\n" not in str(caught.value) and "--stale redo" in str(caught.value) and path.read_text() == before
    assert first["commit"][0] in str(caught.value)
    kept, _ = run_all(job, cache, Options(stale="keep"))
    assert len(instant) == 1 and kept["training_digest"][0] == first["training_digest"][0]
    redone, _ = run_all(job, cache, Options(stale="redo"))
    assert len(instant) == 2 and redone["training_digest"][0] != first["training_digest"][0]
    again, _ = run_all(job, cache)  # is now of today's code
    assert len(instant) == 2 and again["training_digest"][0] == redone["training_digest"][0]


def test_other_code_of_evaluation_is_never_refused(made, instant, unmeasured, cache, monkeypatch):
    job = made("constant", seeds=(1, 2))
    run_all(job, cache)
    monkeypatch.setattr(store, "evaluation_digest", lambda run: "other test")
    rows, _ = run_all(job, cache)
    assert list(rows["evaluation_digest"]) == ["other test"] * 2
    assert (len(instant), len(unmeasured)) == (2, 4)  # no model is trained again


@pytest.mark.parametrize("stale", ["maybe", ""])
def test_unknown_answers_to_stale_runs_are_one_line(stale):
    with pytest.raises(InputError, match="refuse, keep, redo"):
        Options(stale=stale)


def test_another_worker_joins_in_what_the_first_trains_and_in_nothing_else(made, instant, cache, monkeypatch):
    joined = []
    monkeypatch.setattr(sweep, "assist", lambda stored: joined.append(stored.run.setting.name))
    job = made("constant", "speechless")
    run_all(job[:1], cache)
    assist_all(job, cache)
    assert joined == ["speechless"]
    assist_all(job, cache, Options(trains=False))
    rows, _ = run_all(job[:1], cache)
    published = rows.to_dict("records")
    assist_all(job[:1], cache / "elsewhere", Options(published=published))
    assert joined == ["speechless"]
    assist_all(job[:1], cache / "elsewhere")
    assert joined == ["speechless", "constant"]


@pytest.mark.slow
def test_published_rows_count_as_finished_only_where_nothing_differs(made, instant, tmp_path):
    job = made("constant")
    rows, _ = run_all(job, tmp_path / "theirs")
    [published] = rows.assign(commit="theirs").to_dict("records")
    kept, _ = run_all(job, tmp_path / "ours", Options(published=[published]))
    assert len(instant) == 1 and list(kept["commit"]) == ["theirs"]
    assert not (tmp_path / "ours" / "runs").exists()
    digests = [name for name in published if name.endswith("_digest")]
    config = json.dumps({**json.loads(published["config"]), "alpha": 0.02})
    others = {"config": config, **dict.fromkeys(digests, "x")}
    assert len(digests) == 4
    for column, other in others.items():
        fresh, _ = run_all(job, tmp_path / column, Options(published=[published | {column: other}]))
        assert list(fresh["commit"]) != ["theirs"], column
    older = {name: value for name, value in published.items() if name not in digests}  # before there were digests
    fresh, _ = run_all(job, tmp_path / "older", Options(published=[older]))
    assert list(fresh["commit"]) != ["theirs"]


@pytest.mark.slow
def test_a_published_row_of_another_experiment_counts_under_this_one_s_names(made, instant, tmp_path):
    job = made("constant")
    rows, _ = run_all(job, tmp_path / "theirs")
    [published] = rows.assign(id="other/theirs/seed5", setting="theirs", title="Theirs").to_dict("records")
    kept, _ = run_all(job, tmp_path / "ours", Options(published=[published]))
    assert len(instant) == 1
    pd.testing.assert_frame_equal(kept, rows)


def test_what_is_finished_is_looked_for_and_nothing_trained(made, instant, cache):
    first, both = made("constant"), made("constant", "speechless")
    rows, _ = run_all(first, cache)
    found, failures = run_all(both, cache, Options(trains=False))
    assert len(instant) == 1 and failures.empty
    pd.testing.assert_frame_equal(found, rows)


def test_a_trained_model_is_evaluated_where_nothing_may_be_trained(made, instant, cache):
    job = made("constant", "speechless")
    rows, _ = run_all(job[:1], cache)
    StoredRun(job[0], cache).row_path.unlink()
    found, failures = run_all(job, cache, Options(trains=False))
    assert len(instant) == 1 and failures.empty
    pd.testing.assert_frame_equal(without_seconds(found), without_seconds(rows))


def test_models_that_are_here_are_not_given_to_a_cluster_which_would_train_them(made, instant, cache, monkeypatch):
    job, given = made("constant", "speechless"), []
    run_all(job[:1], cache)
    StoredRun(job[0], cache).row_path.unlink()

    def elsewhere(todo, *_):
        given.extend(each.run.id for each in todo)
        return [(each.run.id, RuntimeError("no such node")) for each in todo]

    monkeypatch.setattr("experiments.engine.cluster.evaluated_in_parallel", elsewhere)
    rows, failures = run_all(job, cache, Options(address="10.0.0.1:6379"))
    assert list(rows["id"]) == [job[0].id] and list(failures["id"]) == given == [job[1].id]
    assert len(instant) == 1


def test_two_runs_of_one_id_are_refused(made, cache):
    with pytest.raises(InputError, match="1 ids occur twice, such as test/constant/seed5"):
        run_all(made("constant") * 2, cache)


def test_data_that_cannot_be_evaluated_are_refused_before_training(made, instant, splits, cache, monkeypatch):
    few = dataclasses.replace(splits, validation=splits.test)  # 48 negatives cannot resolve 1 %
    monkeypatch.setattr(store, "loaded", lambda data, cache: few)
    with pytest.raises(InputError, match="48 validation negatives.* at least 100"):
        run_all(made("constant"), cache)
    faceless = dataclasses.replace(splits, validation=splits.validation.negatives())
    monkeypatch.setattr(store, "loaded", lambda data, cache: faceless)
    with pytest.raises(InputError, match="no validation faces are left: keep more of them"):
        run_all(made("constant"), cache)
    assert instant == []


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "ValueError: one"),
        (ValueError("in user code:\n\n  deep down\n  the reason"), "ValueError: the reason"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_a_reason_is_one_line(error, line):
    assert reason(error) == line
