"""A trained model -> one row of results. Only here do groups, factors and the test split come in."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from debias.backend import keras
from debias.data.dataset import Dataset, Splits
from debias.data.pipeline import in_order
from debias.errors import InputError
from debias.metrics import OWN_THRESHOLD, GroupReport, group_report, mass_by_group, threshold_at_fpr
from debias.resampling import effective_sample_size

FPR = 0.01
UNGROUPED = ("faces",)  # where no groups are known, all positives are one


def evaluate(model: keras.Model, splits: Splits, folder: Path) -> dict[str, float]:
    """Rates on the test split at the model's own threshold and at 1 % FPR, fixed on validation negatives.

    Also the ESS and each group's share of the sampling mass in the last epoch, read from `folder`.
    """
    scores = predict(model, splits.test)
    fixed = threshold_at_fpr(predict(model, splits.validation.negatives()), FPR)
    labels, (groups, names) = splits.test.labels, grouping(splits.test)
    own = group_report(labels, scores, groups, names, OWN_THRESHOLD)
    at_fpr = group_report(labels, scores, groups, names, fixed)
    return {
        **_flat(own, ""),
        **_flat(at_fpr, "_fpr1"),
        **_sampling(splits.train, folder),
        "train_loss": training_loss(folder),
    }


def check_splits(splits: Splits) -> None:
    """Raise InputError where `evaluate` could not work, before hours of training rather than after."""
    negatives, needed = len(splits.validation.negatives()), round(1 / FPR)
    if negatives < needed:
        raise InputError(
            f"{splits.name}: {negatives} validation negatives, a false-positive rate of {FPR:.0%} needs "
            f"at least {needed}: give it more"
        )


def predict(model: keras.Model, dataset: Dataset) -> np.ndarray:
    """P(face) for every image: (N,) float64 in [0, 1].

    Raises:
        FloatingPointError: a logit is NaN.
    """
    logits = model.predict(in_order(dataset), verbose=0)
    if np.any(np.isnan(logits)):
        raise FloatingPointError("logits are NaN: the run has diverged, lower the learning rate")
    return expit(np.asarray(logits, np.float64))


def grouping(dataset: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Group indices (N,) and names; one group of all where none are known."""
    if dataset.groups is None:
        return np.zeros(len(dataset), np.int8), UNGROUPED
    return dataset.groups, dataset.group_names


def last_probabilities(folder: Path) -> np.ndarray:
    """Sampling probabilities (faces,) of a run's last epoch."""
    return np.load(sorted((folder / "sampling").glob("epoch-*.npy"))[-1], allow_pickle=False)


def training_loss(folder: Path) -> float:
    """Mean cross-entropy, in nats, over the batches of a run's last epoch."""
    last = pd.read_csv(folder / "log.csv").iloc[-1]
    return float(last.get("classification_loss", last["loss"]))


def _flat(report: GroupReport, suffix: str) -> dict[str, float]:
    values = dataclasses.asdict(report)
    recall, _ = values.pop("recall"), values.pop("interval")
    rates = {f"{name}{suffix}": value for name, value in values.items()}
    return rates | {f"recall{suffix} {group}": value for group, value in recall.items()}


def _sampling(train: Dataset, folder: Path) -> dict[str, float]:
    probabilities = last_probabilities(folder)
    groups, names = grouping(train.positives())
    mass = mass_by_group(probabilities, groups, names)
    return {"ess": effective_sample_size(probabilities)} | {f"mass {group}": share for group, share in mass.items()}
