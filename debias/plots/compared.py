"""Methods beside each other: where each stands without and with a change of training, and by how much it differs."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from debias.intervals import mean_interval
from debias.plots.style import INTERVAL, NOTE, WIDTH, colours, legend_below, styled

_LINE, _REST = 0.22, 1.3  # inches: of a method, and of titles, axes and legend
_FAR = 8  # points: who loses more is told of in words, or the interval of nobody else could be read


@styled
def compared(levels: pd.DataFrame, changes: pd.DataFrame, note: str) -> Figure:
    """A line a method: its level as a ring and a dot, then a panel for each of its paired differences.

    Args:
        levels: a row a method, from top to bottom: name, kind (a colour each), and two columns in %, whose second is
            the panel's title: the ring, NaN for none, and the dot.
        changes: a row a method and seed: name, and a column a panel, in points; a method may be missing.
        note: what everything is, above the panels.
    """
    panels = list(changes.columns.drop("name"))
    figure = Figure(figsize=(WIDTH, _LINE * len(levels) + _REST), layout="constrained")
    first, *others = figure.subplots(1, 1 + len(panels), sharey=True, width_ratios=[0.8] + [1] * len(panels))
    places, palette = {name: line for line, name in enumerate(levels["name"])}, colours(levels["kind"])
    _draw_levels(first, levels, palette)
    for axes, panel in zip(others, panels, strict=True):
        for row in levels.itertuples():
            _draw_change(axes, changes.loc[changes["name"] == row.name, panel], places[row.name], palette[row.kind])
        axes.axvline(0, color="0.5", linewidth=0.8)
        axes.set_title(panel, loc="left", fontsize=9)
    first.set_yticks(list(places.values()), list(places), fontsize=8)
    first.set_ylim(len(places) - 0.5, -0.5)
    for axes in (first, *others):
        _plain(axes)
    for kind, colour in palette.items():
        first.plot([], [], color=colour, lw=1.5, label=kind)
    legend_below(figure, first)
    figure.suptitle(note, x=0.01, ha="left", **NOTE)
    return figure


def _draw_levels(axes: Axes, levels, palette) -> None:
    before, after = levels.columns.drop(["name", "kind"])
    for place, (kind, start, end) in enumerate(zip(levels["kind"], levels[before], levels[after], strict=True)):
        axes.plot([start, end], [place, place], color=palette[kind], lw=1, alpha=0.4, zorder=1)
        axes.plot(start, place, "o", ms=4.5, mfc="white", color=palette[kind])
        axes.plot(end, place, "o", ms=4.5, color=palette[kind])
    axes.set_title(after, loc="left", fontsize=9)


def _draw_change(axes: Axes, values: pd.Series, place: float, colour) -> None:
    """Seeds, their mean and its interval; of one that is far below, the mean in words."""
    if values.mean() < -_FAR:
        told = {"va": "center", "fontsize": 8, "color": colour, "transform": axes.get_yaxis_transform()}
        axes.text(0.02, place, f"◀ {values.mean():.1f}", **told)
    elif len(values):
        axes.plot(values, [place] * len(values), "o", ms=2.5, alpha=0.35, mew=0, color=colour)
        if len(values) > 1:
            axes.plot(mean_interval(values), [place, place], color=colour, lw=INTERVAL["linewidth"])
        axes.plot(values.mean(), place, color=colour, **INTERVAL["mean"])


def _plain(axes: Axes) -> None:
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
