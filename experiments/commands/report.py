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
    """How far your rows are from those in results/, run by run, where id, settings, code and data agree.

    Kinds of processor round differently, which training carries on; versions may differ too. results/retrained tells
    how far two trainings of a run were from each other here.

    Example:
        ./run_experiments.sh compare
        ./run_experiments.sh compare my-results
    """

    mine: Annotated[Path | None, tyro.conf.Positional] = None
    """A folder with rows. Without one, what `run` has put aside because results/ holds other rows."""

    def __call__(self) -> int:
        import pandas as pd

        from experiments.report import retrained
        from experiments.report.rows import read_all

        mine = self.mine or other_results(self.cache)
        ours, theirs = read_all(mine), read_all(self.results)
        if not ours:
            reason = (
                "no rows there" if self.mine else "run has put no rows aside, since none differ or none are trained"
            )
            raise InputError(f"{mine}: {reason}: name a folder with a runs.csv, or with folders that hold one")
        if not theirs:
            raise InputError(f"{self.results}: no rows there: --results takes a folder that holds some")
        published = pd.concat(theirs.values())
        for folder, rows in ours.items():
            name = (mine / folder).resolve().name
            twice = retrained.matched(rows, published)
            print(f"{name}: {len(twice[0])} of {len(rows)} runs are in {self.results} of the same code and data")
            if len(twice[0]):
                print(f"\n{retrained.differences(name, twice, 'yours minus theirs').markdown()}\n")
        return 0
