"""python -m experiments list and report: what there is, and everything drawn again from it."""

import dataclasses

from debias.errors import InputError
from experiments.commands.shared import Folders
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
