"""Figures of the lab: curves of training, and what the agent looks at."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from debias.plots.style import NOTE, WIDTH, colours, legend_below, styled

AXES = {"steps": "steps of the environment", "minutes": "minutes, two cores"}


@styled
def curves(runs: pd.DataFrame, goal: float, title: str) -> Figure:
    """Mean return of the last 100 episodes against steps and against minutes: a line and a band over the seeds.

    Args:
        runs: rows of logs, with columns algorithm and seed.
        goal: where a dotted line is drawn.
    """
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    palette = colours(runs["algorithm"])
    for axes, x in zip(figure.subplots(1, 2, sharey=True), AXES, strict=True):
        for name, rows in runs.groupby("algorithm", sort=False):
            grid, lines = on_common_grid(rows, x)
            axes.plot(grid, lines.mean(axis=0), color=palette[name], label=f"{name}, {len(lines)} seeds")
            axes.fill_between(grid, lines.min(axis=0), lines.max(axis=0), color=palette[name], alpha=0.25, lw=0)
        axes.axhline(goal, ls=":", color="0.4", lw=1)
        axes.set(xlabel=AXES[x])
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("mean return, last 100 episodes")
    figure.axes[0].set_title(f"{title}: mean over seeds, band from the worst to the best", loc="left", **NOTE)
    legend_below(figure, figure.axes[0])
    return figure


def on_common_grid(rows: pd.DataFrame, x: str, points: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Grid (points,) and mean returns (seeds, points), interpolated; a run that ended keeps its last value."""
    runs = [run.dropna(subset="mean_return").sort_values(x) for _, run in rows.groupby("seed")]
    grid = np.linspace(max(run[x].iloc[0] for run in runs), max(run[x].iloc[-1] for run in runs), points)
    return grid, np.stack([np.interp(grid, run[x], run["mean_return"]) for run in runs])


@styled
def curve(rows: Sequence[Mapping], goal: float) -> Figure:
    """One run: mean return of the last 100 episodes against steps."""
    figure = Figure(figsize=(WIDTH / 2, 2.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([row["steps"] for row in rows], [row["mean_return"] for row in rows])
    axes.axhline(goal, ls=":", color="0.4", lw=1)
    axes.set(xlabel=AXES["steps"], ylabel="mean return, last 100 episodes")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


@styled
def seen(observations: np.ndarray, picture: np.ndarray) -> Figure:
    """What people see of Pong, what the agent sees of it, and what moved between its two frames.

    Args:
        observations: (2, height, width) uint8.
        picture: (height, width, 3) uint8.
    """
    earlier, later = observations[-2:].astype(np.int16)
    figure = Figure(figsize=(WIDTH, 3), layout="constrained")
    shown = {
        "what people see": (picture, {}),
        f"cropped, grey, {later.shape[0]} x {later.shape[1]}": (later, {"cmap": "gray", "vmin": 0, "vmax": 255}),
        "less the frame before": (later - earlier, {"cmap": "RdBu_r", "vmin": -150, "vmax": 150}),
    }
    for axes, (title, (image, style)) in zip(figure.subplots(1, 3), shown.items(), strict=True):
        axes.imshow(image, aspect="auto", interpolation="nearest", **style)
        axes.set_title(title, loc="left", **NOTE)
        axes.set(xticks=[], yticks=[])
    return figure
