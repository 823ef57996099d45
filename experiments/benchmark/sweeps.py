"""Runs an hour by one and, where there are two cores, by two processes of one thread each."""

import tempfile
import time
from pathlib import Path

import joblib

from experiments.benchmark.timing import Measurements
from experiments.engine.cluster import evaluated_in_parallel
from experiments.engine.experiment import Experiment
from experiments.engine.store import StoredRun, loaded
from experiments.settings import DATA, FACES, debiased

RUNS = Experiment("benchmark", "Speed", (debiased("max"),), (0, 1), FACES, DATA)


def runs_per_hour(cache: Path) -> Measurements:
    """Runs an hour by one job and by two, and their ratio; the start of processes and the evaluation included."""
    hours = {jobs: _hours(cache, jobs) for jobs in (1, 2) if jobs <= joblib.cpu_count()}
    speed = {f"runs_per_h_{jobs}_jobs": [len(RUNS.runs()) / spent] for jobs, spent in hours.items()}
    return speed | ({"runs_2_jobs_to_1": [hours[1] / hours[2]]} if 2 in hours else {})


def linked(cache: Path, folder: Path) -> Path:
    """`folder`, with the data sets of `cache` and none of its runs."""
    for path in cache.glob("*.h5"):
        (folder / path.name).symlink_to(path.resolve())
    return folder


def _hours(cache: Path, jobs: int) -> float:
    """Hours that `jobs` processes take for the runs, none of which is finished yet."""
    loaded(RUNS.data, cache)  # built before the clock starts
    with tempfile.TemporaryDirectory() as folder:
        ours = linked(cache, Path(folder))
        todo = [StoredRun(run, ours) for run in RUNS.runs()]
        began = time.perf_counter()
        for _, outcome in evaluated_in_parallel(todo, False, jobs):
            if isinstance(outcome, Exception):
                raise outcome
        return (time.perf_counter() - began) / 3600
