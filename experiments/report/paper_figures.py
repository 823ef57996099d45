"""The paper's figures, and what it does not show: what the latents hold, and whom the sampling really prefers.

./run_experiments.sh figures
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.callbacks import encode
from debias.data.dataset import Dataset
from debias.data.pipeline import on_device
from debias.latents import REACH, factor_correlations, influence, readout, traversal
from experiments import pictures
from experiments.common import CNN, DATA, FACES, K_WORKS, K, changed, debiased, vae
from experiments.evidence import Evidence
from experiments.experiment import Experiment, Run

if TYPE_CHECKING:
    from experiments.store import Store

SEEDS = (0, 1, 2)
# After the short training the reconstructions show light, pose and tone, not yet a face.
LONG = changed(vae(), "vae-long", "VAE, uniform, k = 100, 30 epochs", epochs=30)
SETTINGS = (CNN, vae(), debiased("max"), debiased("product"), debiased("product", K_WORKS), LONG)
RESAMPLED = {setting.name: setting.title for setting in SETTINGS if setting.method.startswith("dbvae")}
BARS = {setting.name: setting.title for setting in SETTINGS if setting != LONG}
TRAVERSED = {setting.name: setting.title for setting in (debiased("max"), debiased("product", K_WORKS), LONG)}
EXPLAINED = {setting.name: setting.title for setting in (vae(), LONG)}
LATENTS_TRAVERSED, STEPS = 4, 7
LATENTS_EXPLAINED = 12
FACTORS = {  # of the embedded benchmark -> what people read
    "darker": "darker group",
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


def collect(runs: Sequence[Run], store: "Store") -> Evidence:
    """Everything that the figures need beside rows; pictures from the first seed."""
    first = {run.setting.name: run for run in runs if run.config.seed == SEEDS[0]}
    resampled = [first[name] for name in RESAMPLED if name in first]
    found = {**pictures.sampling(resampled, store), **pictures.sampling_by_epoch(runs, store)}
    for name in dict.fromkeys((*TRAVERSED, *EXPLAINED)):
        found |= _latents(first[name], store) if name in first else {}
    return found


def figures(rows: pd.DataFrame, evidence: Evidence) -> dict[str, Figure]:
    """Name -> figure, as far as there is evidence, and the data set has groups and factors."""
    drawn = {
        "fig5b_recall": pictures.group_figure(rows, BARS),
        "threshold_sensitivity": pictures.threshold_figure(rows, BARS),
    }
    if "sampling" in evidence:
        drawn["fig4_sampling"] = pictures.sampling_figure(evidence, RESAMPLED)
    if "epochs" in evidence and rare_groups(rows):
        drawn["mass_ess"] = mass_figure(evidence["epochs"])
    if any(f"traversals-{name}" in evidence for name in TRAVERSED):
        drawn["fig5a_traversals"] = traversal_figure(evidence)
    if any(f"readout-{name}" in evidence for name in EXPLAINED):
        drawn["latent_factors"] = factor_figure(evidence)
    return drawn


def text(rows: pd.DataFrame) -> str:
    """From how many faces each rule draws, and how much of that are faces of the rare groups."""
    rare = rare_groups(rows)
    if not rare:
        return ""
    mass = rows.assign(rare=_total(rows, "mass", rare)).groupby("setting")[["rare", "ess"]].mean()
    found = [
        f"{title}: {mass.loc[name, 'rare']:.1f} % (ESS {mass.loc[name, 'ess']:,.0f})"
        for name, title in RESAMPLED.items()
    ]
    return (
        f"Share of the sampling mass on {_listed(rare)} in the last epoch, {mass.loc[CNN.name, 'rare']:.1f} % when all "
        f"{mass.loc[CNN.name, 'ess']:,.0f} faces are equally likely: {'; '.join(found)}."
    )


def texts(rows: pd.DataFrame, evidence: Evidence) -> dict[str, str]:
    """latents.md: why little mass reaches the rare groups, as far as there is evidence."""
    rare = rare_groups(rows)
    told = evidence.get(f"readout-{vae().name}")
    if "epochs" not in evidence or told is None or not rare:
        return {}
    epochs = evidence["epochs"].assign(mass=lambda table: _total(table, "mass", rare))
    mass = epochs[epochs["setting"] == debiased("product", K_WORKS).name].groupby("epoch")["mass"].mean()
    score = told[told["factor"] == "darker"]["score"]
    long = rows[rows["setting"] == LONG.name]
    lines = (
        f"The latents know: {_listed(rare)} are told from all {K} of them with an AUC of {score.mean():.2f}. But light "
        "and pose have tails just as rare, and the rules cannot tell which tail matters.",
        f"Most of the shift comes early: with k = {K_WORKS} the product gives {_listed(rare)} {mass.iloc[0]:.1f} % of "
        f"the mass in the first epoch, when the encoder is untrained, and {mass.iloc[-1]:.1f} % in the last.",
        f"Train longer and little is left to mend: after {LONG.changes['epochs']} epochs without any resampling "
        f"Var[A] is {long['var_recall'].mean():.1f} ({long['seed'].nunique()} seeds).",
    )
    return {"latents.md": "\n".join(f"- {line}" for line in lines) + "\n"}


def traversal_figure(evidence: Evidence) -> Figure:
    """The latents that change the image most, each with the factor that it follows most closely (Fig. 5A)."""
    shown = {name: title for name, title in TRAVERSED.items() if f"traversals-{name}" in evidence}
    labels = {title: _row_labels(evidence[f"latents-{name}"]) for name, title in shown.items()}
    strips = {title: evidence[f"traversals-{name}"] for name, title in shown.items()}
    tiles = {title: images.reshape(-1, STEPS, *images.shape[1:]) for title, images in strips.items()}
    return plots.traversals(tiles, labels, np.linspace(-REACH, REACH, STEPS))


def factor_figure(evidence: Evidence) -> Figure:
    """Correlation with single latents, and read-out from all, after short and long training."""
    shown = {name: title for name, title in EXPLAINED.items() if f"readout-{name}" in evidence}
    return plots.latent_factors(
        {title: _most_correlated(evidence[f"latents-{name}"]) for name, title in shown.items()},
        {title: evidence[f"readout-{name}"].replace({"factor": FACTORS}) for name, title in shown.items()},
    )


def mass_figure(epochs: pd.DataFrame) -> Figure:
    """Sampling mass on the rare groups against ESS over epochs."""
    rare = rare_groups(epochs)
    measured = epochs.assign(ess=epochs["ess"] / epochs["faces"], mass=_total(epochs, "mass", rare))
    parts = [measured[measured["setting"] == name].assign(setting=title) for name, title in RESAMPLED.items()]
    return plots.mass_ess(pd.concat(parts), _total(epochs, "share", rare).mean(), _listed(rare))


def rare_groups(table: pd.DataFrame) -> list[str]:
    """Of the groups in columns 'mass GROUP' the darker ones, else the last one; none where there is but one."""
    groups = [column.removeprefix("mass ") for column in table if column.startswith("mass ")]
    return [group for group in groups if group.startswith("darker")] or groups[1:][-1:]


def _latents(run, store) -> Evidence:
    """'latents-NAME', the influence of each latent and its correlations, 'readout-NAME', and 'traversals-NAME'.

    Latents are moved as far as the training faces reach, which the sampling is made of. What they hold is judged on
    test faces, of which all groups have the same number.
    """
    name, model, splits = run.setting.name, store.model(run), store.splits(run)
    faces, population = splits.test.positives(), encode(model, on_device(splits.train.positives()))
    latents, factors = encode(model, on_device(faces)), _known(faces)
    correlations = factor_correlations(latents, factors).round(4)
    table = pd.DataFrame({"influence": influence(model, population), **correlations})
    told = readout(latents, factors)
    found = {f"latents-{name}": table} | ({f"readout-{name}": told} if len(told) else {})
    if name in TRAVERSED:
        tiles = traversal(model, population, _strongest(table), STEPS)
        found[f"traversals-{name}"] = tiles.reshape(-1, *tiles.shape[2:])
    return found


def _known(faces: Dataset) -> dict[str, np.ndarray]:
    """The factors, and where there are such groups whether a face belongs to a darker one."""
    darker = np.array([name.startswith("darker") for name in faces.group_names])
    return {**faces.factors, **({"darker": darker[faces.groups].astype(float)} if darker.any() else {})}


def _strongest(table) -> list[int]:
    """The latents, rows of the table, that change the image most."""
    return list(table["influence"].sort_values(ascending=False, kind="stable").index[:LATENTS_TRAVERSED])


def _row_labels(table) -> list[str]:
    return [_row_label(latent, factors) for latent, factors in _readable(table).iloc[_strongest(table)].iterrows()]


def _row_label(latent, factors) -> str:
    """A latent with the factor that it follows most closely, where any are known."""
    if factors.isna().all():
        return latent
    closest = factors.abs().idxmax()
    return f"{latent}\n{closest}\nr = {factors[closest]:+.2f}"


def _readable(table) -> pd.DataFrame:
    """Correlations with the factors in FACTORS, in other data with the first ones; latents called z0, z1, ..."""
    correlations = table.drop(columns="influence")
    chosen = [name for name in FACTORS if name in correlations] or list(correlations)[: len(FACTORS)]
    return correlations[chosen].rename(columns=FACTORS, index=lambda latent: f"z{latent}")


def _most_correlated(table) -> pd.DataFrame:
    correlations = _readable(table)
    order = correlations.abs().max(axis=1).sort_values(ascending=False, kind="stable").index
    return correlations.loc[order[:LATENTS_EXPLAINED]]


def _total(table, kind, groups) -> pd.Series:
    return table[[f"{kind} {group}" for group in groups]].sum(axis=1)


def _listed(groups) -> str:
    return "darker faces" if len(groups) > 1 else groups[0]


EXPERIMENT = Experiment(
    "figures",
    "The paper's figures, and what it does not show",
    SETTINGS,
    SEEDS,
    FACES,
    DATA,
    figures=figures,
    texts=texts,
    collect=collect,
    text=text,
    minutes=25,
)
