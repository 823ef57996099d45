"""The embedded benchmark's faces grouped by pose instead of by gender and tone: the same images, another imbalance."""

import dataclasses

import numpy as np

from debias.data.dataset import NO_GROUP, SPLITS, Dataset, Splits
from debias.errors import InputError

POSES = ("frontal", "turned")
TURNED = 20.0  # degrees to either side; the faces turn by up to 40


def by_pose(splits: Splits) -> Splits:
    """The same images in groups ("frontal", "turned"), told by the factor 'yaw' in degrees.

    Raises:
        InputError: there is no such factor.
    """
    if "yaw" not in splits.test.factors:
        raise InputError(f"data set {splits.name} has no factor 'yaw' to group by: use one of the embedded benchmark")
    return dataclasses.replace(splits, **{name: _regrouped(getattr(splits, name)) for name in SPLITS})


def _regrouped(part: Dataset) -> Dataset:
    turned = np.abs(part.factors["yaw"]) >= TURNED
    groups = np.where(part.labels == 1, turned, NO_GROUP).astype(np.int8)
    return dataclasses.replace(part, groups=groups, group_names=POSES)
