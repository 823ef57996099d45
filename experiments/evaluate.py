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
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
RATES = (0.2, 0.5, 1, 2, 5, 10)  # in % of the validation negatives
SENSITIVE = ("mean_recall", "var_recall", "gap", "worst_recall", "fpr")  # what is reported at each of them
UNGROUPED = ("faces",)  # where no groups are known, all positives are one


def evaluate(model: keras.Model, splits: Splits, folder: Path) -> dict[str, float]:
    """Rates on the test split at the model's own threshold and at 1 % FPR, fixed on validation negatives.

    Also what other thresholds and false-positive rates would give, the ESS and each group's share of the sampling mass
    in the last epoch, and the last training losses, read from `folder`.
    """
    scores = predict(model, splits.test)
    negatives = predict(model, splits.validation.negatives())
    return {
        **flat(report_at(splits.test, scores, OWN_THRESHOLD), ""),
        **flat(report_at(splits.test, scores, threshold_at_fpr(negatives, FPR)), "_fpr1"),
        **sensitivity(splits.test, scores, negatives),
        **sampling(splits.train, folder),
        **losses(folder),
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


def losses(folder: Path) -> dict[str, float]:
    """Means over the batches of a run's last epoch: cross-entropy and KL in nats, reconstruction error; NaN without."""
    last = pd.read_csv(folder / "log.csv").iloc[-1]
    vae = {name: float(last.get(name, np.nan)) for name in ("reconstruction_loss", "kl_loss")}
    return {"train_loss": float(last.get("classification_loss", last["loss"])), **vae}


def flat(report: GroupReport, suffix: str) -> dict[str, float]:
    """Columns such as 'recall_fpr1 darker male' and 'gap_fpr1', where the suffix is '_fpr1'."""
    values = dataclasses.asdict(report)
    recall, _ = values.pop("recall"), values.pop("interval")
    rates = {f"{name}{suffix}": value for name, value in values.items()}
    return rates | {f"recall{suffix} {group}": value for group, value in recall.items()}


def report_at(test: Dataset, scores: np.ndarray, threshold: float) -> GroupReport:
    """Rates over the groups of `test`, whose images have the scores (N,)."""
    return group_report(test.labels, scores, *grouping(test), threshold)


def sensitivity(test: Dataset, scores: np.ndarray, negatives: np.ndarray) -> dict[str, float]:
    """Columns such as 'gap_t0.3', at the threshold 0.3, and 'gap_f5', at 5 % false positives among `negatives`."""
    resolved = [rate for rate in RATES if rate / 100 * len(negatives) >= 1]
    thresholds = {f"t{threshold:g}": threshold for threshold in THRESHOLDS}
    thresholds |= {f"f{rate:g}": threshold_at_fpr(negatives, rate / 100) for rate in resolved}
    reports = {name: report_at(test, scores, threshold) for name, threshold in thresholds.items()}
    return {f"{kind}_{name}": getattr(report, kind) for name, report in reports.items() for kind in SENSITIVE}


def sampling(train: Dataset, folder: Path) -> dict[str, float]:
    """Effective sample size and each group's share of the mass in a run's last epoch."""
    probabilities = last_probabilities(folder)
    groups, names = grouping(train.positives())
    mass = mass_by_group(probabilities, groups, names)
    return {"ess": effective_sample_size(probabilities)} | {f"mass {group}": share for group, share in mass.items()}
