"""Everything that is made from committed rows, made again: tables, figures, deviations, the page and README's blocks.

    python -m experiments report

It trains nothing and needs neither data nor the cache. The same rows give the same files, byte for byte.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from debias.files import write_text
from experiments.engine.experiment import Experiment
from experiments.report import artefacts, benchmark, deviations, page, pooled, real_faces, retrained
from experiments.report.readme import refresh_pages
from experiments.report.rows import read_all

PAGE, DEVIATIONS = "index.html", "deviations.md"


def regenerate(results: Path, experiments: Iterable[Experiment]) -> list[Experiment]:
    """Draw every experiment that has rows again, then `refresh`; returns those that have none yet.

    What `run --data` made of other data stays as it is.

    Raises:
        InputError: a runs.csv or figure data are damaged; nothing is written where it is a runs.csv.
    """
    experiments, rows = tuple(experiments), read_all(results)
    for experiment in experiments:
        if experiment.folder in rows:
            artefacts.draw(experiment, results / experiment.folder, rows[experiment.folder])
        if (folder := real_faces.folder_of(experiment)) in rows:
            real_faces.draw(results / folder, rows[folder], experiment)
    for folder, tens in _pooled(rows).items():
        pooled.write(results / folder, tens)
    retrained.write(results, retrained.read(results, rows))
    benchmark.draw(results / benchmark.FOLDER)
    refresh(results, experiments)
    return [experiment for experiment in experiments if experiment.folder not in rows]


def refresh(results: Path, experiments: Iterable[Experiment]) -> None:
    """Bring what is made of several experiments up to date: deviations.md, pooled seeds, what was trained
    twice, index.html, the pages' blocks.

    Raises:
        InputError: a runs.csv is damaged; nothing is written then.
    """
    experiments, rows = tuple(experiments), read_all(results)
    write_text(results / DEVIATIONS, describe_deviations(experiments, rows))
    for folder in set(pooled.PARTS) - set(_pooled(rows)):
        artefacts.clear(results / folder)
    for folder, tens in _pooled(rows).items():
        if not pooled.is_current(results / folder, tens):  # this follows every run, and figures take seconds
            pooled.write(results / folder, tens)
    twice = retrained.read(results, rows)
    if not retrained.is_current(results, twice):
        retrained.write(results, twice)
    write_text(results / PAGE, page.render(results, experiments, rows))
    refresh_pages(results)


def describe_deviations(experiments: Iterable[Experiment], rows: Mapping[str, pd.DataFrame]) -> str:
    """The text of deviations.md.

    Args:
        rows: folder -> rows, of `read_all`.
    """
    named = {experiment.name: rows[experiment.folder] for experiment in experiments if experiment.folder in rows}
    return deviations.render(named)


def _pooled(rows: Mapping[str, pd.DataFrame]) -> dict[str, tuple[pd.DataFrame, ...]]:
    """Folder -> the rows that are taken together there, where all of them are."""
    parts = {folder: names for folder, names in pooled.PARTS.items() if set(names) <= set(rows)}
    return {folder: tuple(rows[name] for name in names) for folder, names in parts.items()}
