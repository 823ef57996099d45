"""Where methods stand in two measures, and where one change takes each."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from debias.plots.style import NOTE, WIDTH, colours, styled

_HEIGHT, _PER_NAME = 4.0, 0.19  # inches: of a panel, and of a line of the list of names
_FAR = 10  # points of recall below the heads' median: what is further down is told of, or all others lay on one heap
_ITERATIONS = 500  # after which no number moves any more, or may as well stay where it is
_ABOUT = "ring: without a random camera; dot: with one; means over seeds"
_HALO = withStroke(linewidth=2, foreground="white")  # numbers stay readable on shafts


@styled
def arrows(table: pd.DataFrame) -> Figure:
    """E[A] and the worst group's recall of each method, an arrow from without a random camera to with one.

    Numbers beside the heads are named in a list beside the panels: names would run into each other.

    Args:
        table: a row a method and panel: name, panel (the test), kind (a colour each), and the means in % without
            (x0, y0) and with a random camera (x1, y1), x being E[A]; NaN where there is nothing without one.
    """
    panels, names = list(dict.fromkeys(table["panel"])), list(dict.fromkeys(table["name"]))
    height = max(_HEIGHT * len(panels), 0.6 + _PER_NAME * (len(names) + 4))
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    palette = colours(table["kind"])
    numbers = []
    for ax, panel in zip(axes, panels, strict=True):
        numbers.append(_draw(ax, table[table["panel"] == panel], names, palette))
        ax.set(xlabel="E[A] in %, 1 % FPR", ylabel="worst group in %, 1 % FPR")
        ax.set_title(panel, loc="left", fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
    _list(figure, names, palette)
    figure.suptitle(_ABOUT, x=0.01, ha="left", **NOTE)
    figure.draw_without_rendering()  # numbers are moved apart in the panels' final sizes
    for ax, texts in zip(axes, numbers, strict=True):
        _move_apart(ax, texts)
    return figure


def _list(figure, names, palette) -> None:
    """Say beside the panels what colours and numbers stand for."""
    handles = [Line2D([], [], color=colour, lw=1.5, label=kind) for kind, colour in palette.items()]
    handles += [Line2D([], [], ls="", label=f"{number}  {name}") for number, name in enumerate(names, 1)]
    figure.legend(handles=handles, loc="outside right upper", fontsize=8, handlelength=1)


def _draw(ax, table, names, palette) -> list[Text]:
    """Draw a panel's arrows and heads; returns the heads' numbers, each still on its head."""
    lowest = table["y1"].median() - _FAR
    _tell_of_far_ones(ax, table, names, lowest)
    texts = []
    for row in table[table["y1"] >= lowest].itertuples():
        colour = palette[row.kind]
        if pd.notna(row.x0):
            style = {"arrowstyle": "->", "color": colour, "lw": 1, "alpha": 0.4, "shrinkA": 0, "shrinkB": 2}
            shaft = ax.annotate("", (row.x1, row.y1), (row.x0, row.y0), arrowprops=style)
            shaft.arrow_patch.set_clip_box(ax.bbox)  # where the ring is outside of the frame
            shaft.set_in_layout(False)
        if row.y0 >= lowest:
            ax.plot(row.x0, row.y0, "o", ms=4, mfc="white", color=colour)
        ax.plot(row.x1, row.y1, "o", ms=4, color=colour)
        shown = {"fontsize": 8, "ha": "center", "va": "center", "path_effects": [_HALO]}
        texts.append(ax.text(row.x1, row.y1, str(names.index(row.name) + 1), color=colour, **shown))
    ax.margins(0.08)
    return texts


def _tell_of_far_ones(ax, table, names, lowest) -> None:
    """In words, which heads and which rings of other heads are below the frame."""
    far = table["y1"] < lowest
    begins = ~far & (table["y0"] < lowest)
    told = [f"▼{names.index(row.name) + 1} at {row.x1:.1f}, {row.y1:.1f}" for row in table[far].itertuples()]
    told += [f"○{names.index(row.name) + 1} from {row.x0:.1f}, {row.y0:.1f}" for row in table[begins].itertuples()]
    if told:
        ax.text(0.99, 0.02, "\n".join(told), transform=ax.transAxes, ha="right", va="bottom", fontsize=8)


def _move_apart(ax, texts) -> None:
    """Move numbers from each other and from the heads, to which thin lines lead; the same figure each time."""
    from adjustText import adjust_text  # here: the labs, which draw no arrows, do without it on Colab

    heads = np.array([text.get_position() for text in texts]).T
    line = {"arrowstyle": "-", "color": "0.6", "lw": 0.6}
    adjust_text(texts, *heads, ax=ax, iter_lim=_ITERATIONS, expand=(1.7, 1.7), arrowprops=line)
