"""Tests beside a run's own: measured with the same model, kept apart, and refused before any training."""

import dataclasses
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from debias.data.dataset import NO_GROUP, create, open_splits
from debias.data.names import EMBEDDED, label
from debias.errors import InputError
from experiments.engine import evaluation
from experiments.engine.evaluation import evaluated, finished
from experiments.engine.experiment import Experiment, Setting
from experiments.engine.sweep import run_all
from experiments.report import tables

GROUPS = ("up", "down", "aside")


def write(path, splits, names=GROUPS, validation=150, tested=110, shape=(8, 8, 1)):
    """A data set for tests alone: faces and negatives of `splits`, turned; validation holds negatives alone."""
    rng = np.random.default_rng(0)
    faces, others = splits.train.positives().images(), splits.train.negatives().images()
    faces = faces[rng.integers(0, len(faces), 30)].swapaxes(1, 2)
    images = np.concatenate([others[rng.integers(0, len(others), validation + tested)].swapaxes(1, 2), faces])
    groups = np.r_[np.full(validation + tested, NO_GROUP), np.arange(30) % len(names) if names else [NO_GROUP] * 30]
    labels, split = np.repeat([0, 1], [validation + tested, 30]), np.repeat([1, 2], [validation, tested + 30])
    with create(path, len(labels), shape, {}, names, {"maker": "tests"}) as writer:
        writer.write(0, np.resize(images, (len(labels), *shape)), labels, split, groups, {})
    return str(path)


@pytest.fixture(scope="module")
def camera(splits, tmp_path_factory):
    """The path of such a data set."""
    return write(tmp_path_factory.mktemp("tests") / "camera.h5", splits)


@pytest.fixture
def run(instant, runs, dataset_path, tiny_config):
    """A run that trains nothing."""
    return runs(dataset_path, tiny_config, "constant")[0]


def test_a_data_set_for_tests_alone_is_read(camera):
    splits = open_splits(camera)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [0, 150, 140]
    assert splits.test.group_names == GROUPS and set(splits.validation.labels) == {0}
    assert splits.rare_groups() == () and len({splits.training_digest(), splits.test_digest()}) == 2


def test_its_test_split_must_still_hold_both_classes(camera, tmp_path):
    path = tmp_path / "a.h5"
    shutil.copy(camera, path)
    with h5py.File(path, "r+") as file:
        file["split"][150:260] = 1
    with pytest.raises(InputError, match="test split: all labels are 1"):
        open_splits(path)


def test_nothing_can_be_trained_on_it(instant, runs, camera, tiny_config, cache):
    with pytest.raises(InputError, match="camera has no training images, only a test: train on another") as caught:
        run_all(runs(camera, tiny_config, "constant"), cache)
    assert "\n" not in str(caught.value) and instant == []


def test_the_kept_model_is_measured_on_them_by_their_own_negatives(undisturbed, job, camera, monkeypatch):
    own, [kept, _] = undisturbed
    monkeypatch.setattr(evaluation, "train", lambda *_: pytest.fail("trained again"))
    rows, failures = run_all([dataclasses.replace(job[0], tests=(camera,))], kept.cache)
    assert len(failures) == 0
    row, splits = rows.iloc[0], open_splits(camera)
    same = [name for name in own if not name.endswith(("_digest", "seconds")) and "@" not in name]
    pd.testing.assert_series_equal(row[same], own.iloc[0][same], check_exact=True)

    def scores(part):
        return expit(kept.model().predict(part.images() / np.float32(255), verbose=0).astype(np.float64)).ravel()

    faces, groups = scores(splits.test.positives()), splits.test.positives().groups
    second = np.sort(scores(splits.validation))[-2]  # one of 150 may pass: 1 %
    recalls = {name: 100 * np.mean(faces[groups == index] > second) for index, name in enumerate(GROUPS)}
    found = {name: row[f"recall_fpr1 {name}@camera"] for name in GROUPS}
    assert found == pytest.approx(recalls)
    assert row["mean_recall_fpr1@camera"] == pytest.approx(np.mean(list(recalls.values())))
    assert row["var_recall_fpr1@camera"] == pytest.approx(np.var(list(recalls.values()), ddof=1))
    assert row["fpr_fpr1@camera"] == pytest.approx(100 * np.mean(scores(splits.test.negatives()) > second))
    assert row["mean_recall@camera"] == pytest.approx(
        np.mean([100 * np.mean(faces[groups == g] >= 0.5) for g in (0, 1, 2)])
    )
    pairs = faces[:, None] - scores(splits.test.negatives())[None]
    assert row["auroc@camera"] == pytest.approx(np.mean((pairs > 0) + (pairs == 0) / 2))
    assert not [name for name in row.index if name.endswith("_f5@camera")]  # only the two thresholds
    assert tables.groups_of(rows) == ["left", "right"] and tables.further_tests(rows) == ["camera"]


@pytest.fixture
def measured(unmeasured, monkeypatch):
    """Further tests are not asked for predictions either: their columns tell how many images they hold."""
    from experiments.engine import measures

    def measure(model, tests):
        return {f"images@{name}": len(splits.test) for name, splits in tests.items()}

    monkeypatch.setattr(measures, "measure_further", measure)
    return unmeasured


def test_other_tests_train_nothing_and_keep_rows_apart(instant, measured, run, stored, splits, tmp_path):
    names = [write(tmp_path / f"{name}.h5", splits, tested=tested) for name, tested in (("a", 110), ("b", 120))]
    choices = [(), (names[0],), (names[1],), tuple(names)]
    runs = [dataclasses.replace(run, tests=tests) for tests in choices]
    rows = [evaluated(stored(each)) for each in runs]
    assert len(instant) == 1 and len(measured) == 4
    assert [(row.get("images@a"), row.get("images@b")) for row in rows] == [
        (None, None),
        (140, None),
        (None, 150),
        (140, 150),
    ]
    assert [finished(stored(each)) for each in runs] == [pytest.approx(row, nan_ok=True) for row in rows]
    assert len({row["test_digest"] for row in rows}) == 4 and len({row["training_digest"] for row in rows}) == 1


def test_a_changed_further_test_evaluates_again(instant, measured, run, stored, splits, tmp_path):
    path = tmp_path / "a.h5"
    tested = dataclasses.replace(run, tests=(write(path, splits),))
    evaluated(stored(tested))
    moved = dataclasses.replace(run, tests=(write(tmp_path / "new" / "a.h5", splits, tested=111),))
    assert finished(stored(tested)) and finished(stored(moved)) is None
    assert evaluated(stored(moved))["images@a"] == 141
    assert (len(instant), len(measured)) == (1, 2)
    assert finished(stored(tested)) is None  # the row is of the other file now


BAD = {
    "another size": ({"shape": (9, 8, 1)}, "test bad: images are \\(9, 8, 1\\), those of squares \\(8, 8, 1\\)"),
    "no groups": ({"names": ()}, "test bad: its faces have no groups"),
    "no validation negatives": ({"validation": 0}, "test bad: 0 validation negatives"),
    "few validation negatives": ({"validation": 99}, "test bad: 99 validation negatives.* at least 100"),
    "few test negatives": ({"tested": 99}, "test bad: 99 test negatives.* at least 100"),
}


@pytest.mark.parametrize(("changes", "shown"), BAD.values(), ids=BAD)
def test_what_cannot_be_tested_on_is_one_line_before_any_training(
    instant, run, splits, cache, tmp_path, changes, shown
):
    bad = dataclasses.replace(run, tests=(write(tmp_path / "bad.h5", splits, **changes),))
    with pytest.raises(InputError, match=shown) as caught:
        run_all([bad], cache)
    assert "\n" not in str(caught.value) and instant == []


def test_a_test_that_is_not_there_is_one_line(instant, run, cache):
    with pytest.raises(InputError, match=r"nowhere\.h5: no such file"):
        run_all([dataclasses.replace(run, tests=("nowhere.h5",))], cache)
    assert instant == []


def test_labels_are_short_and_the_same_at_toy_size(monkeypatch):
    monkeypatch.setitem(EMBEDDED, "parliament-camera", "camera")
    monkeypatch.setitem(EMBEDDED, "parliament-camera-smoke", "camera-smoke")
    names = (
        "parliament-camera",
        "parliament-camera-smoke",
        "parliament-other",
        "some/utkface.h5",
        "parliament-mine.h5",
    )
    assert [label(name) for name in names] == ["camera", "camera", "other", "utkface", "parliament-mine"]


def test_an_experiment_passes_its_tests_on(tiny_config):
    tests = ("parliament-camera", "photographs.h5")
    whole = Experiment("x", "X", (Setting("cnn", "cnn"),), (0,), tiny_config, "parliament", tests=tests)
    assert {run.tests for run in whole.runs()} == {tests}
    assert whole.at_smoke_size().runs()[0].tests == ("parliament-camera-smoke", "photographs.h5")
    assert whole.on_other_data("own.h5", "own", (), ()).runs()[0].tests == ()


def test_two_tests_of_one_label_are_refused(tiny_config):
    with pytest.raises(InputError, match="two tests are called a: rename"):
        Experiment("x", "X", (Setting("cnn", "cnn"),), (0,), tiny_config, "digits", tests=("one/a.h5", "two/a.h5"))
