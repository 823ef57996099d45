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
from debias.evaluation import predict, rates
from experiments.engine.measures import of_training


def measure_on(test: Prepared, model: keras.Model, splits: Splits, folder: Path) -> dict[str, float]:
    """The columns of `measure` but those of validation, with recall on `test` by its groups: an image's best window.

    The threshold for 1 % is fixed on validation negatives; false positives, precision and AUROC are taken with the
    negatives of the training file's test split.
    """
    negatives = splits.test.negatives()
    scores = np.concatenate([_scores(model, test, splits), predict(model, negatives)])
    fixing = predict(model, splits.validation.negatives())
    return rates(_joined(test, negatives), scores, fixing) | of_training(splits.train, folder)


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
