"""What all figures share: size, fonts, colours, and how they are written."""

import functools
from collections.abc import Callable, Iterable
from pathlib import Path

import matplotlib
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox

from debias.files import replacing

PALETTE = "colorblind"
COLLAPSED = 50  # a setting whose mean recall in % is lower is cut off where it would flatten all others
WIDTH = 7.2  # inches: a page's text, and at half the size still a phone
_DPI = 150
POINTS_NOTE = "dots: seeds; tick on a line: their mean and its 95 % interval"
# A mean as a tick on its interval: a dot would hide where a narrow interval ends.
INTERVAL = {"linewidth": 1.8, "mean": {"marker": "|", "markersize": 8, "markeredgewidth": 1.8}}
NOTE = {"fontsize": 8, "color": "0.3"}

_STYLE = {
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper"),
    "font.family": ["DejaVu Sans"],  # comes with Matplotlib: the same figure on every machine
    "legend.frameon": False,
    "svg.hashsalt": "debias",
    "figure.dpi": _DPI,
}
# Versions and dates would make each file differ from the last.
_METADATA = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Decorator: what is drawn within has the house's style; Matplotlib's global settings stay as they are."""

    @functools.wraps(draw)
    def wrapper(*args, **kwargs):
        with matplotlib.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return wrapper


def save(figure: Figure, path: Path) -> None:
    """Write a figure under its name's format, atomically; the same figure gives the same PNG or SVG byte for byte."""
    path = Path(path)
    with matplotlib.rc_context(_STYLE), replacing(path) as temporary:  # some ticks are only made while drawing
        _settle(figure)
        figure.savefig(temporary, dpi=_DPI, bbox_inches="tight", metadata=_METADATA.get(path.suffix))


def _settle(figure: Figure) -> None:
    """Lay the figure out once, and keep the places rounded: the solver's last digits differ from call to call."""
    if not isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        return
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(4))
    for axes in figure.axes:
        axes.set_position(Bbox(axes.get_position(original=True).get_points().round(4)))


def colours(names: Iterable[str]) -> dict[str, tuple[float, float, float]]:
    """A colour for each name, in order of first appearance."""
    names = list(dict.fromkeys(names))
    return dict(zip(names, sns.color_palette(PALETTE, len(names)), strict=True))


def legend_below(figure: Figure, axes: Axes) -> None:
    """The axes' legend under the figure, outside of all data, with as many columns as have room."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        inches = 0.55 + 0.072 * max(map(len, labels))  # handle, gap and letters of the widest column
        columns = max(1, min(4, len(labels), int(figure.get_figwidth() / inches)))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns)
