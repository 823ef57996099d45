"""Two real runs, for all tests of the engine."""

import pytest

from experiments.engine.experiment import Experiment, Setting
from experiments.engine.store import StoredRun
from experiments.engine.sweep import run_all

NAMES = {"dbvae-max": "max"}


def runs_of(data, base, *methods, seeds=(5,), test=None):
    """Runs of an experiment 'test' with one setting a method, called after it."""
    settings = tuple(Setting(NAMES.get(name, name), name) for name in methods)
    return Experiment("test", "Test", settings, seeds, base, str(data), test=test).runs()


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """As for all tests, before any of these loads TensorFlow, which the engine does late."""
    from debias.training import one_thread

    one_thread()


@pytest.fixture(scope="session")
def runs():
    """Makes runs: `runs_of`."""
    return runs_of


@pytest.fixture(scope="session")
def job(tiny_config, dataset_path):
    """A CNN and a DB-VAE with one seed."""
    return runs_of(dataset_path, tiny_config, "cnn", "dbvae-max")


@pytest.fixture(scope="session")
def undisturbed(job, tmp_path_factory):
    """Rows of the job, run in one go, and its runs as they are kept."""
    cache = tmp_path_factory.mktemp("undisturbed")
    rows, failures = run_all(job, cache)
    assert len(failures) == 0
    return rows, [StoredRun(run, cache) for run in job]


@pytest.fixture
def cache(tmp_path):
    """Where runs are kept; empty."""
    return tmp_path / "cache"


@pytest.fixture
def stored(cache):
    """A run as it is kept there, by the code of the moment."""
    return lambda run: StoredRun(run, cache)
