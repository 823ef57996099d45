"""Trained to the end: what a random camera, resampling and a balanced training set do on each test."""

import pandas as pd
from matplotlib.figure import Figure

from experiments.engine.experiment import Experiment
from experiments.report import cameras, tables
from experiments.report.cameras import tests_of
from experiments.report.comparisons import FIXED_RATE, Difference, difference, interval, seeds_of
from experiments.report.figure_data import FigureData
from experiments.report.report import Report

CNN = "cnn"
NAMES = {"var_recall": ("Var[A]", "%²"), "worst_recall": ("the worst group", "%"), "mean_recall": ("E[A]", "%")}


def table(experiment: Experiment, rows: pd.DataFrame) -> str:
    """A section for each test, then recall by group on the other camera."""
    parts = [cameras.caption(rows), *cameras.sections(experiment, rows), _recalls(rows, hardest(rows)).markdown()]
    return "\n\n".join(parts) + "\n"


def figures(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, Figure]:
    """Each setting on the last test; and what a random camera does to each that was trained without one as well."""
    return {experiment.name: cameras.points(rows, hardest(rows)), "arrows": cameras.figure(experiment, rows)}


def hardest(rows: pd.DataFrame) -> str:
    """What columns end in of the test that the findings are told of: the last one, which is farthest from training."""
    return list(tests_of(rows))[-1]


def sentence(experiment: Experiment, rows: pd.DataFrame) -> str:
    """What each change does on the last of the tests."""
    return effects(rows)


def effects(rows: pd.DataFrame) -> str:
    """What each change does on the last of the rows' tests, in the order in which a reader asks; empty for nothing."""
    parts, at = tables.by_setting(rows), hardest(rows)
    asked = {
        "A balanced training set of the same size": (CNN, "balanced"),
        "DB-VAE's max rule": (CNN, "max"),
        "A random camera in training": (CNN, f"{CNN}-camera"),
        "The max rule on top of that": (f"{CNN}-camera", "max-camera"),
        "Resampling by group labels on top of a random camera": (f"{CNN}-camera", "oracle-camera"),
    }
    said = [
        f"{what} {_effect(parts[ours], parts[theirs], at)}."
        for what, (theirs, ours) in asked.items()
        if {ours, theirs} <= set(parts)
    ]
    over = f"means over {seeds_of(rows)}, in brackets the difference and its 95 % interval"
    where = tests_of(rows)[at] if at else "their own test"
    return " ".join([f"On {where}, at 1 % false positives ({over}):", *said]) if said else ""


def _effect(ours: pd.DataFrame, theirs: pd.DataFrame, at: str) -> str:
    """'takes Var[A] from 30.1 to 5.2 %² (-24.9 [-31.0, -19.5]) and ...'; what an interval leaves open is said."""
    told = []
    for measure, (name, unit) in NAMES.items():
        column = f"{measure}{FIXED_RATE}{at}"
        found = difference(ours, theirs, column)
        values = f"{name} from {theirs[column].mean():.1f} to {ours[column].mean():.1f} {unit}"
        told.append(f"{values} ({_open(found)})" if found else values)
    return f"takes {told[0]}, {told[1]} and {told[2]}"


def _open(found: Difference) -> str:
    clear = found["low"] > 0 or found["high"] < 0
    return interval(found).removesuffix(" *") + ("" if clear else ", which may be chance")


def _recalls(rows, at) -> tables.Section:
    column = f"recall{FIXED_RATE} {{}}{at}"
    groups = [group for group in tables.groups_of(rows) if column.format(group) in rows]
    lines = [
        [tables.title(part), *(tables.with_error(part[column.format(group)]) for group in groups)]
        for part in tables.by_setting(rows).values()
    ]
    return tables.Section(f"Recall by group on {tests_of(rows)[at]}, in %", ["setting", *groups], lines)


REPORT = Report(table=table, figures=figures, sentence=sentence)
