"""One figure for any ablation: measures over its settings."""

import types
from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from debias.intervals import mean_interval
from debias.plots.style import COLLAPSED, NOTE, WIDTH, colours, legend_below, styled

_NONE = types.MappingProxyType({})
_DASHES = ("--", ":", "-.")
_LOGARITHMIC = "ess"  # spans four orders of magnitude
_MARGIN = 0.4  # room beside the outermost settings, in steps between settings
_INCHES_A_LETTER = 0.085  # at 8 points
_MOST_ABREAST = 3  # panels
_NOTE = "small dots: seeds; large: their mean and its 95 % interval"
_COLLAPSED_NOTE = f"; ▼ collapsed, E[A] below {COLLAPSED} % at threshold 0.5, value"


@styled
def setting_points(
    rows: pd.DataFrame,
    x: str,
    measures: Mapping[str, str],
    hue: str | None = None,
    log: bool = False,
    baselines: Mapping[str, pd.DataFrame] = _NONE,
    about: str = "",
) -> Figure:
    """Measures over settings: a dot a seed, the mean over seeds, its 95 % interval.

    Where settings with a mean recall below 50 %, at their own threshold, would flatten all others, their values stand
    at the foot instead.

    Args:
        rows: one row a run, with mean_recall and the columns that the other arguments name.
        x: a column of numbers, or of text, which keeps its order of appearance; also the axis' label.
        measures: column -> title of its panel; the one called 'ess' gets a logarithmic axis.
        hue: column with a line of its own for each value; None draws one line.
        log: whether the axis of x is logarithmic.
        baselines: name -> rows whose mean is drawn across each panel.
        about: what the rows are, for the note above the panels.
    """
    figure, panels = _panels(len(measures))
    table, ticks = _placed(rows, x, hue, log)
    for axes, (measure, title) in zip(panels, measures.items(), strict=True):
        _draw_measure(axes, table, measure, "-" if pd.api.types.is_numeric_dtype(rows[x]) else "")
        for (name, part), dashes in zip(baselines.items(), _DASHES, strict=False):
            axes.axhline(part[measure].mean(), color="0.3", lw=1, ls=dashes, label=name, zorder=1)
        if measure == _LOGARITHMIC:
            _show_decades(axes)
        _name_ticks(axes, ticks)
        axes.set(xlabel=x, ylabel="")
        axes.set_title(title, loc="left", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    collapsed = "" if table["alive"].all() else _COLLAPSED_NOTE
    figure.suptitle(f"{about}{about and '; '}{_NOTE}{collapsed}", x=0.01, ha="left", **NOTE)
    if hue or baselines:
        legend_below(figure, panels[0])
    return figure


def _panels(count) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, at most three abreast."""
    lines = -(-count // _MOST_ABREAST)
    figure = Figure(figsize=(WIDTH, 2.5 * lines + 0.6), layout="constrained")
    panels = list(figure.subplots(lines, -(-count // lines), squeeze=False).flat)
    for empty in panels[count:]:
        empty.remove()
    return figure, panels[:count]


def _placed(rows, x, hue, log) -> tuple[pd.DataFrame, dict[str, float]]:
    """Rows with their line, their place on the axis and whether their setting is alive; and the place of each tick."""
    line = rows[hue].astype(str) if hue else pd.Series("", rows.index)
    numeric = pd.api.types.is_numeric_dtype(rows[x])
    values = sorted(rows[x].unique()) if numeric else list(dict.fromkeys(rows[x]))
    spots = np.array(values, float) if numeric else np.arange(len(values), dtype=float)
    spots = np.log10(spots) if log else spots
    recall = rows.groupby([rows[x], line])["mean_recall"].transform("mean")
    alive = recall >= COLLAPSED
    place = rows[x].map(dict(zip(values, spots, strict=True))) + line.map(_offsets(line, spots))
    table = rows.assign(line=line, place=place, alive=alive if alive.any() else True)
    return table, {f"{value:g}" if numeric else str(value): spot for value, spot in zip(values, spots, strict=True)}


def _offsets(line, spots) -> dict[str, float]:
    """A small shift sideways for each line, so that their intervals do not hide each other."""
    names = list(dict.fromkeys(line))
    step = min(0.12, 0.24 / len(names)) * min(np.diff(spots), default=1.0)
    return {name: step * (index - (len(names) - 1) / 2) for index, name in enumerate(names)}


def _draw_measure(axes, table, measure, line) -> None:
    flattens = measure != _LOGARITHMIC
    palette = colours(table["line"])
    shown = {"data": table[table["alive"]] if flattens else table, "ax": axes}
    style = {**shown, "x": "place", "y": measure, "hue": "line", "hue_order": list(palette), "palette": palette}
    sns.lineplot(**style, errorbar=mean_interval, err_style="bars", marker="o", ms=6, lw=1.2, ls=line)
    sns.scatterplot(**style, s=9, alpha=0.5, lw=0, legend=False)
    if hue_legend := axes.get_legend():
        hue_legend.remove()
    if flattens:
        _name_collapsed(axes, table[~table["alive"]], measure, palette)


def _show_decades(axes) -> None:
    """A logarithmic axis from about a whole power of ten, at least two numbers on it, written out."""
    axes.set_yscale("log")
    lowest = np.log10(max(axes.dataLim.y0, 1))  # an interval may go below the one face that there always is
    low, high = 0.7 * 10 ** np.floor(lowest), 1.5 * axes.dataLim.y1  # room for the highest mark
    axes.set_ylim(low, high)
    if high < 20 * low:  # powers of ten alone would leave a single number
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _name_collapsed(axes, table, measure, palette) -> None:
    """Means of collapsed settings at the panel's foot, one line of text for each line of the figure."""
    lines = list(dict.fromkeys(table["line"]))
    low, high = axes.get_ylim()
    axes.set_ylim(low - 0.1 * len(lines) * (high - low), high)
    for (line, place), value in table.groupby(["line", "place"], sort=False)[measure].mean().items():
        foot = 0.02 + 0.09 * lines.index(line)
        style = {"ha": "center", "fontsize": 8, "color": palette[line], "transform": axes.get_xaxis_transform()}
        axes.text(place, foot, f"▼{value:.3g}", **style)


def _name_ticks(axes, ticks: Mapping[str, float]) -> None:
    """Names at their places, slanted where they would run into each other."""
    places = np.array(list(ticks.values()))
    gap = min(np.diff(places), default=1.0)
    low, high = places[0] - _MARGIN * gap, places[-1] + _MARGIN * gap
    axes.set_xlim(low - 0.04 * (high - low), high + 0.04 * (high - low))
    inches = 0.8 * WIDTH / axes.get_subplotspec().get_gridspec().ncols  # the rest is margin
    crowded = max(map(len, ticks)) * _INCHES_A_LETTER > inches * gap / (high - low)
    slant = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    axes.set_xticks(places, list(ticks), fontsize=8, **slant)
