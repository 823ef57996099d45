"""What an experiment leaves in results/: rows and figure data, and all that is made from them.

runs.csv and figure_data/ are the record. Tables, figures and summary.json follow from it: summary.json comes last and
says for which rows, so that a call after one that was broken off draws again.
"""

import hashlib
import json
import types
from collections.abc import Container, Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.errors import InputError
from debias.files import write_text
from experiments.engine.experiment import Experiment
from experiments.report import figure_data, tables
from experiments.report.figure_data import FigureData
from experiments.report.registry import report_of
from experiments.report.rows import FAILURES, RUNS, as_csv, write_rows

SUMMARY, SENTENCE = "summary.json", "sentence.md"
FORMATS = (".png", ".svg")
DRAWN_FROM = "runs_sha256"  # in summary.json


def write(experiment: Experiment, folder: Path, rows: pd.DataFrame, data: FigureData) -> None:
    """Everything an experiment leaves in `folder`, of figure data what belongs to the rows.

    Raises:
        InputError: the rows are of too few settings to tell anything.
    """
    check(experiment, rows)
    figure_data.save(folder, figure_data.of_rows(data, rows))
    write_rows(folder, rows)
    draw(experiment, folder, rows)


def check(experiment: Experiment, rows: pd.DataFrame) -> None:
    """InputError where the rows are of too few settings to tell anything."""
    if lacking := [name for name in report_of(experiment).needs if name not in set(rows["setting"])]:
        raise InputError(f"{experiment.name}: nothing can be told without a finished run of {', '.join(lacking)}")


def draw(experiment: Experiment, folder: Path, rows: pd.DataFrame) -> None:
    """Figures, texts and summary.json from rows and the figure data in `folder`; the same rows give the same bytes."""
    report, data = report_of(experiment), figure_data.load(folder)
    _save(folder, report.figures(experiment, rows, data))
    said = report.sentence(experiment, rows)
    write_texts(folder, report.table(experiment, rows), said, report.texts(experiment, rows, data))
    found = {**tables.summary(rows), **report.summary(experiment, rows)}
    summary = {DRAWN_FROM: digest(as_csv(rows)), **found, "text": said}
    write_text(folder / SUMMARY, json.dumps(summary, indent=1) + "\n")


def is_current(folder: Path, rows: pd.DataFrame) -> bool:
    """Whether `folder` holds exactly these rows, all that is made from them, and no failures."""
    if (folder / FAILURES).exists():
        return False
    try:
        written = (folder / RUNS).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    return written == as_csv(rows) and drawn_from(folder) == digest(written)


def drawn_from(folder: Path) -> str | None:
    """The digest of the rows that everything in `folder` is made from; None where that is not known."""
    try:
        return json.loads((folder / SUMMARY).read_text(encoding="utf-8"))[DRAWN_FROM]
    except (OSError, ValueError, LookupError, TypeError):
        return None


def digest(csv: str) -> str:
    """The SHA-256 of rows, as CSV."""
    return hashlib.sha256(csv.encode()).hexdigest()


def write_texts(folder: Path, table: str, said: str, further: Mapping[str, str] = types.MappingProxyType({})) -> None:
    """Write Markdown: the table, the sentence if there is one, and others by their names; none of older rows stays."""
    texts = {"table.md": table, **({SENTENCE: f"{said}\n"} if said else {}), **further}
    for name, text in texts.items():
        write_text(folder / name, text)
    _forget(folder, (".md",), texts)


def save_figure(folder: Path, name: str, figure: Figure) -> None:
    """Write a figure in every format."""
    for suffix in FORMATS:
        plots.save(figure, folder / f"{name}{suffix}")


def clear(folder: Path) -> None:
    """Remove what was made from rows that are there no more, the summary first."""
    if folder.is_dir():
        (folder / SUMMARY).unlink(missing_ok=True)
        _forget(folder, (".md", *FORMATS), ())


def sentence(experiment: Experiment, rows: pd.DataFrame) -> str:
    """What the rows show, in one paragraph; empty for none."""
    return report_of(experiment).sentence(experiment, rows)


def _save(folder: Path, figures) -> None:
    figures = {name: figure for name, figure in figures.items() if figure is not None}
    for name, figure in figures.items():
        save_figure(folder, name, figure)
    _forget(folder, FORMATS, [f"{name}{suffix}" for name in figures for suffix in FORMATS])


def _forget(folder: Path, formats: tuple[str, ...], written: Container[str]) -> None:
    """Remove files of these formats that have not been written now: of other rows, or of another name."""
    # What begins with a dot is on its way to a name that another process gives it.
    for path in [path for path in folder.iterdir() if path.suffix in formats and path.name[0] != "."]:
        if path.name not in written:
            path.unlink(missing_ok=True)
