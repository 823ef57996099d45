"""Figures that several experiments share, in two steps: evidence from trained models, then a figure from the evidence.

The first step needs the models and sees groups, as evaluators may; it covers the runs that it is given, one of each
setting. The second draws from committed files alone those settings in `titles`, name -> what people read, that have
evidence, in the order of `titles`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.data.dataset import Dataset
from debias.latents import as_uint8
from debias.metrics import mass_by_group
from debias.resampling import effective_sample_size
from experiments.evaluate import grouping, last_probabilities
from experiments.evidence import Evidence
from experiments.experiment import Run
from experiments.tables import groups_of

if TYPE_CHECKING:
    from experiments.store import Store

TARGETS = ("0.2", "0.5", "1", "2", "5", "10")  # % of the validation negatives, as in the rows' columns
_BINS = 40
_EXTREMES = 10  # faces shown at either end


def group_figure(rows: pd.DataFrame, titles: Mapping[str, str], suffix: str = "") -> Figure:
    """Recall by group (Fig. 5B) at the model's own threshold; suffix '_fpr1' for 1 % false positives."""
    columns = {f"recall{suffix} {group}": group for group in groups_of(rows)}
    parts = [rows[rows["setting"] == name].assign(setting=title) for name, title in titles.items()]
    recalls = pd.concat(parts).rename(columns=columns)[["setting", *columns.values()]]
    return plots.group_bars(recalls.melt("setting", list(columns.values()), "group", "recall"))


def threshold_figure(rows: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """Recall gap and mean recall over the false-positive rate measured on test negatives."""
    resolved = [target for target in TARGETS if f"fpr_f{target}" in rows]  # few negatives do not resolve all
    parts = [_rates(rows[rows["setting"] == name], target) for name in titles for target in resolved]
    return plots.thresholds(pd.concat(parts).replace({"setting": titles}))


def sampling(runs: Sequence[Run], store: "Store") -> Evidence:
    """What a run prefers in its last epoch: 'sampling', histograms of log10 N p, and 'sampling-NAME', extreme faces."""
    tables, tiles = [], {}
    for run in runs:
        p = last_probabilities(store.folder(run))
        table, faces = preferred(p, store.splits(run).train.positives())
        tables.append(table.assign(setting=run.setting.name))
        tiles[f"sampling-{run.setting.name}"] = faces
    return {**_stacked("sampling", tables), **tiles}


def preferred(p: np.ndarray, faces: Dataset) -> tuple[pd.DataFrame, np.ndarray]:
    """Of probabilities (N,) of N faces the histogram of log10 N p with the ESS, and the extreme faces, least first."""
    images, edges = np.histogram(np.log10(np.maximum(p * len(p), 1e-12)), bins=_BINS)
    columns = {"low": edges[:-1], "high": edges[1:], "images": images, "ess": effective_sample_size(p)}
    order = np.argsort(p, kind="stable")
    return pd.DataFrame(columns), faces.images(np.concatenate([order[:_EXTREMES], order[-_EXTREMES:]]))


def sampling_figure(evidence: Evidence, titles: Mapping[str, str]) -> Figure:
    """Histogram of N p, the ten least and the ten most likely faces (Fig. 4)."""
    return plots.sampling_figure(
        evidence["sampling"].replace({"setting": titles}), _named(evidence, "sampling", titles)
    )


def reconstructions(runs: Sequence[Run], store: "Store", total: int = 12) -> Evidence:
    """Some test faces of every group as 'faces', and what each run makes of them as 'reconstructions-NAME'."""
    found = {}
    for run in runs:
        originals = some_of_each_group(store.splits(run).test.positives(), total)
        rebuilt = store.model(run).reconstruct(originals.astype(np.float32) / 255)
        found |= {"faces": originals, f"reconstructions-{run.setting.name}": as_uint8(rebuilt)}
    return found


def reconstruction_figure(evidence: Evidence, titles: Mapping[str, str]) -> Figure:
    """Test faces above their reconstructions."""
    return plots.reconstructions(evidence["faces"], _named(evidence, "reconstructions", titles))


def some_of_each_group(faces: Dataset, total: int) -> np.ndarray:
    """About `total` faces (n, H, W, C) uint8, the first of every group."""
    groups, names = grouping(faces)
    each = max(1, total // len(names))
    return faces.images(np.concatenate([np.flatnonzero(groups == index)[:each] for index in range(len(names))]))


def sampling_by_epoch(runs: Sequence[Run], store: "Store") -> Evidence:
    """Of every run 'epochs': the ESS, and each group's share of the faces and of the sampling mass, in %, by epoch."""
    return _stacked("epochs", [_epochs(run, store) for run in runs])


def _rates(rows, target) -> pd.DataFrame:
    columns = {f"{measure}_f{target}": measure for measure in ("fpr", "gap", "mean_recall")}
    return rows[["setting", "seed", *columns]].rename(columns=columns).assign(target=float(target))


def _epochs(run, store) -> pd.DataFrame:
    groups, names = grouping(store.splits(run).train.positives())
    faces = len(groups)
    share = mass_by_group(np.full(faces, 1 / faces), groups, names)
    rows = []
    for epoch, path in enumerate(sorted((store.folder(run) / "sampling").glob("epoch-*.npy"))):
        p = np.load(path, allow_pickle=False)
        mass = {f"mass {name}": value for name, value in mass_by_group(p, groups, names).items()}
        rows.append({"epoch": epoch, "ess": effective_sample_size(p), **mass})
    whole = {"faces": faces, **{f"share {name}": value for name, value in share.items()}}
    return pd.DataFrame(rows).assign(setting=run.setting.name, seed=run.config.seed, **whole)


def _stacked(name, tables) -> Evidence:
    return {name: pd.concat(tables, ignore_index=True)} if tables else {}


def _named(evidence, kind, titles) -> dict[str, np.ndarray]:
    return {title: evidence[f"{kind}-{name}"] for name, title in titles.items() if f"{kind}-{name}" in evidence}
