"""A trained model -> the numbers of its row. Only here do groups, factors and the test split come in."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from debias.backend import keras
from debias.data.dataset import Dataset, Splits
from debias.evaluation import basic_rates, grouping, predict, rates
from debias.metrics import FPR, mass_by_group, threshold_at_fpr
from debias.resampling import effective_sample_size

LEAST = 1e-15  # of a probability in a loss: below, float64 cannot tell 1 - p from 1


def measure(model: keras.Model, splits: Splits, folder: Path) -> dict[str, float]:
    """Rates on the test split, with false-positive rates fixed on validation negatives, and what `folder` tells.

    Returns:
        The columns of `debias.evaluation.rates`, of `of_validation` and of `of_training`.
    """
    scores, negatives = predict(model, splits.test), predict(model, splits.validation.negatives())
    chosen_by = of_validation(splits.validation, predict(model, splits.validation.positives()), negatives)
    return rates(splits.test, scores, negatives) | chosen_by | of_training(splits.train, folder)


def of_validation(validation: Dataset, faces: np.ndarray, others: np.ndarray) -> dict[str, float]:
    """What hyper-parameters are chosen by: of scores of the validation faces (N,) and others (M,).

    Returns:
        'validation_loss', the cross-entropy in nats with as much weight on faces as on others, which needs no groups;
        'validation_worst_recall_fpr1', the worst group's recall in % at 1 % FPR, NaN where a group has no faces.
    """
    groups, names = grouping(validation.positives())
    found = faces >= threshold_at_fpr(others, FPR)
    recalls = [
        100 * found[groups == index].mean() if np.any(groups == index) else np.nan for index in range(len(names))
    ]
    losses = [-np.log(np.maximum(p, LEAST)).mean() for p in (faces, 1 - others)]
    return {"validation_loss": float(np.mean(losses)), "validation_worst_recall_fpr1": float(np.min(recalls))}


def measure_further(model: keras.Model, tests: Mapping[str, Splits]) -> dict[str, float]:
    """Rates on the test splits of other data sets, whose own validation negatives fix false-positive rates.

    Args:
        tests: label -> data set, of the model's image size.

    Returns:
        The columns of `debias.evaluation.basic_rates` for each, ending in '@' and its label: 'mean_recall_fpr1@camera'.
    """
    found = {label: _basic_rates(model, splits) for label, splits in tests.items()}
    return {f"{name}@{label}": value for label, columns in found.items() for name, value in columns.items()}


def of_training(train: Dataset, folder: Path) -> dict[str, float]:
    """ESS and each group's share of the sampling mass in a run's last epoch, and the last training losses.

    Losses are means over the batches of the epoch: cross-entropy and KL in nats, the reconstruction error; NaN where a
    method has none.
    """
    last = pd.read_csv(folder / "log.csv").iloc[-1]
    vae = {name: float(last.get(name, np.nan)) for name in ("reconstruction_loss", "kl_loss")}
    return _sampling(train, folder) | {"train_loss": float(last.get("classification_loss", last["loss"])), **vae}


def _basic_rates(model, splits) -> dict[str, float]:
    return basic_rates(splits.test, predict(model, splits.test), predict(model, splits.validation.negatives()))


def _sampling(train, folder) -> dict[str, float]:
    path = sorted((folder / "sampling").glob("epoch-*.npy"))[-1]
    probabilities = np.load(path, allow_pickle=False)  # (faces,)
    mass = mass_by_group(probabilities, *grouping(train.positives()))
    return {"ess": effective_sample_size(probabilities)} | {f"mass {group}": share for group, share in mass.items()}
