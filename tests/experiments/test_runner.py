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
from experiments import runner
from experiments.evaluate import evaluate, predict
from experiments.runner import Run, grid, load_model, run_all, run_file

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = (
    "id",
    "method",
    "seed",
    "mean_recall",
    "var_recall",
    "worst_recall",
    "mean_recall_fpr1",
    "var_recall_fpr1",
    "worst_recall_fpr1",
    "fpr",
    "ess",
    "seconds",
    "commit",
)
KILLED_JOB = """
import json, os, signal, sys
from pathlib import Path
from debias.backend import keras
from debias.config import Config
from debias.data.dataset import open_splits
from experiments.runner import grid, run_all

class Kill(keras.callbacks.Callback):
    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == 3 * 7 + 10:  # in the second epoch of the second run
            os.kill(os.getpid(), signal.SIGKILL)

data, folder, settings = sys.argv[1:]
config = Config(**json.loads(settings), callbacks=(Kill(),))
run_all(grid("test", ["cnn", "dbvae-max"], [5], config), open_splits(Path(data)), Path(folder))
"""


def without_seconds(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns="seconds")


@pytest.fixture(scope="module")
def job(tiny_config):
    """A CNN and a DB-VAE with one seed."""
    return grid("test", ["cnn", "dbvae-max"], [5], tiny_config)


@pytest.fixture(scope="module")
def undisturbed(job, splits, tmp_path_factory):
    """Folder and rows of the job, run in one go."""
    folder = tmp_path_factory.mktemp("undisturbed")
    rows, failures = run_all(job, splits, folder)
    assert len(failures) == 0
    return folder, rows


@pytest.fixture
def instant(monkeypatch, splits):
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
    assert list(rows["id"]) == ["test/cnn/seed5", "test/dbvae-max/seed5"]
    assert not rows.isna().any().any()
    assert {f"{kind} {side}" for kind in ("recall", "recall_fpr1", "mass") for side in ("left", "right")} <= set(rows)


def test_row_is_what_the_saved_model_scores(undisturbed, job, splits):
    folder, rows = undisturbed
    model = load_model(folder, job[0])
    test = splits.test
    probabilities = 1 / (1 + np.exp(-np.asarray(model(tf.constant(test.images() / 255, tf.float32)), np.float64)))
    np.testing.assert_allclose(predict(model, test), probabilities, rtol=1e-4)
    recalls = [100 * np.mean(probabilities[test.groups == group] >= 0.5) for group in (0, 1)]
    row = rows.iloc[0]
    assert [row["recall left"], row["recall right"]] == pytest.approx(recalls)
    assert row["mean_recall"] == pytest.approx(np.mean(recalls))
    assert row["fpr"] == pytest.approx(100 * np.mean(probabilities[test.labels == 0] >= 0.5))


def test_fixed_threshold_comes_from_validation_negatives(undisturbed, job, splits):
    folder, rows = undisturbed
    model, threshold = load_model(folder, job[0]), rows.iloc[0]["threshold_fpr1"]
    assert np.sum(predict(model, splits.validation.negatives()) >= threshold) == 1  # of 120
    recall = 100 * np.mean(predict(model, splits.test)[splits.test.groups == 1] >= threshold)
    assert rows.iloc[0]["recall_fpr1 right"] == pytest.approx(recall)


def test_killed_and_started_again_gives_the_same_rows(undisturbed, job, splits, dataset_path, tiny_config, tmp_path):
    command = [sys.executable, "-c", KILLED_JOB, dataset_path, tmp_path, json.dumps(tiny_config.settings())]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [run_file(tmp_path, run, "row.json").exists() for run in job] == [True, False]
    rows, failures = run_all(job, splits, tmp_path)
    assert len(failures) == 0
    pd.testing.assert_frame_equal(without_seconds(rows), without_seconds(undisturbed[1]), check_exact=True)


def test_finished_runs_are_kept(undisturbed, job, splits, monkeypatch):
    def never(seen, config):
        raise AssertionError("trained again")

    for name in ("cnn", "dbvae-max"):
        monkeypatch.setitem(METHODS, name, dataclasses.replace(METHODS[name], run=never))
    folder, before = undisturbed
    rows, failures = run_all(job, splits, folder)
    assert len(failures) == 0
    pd.testing.assert_frame_equal(rows, before, check_exact=True)


def test_failed_run_is_recorded_and_the_others_go_on(instant, splits, tiny_config, tmp_path):
    runs = grid("test", ["broken", "speechless", "constant"], [0], tiny_config)
    rows, failures = run_all(runs, splits, tmp_path)
    assert list(rows["id"]) == ["test/constant/seed0"]
    assert failures.to_dict("records") == [
        {"id": "test/broken/seed0", "reason": "RuntimeError: first line"},
        {"id": "test/speechless/seed0", "reason": "MemoryError"},
    ]


def test_failed_run_is_tried_again(instant, splits, tiny_config, tmp_path):
    runs = grid("test", ["broken", "constant"], [0], tiny_config)
    run_all(runs, splits, tmp_path)
    run_all(runs, splits, tmp_path)
    assert len(instant) == 3  # the broken one twice


def test_diverged_run_is_a_failed_run(splits, tiny_config, tmp_path):
    runs = grid("test", ["dbvae-max"], [0], dataclasses.replace(tiny_config, learning_rate=1e30))
    rows, failures = run_all(runs, splits, tmp_path)
    assert len(rows) == 0 and "diverged" in failures["reason"][0]


def test_logits_that_are_nan_are_no_scores(splits):
    image = keras.Input(splits.test.image_shape)
    nan = keras.Model(image, keras.layers.Rescaling(float("nan"))(keras.layers.Flatten()(image))[:, 0])
    with pytest.raises(FloatingPointError, match="diverged"):
        predict(nan, splits.test)


def test_bad_input_stops_the_job(instant, splits, tiny_config, tmp_path):
    with pytest.raises(InputError, match="alpha"):
        run_all(grid("test", ["misused", "constant"], [0], tiny_config), splits, tmp_path)
    assert instant == []


@pytest.mark.parametrize("changes", [{"alpha": 0.5}, {"epochs": 9}, {"learning_rate": 0.1}])
def test_other_settings_under_the_same_id_are_refused(instant, splits, tiny_config, tmp_path, changes):
    run_all(grid("test", ["constant"], [0], tiny_config), splits, tmp_path)
    before = (tmp_path / "test/constant/seed0/row.json").read_text()
    with pytest.raises(InputError, match="other settings") as caught:
        run_all(grid("test", ["constant"], [0], dataclasses.replace(tiny_config, **changes)), splits, tmp_path)
    assert str(tmp_path / "test/constant/seed0") in str(caught.value) and "\n" not in str(caught.value)
    assert (tmp_path / "test/constant/seed0/row.json").read_text() == before


def test_other_data_under_the_same_id_is_refused(instant, splits, tiny_config, tmp_path):
    runs = grid("test", ["constant"], [0], tiny_config)
    run_all(runs, splits, tmp_path)
    with pytest.raises(InputError, match="other settings"):
        run_all(runs, dataclasses.replace(splits, name="other"), tmp_path)


def test_grid_pairs_seeds_and_has_unique_readable_ids(tiny_config):
    runs = grid("table1", ["cnn", "vae"], [3, 4], tiny_config)
    assert [run.id for run in runs] == ["table1/cnn/seed3", "table1/vae/seed3", "table1/cnn/seed4", "table1/vae/seed4"]
    assert [run.config.seed for run in runs] == [3, 3, 4, 4]
    assert runs[0] == Run("table1/cnn/seed3", "cnn", dataclasses.replace(tiny_config, seed=3))


def test_no_seeds_is_refused(tiny_config):
    with pytest.raises(InputError, match="seeds"):
        grid("test", ["cnn"], [], tiny_config)


def test_without_groups_all_positives_are_one_group(undisturbed, job, splits):
    folder, rows = undisturbed
    plain = dataclasses.replace(
        splits, **{part: getattr(splits, part).without_groups() for part in ("train", "validation", "test")}
    )
    measured = evaluate(load_model(folder, job[0]), plain, folder / job[0].id)
    both = [rows.iloc[0]["recall left"], rows.iloc[0]["recall right"]]
    assert measured["recall faces"] == pytest.approx(np.mean(both))  # both groups have 24 test images
    assert (measured["var_recall"], measured["mass faces"]) == pytest.approx((0, 100))
