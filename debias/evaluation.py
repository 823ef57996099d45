"""What a trained model says of a data set, for those who may see the groups."""

import numpy as np
from scipy.special import expit

from debias.backend import keras
from debias.data.dataset import Dataset
from debias.data.pipeline import in_order
from debias.data.reading import told

UNGROUPED = ("faces",)  # where no groups are known, all positives are one


def predict(model: keras.Model, dataset: Dataset) -> np.ndarray:
    """P(face) for every image: (N,) float64 in [0, 1].

    Raises:
        FloatingPointError: a logit is NaN.
    """
    with told():
        logits = model.predict(in_order(dataset), verbose=0)
    if np.any(np.isnan(logits)):
        raise FloatingPointError("logits are NaN: the run has diverged, lower the learning rate")
    return expit(np.asarray(logits, np.float64))


def grouping(dataset: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Group indices (N,) and names; one group of all where none are known."""
    if dataset.groups is None:
        return np.zeros(len(dataset), np.int8), UNGROUPED
    return dataset.groups, dataset.group_names
