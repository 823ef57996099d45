"""Where methods stand in two measures, and where one change takes each."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from debias.plots.style import NOTE, WIDTH, colours, styled

_HEIGHT, _PER_NAME = 3.4, 0.19  # inches: of a panel, and of a line of the list of names
_MARKED = 9  # points, of the numbers
_FAR = 10  # points of recall below the panel's median: further down a method is told of, or all others lay on one heap
_HALO = withStroke(linewidth=2, foreground="white")  # numbers stay readable on shafts


@styled
def arrows(table: pd.DataFrame) -> Figure:
    """E[A] and the worst group's recall of each method, an arrow from without a random camera to with one.

    The heads carry numbers, which a list beside the panels names: names would run into each other.

    Args:
        table: a row a method and panel: name, panel (the test), kind (a colour each), and the means in % without
            (x0, y0) and with a random camera (x1, y1), x being E[A]; NaN where there is nothing without one.
    """
    panels, names = list(dict.fromkeys(table["panel"])), list(dict.fromkeys(table["name"]))
    height = max(_HEIGHT * len(panels), 0.6 + _PER_NAME * (len(names) + 4))
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    palette = colours(table["kind"])
    for ax, panel in zip(axes, panels, strict=True):
        _draw(ax, table[table["panel"] == panel], names, palette)
        ax.set(xlabel="E[A] in %, 1 % FPR", ylabel="worst group in %, 1 % FPR")
        ax.set_title(panel, loc="left", fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
    handles = [Line2D([], [], color=colour, lw=1.5, label=kind) for kind, colour in palette.items()]
    handles += [Line2D([], [], ls="", label=f"{number}  {name}") for number, name in enumerate(names, 1)]
    figure.legend(handles=handles, loc="outside right upper", fontsize=8, handlelength=1)
    figure.suptitle("dot: no camera; number: with a random camera; means over seeds", x=0.01, ha="left", **NOTE)
    return figure


def _draw(ax, table, names, palette) -> None:
    far = table["y1"] < table["y1"].median() - _FAR
    if told := [f"▼{names.index(row.name) + 1} at {row.x1:.1f}, {row.y1:.1f}" for row in table[far].itertuples()]:
        ax.text(0.99, 0.02, "\n".join(told), transform=ax.transAxes, ha="right", va="bottom", fontsize=8)
    for row in table[~far].itertuples():
        colour = palette[row.kind]
        if pd.notna(row.x0):
            style = {"arrowstyle": "->", "color": colour, "lw": 1, "alpha": 0.5, "shrinkA": 0, "shrinkB": 5}
            ax.annotate("", (row.x1, row.y1), (row.x0, row.y0), arrowprops=style)
            ax.plot(row.x0, row.y0, "o", ms=3, color=colour)
        ax.plot(row.x1, row.y1, "o", ms=1, alpha=0)  # for the limits
        number = str(names.index(row.name) + 1)
        shown = {"fontsize": _MARKED, "ha": "center", "va": "center", "weight": "bold", "path_effects": [_HALO]}
        ax.text(row.x1, row.y1, number, color=colour, **shown)
    ax.margins(0.08)
