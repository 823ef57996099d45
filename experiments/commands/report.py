"""python -m experiments list, report and compare: what there is, all of it drawn again, and another machine's rows."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from debias.errors import InputError
from experiments.commands.shared import Folders, other_results
from experiments.registry import EXPERIMENTS, GROUPS


@dataclasses.dataclass(frozen=True)
class List:
    """Every experiment, its cost and what it is about.

    Example:
        python -m experiments list
    """

    def __call__(self) -> int:
        for experiment in EXPERIMENTS.values():
            runs = len(experiment.runs())
            print(f"{experiment.name:<16}{runs:>4} runs {experiment.minutes:>4} min  {experiment.title}")
        for name, members in GROUPS.items():
            print(f"{name:<16}{', '.join(members)}")
        return 0


@dataclasses.dataclass(frozen=True)
class Report(Folders):
    """Make every table, every figure, README's tables and results/index.html again from committed rows.

    Example:
        python -m experiments report
    """

    def __call__(self) -> int:
        from experiments.report import results

        if not self.results.is_dir():
            raise InputError(f"{self.results}: no such folder: --results takes one that holds rows")
        missing = results.regenerate(self.results, EXPERIMENTS.values())
        for experiment in missing:
            print(f"no rows yet: {experiment.name}, {experiment.minutes} min: ./run_experiments.sh {experiment.name}")
        print(f"The page: {self.results / results.PAGE}")
        return 0


@dataclasses.dataclass(frozen=True)
class Compare(Folders):
    """How far your rows are from those in results/, of the same runs trained by the same code.

    Kinds of processor round differently, which training carries on: results/retrained tells how far that goes.

    Example:
        python -m experiments compare
        python -m experiments compare my-results
    """

    mine: Annotated[Path | None, tyro.conf.Positional] = None
    """A folder with rows. Without one, what `run` has put aside because results/ holds other rows."""

    def __call__(self) -> int:
        from experiments.report import retrained
        from experiments.report.rows import read_all

        mine = self.mine or other_results(self.cache)
        ours, theirs = read_all(mine), read_all(self.results)
        twice = {name: retrained.matched(ours[name], theirs[name]) for name in ours if name in theirs}
        twice = {name: rows for name, rows in twice.items() if len(rows[0])}
        if not twice:
            raise InputError(
                f"{mine}: no rows of runs that {self.results} has too, of the same code, settings and data"
            )
        for name, rows in twice.items():
            print(f"{retrained.differences(name, rows, 'yours minus theirs').markdown()}\n")
        return 0
