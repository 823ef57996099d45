"""Figures: recall by group, what resampling prefers, reconstructions. Colour-blind safe, drawn without a display."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from debias.files import replacing

PALETTE = "colorblind"
COLLAPSED = 50  # a method whose mean recall in % is lower may be cut off


def save(figure: Figure, path: Path) -> None:
    """Write a figure under its name's format, atomically."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=150, bbox_inches="tight")


def group_bars(recalls: pd.DataFrame, intervals: pd.DataFrame) -> Figure:
    """Recall by group and method, with a dot for each seed.

    Args:
        recalls: long form, columns method, group, recall (in %), one row a seed.
        intervals: columns method, group, low, high (in %), one row a bar.
    """
    figure = Figure(figsize=(10, 4.2))
    axes = figure.subplots()
    style = {"data": recalls, "x": "group", "y": "recall", "hue": "method", "ax": axes, "palette": PALETTE}
    sns.barplot(**style, errorbar=None, alpha=0.75)
    sns.stripplot(**style, dodge=True, size=3, linewidth=0.5, edgecolor="white", legend=False)
    _whiskers(axes, recalls, intervals)
    axes.set(xlabel="", ylabel="recall in %", ylim=(_floor(recalls, intervals), 100.5))
    _label_cut_bars(axes)
    axes.set_title("bars: mean over seeds, dots: seeds, whiskers: 95 % Wilson interval of the mean", fontsize=9)
    sns.move_legend(axes, "upper center", bbox_to_anchor=(0.5, -0.1), ncol=3, title=None, frameon=False)
    sns.despine(figure)
    return figure


def sampling_figure(rules: Mapping[str, np.ndarray], images: np.ndarray, ess: Mapping[str, float]) -> Figure:
    """For each rule, the histogram of N * p with the ten least and the ten most likely images (paper, Fig. 4).

    Args:
        rules: title -> sampling probabilities (N,).
        images: (N, H, W, C) uint8 or an array-like that can be indexed by position.
        ess: title -> effective sample size.
    """
    figure = Figure(figsize=(12, 2.6 * len(rules)), layout="constrained")
    axes = figure.subplots(len(rules), 3, width_ratios=(1.1, 1.5, 1.5), squeeze=False)
    for (title, p), (histogram, least, most) in zip(rules.items(), axes, strict=True):
        blue = sns.color_palette(PALETTE)[0]
        sns.histplot(x=np.log10(np.maximum(p * len(p), 1e-12)), bins=40, ax=histogram, color=blue)
        histogram.set(xlabel="log10 (N p): 0 is uniform", ylabel="images", yscale="log")
        histogram.locator_params(axis="x", nbins=5)
        histogram.set_title(f"{title}: ESS {ess[title]:,.0f} of {len(p):,}", fontsize=9)
        order = np.argsort(p, kind="stable")
        _show(least, grid(images[order[:10]], 5), "ten least likely")
        _show(most, grid(images[order[-10:]], 5), "ten most likely")
    return figure


def reconstructions(originals: np.ndarray, rebuilt: Mapping[str, np.ndarray]) -> Figure:
    """Originals above each model's reconstructions, all (n, H, W, C) uint8 with groups side by side."""
    rows = {"original": originals, **rebuilt}
    figure = Figure(figsize=(0.75 * len(originals), 0.85 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for (title, images), row in zip(rows.items(), axes, strict=True):
        _show(row, grid(images, len(images)), title)
    return figure


def grid(images: np.ndarray, columns: int) -> np.ndarray:
    """Images (n, H, W, C) uint8 in rows of `columns`, each with a white margin of one pixel to its right and below."""
    images = np.pad(images, ((0, -len(images) % columns), (0, 1), (0, 1), (0, 0)), constant_values=255)
    count, height, width, channels = images.shape
    tiles = images.reshape(count // columns, columns, height, width, channels).swapaxes(1, 2)
    return tiles.reshape(count // columns * height, columns * width, channels)


def _show(axes, image, title):
    axes.imshow(image, cmap="gray" if image.shape[-1] == 1 else None)
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_axis_off()


def _floor(recalls: pd.DataFrame, intervals: pd.DataFrame) -> float:
    """Where the axis begins: below every method but those that have collapsed, which would flatten all others."""
    means = recalls.groupby("method")["recall"].mean()
    alive = means.index[means >= COLLAPSED] if (means >= COLLAPSED).any() else means.index
    tables = ((recalls, "recall"), (intervals, "low"))
    lowest = [table.loc[table["method"].isin(alive), name].min() for table, name in tables]
    return max(0, min(lowest) - 3)


def _label_cut_bars(axes) -> None:
    floor = axes.get_ylim()[0]
    bars = [bar for container in axes.containers if isinstance(container, BarContainer) for bar in container]
    for bar in (bar for bar in bars if bar.get_height() < floor):
        place = (bar.get_x() + bar.get_width() / 2, floor)
        text = f" {bar.get_height():.1f}, cut off"
        axes.annotate(text, place, rotation=90, ha="center", va="bottom", fontsize=8, color=bar.get_facecolor()[:3])


def _whiskers(axes, recalls, intervals):
    """Intervals on the bars; seaborn draws one container a method, with the groups in order of appearance."""
    groups: Sequence[str] = recalls["group"].unique()
    for container, method in zip(axes.containers, recalls["method"].unique(), strict=False):
        bounds = intervals[intervals["method"] == method].set_index("group").loc[groups]
        x = [bar.get_x() + bar.get_width() / 2 for bar in container]
        height = np.array([bar.get_height() for bar in container])
        axes.errorbar(x, height, [height - bounds["low"], bounds["high"] - height], fmt="none", ecolor="0.2", lw=1)
