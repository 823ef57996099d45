"""Which point of each method's grid is the best, by validation images alone: what experiments/methods.py must say."""

import pandas as pd

from debias.markdown import markdown
from experiments.engine.experiment import Experiment
from experiments.methods import ALL, Compared, Point
from experiments.methods_search import searched
from experiments.report import tables
from experiments.report.comparisons import seeds_of
from experiments.report.report import Report

LOSS, WORST = "validation_loss", "validation_worst_recall_fpr1"


def chosen(rows: pd.DataFrame, compared: Compared) -> tuple[Point, Point]:
    """The points with the least mean validation loss, and with the best mean worst group of the validation faces.

    Of equal ones the earlier, and so the default before others; points without rows do not take part.
    """
    means = rows.groupby("setting")[[LOSS, WORST]].mean()
    points = _points(rows, compared)
    ours = means.loc[list(points)]
    best = ours[WORST].idxmax() if ours[WORST].notna().any() else ours.index[0]  # where no groups are known
    return points[ours[LOSS].idxmin()], points[best]


def table(experiment: Experiment, rows: pd.DataFrame) -> str:
    """The choices, then all points that have rows: of other data without groups, not all methods have some."""
    lines = []
    for compared in ALL:
        if points := _points(rows, compared):
            by_loss, by_groups = chosen(rows, compared)
            lines += [_line(rows, compared, point, point == by_loss, point == by_groups) for point in points.values()]
    header = ["setting", "validation loss", "worst validation group in %", "chosen by"]
    said = f"Means over {seeds_of(rows, 'seeds')}; at 1 % false positives. Each method has {len(ALL[0].grid)} points."
    return f"{said}\n\n{markdown(header, lines)}\n"


def _points(rows, compared) -> dict[str, Point]:
    """Name of a setting -> its point of the grid, where it has rows."""
    found = set(rows["setting"])
    return {name: point for point in compared.grid if (name := searched(compared, point).name) in found}


def _line(rows, compared, point, by_loss: bool, by_groups: bool) -> list[str]:
    part = rows[rows["setting"] == searched(compared, point).name]
    by = " and ".join(name for name, is_chosen in (("loss", by_loss), ("worst group", by_groups)) if is_chosen)
    return [tables.title(part), f"{part[LOSS].mean():.4f}", tables.with_error(part[WORST]), by]


REPORT = Report(table=table)
