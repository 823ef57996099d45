"""Whole images with what sliding windows found in them."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from debias.plots.style import NOTE, WIDTH, styled

_LETTERS = 28  # of a line above a picture, when three stand beside each other


@styled
def heat_maps(
    photographs: Mapping[str, np.ndarray],
    heat: Mapping[str, Mapping[str, np.ndarray]],
    best: Mapping[str, Mapping[str, tuple[Sequence[int], float]]],
) -> Figure:
    """Photographs in rows; beside each, for every model, P(face) of the best window over each pixel.

    Args:
        photographs: name -> (H, W, 3) uint8.
        heat: model -> photograph -> (H, W) in 0..1, see `debias.detection.heat_map`.
        best: model -> photograph -> (top, left, side) of its best window, drawn as a frame, and that window's score.
    """
    heights = [image.shape[0] / image.shape[1] for image in photographs.values()]
    columns = 1 + len(heat)
    figure = Figure(figsize=(WIDTH, sum(WIDTH / columns * height + 0.5 for height in heights)), layout="constrained")
    grid = figure.subplots(len(photographs), columns, squeeze=False, height_ratios=heights)
    for (name, image), (first, *others) in zip(photographs.items(), grid, strict=True):
        first.imshow(image)
        first.set_title(name, loc="left", **NOTE)
        for model, axes in zip(heat, others, strict=True):
            axes.imshow(image.mean(2), cmap="gray")
            shown = axes.imshow(heat[model][name], cmap="inferno", vmin=0, vmax=1, alpha=0.65)
            (top, left, side), score = best[model][name]
            axes.add_patch(Rectangle((left, top), side, side, fill=False, edgecolor="c", lw=1.2))
            axes.set_title(f"{textwrap.fill(model, _LETTERS)}\nbest window {score:.2f}", loc="left", **NOTE)
    for axes in grid.ravel():
        axes.set_axis_off()
    figure.colorbar(shown, ax=grid[:, -1].tolist(), shrink=0.8, label="P(face) of the best window over a pixel")
    return figure
