"""The paper's figures, and what it does not show: what the latents hold, and whom the sampling really prefers."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.latents import REACH
from debias.markdown import plain
from experiments.engine.experiment import Experiment
from experiments.figures import BARS, EXPLAINED, LONG, RESAMPLED, TRAVERSED
from experiments.report import shared_figures
from experiments.report.comparisons import seeds_of
from experiments.report.figure_data import FigureData
from experiments.report.report import Report
from experiments.report.tables import rare_faces, rare_mass
from experiments.settings import CNN, K_THAT_WORKS, K, debiased, vae

LATENTS_TRAVERSED, STEPS = 4, 7
LATENTS_EXPLAINED = 12
FEW = 10  # faces: the effective sample size below which no share of the draws is told
RARE = "rare"  # a factor that is ours, not the data set's: whether a face belongs to a rare group
FACTORS = {  # of the embedded benchmark -> what people read
    RARE: "rare group",
    "tone": "skin tone I-VI",
    "male": "male",
    "age": "age",
    "yaw": "yaw",
    "pitch": "pitch",
    "roll": "roll",
    "zoom": "size",
    "light_azimuth": "light azimuth",
    "light_elevation": "light elevation",
    "exposure": "exposure",
    "contrast": "contrast",
    "hair_luminance": "hair lightness",
    "glasses=sun": "sunglasses",
    "beard=full": "full beard",
    "mouth_open": "open mouth",
}


def figures(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, Figure]:
    """Name -> figure, as far as there are data for it, and the data set has groups and factors."""
    drawn = {
        "fig5b_recall": shared_figures.group_figure(rows, shared_figures.titles(BARS)),
        "threshold_sensitivity": shared_figures.threshold_figure(rows, shared_figures.titles(BARS)),
    }
    if "sampling" in data:
        drawn["fig4_sampling"] = shared_figures.sampling_figure(data, shared_figures.titles(RESAMPLED))
    if "epochs" in data and experiment.rare:
        drawn["mass_ess"] = mass_figure(experiment, data["epochs"])
    if _known("traversals", TRAVERSED, data):
        drawn["fig5a_traversals"] = traversal_figure(data)
    if _known("readout", EXPLAINED, data):
        drawn["latent_factors"] = factor_figure(data)
    return drawn


def sentence(experiment: Experiment, rows: pd.DataFrame) -> str:
    """From how many faces each rule draws, and how much of that are faces of the rare groups."""
    if not experiment.rare:
        return ""
    mass = rows.assign(rare=rare_mass(experiment, rows)).groupby("setting")[["rare", "ess"]].mean()
    found = [f"{title}: {_share(*mass.loc[name])}" for name, title in shared_figures.titles(RESAMPLED).items()]
    return (
        f"Share of the sampling mass on {plain(rare_faces(experiment))} in the last epoch, "
        f"{mass.loc[CNN.name, 'rare']:.1f} % when all {mass.loc[CNN.name, 'ess']:,.0f} faces are equally likely: "
        f"{'; '.join(found)}."
    )


def _share(rare: float, ess: float) -> str:
    """A share in % and the ESS; of next to no faces a share is that of chance."""
    return f"{rare:.1f} % (ESS {ess:,.0f})" if ess >= FEW else f"of so few faces a share says nothing (ESS {ess:,.0f})"


def texts(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, str]:
    """latents.md: why little mass reaches the rare groups, as far as there are data for it."""
    told = data.get(f"readout-{vae().name}")
    if "epochs" not in data or told is None or not experiment.rare:
        return {}
    rare, epochs = plain(rare_faces(experiment)), data["epochs"]
    works = epochs[epochs["setting"] == debiased("product", K_THAT_WORKS).name]
    mass = rare_mass(experiment, works).groupby(works["epoch"]).mean()
    score = told[told["factor"] == RARE]["score"]
    long = rows[rows["setting"] == LONG.name]
    lines = [
        f"The latents know: {rare} are told from all {K} of them with an AUC of {score.mean():.2f}. But light "
        "and pose have tails just as rare, and the rules, we think, cannot tell which tail matters.",
        f"Most of the shift comes early: with k = {K_THAT_WORKS} the product gives {rare} {mass.iloc[0]:.1f} % of "
        f"the mass in the first epoch, when the encoder is untrained, and {mass.iloc[-1]:.1f} % in the last.",
    ]
    short = rows[rows["setting"] == vae().name]
    if len(long) and len(short):
        epochs = experiment.base.epochs, LONG.changes["epochs"]
        before, after = (f"{part['var_recall'].mean():.1f} %²" for part in (short, long))
        lines.append(
            "Longer training leaves less to mend: without any resampling Var[A] is "
            f"{before} after {epochs[0]} epochs and {after} after {epochs[1]} (own test, threshold 0.5, "
            f"{seeds_of(long, 'seeds')})."
        )
    return {"latents.md": "\n".join(f"- {line}" for line in lines) + "\n"}


def traversal_figure(data: FigureData) -> Figure:
    """The latents that change the image most, each with the factor that it follows most closely (Fig. 5A)."""
    shown = _known("traversals", TRAVERSED, data)
    labels = {title: _row_labels(data[f"latents-{name}"]) for name, title in shown.items()}
    strips = {title: data[f"traversals-{name}"] for name, title in shown.items()}
    tiles = {title: images.reshape(-1, STEPS, *images.shape[1:]) for title, images in strips.items()}
    return plots.traversals(tiles, labels, np.linspace(-REACH, REACH, STEPS))


def factor_figure(data: FigureData) -> Figure:
    """Correlation with single latents, and read-out from all, after short and long training."""
    shown = _known("readout", EXPLAINED, data)
    return plots.latent_factors(
        {title: _most_correlated(data[f"latents-{name}"]) for name, title in shown.items()},
        {title: data[f"readout-{name}"].replace({"factor": FACTORS}) for name, title in shown.items()},
    )


def mass_figure(experiment: Experiment, epochs: pd.DataFrame) -> Figure:
    """Sampling mass on the rare groups against ESS over epochs."""
    measured = epochs.assign(ess=epochs["ess"] / epochs["faces"], mass=rare_mass(experiment, epochs))
    titles = shared_figures.titles(RESAMPLED)
    parts = [measured[measured["setting"] == name].assign(setting=title) for name, title in titles.items()]
    uniform = rare_mass(experiment, epochs, "share").mean()
    return plots.mass_ess(pd.concat(parts), uniform, rare_faces(experiment))


def strongest(latents: pd.DataFrame) -> list[int]:
    """The latents, rows of the table, that change the image most."""
    return list(latents["influence"].sort_values(ascending=False, kind="stable").index[:LATENTS_TRAVERSED])


def _known(kind, settings, data) -> shared_figures.Titles:
    return {name: title for name, title in shared_figures.titles(settings).items() if f"{kind}-{name}" in data}


def _row_labels(latents) -> list[str]:
    return [_row_label(name, factors) for name, factors in _readable(latents).iloc[strongest(latents)].iterrows()]


def _row_label(latent, factors) -> str:
    """A latent with the factor that it follows most closely, where any are known."""
    if factors.isna().all():
        return latent
    closest = factors.abs().idxmax()
    return f"{latent}\n{closest}\nr = {factors[closest]:+.2f}"


def _readable(latents) -> pd.DataFrame:
    """Correlations with the factors in FACTORS, in other data with the first ones; latents called z0, z1, ..."""
    correlations = latents.drop(columns="influence")
    chosen = [name for name in FACTORS if name in correlations] or list(correlations)[: len(FACTORS)]
    return correlations[chosen].rename(columns=FACTORS, index=lambda latent: f"z{latent}")


def _most_correlated(latents) -> pd.DataFrame:
    correlations = _readable(latents)
    order = correlations.abs().max(axis=1).sort_values(ascending=False, kind="stable").index
    return correlations.loc[order[:LATENTS_EXPLAINED]]


REPORT = Report(figures=figures, texts=texts, sentence=sentence, needs=tuple(s.name for s in (CNN, *RESAMPLED)))
