"""The commands behind python -m experiments."""

import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import tyro
from rich.console import Console, RenderableType

from debias.backend import tf
from debias.commandline import parse
from debias.data.prepared import is_prepared
from debias.errors import InputError
from debias.files import write_text
from debias.training import one_thread
from experiments import benchmark, detection, evidence, publish, report, tables
from experiments.common import on_other_data
from experiments.experiment import Experiment
from experiments.provenance import ROOT, provenance
from experiments.registry import EXPERIMENTS, GROUPS
from experiments.runner import Options, run_all
from experiments.store import Store
from experiments.toy import toy

TABLE_WIDTH = 100
CACHE, RESULTS, README = ROOT / ".cache", ROOT / "results", ROOT / "README.md"


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where things are kept."""

    cache: Path = CACHE
    """Data, checkpoints and logs."""
    results: Path = RESULTS
    """Rows, tables and figures."""


@dataclasses.dataclass(frozen=True)
class Run(Folders):
    """Train what is missing of an experiment and publish its rows, table and figures in results/.

    Finished runs are kept, broken-off ones go on where they were; a failed one is recorded and the others go on.

    Examples:
        python -m experiments run quick
        python -m experiments run table1 --seeds 10 --jobs 2
        python -m experiments run ablations --smoke
        python -m experiments run quick --data path/to/train_face.h5
        python -m experiments run table1 --shard 3/8
        python -m experiments run table1 --train celeba.h5 --test ppb.h5
    """

    name: Annotated[str, tyro.conf.Positional] = "quick"
    """An experiment (python -m experiments list), 'ablations' or 'all'."""
    data: str | None = None
    """Another data set: parliament, digits, an HDF5 file in our or in MIT's layout, or a folder of images."""
    train: str | None = None
    """A data set to train on, such as --data takes, for a test on another: see --test."""
    test: str | None = None
    """A prepared file (python -m debias.data prepare) to test on; windows slide over it where it holds whole images."""
    seeds: int | None = None
    """How many paired seeds; the experiment's own number by default."""
    jobs: int | None = None
    """Runs at a time, one core each; all cores by default."""
    address: str | None = None
    """A running Ray cluster, such as 10.0.0.1:6379, to train on."""
    shard: str | None = None
    """Train only part i/n of the runs, for job arrays; a last call without it publishes."""
    stale: str = "refuse"
    """Finished runs of other code: 'refuse' to mix them in, 'keep' them, or 'redo' them."""
    reuse: bool = False
    """Count rows in results/ as finished, where code, settings and data are the same."""
    overwrite: bool = False
    """Replace rows in results/ that yours differ from."""
    smoke: bool = False
    """Toy size, in the cache folder: does every part still work?"""

    def __call__(self) -> int:
        _check_data(self.data, self.train, self.test)
        chosen = [self._adapted(experiment) for experiment in _experiments(self.name)]
        stale = "redo" if self.smoke else self.stale  # a toy run is there to try today's code
        options = Options(jobs=_jobs(self.jobs, self.address), address=self.address, shard=self.shard, stale=stale)
        return max([self._run(experiment, options, brief=len(chosen) > 1) for experiment in chosen])

    def _adapted(self, experiment: Experiment) -> Experiment:
        """The experiment with this call's data, size and seeds."""
        if self.smoke:
            experiment = toy(experiment)
        if self.data or self.train:
            experiment = on_other_data(experiment, self.data or self.train, Store(self.cache), self.test)
        if self.seeds is not None:
            _check_seeds(self.seeds)
            experiment = dataclasses.replace(experiment, seeds=_seeds(experiment.seeds, self.seeds))
        return experiment

    def _run(self, experiment: Experiment, options: Options, brief: bool) -> int:
        folder, store, runs = self._results() / experiment.folder, Store(self.cache), experiment.runs()
        published = None if self.overwrite else publish.read_rows(folder)
        if self.reuse and published is not None:
            options = dataclasses.replace(options, published=published.to_dict("records"))
        if brief:
            print(f"{experiment.name}: {experiment.title}")
        rows, failures = run_all(runs, store, options)
        if len(failures):
            return _report_failures(folder, failures)
        if len(rows) < len(runs):
            print(
                f"{experiment.name}: {len(rows)} of {len(runs)} runs are finished; without --shard they are published"
            )
            return 0
        folder, rows = self._place(experiment, folder, published, rows)
        if not rows.equals(publish.read_rows(folder)):
            finished = [run for run in runs if store.row(run)]
            publish.write(experiment, folder, rows, _evidence(experiment, folder, finished, store))
        if self._results() == self.results:
            report.refresh(self.results, README, EXPERIMENTS.values())
        shown = [experiment.text(rows)] if brief else [*tables.on_screen(rows), tables.caption(rows)]
        return _report(folder, *shown)

    def _results(self) -> Path:
        return self.cache / "smoke" if self.smoke else self.results

    def _place(self, experiment, folder: Path, published, rows: pd.DataFrame) -> tuple[Path, pd.DataFrame]:
        """Where the rows go: never over published ones that they differ from, unless asked to."""
        both = publish.merged(published, rows)
        if both is not None:
            return folder, both
        own = self.cache / "results" / experiment.folder
        commits = ", ".join(sorted(map(str, published["commit"].unique())))
        print(f"{folder} holds other rows (commit {commits}) and stays; yours are in {own}. --overwrite replaces it")
        return own, rows


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
        missing = report.regenerate(self.results, README, EXPERIMENTS.values())
        for experiment in missing:
            print(f"no rows yet: {experiment.name}, {experiment.minutes} min: ./run_experiments.sh {experiment.name}")
        print(f"The page: {self.results / report.PAGE}")
        return 0


@dataclasses.dataclass(frozen=True)
class Benchmark(Folders):
    """Speed of training, resampling and rendering, each beside its peer in one run.

    Example:
        python -m experiments benchmark
    """

    def __call__(self) -> int:
        measured, folder = benchmark.measure(self.cache), self.results / "benchmark"
        write_text(folder / "table.md", benchmark.table(measured))
        write_text(folder / "summary.json", json.dumps(measured | provenance(), indent=1) + "\n")
        publish.refresh_readme(README, self.results)
        return _report(folder, benchmark.table(measured))


@dataclasses.dataclass(frozen=True)
class Detection(Folders):
    """Sliding windows on real photographs, by the models of 'quick': a table and a heat map in results/detection.

    Example:
        python -m experiments detection
    """

    stale: str = "refuse"
    """Finished runs of other code: 'refuse' to take them, 'keep' them, or 'redo' them."""

    def __call__(self) -> int:
        folder = detection.run(Store(self.cache), self.results, Options(stale=self.stale))
        report.refresh(self.results, README, EXPERIMENTS.values())
        return _report(folder, (folder / "table.md").read_text(encoding="utf-8"))


COMMANDS = {"run": Run, "list": List, "report": Report, "benchmark": Benchmark, "detection": Detection}


def run(arguments: list[str]) -> int:
    """Parse and run one command; returns the exit code."""
    tf.get_logger().setLevel("ERROR")  # it warns of each new model's own compiled functions, which are meant
    command = parse(COMMANDS, "python -m experiments", __doc__, arguments)
    if not isinstance(command, Benchmark):
        one_thread()
    return command()


def _experiments(name: str) -> list[Experiment]:
    names = GROUPS.get(name, (name,))
    if unknown := [name for name in names if name not in EXPERIMENTS]:
        raise InputError(f"unknown experiment {unknown[0]!r}: use one of {', '.join((*EXPERIMENTS, *GROUPS))}")
    return [EXPERIMENTS[name] for name in names]


def _check_data(data: str | None, train: str | None, test: str | None) -> None:
    if (train is None) != (test is None) or (data and train):
        raise InputError("give --train and --test together, or --data alone, which is trained and tested on")
    if test is not None and not is_prepared(Path(test)):
        raise InputError(f"{test}: not a prepared source: make one with python -m debias.data prepare")


def _check_seeds(seeds: int) -> None:
    """Before anything is built, since that takes minutes."""
    if seeds < 1:
        raise InputError(f"--seeds must be at least 1, got {seeds}")


def _seeds(usual: Sequence[int], count: int) -> tuple[int, ...]:
    """The first `count` seeds; beyond the experiment's own, the numbers that follow."""
    return tuple(range(usual[0], usual[0] + count))


def _jobs(jobs: int | None, address: str | None) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if jobs is None:
        return cores
    if jobs < 1:
        raise InputError(f"--jobs must be at least 1, got {jobs}")
    if address is None and jobs > cores:
        raise InputError(f"--jobs {jobs} on {cores} cores: each run takes one, use --jobs {cores} or fewer")
    return jobs


def _evidence(experiment: Experiment, folder: Path, finished, store: Store) -> evidence.Evidence:
    """What the figures need of the models that are here, on top of what is published of others."""
    if experiment.collect is None:
        return {}
    return evidence.merged(evidence.load(folder), experiment.collect(finished, store))


def _report_failures(folder: Path, failures: pd.DataFrame) -> int:
    publish.write_failures(folder, failures)
    print(f"{len(failures)} runs failed, see {folder / 'failures.csv'}: the same command retries them", file=sys.stderr)
    return 1


def _report(folder: Path, *shown: RenderableType) -> int:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.width = max(console.width, TABLE_WIDTH)  # in a narrower window lines wrap, but no number is cut off
    for part in (*shown, f"Rows, table and pictures: {folder}"):
        console.print(part)
    return 0
