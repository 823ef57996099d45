"""Which known factors the latents follow."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from debias.plots.style import NOTE, WIDTH, styled

_SCALES = {"AUC": (0.5, 1.0), "R2": (0.0, 1.0)}  # chance and the best possible
_SIGNS = {"AUC": "AUC", "R2": "R²"}


@styled
def latent_factors(correlations: Mapping[str, pd.DataFrame], readouts: Mapping[str, pd.DataFrame]) -> Figure:
    """Correlation of each latent with each factor, and below how well all latents together tell the factor.

    Args:
        correlations: setting -> latents (index, as named) x factors (columns), in -1..1.
        readouts: setting -> columns factor, measure ('AUC' or 'R2'), score, as of `debias.latents.readout`.
    """
    rows = [len(table) for table in correlations.values()]
    figure = Figure(figsize=(WIDTH, sum(0.23 * count + 1.9 for count in rows)), layout="constrained")
    parts = np.atleast_1d(figure.subfigures(len(rows), 1, height_ratios=[0.23 * count + 1.9 for count in rows]))
    for part, (setting, table) in zip(parts, correlations.items(), strict=True):
        cells, summary = part.subplots(2, 1, height_ratios=(len(table), 2))
        _draw_correlations(cells, table)
        _draw_readout(summary, readouts[setting].set_index("factor").loc[table.columns])
        part.suptitle(setting, x=0.01, ha="left", fontsize=9.6)
    return figure


def _draw_correlations(axes, table) -> None:
    sns.heatmap(
        table,
        ax=axes,
        cmap="vlag",
        vmin=-1,
        vmax=1,
        annot=table.map(_short),
        fmt="",
        annot_kws={"fontsize": 8},
        cbar=False,
        linewidths=0.5,
        xticklabels=False,
    )
    axes.tick_params(length=0, labelsize=8, labelrotation=0)
    axes.set_title("Spearman correlation with single latents", loc="left", **NOTE)


def _draw_readout(axes, readout) -> None:
    low, high = np.array([_SCALES[measure] for measure in readout["measure"]]).T
    strength = np.clip((readout["score"].to_numpy() - low) / (high - low), 0, 1)
    text = [
        f"{_SIGNS[measure]}\n{_short(score)}"
        for measure, score in zip(readout["measure"], readout["score"], strict=True)
    ]
    sns.heatmap(
        strength[None],
        ax=axes,
        cmap="Greys",
        vmin=0,
        vmax=1.4,  # no cell so dark that its text cannot be read
        annot=np.array([text]),
        fmt="",
        annot_kws={"fontsize": 8},
        cbar=False,
        linewidths=0.5,
        yticklabels=["all"],
    )
    axes.tick_params(length=0, labelsize=8)
    axes.tick_params(axis="y", labelrotation=0)
    axes.set_xticks(axes.get_xticks(), readout.index, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_title("linear read-out from all latents, cross-validated", loc="left", **NOTE)


def _short(value: float) -> str:
    """Two decimals without the zero in front."""
    return "" if np.isnan(value) else f"{round(value, 2) + 0.0:.2f}".replace("0.", ".", 1)  # + 0.0 makes -0 a 0
