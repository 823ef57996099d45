"""The numbers of a row against the model's own scores."""

import dataclasses

import numpy as np
import pytest

from debias.backend import tf
from debias.evaluation import predict
from experiments.engine.measures import measure, of_validation

COLUMNS = {
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
    "versions",
    "host",
    "data",
    "data_digest",
    "test_digest",
    "training_digest",
    "evaluation_digest",
}


@pytest.fixture(scope="module")
def cnn(undisturbed):
    """The CNN's model, folder and row."""
    rows, [cnn, _] = undisturbed
    return cnn.model(), cnn.folder, rows.iloc[0]


@pytest.fixture(scope="module")
def scores(cnn, splits):
    """The CNN's scores of the test split, without Keras's loop over batches."""
    logits = np.asarray(cnn[0](tf.constant(splits.test.images() / 255, tf.float32)), np.float64)
    return 1 / (1 + np.exp(-logits))


def recalls(scores, threshold, test):
    return [100 * np.mean(scores[test.groups == group] >= threshold) for group in (0, 1)]


def test_rows_have_the_columns_that_results_need(undisturbed):
    rows, _ = undisturbed
    assert set(rows.columns) >= COLUMNS
    assert list(rows["id"]) == ["test/cnn/seed5", "test/max/seed5"]
    assert rows.columns[rows.isna().any()].to_list() == ["reconstruction_loss", "kl_loss"]  # which the CNN has not
    assert {f"{kind} {side}" for kind in ("recall", "recall_fpr1", "mass") for side in ("left", "right")} <= set(rows)


def test_row_is_what_the_saved_model_scores(cnn, scores, splits):
    model, _, row = cnn
    np.testing.assert_allclose(predict(model, splits.test), scores, rtol=1e-4)
    at_half = recalls(scores, 0.5, splits.test)
    assert [row["recall left"], row["recall right"]] == pytest.approx(at_half)
    assert row["mean_recall"] == pytest.approx(np.mean(at_half))
    assert row["fpr"] == pytest.approx(100 * np.mean(scores[splits.test.labels == 0] >= 0.5))
    lower = recalls(scores, 0.3, splits.test)
    assert row["gap_t0.3"] == pytest.approx(max(lower) - min(lower))


def test_fixed_threshold_comes_from_validation_negatives(cnn, scores, splits):
    model, _, row = cnn
    negatives = predict(model, splits.validation.negatives())
    assert np.sum(negatives >= row["threshold_fpr1"]) == 1  # of 120
    assert row["recall_fpr1 right"] == pytest.approx(recalls(scores, row["threshold_fpr1"], splits.test)[1])
    at_5 = np.sort(negatives)[::-1][6]  # six of 120 are 5 %: the seventh highest is the first that must not pass
    assert row["worst_recall_f5"] == pytest.approx(min(recalls(scores, np.nextafter(at_5, 1), splits.test)))


def test_what_hyper_parameters_are_chosen_by_comes_from_validation_alone(cnn, splits):
    model, _, row = cnn
    faces, others = predict(model, splits.validation.positives()), predict(model, splits.validation.negatives())
    found = [faces[splits.validation.positives().groups == group] >= row["threshold_fpr1"] for group in (0, 1)]
    assert row["validation_worst_recall_fpr1"] == pytest.approx(100 * min(map(np.mean, found)))
    assert row["validation_loss"] == pytest.approx((-np.log(faces).mean() - np.log(1 - others).mean()) / 2)


def test_a_group_without_validation_faces_has_no_worst_recall(splits):
    kept = splits.validation.take(splits.validation.groups != 1)
    measured = of_validation(kept, np.full(8, 0.9), np.linspace(0, 1, 200))
    assert np.isnan(measured["validation_worst_recall_fpr1"]) and np.isfinite(measured["validation_loss"])
    ungrouped = of_validation(kept.without_groups(), np.array([0.0, 1.0] * 4), np.linspace(0, 1, 200))
    assert ungrouped["validation_worst_recall_fpr1"] == 50


def test_sampling_and_losses_are_the_last_epoch_s(undisturbed, splits):
    rows, kept = undisturbed
    groups = splits.train.positives().groups
    for each, (_, row) in zip(kept, rows.iterrows(), strict=True):
        p = each.sampling()[-1]
        assert row["mass right"] == pytest.approx(100 * p[groups == 1].sum())
        assert row["ess"] == pytest.approx(1 / np.sum(p**2))
        last = (each.folder / "log.csv").read_text().splitlines()
        losses = dict(zip(last[0].split(","), last[-1].split(","), strict=True))
        assert row["train_loss"] == float(losses.get("classification_loss", losses["loss"]))


def test_without_groups_all_positives_are_one_group(cnn, splits):
    model, folder, row = cnn
    parts = {part: getattr(splits, part).without_groups() for part in ("train", "validation", "test")}
    measured = measure(model, dataclasses.replace(splits, **parts), folder)
    both = [row["recall left"], row["recall right"]]
    assert measured["recall faces"] == pytest.approx(np.mean(both))  # both groups have 24 test images
    assert measured["mass faces"] == pytest.approx(100)
    assert np.isnan(measured["var_recall"])  # a single group has no variance: 0 would read as perfectly fair
