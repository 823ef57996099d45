"""The first table: five methods, four groups, three paired seeds, and pictures.

For example:

    python -m experiments quick                 # the embedded benchmark
    python -m experiments quick --data digits   # the same job on handwritten digits
"""

from pathlib import Path

import numpy as np
import pandas as pd

from baselines import METHODS
from debias import plots
from debias.config import Config
from debias.data.dataset import Splits
from debias.metrics import wilson
from debias.resampling import effective_sample_size
from experiments.evaluate import grouping, last_probabilities
from experiments.runner import Run, grid, load_model
from experiments.tables import groups_of, title

SEEDS = (0, 1, 2)
# Little more than one pass over the faces: resampling acts less the better a model fits its training set (Byrd and
# Lipton 2019). The pass is cut in four so that the latents which decide the sampling have been learned.
FACES = Config(epochs=4, steps_per_epoch=48, batch_size=128)
DIGITS = Config(preset="digits", epochs=40, flip=False)


def runs(splits: Splits, seeds: tuple[int, ...] = SEEDS) -> tuple[Run, ...]:
    """All methods that the data set has the labels for, with every seed."""
    methods = [name for name in METHODS if name not in left_out(splits)]
    return grid(experiment_name(splits.name), methods, seeds, DIGITS if splits.name == "digits" else FACES)


def left_out(splits: Splits) -> list[str]:
    """The methods that need groups where none are known."""
    return [name for name, method in METHODS.items() if method.labels == "group" and splits.train.groups is None]


def experiment_name(data: str) -> str:
    """The folder in results: 'quick' for the embedded benchmark, 'quick-<data>' for others."""
    return "quick" if data == "parliament" else f"quick-{data}"


def figures(rows: pd.DataFrame, runs: tuple[Run, ...], splits: Splits, folder: Path) -> dict:
    """Name -> figure, drawn from the rows and from the first seed's models."""
    first = {run.method: run for run in runs if run.config.seed == runs[0].config.seed}
    drawn = {"groups": group_figure(rows, splits)}
    resampled = {name: run for name, run in first.items() if name.startswith("dbvae")}
    drawn["sampling"] = sampling_figure(resampled, splits, folder)
    autoencoders = {"vae": first["vae"], **resampled}
    drawn["reconstructions"] = reconstruction_figure(autoencoders, splits, folder)
    return drawn


def group_figure(rows: pd.DataFrame, splits: Splits):
    """Recall by group at the model's own threshold."""
    groups = groups_of(rows)
    named = rows.assign(method=rows["method"].map(title)).rename(columns={f"recall {g}": g for g in groups})
    recalls = named.melt("method", groups, "group", "recall")
    return plots.group_bars(recalls, _intervals(recalls, splits))


def sampling_figure(resampled: dict[str, Run], splits: Splits, folder: Path):
    """What each rule prefers among the training faces in the last epoch (paper, Fig. 4)."""
    probabilities = {title(name): last_probabilities(folder / run.id) for name, run in resampled.items()}
    ess = {name: effective_sample_size(p) for name, p in probabilities.items()}
    return plots.sampling_figure(probabilities, splits.train.positives().images(), ess)


def reconstruction_figure(autoencoders: dict[str, Run], splits: Splits, folder: Path):
    """Test faces of every group beside what each autoencoder makes of them."""
    originals = _some_of_each_group(splits.test.positives())
    models = {title(name): load_model(folder, run) for name, run in autoencoders.items()}
    scaled = originals.astype(np.float32) / 255
    return plots.reconstructions(originals, {name: _uint8(model.reconstruct(scaled)) for name, model in models.items()})


def _intervals(recalls: pd.DataFrame, splits: Splits) -> pd.DataFrame:
    groups, names = grouping(splits.test.positives())
    counts = dict(zip(names, np.bincount(groups, minlength=len(names)), strict=True))
    means = recalls.groupby(["method", "group"], sort=False)["recall"].mean().reset_index()
    bounds = [wilson(mean / 100, counts[group]) for mean, group in zip(means["recall"], means["group"], strict=True)]
    return means.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds])


def _some_of_each_group(faces, total: int = 12) -> np.ndarray:
    groups, names = grouping(faces)
    each = max(1, total // len(names))
    return faces.images(np.concatenate([np.flatnonzero(groups == index)[:each] for index in range(len(names))]))


def _uint8(images) -> np.ndarray:
    return np.clip(np.asarray(images) * 255, 0, 255).astype(np.uint8)
