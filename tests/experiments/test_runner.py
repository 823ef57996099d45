"""Runs that are skipped, resumed, refused and recorded, and rows that do not depend on interruptions."""

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from baselines import METHODS, Method
from debias.backend import keras, tf
from debias.errors import InputError
from experiments import provenance, runner
from experiments.evaluate import evaluate, predict
from experiments.experiment import Experiment, Setting
from experiments.runner import Options, run_all
from experiments.store import Store

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = (
    "id",
    "setting",
    "title",
    "method",
    "seed",
    "config",
    "mean_recall",
    "var_recall",
    "worst_recall",
    "mean_recall_fpr1",
    "var_recall_fpr1",
    "worst_recall_fpr1",
    "gap_t0.3",
    "gap_f5",
    "fpr",
    "ess",
    "seconds",
    "threads",
    "commit",
    "code",
    "fingerprint",
    "versions",
    "host",
)
KILLED_JOB = """
import json, os, signal, sys
from pathlib import Path
from debias.backend import keras
from debias.config import Config
from debias.training import one_thread
from experiments.experiment import Experiment, Setting
from experiments.runner import run_all
from experiments.store import Store

class Kill(keras.callbacks.Callback):
    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == 3 * 7 + 10:  # in the second epoch of the second run
            os.kill(os.getpid(), signal.SIGKILL)

one_thread()
data, folder, settings = sys.argv[1:]
base = Config(**json.loads(settings), callbacks=(Kill(),))
settings = (Setting("cnn", "cnn"), Setting("max", "dbvae-max"))
run_all(Experiment("test", "Test", settings, (5,), base, data).runs(), Store(Path(folder)))
"""


def runs(data, base, *methods, seeds=(5,)):
    settings = tuple(Setting({"dbvae-max": "max"}.get(name, name), name) for name in methods)
    return Experiment("test", "Test", settings, seeds, base, str(data)).runs()


def without_seconds(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns="seconds")


@pytest.fixture(scope="module")
def job(tiny_config, dataset_path):
    """A CNN and a DB-VAE with one seed."""
    return runs(dataset_path, tiny_config, "cnn", "dbvae-max")


@pytest.fixture(scope="module")
def undisturbed(job, tmp_path_factory):
    """Store and rows of the job, run in one go."""
    store = Store(tmp_path_factory.mktemp("undisturbed"))
    rows, failures = run_all(job, store)
    assert len(failures) == 0
    return store, rows


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def instant(monkeypatch):
    """Registers methods that train nothing; counts their calls."""
    calls = []

    def constant(seen, config):
        calls.append(config)
        image = keras.Input(seen.train.image_shape)
        return keras.Model(image, keras.layers.Flatten()(image))

    def broken(seen, config):
        calls.append(config)
        raise RuntimeError("first line\nsecond line")

    def speechless(seen, config):
        raise MemoryError

    def misused(seen, config):
        raise InputError("alpha must be > 0, got -1")

    for method in (constant, broken, speechless, misused):
        monkeypatch.setitem(METHODS, method.__name__, Method(method, "class", method.__name__))
    row = {"mean_recall": 1.0, "var_recall": 0.0, "ess": 2.0}
    monkeypatch.setattr(runner, "evaluate", lambda model, splits, folder: dict(row))
    return calls


def test_rows_have_the_columns_that_results_need(undisturbed):
    _, rows = undisturbed
    assert set(COLUMNS) <= set(rows.columns)
    assert list(rows["id"]) == ["test/cnn/seed5", "test/max/seed5"]
    assert rows.columns[rows.isna().any()].to_list() == ["reconstruction_loss", "kl_loss"]  # which the CNN has not
    assert {f"{kind} {side}" for kind in ("recall", "recall_fpr1", "mass") for side in ("left", "right")} <= set(rows)


def test_row_is_what_the_saved_model_scores(undisturbed, job, splits):
    store, rows = undisturbed
    model = store.model(job[0])
    test = splits.test
    probabilities = 1 / (1 + np.exp(-np.asarray(model(tf.constant(test.images() / 255, tf.float32)), np.float64)))
    np.testing.assert_allclose(predict(model, test), probabilities, rtol=1e-4)
    recalls = [100 * np.mean(probabilities[test.groups == group] >= 0.5) for group in (0, 1)]
    row = rows.iloc[0]
    assert [row["recall left"], row["recall right"]] == pytest.approx(recalls)
    assert row["mean_recall"] == pytest.approx(np.mean(recalls))
    assert row["fpr"] == pytest.approx(100 * np.mean(probabilities[test.labels == 0] >= 0.5))
    lower = [100 * np.mean(probabilities[test.groups == group] >= 0.3) for group in (0, 1)]
    assert row["gap_t0.3"] == pytest.approx(max(lower) - min(lower))


def test_fixed_threshold_comes_from_validation_negatives(undisturbed, job, splits):
    store, rows = undisturbed
    model, threshold = store.model(job[0]), rows.iloc[0]["threshold_fpr1"]
    negatives = predict(model, splits.validation.negatives())
    assert np.sum(negatives >= threshold) == 1  # of 120
    scores, groups = predict(model, splits.test), splits.test.groups
    assert rows.iloc[0]["recall_fpr1 right"] == pytest.approx(100 * np.mean(scores[groups == 1] >= threshold))
    at_5 = np.sort(negatives)[::-1][6]  # six of 120 are 5 %: the seventh highest is the first that must not pass
    recalls = [100 * np.mean(scores[groups == group] > at_5) for group in (0, 1)]
    assert rows.iloc[0]["worst_recall_f5"] == pytest.approx(min(recalls))


def test_killed_and_started_again_gives_the_same_rows(undisturbed, job, dataset_path, tiny_config, store):
    command = [sys.executable, "-c", KILLED_JOB, dataset_path, store.cache, json.dumps(tiny_config.settings())]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [store.row(run) is not None for run in job] == [True, False]
    rows, failures = run_all(job, store)
    assert len(failures) == 0
    pd.testing.assert_frame_equal(without_seconds(rows), without_seconds(undisturbed[1]), check_exact=True)


def test_finished_runs_are_kept_also_under_another_name(undisturbed, job, monkeypatch):
    monkeypatch.setattr(runner, "_train", lambda *_: pytest.fail("trained again"))
    store, before = undisturbed
    rows, failures = run_all(job, store)
    assert len(failures) == 0
    pd.testing.assert_frame_equal(rows, before, check_exact=True)
    renamed = [dataclasses.replace(run, id=run.id.replace("test/", "other/")) for run in job]
    rows, _ = run_all(renamed, store)
    assert list(rows["id"]) == ["other/cnn/seed5", "other/max/seed5"]
    pd.testing.assert_frame_equal(rows.drop(columns="id"), before.drop(columns="id"), check_exact=True)


def test_failed_run_is_recorded_and_the_others_go_on(instant, dataset_path, tiny_config, store):
    rows, failures = run_all(runs(dataset_path, tiny_config, "broken", "speechless", "constant"), store)
    assert list(rows["id"]) == ["test/constant/seed5"]
    assert failures.to_dict("records") == [
        {"id": "test/broken/seed5", "reason": "RuntimeError: first line"},
        {"id": "test/speechless/seed5", "reason": "MemoryError"},
    ]


def test_failed_run_is_tried_again(instant, dataset_path, tiny_config, store):
    job = runs(dataset_path, tiny_config, "broken", "constant")
    run_all(job, store)
    run_all(job, store)
    assert len(instant) == 3  # the broken one twice


def test_diverged_run_is_a_failed_run(dataset_path, tiny_config, store):
    job = runs(dataset_path, dataclasses.replace(tiny_config, learning_rate=1e30), "dbvae-max")
    rows, failures = run_all(job, store)
    assert len(rows) == 0 and "diverged" in failures["reason"][0]


def test_logits_that_are_nan_are_no_scores(splits):
    image = keras.Input(splits.test.image_shape)
    nan = keras.Model(image, keras.layers.Rescaling(float("nan"))(keras.layers.Flatten()(image))[:, 0])
    with pytest.raises(FloatingPointError, match="diverged"):
        predict(nan, splits.test)


def test_bad_input_stops_the_job(instant, dataset_path, tiny_config, store):
    with pytest.raises(InputError, match="alpha"):
        run_all(runs(dataset_path, tiny_config, "misused", "constant"), store)
    assert instant == []


@pytest.mark.parametrize("changes", [{"alpha": 0.5}, {"epochs": 9}, {"learning_rate": 0.1}, {"seed": 6}])
def test_other_settings_are_other_runs(instant, dataset_path, tiny_config, store, changes):
    first = runs(dataset_path, tiny_config, "constant")
    run_all(first, store)
    seeds = (changes.pop("seed", 5),)
    other = runs(dataset_path, dataclasses.replace(tiny_config, **changes), "constant", seeds=seeds)
    assert store.row(other[0]) is None and store.folder(other[0]) != store.folder(first[0])
    run_all(other, store)
    assert len(instant) == 2


def test_finished_runs_of_other_code_are_refused_kept_or_done_again(
    instant, dataset_path, tiny_config, store, monkeypatch
):
    job = runs(dataset_path, tiny_config, "constant")
    run_all(job, store)
    monkeypatch.setattr(runner, "code", lambda method: "changed!")
    before = (store.folder(job[0]) / "row.json").read_text()
    with pytest.raises(InputError, match="1 of 1 runs were finished by other code") as caught:
        run_all(job, store)
    assert "\n" not in str(caught.value) and (store.folder(job[0]) / "row.json").read_text() == before
    kept, _ = run_all(job, store, Options(stale="keep"))
    assert len(instant) == 1 and kept["code"][0] != "changed!"
    redone, _ = run_all(job, store, Options(stale="redo"))
    assert len(instant) == 2 and redone["code"][0] == "changed!"
    assert any(path.read_text() == before for path in store.folder(job[0]).glob("row-*.json"))  # nothing is lost


def test_half_a_run_of_other_code_is_not_resumed(job, undisturbed, store, monkeypatch):
    folder = store.folder(job[0])
    monkeypatch.setattr(runner, "code", lambda method: "other")
    half = dataclasses.replace(job[0], config=dataclasses.replace(job[0].config, callbacks=(_StopAfter(1),)))
    _, failures = run_all([half], store)
    assert len(failures) == 1 and (folder / "checkpoint").exists()
    monkeypatch.undo()
    rows, _ = run_all([job[0]], store)
    pd.testing.assert_frame_equal(
        without_seconds(rows).dropna(axis=1), without_seconds(undisturbed[1])[:1].dropna(axis=1), check_exact=True
    )


class _StopAfter(keras.callbacks.Callback):
    """Breaks training off at the start of an epoch."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epochs:
            raise RuntimeError("broken off")


def test_published_rows_count_as_finished_only_where_nothing_differs(instant, dataset_path, tiny_config, tmp_path):
    job = runs(dataset_path, tiny_config, "constant")
    rows, _ = run_all(job, Store(tmp_path / "theirs"))
    published = rows.assign(commit="theirs").to_dict("records")
    kept, _ = run_all(job, Store(tmp_path / "ours"), Options(published=published))
    assert len(instant) == 1 and list(kept["commit"]) == ["theirs"]
    for column, other in (("code", "x"), ("fingerprint", "x"), ("config", "{}"), ("id", "test/other/seed5")):
        fresh, _ = run_all(job, Store(tmp_path / column), Options(published=[published[0] | {column: other}]))
        assert list(fresh["commit"]) != ["theirs"]


def test_two_runs_of_one_id_are_refused(instant, dataset_path, tiny_config, store):
    with pytest.raises(InputError, match="test/constant/seed5"):
        run_all(runs(dataset_path, tiny_config, "constant") * 2, store)


def test_a_damaged_row_is_one_line(instant, dataset_path, tiny_config, store):
    job = runs(dataset_path, tiny_config, "constant")
    run_all(job, store)
    path = store.folder(job[0]) / "row.json"
    path.write_text(path.read_text()[:50])
    with pytest.raises(InputError, match="damaged") as caught:
        run_all(job, store)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_shards_together_are_the_whole(instant, dataset_path, tiny_config, store):
    job = runs(dataset_path, tiny_config, "constant", seeds=range(5))
    first, _ = run_all(job, store, Options(shard="1/2"))
    assert len(first) == 3
    both, _ = run_all(job, store, Options(shard="2/2"))
    assert list(both["id"]) == [run.id for run in job] and len(instant) == 5


def test_code_digits_ignore_comments_and_other_methods(tmp_path, monkeypatch):
    provenance.code.cache_clear()
    before = {name: provenance.code(name) for name in METHODS}
    assert before["dbvae-max"] == before["dbvae-product"] != before["cnn"]
    file = tmp_path / "cnn.py"
    source = Path(sys.modules["baselines.cnn"].__file__).read_text()
    monkeypatch.setattr(sys.modules["baselines.cnn"], "__file__", str(file))
    found = []
    for text in (source.replace('"""', '"""Another docstring. ', 1) + "# a comment\n", source + "x = 1\n"):
        file.write_text(text)
        provenance.code.cache_clear()
        found.append({name: provenance.code(name) for name in METHODS})
    provenance.code.cache_clear()
    assert found[0] == before
    assert {name for name in METHODS if found[1][name] != before[name]} == {"cnn", "oracle"}  # the oracle builds on it


def test_without_groups_all_positives_are_one_group(undisturbed, job, splits):
    store, rows = undisturbed
    plain = dataclasses.replace(
        splits, **{part: getattr(splits, part).without_groups() for part in ("train", "validation", "test")}
    )
    measured = evaluate(store.model(job[0]), plain, store.folder(job[0]))
    both = [rows.iloc[0]["recall left"], rows.iloc[0]["recall right"]]
    assert measured["recall faces"] == pytest.approx(np.mean(both))  # both groups have 24 test images
    assert (measured["var_recall"], measured["mass faces"]) == pytest.approx((0, 100))
