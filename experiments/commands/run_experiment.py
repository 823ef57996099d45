"""python -m experiments run: what is missing is trained, and its rows become tables and figures."""

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from debias.data.names import is_public
from debias.errors import InputError
from experiments.ablation import Ablation
from experiments.commands.shared import (
    RESULTS,
    Folders,
    check_seeds,
    experiment_names,
    job_count,
    placed,
    published_rows,
    show,
    tell_failures,
    with_seeds,
)
from experiments.engine.experiment import Experiment
from experiments.registry import EXPERIMENTS, GROUPS

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from debias.config import Config
    from experiments.engine.sweep import Options

# Options that rows in results/ do not tell of.
_CHANGES = ("data", "train", "epochs", "strategy", "images", "precision", "xla")


@dataclasses.dataclass(frozen=True)
class Run(Folders):
    """Train what is missing of an experiment and write its rows, table and figures to results/.

    Finished runs are kept, broken-off ones go on where they were; a failed one is recorded and the others go on. Where
    only the code that evaluates has changed, kept models are evaluated again and none is trained.

    For example:

        python -m experiments run quick
        python -m experiments run table1 --seeds 10 --jobs 2
        python -m experiments run ablations --smoke
        python -m experiments run all --smoke --changed
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
    """Runs at a time, one core each; all cores by default, of the cluster with --address."""
    address: str | None = None
    """A running Ray cluster, such as 10.0.0.1:6379, to train on."""
    shard: str | None = None
    """Train only part i/n of the runs, for job arrays; a last call without it writes the results."""
    stale: str = "refuse"
    """Models trained by other code: 'refuse' to mix them in, 'keep' them, or 'redo' them."""
    reuse: bool = False
    """Count rows in results/ as finished, of any experiment, where code, settings, data and tests are the same."""
    finished: bool = False
    """Train nothing: write what there is of models that are trained, as far as it tells something."""
    overwrite: bool = False
    """Replace all rows of the experiment in results/ by yours, where they differ."""
    smoke: bool = False
    """Toy size, in the cache folder: does every part still work?"""
    changed: bool = False
    """With --smoke: leave out experiments that results/ shows to work, as each of their settings has a row there that
    today's code for training and evaluation has made, with the same libraries up to minor versions."""
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
        check_seeds(self.seeds)
        _check_strategy(self.strategy, self.jobs, self.address)
        stale = "redo" if self.smoke else self.stale  # a toy run is there to try today's code
        jobs = self._jobs()
        names = self._names()
        more = self.name in GROUPS
        options = Options(jobs, self.address, self.shard, stale, trains=not self.finished, more=more)
        chosen = [self._adapted(EXPERIMENTS[name]) for name in names]  # may render data for minutes
        return max([self._run(experiment, options, brief=more) for experiment in chosen], default=0)

    def _names(self) -> tuple[str, ...]:
        """The experiments that are to run; says which of them are left out."""
        names = experiment_names(self.name)
        if not self.changed:
            return names
        _check_changed(self)
        known = [name for name in names if self._is_known_to_work(EXPERIMENTS[name])]
        if known:
            print(f"left out, as {self.results} has rows of all their settings by this code: {', '.join(known)}")
        return tuple(name for name in names if name not in known)

    def _is_known_to_work(self, experiment: Experiment) -> bool:
        from experiments.engine.known import is_known_to_work
        from experiments.report.rows import read_rows

        return is_known_to_work(experiment, read_rows(self.results / experiment.folder))

    def _jobs(self) -> int:
        """How many runs at a time."""
        if self.strategy:
            return 1
        if self.address is None:
            return job_count(self.jobs)
        from experiments.engine.cluster import cluster_jobs  # Ray: seconds

        return cluster_jobs(self.jobs, self.address)

    def _adapted(self, experiment: Experiment) -> Experiment:
        """The experiment with this call's data, size and seeds."""
        if self.smoke:
            experiment = experiment.at_smoke_size()
        if self.data or self.train:
            experiment = self._on_other_data(experiment)
        if self.epochs is not None:
            _check_length(experiment)
            experiment = dataclasses.replace(experiment, base=dataclasses.replace(experiment.base, epochs=self.epochs))
        experiment = with_seeds(experiment, self.seeds)
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
        from experiments.engine.shards import shard
        from experiments.engine.sweep import assist_all, run_all
        from experiments.report.rows import read_rows

        folder, runs = self._results() / experiment.folder, experiment.runs()
        published = None if self.overwrite or self.smoke else read_rows(folder)
        if self.reuse:
            options = dataclasses.replace(options, published=published_rows(self._results()))
        if brief:
            print(f"{experiment.name}: {experiment.title}")
        if self._assists():
            return assist_all(runs, self.cache, options)
        rows, failures = run_all(runs, self.cache, options)
        if len(failures):
            return tell_failures(folder, failures, [run.id for run in shard(runs, self.shard)])
        if len(rows) < len(runs) and not self._takes_less(experiment, rows, len(runs), brief):
            return 0
        folder, rows = placed(self, self._results(), folder, published, rows)
        self._write(experiment, folder, rows)
        return show(folder, *_shown(experiment, rows, brief))

    def _takes_less(self, experiment: Experiment, rows: "pd.DataFrame", wanted: int, brief: bool) -> bool:
        """Whether results are written of fewer rows than runs; says so either way."""
        if self.finished and not len(rows) and not brief:
            raise InputError(f"{experiment.name}: none of its models is trained yet: leave out --finished")
        how = "" if self.finished else "; a call without --shard writes the results, or --finished what there is"
        print(f"{experiment.name}: {len(rows)} of {wanted} runs are finished{how}")
        return self.finished and len(rows) > 0 and _tells(experiment, rows, brief)

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
            stored = [StoredRun(run, self.cache) for run in experiment.runs() if run.id in set(rows["id"])]
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


def _check_data(data: str | None, train: str | None, test: str | None, keep: tuple[str, ...]) -> None:
    from debias.data.prepared import is_prepared

    if "" in (data, train, test):
        raise InputError("--data, --train and --test need a name or a path, got nothing: is a variable unset?")
    if (train is None) != (test is None) or (data and train):
        raise InputError("give --train and --test together, or --data alone, which is trained and tested on")
    if keep and not (data or train):
        raise InputError(f"--keep {keep[0]}: draws from the groups of other data: give --data, or --train and --test")
    if test is not None and not is_prepared(Path(test)):
        raise InputError(f"{test}: not a prepared source: make one with python -m debias.data prepare")


def _check_changed(run: Run) -> None:
    if not run.smoke:
        raise InputError("--changed is for --smoke: without it, finished runs are kept anyway")
    if other := [name for name in _CHANGES if getattr(run, name) != getattr(Run, name)]:
        raise InputError(f"--changed: results/ does not tell what works with --{other[0]}: leave out one of them")


def _check_length(experiment: Experiment) -> None:
    if isinstance(experiment, Ablation) and any("epochs" in setting.changes for setting in experiment.settings):
        raise InputError(f"{experiment.name} compares lengths of training: leave out --epochs")


def _check_strategy(strategy: str | None, jobs: int | None, address: str | None) -> None:
    if strategy and (address or (jobs or 1) > 1):
        raise InputError("--strategy trains one run at a time on all devices: leave out --jobs and --address")


def _tells(experiment: Experiment, rows: "pd.DataFrame", brief: bool) -> bool:
    """Whether the rows are of enough settings; where other experiments follow, says so instead of ending them."""
    from experiments.report import artefacts

    try:
        artefacts.check(experiment, rows)
    except InputError as error:
        if not brief:
            raise
        print(error)
        return False
    return True


def _tell_left_out(experiment: Experiment, adapted: Experiment) -> None:
    """Say which methods other data have no groups for."""
    kept = {setting.name for setting in adapted.settings}
    if left_out := [setting.title for setting in experiment.settings if setting.name not in kept]:
        print(f"{experiment.name}: the faces have no groups: leaves out {', '.join(left_out)}")


def _shown(experiment: Experiment, rows: "pd.DataFrame", brief: bool) -> "list[RenderableType]":
    from experiments.report import artefacts, tables

    return [artefacts.sentence(experiment, rows)] if brief else [*tables.on_screen(rows), tables.caption(rows)]
