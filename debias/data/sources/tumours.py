"""Measurements of tumours that come with scikit-learn: the same job on a table, where nothing is an image.

Malignant tumours are the class to detect. Small ones are a subgroup that the columns show and no label tells.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from debias.data.dataset import NO_GROUP, Dataset, Splits

SIZES = ("small", "large")
SHAPE = (2, 2, 8)  # of a row: 30 columns and two zeros


def tumours(seed: int = 0) -> Splits:
    """569 tumours, malignant (1) against benign (0), 40 / 30 / 30 % train / validation / test by kind.

    Groups index ("small", "large"): malignant tumours whose mean radius is below the median of all malignant ones, and
    the others; benign ones have -1. None is thinned out: draw for an imbalance (`Splits.draw`). A fifth in validation
    would hold fewer than the hundred negatives that a false-positive rate of 1 % takes.

    Each row stands as an "image" (2, 2, 8) uint8. The shape means nothing; with it the preset 'table' has a dense
    decoder (see `debias.trunks.dense`), and a thumbnail keeps every column. A value is the share of the training rows
    that have no more of its column, from 0 to 255. Do not mirror these images: that swaps columns.

    Args:
        seed: of the split.
    """
    table = load_breast_cancer()
    malignant, radius = table.target == 0, table.data[:, list(table.feature_names).index("mean radius")]
    groups = np.where(malignant, radius >= np.median(radius[malignant]), NO_GROUP).astype(np.int8)
    parts = _stratified(groups, seed)
    images = _laid_out(_ranked(table.data, parts[0]))
    return Splits("tumours", *(_dataset(images, groups, radius, rows) for rows in parts))


def _stratified(kinds: np.ndarray, seed: int) -> Sequence[np.ndarray]:
    """Rows of train, validation and test, with the same share of every kind."""
    rest, test = train_test_split(np.arange(len(kinds)), test_size=0.3, stratify=kinds, random_state=seed)
    train, validation = train_test_split(rest, test_size=3 / 7, stratify=kinds[rest], random_state=seed)
    return tuple(np.sort(rows) for rows in (train, validation, test))


def _ranked(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Each of `values` (N, F) as the share of `rows` with no more of its column: (N, F) uint8 in 0..255."""
    columns = ((np.sort(column[rows]), column) for column in values.T)
    ranks = [np.searchsorted(known, column, side="right") for known, column in columns]
    return np.rint(np.stack(ranks, axis=1) * (255 / len(rows))).astype(np.uint8)


def _laid_out(values: np.ndarray) -> np.ndarray:
    """(N, F) uint8 -> (N, *SHAPE), zeros behind."""
    return np.pad(values, [(0, 0), (0, np.prod(SHAPE) - values.shape[1])]).reshape(-1, *SHAPE)


def _dataset(images: np.ndarray, groups: np.ndarray, radius: np.ndarray, rows: np.ndarray) -> Dataset:
    return Dataset(
        source=images,
        rows=rows,
        labels=(groups[rows] != NO_GROUP).astype(np.uint8),
        groups=groups[rows],
        group_names=SIZES,
        factors={"mean radius": radius[rows].astype(np.float32)},
    )
