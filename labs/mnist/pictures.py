"""Pictures of the digit lab: digits with their names, learning curves, a confusion matrix."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from debias.plots.style import WIDTH, colours, legend_below, styled

SIDE, TITLE, GAP = 28, 10, 4  # pixels of a digit, of the space for its title, and between two


@styled
def digits(images: np.ndarray, titles: Sequence[str], columns: int = 10) -> Figure:
    """Images (N, 28, 28, 1), each under its title; in one panel, which is drawn faster than one for each."""
    rows, (height, width) = max(1, -(-len(images) // columns)), (TITLE + SIDE, SIDE + GAP)
    sheet = np.zeros((rows * height, columns * width))
    figure = Figure(figsize=(WIDTH, WIDTH * rows * height / (columns * width)), layout="constrained")
    axes = figure.subplots()
    for number, (image, title) in enumerate(zip(images, titles, strict=True)):
        top, left = height * (number // columns), width * (number % columns)
        sheet[top + TITLE : top + height, left : left + SIDE] = image[..., 0]
        axes.text(left + SIDE / 2, top + TITLE - 2, title, ha="center", fontsize=8)
    axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
    axes.set_axis_off()
    return figure


@styled
def readings(images: np.ndarray, probabilities: np.ndarray, titles: Sequence[str]) -> Figure:
    """Images (N, 28, 28, 1), each under its title and above the probabilities (10,) that it is read with."""
    figure = Figure(figsize=(WIDTH / 5 * len(images), 2.6), layout="constrained")
    panels = figure.subplots(2, len(images), squeeze=False, sharey="row")
    for (above, below), image, bars, title in zip(panels.T, images, probabilities, titles, strict=True):
        above.imshow(image[..., 0], cmap="gray_r", vmin=0, vmax=1)
        above.set_title(title, fontsize=9)
        above.set_axis_off()
        below.bar(range(10), bars, color=colours(["read"])["read"])
        below.set(xticks=range(10), ylim=(0, 1))
    panels[1, 0].set_ylabel("probability")
    return figure


@styled
def curves(log: pd.DataFrame) -> Figure:
    """Accuracy on training and validation digits by epoch.

    Args:
        log: columns model, epoch, train and validation (in %).
    """
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, split in zip(panels, ("train", "validation"), strict=True):
        for model, colour in colours(log["model"]).items():
            part = log[log["model"] == model]
            axes.plot(part["epoch"], part[split], color=colour, marker="o", ms=3, label=model)
        axes.set(xlabel="epoch", title=split)
    panels[0].set_ylabel("accuracy in %")
    panels[0].set_ylim(bottom=max(log["validation"].min() - 1, 80), top=100.2)
    legend_below(figure, panels[0])
    return figure


@styled
def confusion(counts: np.ndarray) -> Figure:
    """Counts (10, 10) of digits by truth (row) and answer (column); the diagonal, all right, is left grey."""
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.subplots()
    mistakes = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    text = np.where(counts > 0, counts.astype(str), "")
    sns.heatmap(mistakes, ax=axes, annot=text, fmt="", cmap="Reds", cbar=False, linewidths=0.5, annot_kws={"size": 8})
    axes.set(xlabel="answer", ylabel="truth")
    axes.tick_params(length=0, labelrotation=0)
    return figure
