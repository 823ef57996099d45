"""A trained model -> the numbers of its row, tested on another file than it was trained on: by windows, or crops.

The paper trains on CelebA and ImageNet and tests on PPB, whose images all hold a face. Recall by group is that of the
other file; false positives are those among the training file's own held-out negatives, each of which is one window. So
a false-positive rate of 1 % is one of windows: an image that a hundred windows slide over has a hundred chances.
"""

from pathlib import Path

import numpy as np

from debias.backend import keras
from debias.data.dataset import NO_GROUP, Dataset, Splits
from debias.data.prepared import Prepared
from debias.detection import image_scores
from debias.errors import InputError
from debias.evaluation import predict
from experiments.engine.measures import columns


def measure_on(test: Prepared, model: keras.Model, splits: Splits, folder: Path) -> dict[str, float]:
    """The columns of `measure`, with recall on `test` by its groups, in which an image counts by its best window.

    The threshold for 1 % is fixed on validation negatives; false positives, precision and AUROC are taken with the
    negatives of the training file's test split.
    """
    negatives = splits.test.negatives()
    scores = np.concatenate([_scores(model, test, splits), predict(model, negatives)])
    return columns(model, splits, folder, _joined(test, negatives), scores)


def check_test(test: Prepared, splits: Splits) -> None:
    """Raise InputError where `measure_on` could not work, before hours of training rather than after."""
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
    if test.group_names and np.any(test.groups == NO_GROUP):
        raise InputError(f"{test.path}: images without a group: prepare it again")


def _scores(model: keras.Model, test: Prepared, splits: Splits) -> np.ndarray:
    """(N,) of each face."""
    if test.is_whole:
        return image_scores(model, test.images, side=splits.train.image_shape[0])
    return predict(model, test.dataset())


def _joined(test: Prepared, negatives: Dataset) -> Dataset:
    """Labels and groups of the faces, then of the negatives; images are of no more use."""
    nobody = np.full(len(negatives), NO_GROUP, np.int8)
    return Dataset(
        source=negatives.source,
        rows=np.zeros(len(test) + len(negatives), np.int64),
        labels=np.concatenate([test.labels, negatives.labels]),
        groups=np.concatenate([test.groups, nobody]) if test.group_names else None,
        group_names=test.group_names,
    )
