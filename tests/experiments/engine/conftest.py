"""Methods that train nothing, and two real runs, for all tests of the engine."""

import sys
import types

import numpy as np
import pytest

from baselines import METHODS, Method
from debias.errors import InputError
from experiments.engine.experiment import Experiment, Setting
from experiments.engine.store import StoredRun
from experiments.engine.sweep import run_all

NAMES = {"dbvae-max": "max"}


def runs_of(data, base, *methods, seeds=(5,), test=None):
    """Runs of an experiment 'test' with one setting a method, called after it."""
    settings = tuple(Setting(NAMES.get(name, name), name) for name in methods)
    return Experiment("test", "Test", settings, seeds, base, str(data), test=test).runs()


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


def measured(*_) -> dict[str, float]:
    """What a row holds when nothing is measured."""
    return {"mean_recall": 1.0, "var_recall": 0.0, "ess": 2.0, "kl_loss": float("nan")}


@pytest.fixture
def instant(monkeypatch):
    """Registers methods that train nothing; gives what the folders held when they were called."""
    calls = []

    def constant(seen, config, **arguments):
        from debias.backend import keras

        calls.append(sorted(path.name for path in config.folder.iterdir()))
        (config.folder / "checkpoint").mkdir(exist_ok=True)
        images = keras.Input(seen.train.image_shape)
        return keras.Model(images, keras.layers.Flatten()(images)[:, 0])

    def measurable(seen, config):
        (config.folder / "sampling").mkdir()
        faces = len(seen.train.positives())
        np.save(config.folder / "sampling" / "epoch-000.npy", np.full(faces, 1 / faces))
        (config.folder / "log.csv").write_text("epoch,loss\n0,0.5\n")
        return constant(seen, config)

    def broken(seen, config):
        constant(seen, config)
        raise RuntimeError("first line\nsecond line")

    def speechless(seen, config):
        raise MemoryError

    def misused(seen, config):
        raise InputError("alpha must be > 0, got -1")

    for train in (constant, measurable, broken, speechless, misused):
        module = types.ModuleType(f"instant_{train.__name__}")
        module.train = train
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(METHODS, train.__name__, Method(train.__name__, module.__name__))
    return calls


@pytest.fixture
def unmeasured(monkeypatch):
    """Models are not asked for predictions, which takes a second each; gives the folders of those that would be."""
    from experiments.engine import measures

    folders = []

    def measure(model, splits, folder):
        folders.append(folder)
        return measured()

    monkeypatch.setattr(measures, "measure", measure)
    return folders
