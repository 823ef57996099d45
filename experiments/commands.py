"""The commands behind python -m experiments. What takes long to load is imported by the command that needs it."""

import dataclasses
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from debias.commandline import parse
from debias.data.names import is_public
from debias.errors import InputError
from debias.files import write_text
from debias.provenance import ROOT, provenance
from experiments.engine.experiment import Experiment
from experiments.registry import EXPERIMENTS, GROUPS

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from debias.config import Config
    from experiments.benchmark.timing import Measurements
    from experiments.engine.sweep import Options

TABLE_WIDTH = 10_000  # characters at most: a table is as wide as its numbers
CACHE, RESULTS = ROOT / ".cache", ROOT / "results"


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where things are kept."""

    cache: Path = CACHE
    """Data, checkpoints and logs."""
    results: Path = RESULTS
    """Rows, tables and figures. What is made of your own data goes to the cache folder unless you say where."""


@dataclasses.dataclass(frozen=True)
class Run(Folders):
    """Train what is missing of an experiment and write its rows, table and figures to results/.

    Finished runs are kept, broken-off ones go on where they were; a failed one is recorded and the others go on. Where
    only the code that evaluates has changed, kept models are evaluated again and none is trained.

    For example:

        python -m experiments run quick
        python -m experiments run table1 --seeds 10 --jobs 2
        python -m experiments run ablations --smoke
        python -m experiments run quick --data path/to/train_face.h5
        python -m experiments run table1 --shard 3/8
        python -m experiments run table1 --train celeba.h5 --test ppb.h5
        python -m experiments run quick --data real.h5 --keep Black=80
    """

    name: Annotated[str, tyro.conf.Positional] = "quick"
    """An experiment (python -m experiments list), 'ablations' or 'all'."""
    data: str | None = None
    """Another data set: parliament, digits, tumours, an HDF5 file in our or in MIT's layout, or a folder of images."""
    train: str | None = None
    """A data set to train on, such as --data takes, for a test on another: see --test."""
    test: str | None = None
    """A prepared file (python -m debias.data prepare) to test on; windows slide over it where it holds whole images."""
    keep: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """An imbalance in your data: draw so many training images of a group, or of all that share a word, as Black=80 of
    'male Black' and 'female Black'; may be given several times."""
    epochs: int | None = None
    """How long to train; the experiment's own length by default. On other data an epoch is one pass over the faces."""
    seeds: int | None = None
    """How many paired seeds; the experiment's own number by default."""
    jobs: int | None = None
    """Runs at a time, one core each; all cores by default."""
    address: str | None = None
    """A running Ray cluster, such as 10.0.0.1:6379, to train on."""
    shard: str | None = None
    """Train only part i/n of the runs, for job arrays; a last call without it writes the results."""
    stale: str = "refuse"
    """Models trained by other code: 'refuse' to mix them in, 'keep' them, or 'redo' them."""
    reuse: bool = False
    """Count rows in results/ as finished, of any experiment, where code, settings, data and tests are the same."""
    finished: bool = False
    """Train nothing: write what there is of models that are trained, however little it is."""
    overwrite: bool = False
    """Replace rows in results/ that yours differ from."""
    smoke: bool = False
    """Toy size, in the cache folder: does every part still work?"""
    strategy: str | None = None
    """Share each batch among devices: 'mirrored', all GPUs of this machine, or 'workers', those of TF_CONFIG."""
    images: str = "auto"
    """Keep them 'resident' on the device, have them 'streamed' from their file, or 'auto': by their size."""
    precision: str = "auto"
    """What layers compute in: 'float32', 'mixed_float16', 'mixed_bfloat16', or 'auto': halves on a GPU."""
    xla: bool | None = None
    """Compile steps with XLA or not; by default on a GPU."""

    def __call__(self) -> int:
        from experiments.engine.sweep import Options

        _check_data(self.data, self.train, self.test, self.keep)
        _check_seeds(self.seeds)
        _check_strategy(self.strategy, self.jobs, self.address)
        stale = "redo" if self.smoke else self.stale  # a toy run is there to try today's code
        jobs = 1 if self.strategy else _jobs(self.jobs, self.address)
        if self.address is not None:
            from experiments.engine.cluster import check_cluster  # Ray: seconds, but data may be rendered for minutes

            check_cluster(jobs, self.address)
        chosen = [self._adapted(EXPERIMENTS[name]) for name in _names(self.name)]
        more = len(chosen) > 1
        trains = not self.finished
        options = Options(jobs, self.address, self.shard, stale, trains=trains, more=more)
        return max([self._run(experiment, options, brief=more) for experiment in chosen])

    def _adapted(self, experiment: Experiment) -> Experiment:
        """The experiment with this call's data, size and seeds."""
        if self.smoke:
            experiment = experiment.at_smoke_size()
        if self.data or self.train:
            experiment = self._on_other_data(experiment)
        if self.epochs is not None:
            experiment = dataclasses.replace(experiment, base=dataclasses.replace(experiment.base, epochs=self.epochs))
        experiment = _with_seeds(experiment, self.seeds)
        return dataclasses.replace(experiment, base=self._on_devices(experiment.base))

    def _on_other_data(self, experiment: Experiment) -> Experiment:
        """The experiment on this call's data, with the imbalance that was asked for."""
        from experiments.engine.store import loaded
        from experiments.imbalance import draw_of

        data = self.data or self.train
        splits = loaded(data, self.cache)
        draw = draw_of(self.keep, splits)
        rare = splits.draw(draw, seed=0).rare_groups()
        name = "-".join([splits.name, *(re.sub(r"[^\w.=]+", "-", each) for each in self.keep)])
        adapted = experiment.on_other_data(data, name, splits.train.group_names, rare, self.test, draw)
        _tell_left_out(experiment, adapted)
        return adapted

    def _on_devices(self, base: "Config") -> "Config":
        """The settings with this call's devices."""
        base = dataclasses.replace(base, images=self.images, precision=self.precision, xla=self.xla)
        if self.strategy is None:
            return base
        from debias.devices import replicas, strategy_of  # TensorFlow: seconds

        count = replicas(self.strategy)
        strategy_of(count)  # workers must meet before anything is computed
        return dataclasses.replace(base, replicas=count)

    def _run(self, experiment: Experiment, options: "Options", brief: bool) -> int:
        from experiments.engine.sweep import assist_all, run_all
        from experiments.report.rows import read_rows

        folder, runs = self._results() / experiment.folder, experiment.runs()
        published = None if self.overwrite else read_rows(folder)
        if self.reuse:
            options = dataclasses.replace(options, published=_published(self._results()))
        if brief:
            print(f"{experiment.name}: {experiment.title}")
        if self._assists():
            return assist_all(runs, self.cache, options)
        rows, failures = run_all(runs, self.cache, options)
        if len(failures):
            return _tell_failures(folder, failures)
        if len(rows) < len(runs):
            there = f"{experiment.name}: {len(rows)} of {len(runs)} runs are finished"
            if not self.finished or rows.empty:
                print(f"{there}; a call without --shard writes the results, or --finished what there is")
                return 0
            print(there)
        folder, rows = _placed(folder, self.cache, published, rows)
        self._write(experiment, folder, rows)
        return _show(folder, *_shown(experiment, rows, brief))

    def _assists(self) -> bool:
        """Whether another worker keeps the runs."""
        if self.strategy != "workers":
            return False
        from debias.devices import assists  # TensorFlow: seconds

        return assists()

    def _write(self, experiment: Experiment, folder: Path, rows: "pd.DataFrame") -> None:
        """All artefacts, where they are not those of these rows already."""
        from experiments.engine.store import StoredRun
        from experiments.report import artefacts, figure_data, models, results

        if not artefacts.is_current(folder, rows):
            if self.strategy is None:
                from debias.training import one_thread  # TensorFlow: seconds

                one_thread()
            stored = [StoredRun(run, self.cache) for run in experiment.runs()]
            found = models.collect(experiment, [each for each in stored if each.model_path.exists()])
            # What is here of some models goes on top of what is written of others.
            artefacts.write(experiment, folder, rows, figure_data.merged(figure_data.load(folder), found))
        if self._results() == self.results:
            results.refresh(self.results, EXPERIMENTS.values())
        elif not self.smoke:
            print("Figures show images of your own data, so nothing is written to results/: --results says where else")

    def _results(self) -> Path:
        """Figures of a user's own data may show people: they stay out of what git would publish."""
        if self.smoke:
            return self.cache / "smoke"
        own = (self.data or self.train) and not is_public(self.data or self.train)
        return self.cache / "results" if own and self.results == RESULTS else self.results


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
class Benchmark(Folders):
    """Speed and memory, each figure beside its peer in one run; the last line is JSON.

    PyTorch and the course's loader, which it is compared with, are installed aside in the cache folder.

    For example:

        python -m experiments benchmark
        python -m experiments benchmark --quick
    """

    quick: bool = False
    """Only what the last line says, in about four minutes, without downloads and without writing results/."""

    def __call__(self) -> int:
        from experiments.benchmark.measure import last_line, measure, quick

        if self.quick:
            measured = quick(self.cache)
        else:
            measured, peers = measure(self.cache)
            self._write(measured, peers.versions())
        print(json.dumps(last_line(measured)))
        return 0

    def _write(self, measured: "Measurements", versions: str) -> None:
        from experiments.benchmark.timing import medians
        from experiments.report import benchmark, results

        folder = self.results / benchmark.FOLDER
        summary = medians(measured) | provenance() | {"peers": versions, benchmark.ROUNDS: measured}
        write_text(folder / benchmark.SUMMARY, json.dumps(summary, indent=1) + "\n")
        benchmark.draw(folder)
        results.refresh(self.results, EXPERIMENTS.values())
        _show(folder, (folder / "table.md").read_text(encoding="utf-8"))


@dataclasses.dataclass(frozen=True)
class Detection(Folders):
    """Sliding windows on real photographs, by the models of 'quick': a table and a heat map in results/detection.

    Example:
        python -m experiments detection
    """

    stale: str = "refuse"
    """Models trained by other code: 'refuse' to take them, 'keep' them, or 'redo' them."""

    def __call__(self) -> int:
        from debias.training import one_thread
        from experiments import detection
        from experiments.engine.sweep import Options
        from experiments.report import results

        one_thread()
        folder = detection.run(self.cache, self.results, Options(stale=self.stale))
        results.refresh(self.results, EXPERIMENTS.values())
        return _show(folder, (folder / "table.md").read_text(encoding="utf-8"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Photographs(Folders):
    """Models trained on rendered faces, tested on UTKFace's adults by gender and race: results/photographs.

    You bring the photographs, prepared by python -m debias.data prepare; what is written of them are numbers. Models
    that are missing are trained first.

    For example:

        python -m experiments photographs --faces utkface.h5 --negatives tiny.h5
        python -m experiments photographs --faces utkface.h5 --negatives tiny.h5 --of methods --reuse --finished
    """

    faces: Path
    """UTKFace, prepared; the faces on experiments/utkface-adults.sha256 are taken, others are left out."""
    negatives: Path
    """Photographs of anything else, prepared: one half fixes the threshold, the other is tested on."""
    of: str = "transfer"
    """The experiment whose models are tested; results/<experiment>/photographs for others than transfer."""
    seeds: int | None = None
    """How many paired seeds; the experiment's own number by default."""
    jobs: int | None = None
    """Runs at a time, one core each; all cores by default."""
    stale: str = "refuse"
    """Models trained by other code: 'refuse' to mix them in, 'keep' them, or 'redo' them."""
    reuse: bool = False
    """Count rows in results/ as finished, of any experiment, where code, settings, data and tests are the same."""
    finished: bool = False
    """Train nothing: write what there is of models that are trained, however little it is."""
    overwrite: bool = False
    """Replace rows in results/ that yours differ from."""

    def __call__(self) -> int:
        from experiments import photographs
        from experiments.engine.sweep import Options
        from experiments.report import real_faces, results, rows

        _check_seeds(self.seeds)
        [name] = _names(self.of)
        experiment = _with_seeds(EXPERIMENTS[name], self.seeds)
        folder = self.results / real_faces.folder_of(experiment)
        published = None if self.overwrite else rows.read_rows(folder)
        reused = _published(self.results) if self.reuse else ()
        options = Options(jobs=_jobs(self.jobs, None), stale=self.stale, published=reused, trains=not self.finished)
        measured, failures, counts = photographs.measure(self.faces, self.negatives, experiment, self.cache, options)
        if len(failures):
            return _tell_failures(folder, failures)
        if measured.empty:
            raise InputError(f"{self.of}: none of its models is trained yet: leave out --finished")
        folder, measured = _placed(folder, self.cache, published, measured)
        real_faces.write(folder, measured, counts)
        results.refresh(self.results, EXPERIMENTS.values())
        return _show(folder, (folder / "table.md").read_text(encoding="utf-8"))


COMMANDS = {
    "run": Run,
    "list": List,
    "report": Report,
    "benchmark": Benchmark,
    "detection": Detection,
    "photographs": Photographs,
}


def run(arguments: list[str]) -> int:
    """Parse and run one command; returns the exit code."""
    return parse(COMMANDS, "python -m experiments", __doc__, arguments)()


def _published(results: Path) -> list[dict]:
    """All rows in `results`."""
    from experiments.report.rows import read_all

    return [row for rows in read_all(results).values() for row in rows.to_dict("records")]


def _names(name: str) -> tuple[str, ...]:
    names = GROUPS.get(name, (name,))
    if unknown := [name for name in names if name not in EXPERIMENTS]:
        raise InputError(f"unknown experiment {unknown[0]!r}: use one of {', '.join((*EXPERIMENTS, *GROUPS))}")
    return names


def _with_seeds(experiment: Experiment, count: int | None) -> Experiment:
    """The experiment with so many seeds; beyond its own, the numbers that follow."""
    if count is None:
        return experiment
    first = experiment.seeds[0]
    return dataclasses.replace(experiment, seeds=tuple(range(first, first + count)))


def _tell_left_out(experiment: Experiment, adapted: Experiment) -> None:
    """Say which methods other data have no groups for."""
    kept = {setting.name for setting in adapted.settings}
    if left_out := [setting.title for setting in experiment.settings if setting.name not in kept]:
        print(f"{experiment.name}: the faces have no groups: leaves out {', '.join(left_out)}")


def _placed(folder: Path, cache: Path, published, rows) -> "tuple[Path, pd.DataFrame]":
    """Where the rows go: never over published ones that they differ from, unless asked to."""
    from experiments.report.rows import merged

    both = merged(published, rows)
    if both is not None:
        return folder, both
    own = cache / "results" / folder.name
    commits = ", ".join(sorted(map(str, published["commit"].unique())))
    print(f"{folder} holds other rows (commit {commits}) and stays; yours are in {own}. --overwrite replaces it")
    return own, rows


def _check_data(data: str | None, train: str | None, test: str | None, keep: tuple[str, ...]) -> None:
    from debias.data.prepared import is_prepared

    if (train is None) != (test is None) or (data and train):
        raise InputError("give --train and --test together, or --data alone, which is trained and tested on")
    if keep and not (data or train):
        raise InputError(f"--keep {keep[0]}: draws from the groups of other data: give --data, or --train and --test")
    if test is not None and not is_prepared(Path(test)):
        raise InputError(f"{test}: not a prepared source: make one with python -m debias.data prepare")
    if "" in (data, train, test):
        raise InputError("--data, --train and --test need a name or a path, got nothing: is a variable unset?")


def _check_strategy(strategy: str | None, jobs: int | None, address: str | None) -> None:
    if strategy and (address or (jobs or 1) > 1):
        raise InputError("--strategy trains one run at a time on all devices: leave out --jobs and --address")


def _check_seeds(seeds: int | None) -> None:
    if seeds is not None and seeds < 1:
        raise InputError(f"--seeds must be at least 1, got {seeds}")


def _jobs(jobs: int | None, address: str | None) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if jobs is None:
        return cores
    if jobs < 1:
        raise InputError(f"--jobs must be at least 1, got {jobs}")
    if address is None and jobs > cores:
        raise InputError(f"--jobs {jobs} on {cores} cores: each run takes one, use --jobs {cores} or fewer")
    return jobs


def _shown(experiment: Experiment, rows: "pd.DataFrame", brief: bool) -> "list[RenderableType]":
    from experiments.report import artefacts, tables

    return [artefacts.sentence(experiment, rows)] if brief else [*tables.on_screen(rows), tables.caption(rows)]


def _tell_failures(folder: Path, failures: "pd.DataFrame") -> int:
    from experiments.report.rows import FAILURES, write_failures

    write_failures(folder, failures)
    print(f"{len(failures)} runs failed, see {folder / FAILURES}: the same command retries them", file=sys.stderr)
    return 1


def _show(folder: Path, *shown: "RenderableType") -> int:
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.width = TABLE_WIDTH  # in a narrower window lines wrap, but no number is cut off
    for part in (*shown, f"Rows, table and pictures: {folder}"):
        console.print(part)
    return 0
