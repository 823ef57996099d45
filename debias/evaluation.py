"""What a trained model says of a data set, for those who may see the groups."""

import dataclasses

import numpy as np
from scipy.special import expit

from debias.backend import keras
from debias.data.dataset import Dataset
from debias.data.pipeline import in_order
from debias.data.reading import told
from debias.metrics import FPR, OWN_THRESHOLD, GroupReport, group_report, threshold_at_fpr

UNGROUPED = ("faces",)  # where no groups are known, all positives are one
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
RATES = (0.2, 0.5, 1, 2, 5, 10)  # in % of the validation negatives
SENSITIVE = ("mean_recall", "var_recall", "gap", "worst_recall", "fpr")  # what is reported at each of them


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


def rates(test: Dataset, scores: np.ndarray, negatives: np.ndarray) -> dict[str, float]:
    """Rates by group at the model's own threshold and at 1 % FPR, and what other thresholds would give.

    Args:
        test: N images with labels and, where known, groups.
        scores: (N,) of them.
        negatives: (M,) scores of validation negatives, on which false-positive rates are fixed.

    Returns:
        The columns of `basic_rates`, 'gap_t0.3' and such at the threshold 0.3, and 'gap_f5' and such at 5 % FPR.
    """
    resolved = [rate for rate in RATES if rate / 100 * len(negatives) >= 1]
    others = {f"t{threshold:g}": threshold for threshold in THRESHOLDS}
    others |= {f"f{rate:g}": threshold_at_fpr(negatives, rate / 100) for rate in resolved}
    reports = {name: _report(test, scores, threshold) for name, threshold in others.items()}
    further = {f"{kind}_{name}": getattr(found, kind) for name, found in reports.items() for kind in SENSITIVE}
    return basic_rates(test, scores, negatives) | further


def basic_rates(test: Dataset, scores: np.ndarray, negatives: np.ndarray) -> dict[str, float]:
    """Rates by group at the model's own threshold and at 1 % FPR; arguments as of `rates`.

    Returns:
        Columns such as 'recall darker male', and 'recall_fpr1 darker male' and 'gap_fpr1' at 1 % FPR.
    """
    at = {"": OWN_THRESHOLD, "_fpr1": threshold_at_fpr(negatives, FPR)}
    columns = {}
    for suffix, threshold in at.items():
        columns |= _columns(_report(test, scores, threshold), suffix)
    return columns


def grouping(dataset: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Group indices (N,) and names; one group of all where none are known."""
    if dataset.groups is None:
        return np.zeros(len(dataset), np.int8), UNGROUPED
    return dataset.groups, dataset.group_names


def _report(test, scores, threshold) -> GroupReport:
    return group_report(test.labels, scores, *grouping(test), threshold)


def _columns(report: GroupReport, suffix: str) -> dict[str, float]:
    values = dataclasses.asdict(report)
    recall, _ = values.pop("recall"), values.pop("interval")
    plain = {f"{name}{suffix}": value for name, value in values.items()}
    return plain | {f"recall{suffix} {group}": value for group, value in recall.items()}
