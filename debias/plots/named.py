"""Measures of settings with long names: a line of the figure for each."""

from collections.abc import Mapping

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from debias.intervals import mean_interval
from debias.plots.style import INTERVAL, NOTE, PALETTE, POINTS_NOTE, WIDTH, styled

_LINE, _REST = 0.26, 1.0  # inches: of a setting, and of titles and axes


@styled
def named_points(
    rows: pd.DataFrame,
    name: str,
    measures: Mapping[str, str],
    estimator: str = "mean",
    note: str = POINTS_NOTE,
    zero: bool = False,
) -> Figure:
    """A panel a measure: dots are seeds, a tick on a line their mean with its 95 % interval.

    Args:
        rows: one row a run.
        name: the column with the settings' names, which keep their order of appearance.
        measures: column -> title of its panel.
        estimator: 'mean', with Student's interval, or 'median', with one by bootstrap.
        note: what the dots are, where a row is no run.
        zero: whether to draw a line there, for differences.
    """
    errorbar = mean_interval if estimator == "mean" else ("ci", 95)
    figure = Figure(figsize=(WIDTH, _LINE * rows[name].nunique() + _REST), layout="constrained")
    panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for axes, (measure, title) in zip(panels, measures.items(), strict=True):
        style = {"data": rows, "x": measure, "y": name, "color": sns.color_palette(PALETTE)[0], "ax": axes}
        sns.stripplot(**style, size=3, alpha=0.4, jitter=False)
        marks = {"linestyle": "none", **INTERVAL["mean"], "err_kws": {"linewidth": INTERVAL["linewidth"]}}
        sns.pointplot(**style, estimator=estimator, errorbar=errorbar, seed=0, **marks)
        if zero:
            axes.axvline(0, color="0.5", linewidth=0.8)
        axes.set(xlabel="", ylabel="")
        axes.set_title(title, loc="left", fontsize=9)
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(left=False)
    figure.suptitle(note, x=0.01, ha="left", **NOTE)
    return figure
