"""What figures need of trained models. Groups and the test split come in here, as they may in an evaluation."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from baselines import METHODS
from debias.callbacks import encode
from debias.data.dataset import Dataset
from debias.data.pipeline import on_device
from debias.evaluation import grouping
from debias.latents import as_uint8, factor_correlations, influence, numeric_factors, readout, traversal
from debias.metrics import mass_by_group
from debias.resampling import effective_sample_size
from experiments.engine.experiment import Experiment
from experiments.engine.store import StoredRun
from experiments.figures import EXPLAINED, TRAVERSED
from experiments.report.course_faces import rates_on_photographs
from experiments.report.figure_data import FigureData
from experiments.report.paper_figures import RARE, STEPS, strongest

ANGLES = "yaw", "pitch", "roll"  # of the head, in degrees, 0 where it looks straight ahead
_BINS = 40
_EXTREMES = 10  # faces shown at either end
_RECONSTRUCTED = 12  # faces shown


def collect(experiment: Experiment, runs: Sequence[StoredRun]) -> FigureData:
    """What the experiment's figures and texts need beside rows; empty where rows are enough.

    Args:
        runs: those of its runs that have models.
    """
    collector = _COLLECTORS.get(experiment.name)
    return collector(experiment, runs) if collector else {}


def sampling(runs: Sequence[StoredRun]) -> FigureData:
    """What a run prefers in its last epoch: 'sampling', histograms of log10 N p, and 'sampling-NAME', extreme faces."""
    tables, tiles = [], {}
    for stored in runs:
        table, faces = preferred(stored.sampling()[-1], stored.splits.train.positives())
        tables.append(table.assign(setting=stored.run.setting.name))
        tiles[f"sampling-{stored.run.setting.name}"] = faces
    return {**_stacked("sampling", tables), **tiles}


def preferred(p: np.ndarray, faces: Dataset) -> tuple[pd.DataFrame, np.ndarray]:
    """Of probabilities (N,) of N faces the histogram of log10 N p with the ESS, and the extreme faces, least first."""
    images, edges = np.histogram(np.log10(np.maximum(p * len(p), 1e-12)), bins=_BINS)
    columns = {"low": edges[:-1], "high": edges[1:], "images": images, "ess": effective_sample_size(p)}
    order = np.lexsort((np.random.default_rng(0).permutation(len(p)), p))  # equally likely ones in any order
    return pd.DataFrame(columns), faces.images(np.concatenate([order[:_EXTREMES], order[-_EXTREMES:]]))


def sampling_by_epoch(runs: Sequence[StoredRun]) -> FigureData:
    """Of every run 'epochs': the ESS, and each group's share of the faces and of the sampling mass, in %, by epoch."""
    return _stacked("epochs", [_epochs(stored) for stored in runs])


def drawn(runs: Sequence[StoredRun]) -> FigureData:
    """Of every run 'drawn': for each factor, by how much the faces of its last epoch differ from all it may draw."""
    return _stacked("drawn", [_drawn(stored) for stored in runs])


def shifts(p: np.ndarray, factors: Mapping[str, np.ndarray]) -> pd.Series:
    """Factor -> its mean over draws by p (N,) minus that over all faces, in standard deviations over all faces."""
    columns = numeric_factors(factors).dropna(axis="columns")
    return (p @ columns - columns.mean()) / columns.std(ddof=0)


def seen_factors(faces: Dataset) -> dict[str, np.ndarray]:
    """The factors of a data set, how far the head is turned to either side, and what the pictures themselves show."""
    turned = {f"|{name}|": np.abs(faces.factors[name]) for name in ANGLES if name in faces.factors}
    grey = faces.images().mean(-1)  # (N, H, W)
    return {**faces.factors, **turned, "brightness": grey.mean((1, 2)), "image contrast": grey.std((1, 2))}


def reconstructions(runs: Sequence[StoredRun], total: int = _RECONSTRUCTED) -> FigureData:
    """Some test faces of every group as 'faces', and what each run makes of them as 'reconstructions-NAME'."""
    found = {}
    for stored in runs:
        originals = some_of_each_group(stored.splits.test.positives(), total)
        rebuilt = stored.model().reconstruct(originals.astype(np.float32) / 255)
        found |= {"faces": originals, f"reconstructions-{stored.run.setting.name}": as_uint8(rebuilt)}
    return found


def some_of_each_group(faces: Dataset, total: int) -> np.ndarray:
    """About `total` faces (n, H, W, C) uint8, the first of every group."""
    groups, names = grouping(faces)
    each = max(1, total // len(names))
    return faces.images(np.concatenate([np.flatnonzero(groups == index)[:each] for index in range(len(names))]))


def latents(stored: StoredRun, rare: Sequence[str]) -> FigureData:
    """'latents-NAME', the influence of each latent and its correlations, 'readout-NAME', and 'traversals-NAME'.

    Latents are moved as far as the training faces reach, which the sampling is made of. What they hold is judged on
    test faces, of which all groups have the same number.
    """
    name, model, splits = stored.run.setting.name, stored.model(), stored.splits
    faces, population = splits.test.positives(), encode(model, on_device(splits.train.positives()))
    z, factors = encode(model, on_device(faces)), known_factors(faces, rare)
    table = pd.DataFrame({"influence": influence(model, population), **factor_correlations(z, factors).round(4)})
    told = readout(z, factors)
    found = {f"latents-{name}": table} | ({f"readout-{name}": told} if len(told) else {})
    if name in [setting.name for setting in TRAVERSED]:
        tiles = traversal(model, population, strongest(table), STEPS)
        found[f"traversals-{name}"] = tiles.reshape(-1, *tiles.shape[2:])
    return found


def known_factors(faces: Dataset, rare: Sequence[str]) -> dict[str, np.ndarray]:
    """The factors of a data set, and where some of its groups are rare whether a face belongs to one of them."""
    are_rare = np.isin(faces.group_names, rare)
    return {**faces.factors, **({RARE: are_rare[faces.groups].astype(float)} if are_rare.any() else {})}


def _for_quick(experiment: Experiment, runs: Sequence[StoredRun]) -> FigureData:
    first = _first_seed(experiment, runs)
    autoencoders = [stored for stored in first if METHODS[stored.run.setting.method].reconstructs]
    found = {**sampling(_resampled(first)), **reconstructions(autoencoders)}
    return {**found, **rates_on_photographs(runs)}


def _for_figures(experiment: Experiment, runs: Sequence[StoredRun]) -> FigureData:
    first = _first_seed(experiment, runs)
    found = {**sampling(_resampled(first)), **sampling_by_epoch(runs)}
    opened = {setting.name for setting in (*TRAVERSED, *EXPLAINED)}
    for stored in (stored for stored in first if stored.run.setting.name in opened):
        found |= latents(stored, experiment.rare)
    return found


def _for_replication(experiment: Experiment, runs: Sequence[StoredRun]) -> FigureData:
    return {**sampling(_resampled(_first_seed(experiment, runs))), **drawn(runs)}


_COLLECTORS: dict[str, Callable] = {"quick": _for_quick, "figures": _for_figures, "replication": _for_replication}


def _first_seed(experiment, runs) -> list[StoredRun]:
    return [stored for stored in runs if stored.run.config.seed == experiment.seeds[0]]


def _resampled(runs) -> list[StoredRun]:
    return [stored for stored in runs if METHODS[stored.run.setting.method].resamples]


def _epochs(stored) -> pd.DataFrame:
    groups, names = grouping(stored.splits.train.positives())
    faces = len(groups)
    share = mass_by_group(np.full(faces, 1 / faces), groups, names)
    rows = []
    for epoch, p in enumerate(stored.sampling()):
        mass = {f"mass {name}": value for name, value in mass_by_group(p, groups, names).items()}
        rows.append({"epoch": epoch, "ess": effective_sample_size(p), **mass})
    whole = {"faces": faces, **{f"share {name}": value for name, value in share.items()}}
    return pd.DataFrame(rows).assign(setting=stored.run.setting.name, seed=stored.run.config.seed, **whole)


def _drawn(stored) -> pd.DataFrame:
    found = shifts(stored.sampling()[-1], seen_factors(stored.splits.train.positives())).round(4)
    named = {"factor": found.index, "shift": found.to_numpy()}
    return pd.DataFrame(named).assign(setting=stored.run.setting.name, seed=stored.run.config.seed)


def _stacked(name, tables) -> FigureData:
    return {name: pd.concat(tables, ignore_index=True)} if tables else {}
