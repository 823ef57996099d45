"""Which point of each method's grid is the best, by validation images alone: what experiments/methods.py must say."""

from collections.abc import Mapping

import pandas as pd

from baselines import method
from debias.markdown import markdown
from experiments.engine.experiment import Experiment
from experiments.methods import ALL, Compared, Point
from experiments.methods_search import searched, shown
from experiments.report import tables
from experiments.report.comparisons import seeds_of, significant
from experiments.report.report import Report

LOSS, WORST = "validation_loss", "validation_worst_recall_fpr1"


def chosen(rows: pd.DataFrame, compared: Compared) -> tuple[Point, Point]:
    """The points by the validation loss, and by the worst group of the validation faces.

    The first, which is the default, unless others are clearly better by paired seeds: then the best of those. So luck
    moves no method from what its authors recommend. Points without rows do not take part.
    """
    points = _points(rows, compared)
    parts = {name: rows[rows["setting"] == name] for name in points}
    return points[_best(parts, LOSS, -1)], points[_best(parts, WORST, 1)]


def table(experiment: Experiment, rows: pd.DataFrame) -> str:
    """The choices, then all points that have rows: of other data without groups, not all methods have some."""
    lines = []
    for compared in ALL:
        if points := _points(rows, compared):
            by_loss, by_groups = chosen(rows, compared)
            lines += [_line(rows, compared, point, point == by_loss, point == by_groups) for point in points.values()]
    header = ["setting", "validation loss", "worst validation group in %", "chosen by"]
    return f"{_about(rows)}\n\n{markdown(header, lines)}\n"


def sentence(experiment: Experiment, rows: pd.DataFrame) -> str:
    """How many methods were searched, whose default another point clearly beats, and what is left to search.

    Empty before one was searched.
    """
    complete = [compared for compared in ALL if len(_points(rows, compared)) == len(compared.grid)]
    if not complete:
        return ""
    others = [method(compared.method).title for compared in ALL if compared not in complete]
    choices = [(compared, chosen(rows, compared)) for compared in complete]
    by_loss, by_groups = (
        [f"{method(c.method).title} with {shown(best[way])}" for c, best in choices if best[way] != c.grid[0]]
        for way in (0, 1)
    )
    left = f" Still to be searched: {_listed(others)}." if others else ""
    return (
        f"Of {len(complete)} methods, each tried with {len(ALL[0].grid)} values of one hyper-parameter and "
        f"{seeds_of(rows, 'seeds')}, another value than the default is clearly better by the validation loss for "
        f"{_listed(by_loss)}, and by the worst validation group for {_listed(by_groups)}.{left}"
    )


def _best(parts: Mapping[str, pd.DataFrame], column: str, sign: int) -> str:
    """The setting with the largest sign * column of those that are clearly above the first; else the first."""
    default, *others = parts
    found = significant({name: (parts[name], parts[default]) for name in others}, column)
    gains = {default: 0.0} | {name: sign * told["mean"] for name, (told, clear) in found.items() if clear}
    return max(gains, key=gains.get)


def _about(rows) -> str:
    return (
        f"Means over {seeds_of(rows, 'seeds')}; at 1 % false positives. Each method has {len(ALL[0].grid)} points, of "
        "which the first is the default. Another one is chosen only where it is clearly better over paired seeds, by "
        "Holm's correction for a method's points."
    )


def _points(rows, compared) -> dict[str, Point]:
    """Name of a setting -> its point of the grid, where it has rows; empty where the default, the first, has none."""
    found = set(rows["setting"])
    if searched(compared, compared.grid[0]).name not in found:
        return {}
    return {name: point for point in compared.grid if (name := searched(compared, point).name) in found}


def _line(rows, compared, point, by_loss: bool, by_groups: bool) -> list[str]:
    part = rows[rows["setting"] == searched(compared, point).name]
    by = " and ".join(name for name, is_chosen in (("loss", by_loss), ("worst group", by_groups)) if is_chosen)
    return [tables.title(part), f"{part[LOSS].mean():.4f}", tables.with_error(part[WORST]), by]


def _listed(names: list[str]) -> str:
    return "; ".join(names) or "none"  # their titles have commas


REPORT = Report(table=table, sentence=sentence)
