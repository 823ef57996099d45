"""Recall by group (paper, Fig. 5B)."""

from collections.abc import Mapping

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from debias.plots.style import COLLAPSED, INTERVAL, NOTE, WIDTH, colours, legend_below, styled

_SPREAD = 0.8  # of a group's room is for its settings
_NOTE = "dots: seeds; ticks: their mean and its standard error"


@styled
def group_points(recalls: pd.DataFrame, about: str = "") -> Figure:
    """Recall by group and setting: mean and standard error over seeds as in the paper, and a dot for each seed.

    Args:
        recalls: long form, columns setting, group, recall (in %), one row a seed.
        about: what test, threshold and seeds they are of, for the note above.
    """
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    palette, room = colours(recalls["setting"]), _SPREAD / recalls["setting"].nunique()
    style = {"data": recalls, "x": "group", "y": "recall", "hue": "setting", "ax": axes, "palette": palette}
    sns.stripplot(**style, dodge=True, jitter=False, size=3, alpha=0.4, legend=False)
    tick = {**INTERVAL["mean"], "marker": "_", "linestyle": "none", "err_kws": {"linewidth": INTERVAL["linewidth"]}}
    sns.pointplot(**style, dodge=_SPREAD - room or False, errorbar="se", **tick)
    axes.set(xlabel="", ylabel="recall in %", ylim=(_floor(recalls), 100.5))
    axes.grid(axis="y", alpha=0.3)
    _label_cut_off(axes, recalls, palette, room)
    axes.set_title(f"{about}{about and '; '}{_NOTE}", loc="left", **NOTE)
    legend_below(figure, axes)
    axes.get_legend().remove()
    sns.despine(figure)
    return figure


def _floor(recalls: pd.DataFrame) -> float:
    """Where the axis begins: below every setting but those that have collapsed, which would flatten all others."""
    means = recalls.groupby("setting")["recall"].mean()
    alive = means.index[means >= COLLAPSED] if (means >= COLLAPSED).any() else means.index
    return max(0, recalls.loc[recalls["setting"].isin(alive), "recall"].min() - 3)


def _label_cut_off(axes: Axes, recalls: pd.DataFrame, palette: Mapping, room: float) -> None:
    """Means below the axis in words, where their ticks would be."""
    floor, settings, groups = axes.get_ylim()[0], list(palette), list(dict.fromkeys(recalls["group"]))
    for (setting, group), mean in recalls.groupby(["setting", "group"], sort=False)["recall"].mean().items():
        if mean < floor:
            place = groups.index(group) + (settings.index(setting) - (len(settings) - 1) / 2) * room
            style = {"rotation": 90, "ha": "center", "va": "bottom", "fontsize": 8, "color": palette[setting]}
            axes.annotate(f" {mean:.1f}, cut off", (place, floor), **style)
