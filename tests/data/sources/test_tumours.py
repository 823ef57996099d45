"""The table of tumours against scikit-learn's own numbers."""

import numpy as np
import pytest
from scipy.stats import percentileofscore
from sklearn.datasets import load_breast_cancer

from debias.data.sources.tumours import tumours

RADIUS = 0  # of the 30 columns


@pytest.fixture(scope="module")
def splits():
    return tumours()


@pytest.fixture(scope="module")
def halves(splits):
    return splits.train, splits.validation, splits.test


def test_every_tumour_is_in_one_split_and_labels_are_those_of_scikit_learn(halves):
    assert np.array_equal(np.sort(np.concatenate([half.rows for half in halves])), np.arange(569))
    target = load_breast_cancer().target
    assert all(np.array_equal(half.labels, target[half.rows] == 0) for half in halves)


def test_small_are_the_malignant_half_of_lesser_radius(halves):
    table = load_breast_cancer()
    largest_small = np.sort(table.data[table.target == 0, RADIUS])[105]  # of 212
    for half in halves:
        radius = table.data[half.rows, RADIUS]
        assert half.group_names == ("small", "large")
        assert np.array_equal(half.groups == 0, (half.labels == 1) & (radius <= largest_small))
        assert np.array_equal(half.groups == -1, half.labels == 0)
        np.testing.assert_allclose(half.factors["mean radius"], radius, rtol=1e-6)


def test_splits_have_the_shares_of_every_kind_and_enough_negatives_for_one_percent(halves):
    counts = [np.bincount(half.groups + 1).tolist() for half in halves]  # benign, small, large
    assert counts == [[143, 42, 42], [107, 32, 32], [107, 32, 32]]


def test_values_are_percentiles_among_the_training_rows_in_their_place(splits):
    data, known = load_breast_cancer().data, splits.train.rows
    assert (splits.test.image_shape, splits.test.source.dtype) == ((2, 2, 8), np.uint8)
    values = splits.test.images().reshape(-1, 32)
    assert not values[:, 30:].any()
    for column in (RADIUS, 17, 29):
        expected = [percentileofscore(data[known, column], x, "weak") for x in data[splits.test.rows, column]]
        assert np.abs(values[:, column] - 2.55 * np.array(expected)).max() <= 0.5 + 1e-9


def test_a_draw_leaves_few_small_ones_in_training_and_the_test_whole(splits):
    drawn = splits.draw({"small": 4}, seed=3)
    assert np.bincount(drawn.train.positives().groups).tolist() == [4, 42]
    assert np.array_equal(drawn.test.rows, splits.test.rows)


def test_seed_decides_the_split(splits):
    assert np.array_equal(tumours(seed=0).train.rows, splits.train.rows)
    assert not np.array_equal(tumours(seed=1).test.rows, splits.test.rows)
