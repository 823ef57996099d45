"""Handwritten digits against scikit-learn's own arrays."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from debias.data.sources.digits import digits
from debias.errors import InputError


@pytest.fixture(scope="module")
def splits():
    return digits()


def test_every_image_is_in_one_split_except_the_thinned_digit(splits):
    used = np.concatenate([split.rows for split in (splits.train, splits.validation, splits.test)])
    missing = np.setdiff1d(np.arange(1797), used)
    assert len(np.unique(used)) == len(used)
    assert 70 < len(missing) < 100
    assert set(load_digits().target[missing]) == {2}


def test_images_and_labels_are_those_of_scikit_learn(splits):
    original = load_digits()
    for split in (splits.train, splits.validation, splits.test):
        images = split.images()
        assert (images.shape[1:], images.dtype) == ((8, 8, 1), np.uint8)
        assert np.array_equal(np.rint(images[..., 0] / 255 * 16), original.images[split.rows])
        assert np.array_equal(split.labels, original.target[split.rows] % 2 == 0)


def test_groups_are_the_even_digits(splits):
    target = load_digits().target[splits.test.rows]
    names = np.array([*splits.test.group_names, "none"])[splits.test.groups]
    assert all(name == (str(digit) if digit % 2 == 0 else "none") for name, digit in zip(names, target, strict=True))


def test_only_the_training_split_is_thinned(splits):
    counts = {name: np.bincount(getattr(splits, name).factors["digit"]) for name in ("train", "validation", "test")}
    assert counts["train"][2] == 6
    assert np.delete(counts["train"], 2).min() >= 85
    assert counts["validation"].min() >= 34
    assert counts["test"].min() >= 52


def test_imbalance_does_not_touch_the_other_splits(splits):
    other = digits(rare_digit=8, rare_count=3)
    assert np.array_equal(other.test.rows, splits.test.rows)
    assert np.array_equal(other.validation.rows, splits.validation.rows)
    assert np.bincount(other.train.factors["digit"])[8] == 3


def test_seed_decides_the_split(splits):
    assert np.array_equal(digits(seed=0).train.rows, splits.train.rows)
    assert not np.array_equal(digits(seed=1).test.rows, splits.test.rows)


@pytest.mark.parametrize("options", [{"rare_digit": 3}, {"rare_digit": 10}, {"rare_count": 0}, {"rare_count": 500}])
def test_bad_options_are_one_line(options):
    with pytest.raises(InputError, match=next(iter(options))) as error:
        digits(**options)
    assert "\n" not in str(error.value)
