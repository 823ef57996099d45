"""What data must have so that runs on it can be evaluated: said before hours of training rather than after."""

import numpy as np

from debias.data.dataset import Dataset, Splits
from debias.data.prepared import Prepared
from debias.errors import InputError
from debias.metrics import FPR


def check_splits(splits: Splits) -> None:
    """Raise InputError where a run on them could not be trained or evaluated."""
    splits.visible_to("class")  # refuses what has nothing to train on
    _check_negatives(splits.name, "validation", splits.validation)
    if not splits.validation.labels.any():
        raise InputError(f"{splits.name}: no validation faces are left: keep more of them")


def check_further_test(name: str, test: Splits, splits: Splits) -> None:
    """Raise InputError where models trained on `splits` could not be measured on the test split of `test` as well.

    Args:
        name: of the test, for messages.
    """
    if test.test.image_shape != splits.train.image_shape:
        raise InputError(
            f"test {name}: images are {test.test.image_shape}, those of {splits.name} {splits.train.image_shape}: "
            "make both with the same --size"
        )
    if test.test.groups is None:
        raise InputError(f"test {name}: its faces have no groups, by which recall is told: give each one")
    for half, part in (("validation", test.validation), ("test", test.test)):
        _check_negatives(f"test {name}", half, part)


def check_test(test: Prepared, splits: Splits) -> None:
    """Raise InputError where models could not be tested on `test`."""
    if not np.all(test.labels == 1):
        raise InputError(f"{test.path}: holds images without a face: --test takes faces, by group")
    if len(set(splits.train.image_shape[:2])) > 1 or splits.train.image_shape[2] != 3:
        raise InputError(
            f"{splits.name}: images are {splits.train.image_shape}: windows are square and have 3 channels"
        )
    if not test.is_whole and test.images.shape[1:] != splits.train.image_shape:
        raise InputError(
            f"{test.path}: images are {test.images.shape[1:]}, those of {splits.name} {splits.train.image_shape}: "
            "prepare both with the same --size"
        )
    if empty := [name for index, name in enumerate(test.group_names) if not np.any(test.groups == index)]:
        raise InputError(f"{test.path}: no images of group {', '.join(empty)}: prepare it again")


def _check_negatives(name: str, half: str, part: Dataset) -> None:
    negatives, needed = len(part.negatives()), round(1 / FPR)
    if negatives < needed:
        raise InputError(
            f"{name}: {negatives} {half} negatives, a false-positive rate of {FPR:.0%} needs "
            f"at least {needed}: give it more"
        )
