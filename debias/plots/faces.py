"""Figures made of faces: what resampling prefers, reconstructions, latent traversals."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from debias.plots.style import NOTE, WIDTH, colours, styled

_NARROWEST = 0.1  # of log10 (N p) to either side of 0
_TRAVERSAL_WIDTH = 6.6  # inches, of which seven faces and the names beside them fill all


@styled
def sampling_figure(histograms: pd.DataFrame, tiles: Mapping[str, np.ndarray]) -> Figure:
    """For each setting, the histogram of N * p with the ten least and the ten most likely faces (paper, Fig. 4).

    Args:
        histograms: columns setting, ess (effective sample size in faces), low and high (edges of a bin, log10 of N p)
            and images (how many fall in it), one row a bin.
        tiles: setting -> its ten least, then its ten most likely faces, (20, H, W, C) uint8.
    """
    figure = Figure(figsize=(WIDTH, 1.75 * len(tiles)), layout="constrained")
    parts = np.atleast_1d(figure.subfigures(len(tiles), 1))
    for part, (setting, faces) in zip(parts, tiles.items(), strict=True):
        bins = histograms[histograms["setting"] == setting]
        histogram, least, most = part.subplots(1, 3, width_ratios=(1, 1.35, 1.35))
        _draw_histogram(histogram, bins)
        for axes, images, title in zip((least, most), np.split(faces, 2), ("least", "most"), strict=True):
            _show(axes, grid(images, 5))
            axes.set_title(f"ten {title} likely", loc="left", **NOTE)
        ess, count = bins["ess"].iloc[0], bins["images"].sum()
        part.suptitle(f"{setting}: ESS {ess:,.0f} of {count:,} faces", x=0.01, ha="left", fontsize=9.6)
    return figure


@styled
def reconstructions(originals: np.ndarray, rebuilt: Mapping[str, np.ndarray]) -> Figure:
    """Originals above each model's reconstructions, all (n, H, W, C) uint8 with groups side by side."""
    rows = {"original": originals, **rebuilt}
    figure = Figure(figsize=(WIDTH, (WIDTH / len(originals) + 0.25) * len(rows)), layout="constrained")
    all_axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for (title, images), axes in zip(rows.items(), all_axes, strict=True):
        _show(axes, grid(images, len(images)))
        axes.set_title(title, loc="left", fontsize=9)
    return figure


@styled
def traversals(
    tiles: Mapping[str, np.ndarray], labels: Mapping[str, Sequence[str]], positions: Sequence[float]
) -> Figure:
    """Decoded faces as one latent after the other moves (paper, Fig. 5A).

    Args:
        tiles: setting -> (rows, steps, H, W, C) uint8, one row a latent.
        labels: setting -> a text for each of its rows.
        positions: (steps,) how far from the mean, in standard deviations.
    """
    rows = [len(images) for images in tiles.values()]
    figure = Figure(figsize=(_TRAVERSAL_WIDTH, 0.76 * sum(rows) + 0.55 * len(rows)), layout="constrained")
    parts = figure.subplots(len(rows), 1, height_ratios=rows, squeeze=False)[:, 0]
    steps = [f"{place:+g} sd" if place else "mean" for place in positions]
    for axes, (setting, images) in zip(parts, tiles.items(), strict=True):
        _show(axes, grid(images.reshape(-1, *images.shape[2:]), len(steps)))
        _name_cells(axes, images.shape[2:4], labels[setting], steps)
        axes.set_title(setting, loc="left", fontsize=9.6)
    return figure


def grid(images: np.ndarray, columns: int) -> np.ndarray:
    """Images (n, H, W, C) uint8 in rows of `columns`, each with a white margin of one pixel to its right and below."""
    images = np.pad(images, ((0, -len(images) % columns), (0, 1), (0, 1), (0, 0)), constant_values=255)
    count, height, width, channels = images.shape
    tiles = images.reshape(count // columns, columns, height, width, channels).swapaxes(1, 2)
    return tiles.reshape(count // columns * height, columns * width, channels)


def _show(axes, image) -> None:
    # Without interpolation an SVG holds the pixels as they are, not a picture of them many times as large.
    axes.imshow(image, cmap="gray" if image.shape[-1] == 1 else None, vmin=0, vmax=255, interpolation="none")
    axes.set_axis_off()


def _name_cells(axes, size, rows, columns) -> None:
    """Names beside and above the cells of a `grid` of images of `size` (H, W)."""
    axes.set_axis_on()
    height, width = (length + 1 for length in size)
    axes.set_yticks((np.arange(len(rows)) + 0.5) * height, rows)
    axes.set_xticks((np.arange(len(columns)) + 0.5) * width, columns)
    axes.tick_params(length=0, labeltop=True, labelbottom=False, labelsize=8)
    axes.spines[:].set_visible(False)


def _draw_histogram(axes, bins) -> None:
    look = {"color": colours("x")["x"], "edgecolor": colours("x")["x"], "lw": 0.6}  # the thinnest bar has its edge
    axes.bar(bins["low"], bins["images"], bins["high"] - bins["low"], align="edge", **look)
    axes.axvline(0, color="0.2", lw=0.8, ls=":")
    axes.set(xlabel="log10 (N p), 0: uniform", ylabel="faces", yscale="log")
    # Wide enough for short numbers, and for a power of ten on the other axis: others have no room for theirs.
    low, high = axes.get_xlim()
    axes.set(xlim=(min(low, -_NARROWEST), max(high, _NARROWEST)), ylim=(0.5, None))
    axes.locator_params(axis="x", nbins=4)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.spines[["top", "right"]].set_visible(False)
