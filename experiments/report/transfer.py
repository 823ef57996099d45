"""Tested by another camera: what a random camera, resampling and a balanced training set do on each test."""

import pandas as pd
from matplotlib.figure import Figure

from experiments.engine.experiment import Experiment
from experiments.report import cameras, effects, gap, tables
from experiments.report.comparisons import FIXED_RATE, OWN
from experiments.report.figure_data import FigureData
from experiments.report.report import Report
from experiments.report.tables import tests_of


def table(experiment: Experiment, rows: pd.DataFrame) -> str:
    """A section for each test, then recall by group on the other camera, then what was drawn."""
    at = effects.hardest(rows)
    told = texts(experiment, rows, {}).values()
    further = [_own_threshold(rows, at), recalls(rows, at), *told, tables.sampling_section(rows).markdown()]
    parts = [cameras.caption(rows), *cameras.sections(experiment, rows), *further]
    return "\n\n".join(parts) + "\n"


def figures(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, Figure]:
    """Each setting on the last test; and the worst group without and with a random camera, paired by seed."""
    points, paired = cameras.points(rows, effects.hardest(rows)), cameras.figure(experiment, rows)
    return {experiment.name: points} | ({"differences": paired} if paired else {})


def sentence(experiment: Experiment, rows: pd.DataFrame) -> str:
    """What each change does to the worst group on the last of the tests."""
    return effects.sentence(rows)


def texts(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, str]:
    """What each setting changes on the last of the tests, how much of the oracle's gain that is, and what it drew."""
    at = effects.hardest(rows)
    found = effects.section(rows, {"1 % FPR": f"{FIXED_RATE}{at}", "own threshold": f"{OWN}{at}"})
    closed = gap.section(rows)
    return {
        "effects.md": f"On {effects.where(rows)}. {found.markdown()}\n\n{effects.notes(rows)}\n",
        **({"gap.md": f"{closed.markdown()}\n"} if closed.lines else {}),
        "draws.md": f"{effects.draws(experiment, rows).markdown()}\n",
    }


def summary(experiment: Experiment, rows: pd.DataFrame) -> dict:
    """How much of the gap each setting closes."""
    return {"gap_closed": gap.closed(rows)}


def recalls(rows: pd.DataFrame, at: str) -> str:
    """Each group's recall on the test whose columns end in `at`, as a table in Markdown."""
    column = f"recall{FIXED_RATE} {{}}{at}"
    groups = [group for group in tables.groups_of(rows) if column.format(group) in rows]
    lines = [
        [tables.title(part), *(tables.with_error(part[column.format(group)]) for group in groups)]
        for part in tables.by_setting(rows).values()
    ]
    return tables.Section(f"Recall by group on {tests_of(rows)[at]}, in %", ["setting", *groups], lines).markdown()


def _own_threshold(rows, at) -> str:
    """What the paper reports: nothing is fitted to the other camera, so false positives differ as well."""
    measures = [*tables.NAMES, "fpr"]
    lines = [
        [tables.title(part), *(tables.with_error(part[f"{measure}{at}"]) for measure in measures)]
        for part in tables.by_setting(rows).values()
    ]
    heading = f"At the model's own threshold (0.5) on {tests_of(rows)[at]}, in % and %²"
    return tables.Section(heading, ["setting", *tables.NAMES.values(), "FPR"], lines).markdown()


REPORT = Report(table=table, figures=figures, texts=texts, summary=summary, sentence=sentence)
