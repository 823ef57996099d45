"""Recall by group (paper, Fig. 5B)."""

import pandas as pd
import seaborn as sns
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from debias.plots.style import COLLAPSED, NOTE, PALETTE, WIDTH, legend_below, styled


@styled
def group_bars(recalls: pd.DataFrame) -> Figure:
    """Recall by group and setting: mean and standard error over seeds as in the paper, and a dot for each seed.

    Args:
        recalls: long form, columns setting, group, recall (in %), one row a seed.
    """
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    style = {"data": recalls, "x": "group", "y": "recall", "hue": "setting", "ax": axes, "palette": PALETTE}
    sns.barplot(**style, errorbar="se", alpha=0.75, capsize=0.3, err_kws={"color": "0.1", "lw": 1.3, "zorder": 5})
    sns.stripplot(**style, dodge=True, jitter=False, size=3, linewidth=0.4, edgecolor="white", legend=False)
    axes.set(xlabel="", ylabel="recall in %", ylim=(_floor(recalls), 100.5))
    _label_cut_bars(axes)
    axes.set_title("bars: mean over seeds, dots: seeds, whiskers: s.e.m. over seeds", loc="left", **NOTE)
    legend_below(figure, axes)
    axes.get_legend().remove()
    sns.despine(figure)
    return figure


def _floor(recalls: pd.DataFrame) -> float:
    """Where the axis begins: below every setting but those that have collapsed, which would flatten all others."""
    means = recalls.groupby("setting")["recall"].mean()
    alive = means.index[means >= COLLAPSED] if (means >= COLLAPSED).any() else means.index
    return max(0, recalls.loc[recalls["setting"].isin(alive), "recall"].min() - 3)


def _label_cut_bars(axes) -> None:
    floor = axes.get_ylim()[0]
    bars = [bar for container in axes.containers if isinstance(container, BarContainer) for bar in container]
    for bar in (bar for bar in bars if bar.get_height() < floor):
        place = (bar.get_x() + bar.get_width() / 2, floor)
        text = f" {bar.get_height():.1f}, cut off"
        axes.annotate(text, place, rotation=90, ha="center", va="bottom", fontsize=8, color=bar.get_facecolor()[:3])
