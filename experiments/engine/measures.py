"""A trained model -> the numbers of its row. Only here do groups, factors and the test split come in."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from debias.backend import keras
from debias.data.dataset import Dataset, Splits
from debias.evaluation import grouping, predict
from debias.metrics import FPR, OWN_THRESHOLD, GroupReport, group_report, mass_by_group, threshold_at_fpr
from debias.resampling import effective_sample_size

THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
RATES = (0.2, 0.5, 1, 2, 5, 10)  # in % of the validation negatives
SENSITIVE = ("mean_recall", "var_recall", "gap", "worst_recall", "fpr")  # what is reported at each of them


def measure(model: keras.Model, splits: Splits, folder: Path) -> dict[str, float]:
    """Rates on the test split at the model's own threshold and at 1 % FPR, fixed on validation negatives.

    Also what other thresholds and false-positive rates would give, the ESS and each group's share of the sampling mass
    in the last epoch, and the last training losses, read from `folder`.
    """
    return columns(model, splits, folder, splits.test, predict(model, splits.test))


def columns(model: keras.Model, splits: Splits, folder: Path, test: Dataset, scores: np.ndarray) -> dict[str, float]:
    """All columns for scores (N,) of the N images of `test`, whichever they are."""
    negatives = predict(model, splits.validation.negatives())
    thresholds = {"": OWN_THRESHOLD, "_fpr1": threshold_at_fpr(negatives, FPR)}
    at = [_flat(_report(test, scores, threshold), suffix) for suffix, threshold in thresholds.items()]
    return at[0] | at[1] | _sensitivity(test, scores, negatives) | _sampling(splits.train, folder) | _losses(folder)


def _flat(report: GroupReport, suffix: str) -> dict[str, float]:
    """Columns such as 'recall_fpr1 darker male' and 'gap_fpr1', where the suffix is '_fpr1'."""
    values = dataclasses.asdict(report)
    recall, _ = values.pop("recall"), values.pop("interval")
    rates = {f"{name}{suffix}": value for name, value in values.items()}
    return rates | {f"recall{suffix} {group}": value for group, value in recall.items()}


def _report(test: Dataset, scores: np.ndarray, threshold: float) -> GroupReport:
    return group_report(test.labels, scores, *grouping(test), threshold)


def _sensitivity(test: Dataset, scores: np.ndarray, negatives: np.ndarray) -> dict[str, float]:
    """Columns such as 'gap_t0.3', at the threshold 0.3, and 'gap_f5', at 5 % false positives among `negatives`."""
    resolved = [rate for rate in RATES if rate / 100 * len(negatives) >= 1]
    thresholds = {f"t{threshold:g}": threshold for threshold in THRESHOLDS}
    thresholds |= {f"f{rate:g}": threshold_at_fpr(negatives, rate / 100) for rate in resolved}
    reports = {name: _report(test, scores, threshold) for name, threshold in thresholds.items()}
    return {f"{kind}_{name}": getattr(report, kind) for name, report in reports.items() for kind in SENSITIVE}


def _sampling(train: Dataset, folder: Path) -> dict[str, float]:
    """Effective sample size and each group's share of the mass in a run's last epoch."""
    last = sorted((folder / "sampling").glob("epoch-*.npy"))[-1]
    probabilities = np.load(last, allow_pickle=False)  # (faces,)
    groups, names = grouping(train.positives())
    mass = mass_by_group(probabilities, groups, names)
    return {"ess": effective_sample_size(probabilities)} | {f"mass {group}": share for group, share in mass.items()}


def _losses(folder: Path) -> dict[str, float]:
    """Means over the batches of a run's last epoch: cross-entropy and KL in nats, reconstruction error; NaN without."""
    last = pd.read_csv(folder / "log.csv").iloc[-1]
    vae = {name: float(last.get(name, np.nan)) for name in ("reconstruction_loss", "kl_loss")}
    return {"train_loss": float(last.get("classification_loss", last["loss"])), **vae}
