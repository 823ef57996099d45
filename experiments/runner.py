"""Runs as data: settings times seeds -> one row each. Finished runs are skipped, broken-off ones resumed.

Each run owns a folder: `settings.json` when it starts, checkpoints while it trains, `model.keras` and last `row.json`,
each written atomically. Rows are collected from the folders, so a kill loses at most the epoch in progress.
"""

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from baselines import method
from debias.backend import keras
from debias.config import Config
from debias.data.dataset import Splits
from debias.errors import InputError
from debias.files import replacing, write_text
from experiments.evaluate import check_splits, evaluate
from experiments.progress import RunProgress, StepCounter
from experiments.provenance import provenance


@dataclasses.dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        id: readable and unique, such as 'quick/dbvae-max/seed3'.
        method: name in `baselines.METHODS`.
        config: all settings; its folder and callbacks are set by the runner.
    """

    id: str
    method: str
    config: Config


def grid(experiment: str, methods: Sequence[str], seeds: Sequence[int], config: Config) -> tuple[Run, ...]:
    """Every method with every seed, seeds outermost so that complete pairs come first."""
    if not seeds:
        raise InputError("zero seeds: give at least one")
    return tuple(
        Run(f"{experiment}/{name}/seed{seed}", name, dataclasses.replace(config, seed=seed))
        for seed in seeds
        for name in methods
    )


def run_all(runs: Sequence[Run], splits: Splits, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows and failures (id, reason) of all runs, in order, training those that are not finished.

    A run that fails is recorded and the others go on; bad input stops all.

    Args:
        folder: holds one folder a run.

    Raises:
        InputError: a run's folder holds a run with other settings or data, or the data cannot be evaluated.
    """
    check_splits(splits)
    origin = {"data": splits.name, "fingerprint": splits.fingerprint(), **provenance()}
    todo = [run for run in runs if not _is_finished(run, origin, folder)]
    failures = []
    with RunProgress(len(todo), len(runs) - len(todo)) as progress:
        for run in todo:
            try:
                progress.finished(_execute(run, splits, origin, folder, progress.start))
            except InputError:
                raise
            except Exception as error:  # one broken run must not cost the others
                failures.append({"id": run.id, "reason": _reason(error)})
                progress.failed(failures[-1])
    finished = [run for run in runs if run_file(folder, run, "row.json").exists()]
    rows = [json.loads(run_file(folder, run, "row.json").read_text()) for run in finished]
    return pd.DataFrame(rows), pd.DataFrame(failures, columns=["id", "reason"])


def run_file(folder: Path, run: Run, name: str) -> Path:
    """Path of a run's file."""
    return folder / run.id / name


def load_model(folder: Path, run: Run) -> keras.Model:
    """The trained model of a finished run."""
    return keras.saving.load_model(run_file(folder, run, "model.keras"), compile=False)


def _is_finished(run: Run, origin: dict, folder: Path) -> bool:
    """Whether the run has a row; InputError when its folder belongs to a run with other settings or data."""
    started = run_file(folder, run, "settings.json")
    if started.exists() and json.loads(started.read_text()) != _settings(run, origin):
        raise InputError(f"{started.parent}: holds this run with other settings or data: move it away to run it anew")
    return run_file(folder, run, "row.json").exists()


def _execute(run: Run, splits: Splits, origin: dict, folder: Path, start: Callable[[str, int], StepCounter]) -> dict:
    begin = time.perf_counter()
    write_text(run_file(folder, run, "settings.json"), json.dumps(_settings(run, origin)))
    keras.backend.clear_session()
    config = dataclasses.replace(run.config, folder=folder / run.id)
    config = dataclasses.replace(config, callbacks=(*config.callbacks, start(run.id, config.epochs)))
    model = method(run.method).train(splits, config)
    with replacing(run_file(folder, run, "model.keras")) as temporary:
        model.save(temporary)
    measured = evaluate(model, splits, config.folder)
    row = _identity(run) | measured | {"seconds": time.perf_counter() - begin} | origin
    write_text(run_file(folder, run, "row.json"), json.dumps(row))
    return row


def _reason(error: Exception) -> str:
    """One line: the first, or the last where the first only announces it, as in TensorFlow's 'in user code:'."""
    lines = str(error).strip().splitlines() or [""]  # some errors, such as MemoryError, have only a name
    line = lines[-1] if lines[0].endswith(":") else lines[0]
    return f"{type(error).__name__}: {line.strip()}".removesuffix(": ")


def _identity(run: Run) -> dict:
    return {"id": run.id, "method": run.method, "seed": run.config.seed, "config": json.dumps(run.config.settings())}


def _settings(run: Run, origin: dict) -> dict:
    return {"method": run.method, "data": origin["data"], "fingerprint": origin["fingerprint"], **run.config.settings()}
