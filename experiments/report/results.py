"""Everything that is made from committed rows, made again: tables, figures, deviations, the page and README's tables.

    python -m experiments report

It trains nothing and needs neither data nor the cache. The same rows give the same files, byte for byte.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from debias.files import write_text
from experiments import deviations, page, publish
from experiments.experiment import Experiment

PAGE, DEVIATIONS = "index.html", "deviations.md"


def regenerate(results: Path, readme: Path, experiments: Iterable[Experiment]) -> list[Experiment]:
    """Redraw every experiment that has rows, then `refresh`; returns those that have none yet.

    Raises:
        InputError: rows were cut short or edited by hand (nothing is written then), or evidence is damaged.
    """
    experiments, rows = tuple(experiments), read_all(results)
    for experiment in experiments:
        if experiment.folder in rows:
            publish.draw(experiment, results / experiment.folder, rows[experiment.folder])
    refresh(results, readme, experiments)
    return [experiment for experiment in experiments if experiment.folder not in rows]


def refresh(results: Path, readme: Path, experiments: Iterable[Experiment]) -> None:
    """Bring deviations.md, index.html and README's tables up to date with the rows, tables and figures in `results`.

    Raises:
        InputError: rows were cut short or edited by hand; nothing is written then.
    """
    experiments, rows = tuple(experiments), read_all(results)
    write_text(results / DEVIATIONS, describe_deviations(experiments, rows))
    write_text(results / PAGE, page.render(results, experiments, rows))
    publish.refresh_readme(readme, results)


def read_all(results: Path) -> dict[str, pd.DataFrame]:
    """Folder under `results` -> its rows, of every folder that has some.

    Raises:
        InputError: rows were cut short or edited by hand.
    """
    folders = sorted(path.parent for path in results.rglob(publish.RUNS))
    return {folder.relative_to(results).as_posix(): publish.read_rows(folder) for folder in folders}


def describe_deviations(experiments: Iterable[Experiment], rows: Mapping[str, pd.DataFrame]) -> str:
    """The text of deviations.md.

    Args:
        rows: folder -> rows, of `read_all`.
    """
    named = {experiment.name: rows[experiment.folder] for experiment in experiments if experiment.folder in rows}
    return deviations.render(named)
