"""Methods that train nothing, for all tests of experiments: training takes seconds even at toy size."""

import dataclasses
import sys
import types

import numpy as np
import pytest

from baselines import METHODS, Method
from debias.errors import InputError


class Instant:
    """Such methods, and what the folders held when they were called."""

    def __init__(self):
        self.found = []

    def constant(self, seen, config, **arguments):
        """Leaves a model, something of a checkpoint and of an earlier stage."""
        from debias.backend import keras

        self.found.append(sorted(path.name for path in config.folder.iterdir()))
        for name in ("checkpoint", "stages"):
            (config.folder / name).mkdir(exist_ok=True)
        images = keras.Input(seen.train.image_shape)
        return keras.Model(images, keras.layers.Flatten()(images)[:, 0])

    def measurable(self, seen, config, **arguments):
        """Leaves all that a row is made of."""
        faces = len(seen.train.positives())
        (config.folder / "sampling").mkdir(exist_ok=True)
        np.save(config.folder / "sampling" / "epoch-000.npy", np.full(faces, 1 / faces))
        (config.folder / "log.csv").write_text("epoch,loss\n0,0.5\n")
        return self.constant(seen, config)

    def broken(self, seen, config, **arguments):
        """Fails, after it has begun."""
        self.constant(seen, config)
        raise RuntimeError("first line\nsecond line")

    def speechless(self, seen, config):
        """Fails without a word."""
        raise MemoryError

    def misused(self, seen, config):
        """Was told to do what cannot be done."""
        raise InputError("alpha must be > 0, got -1")


@pytest.fixture
def instant(monkeypatch):
    """Registers them; a list of what the folder held at each call."""
    methods = Instant()
    for name in ("constant", "measurable", "broken", "speechless", "misused"):
        module = types.ModuleType(f"instant_{name}")
        module.train = getattr(methods, name)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(METHODS, name, Method(name, module.__name__))
    return methods.found


@pytest.fixture
def unmeasured(monkeypatch):
    """Models are not asked for predictions, which takes a second each; gives the folders of those that would be."""
    from experiments.engine import measures

    folders = []

    def measure(model, splits, folder):
        folders.append(folder)
        return {"mean_recall": 1.0, "var_recall": 0.0, "ess": 2.0, "kl_loss": float("nan")}

    monkeypatch.setattr(measures, "measure", measure)
    return folders


def _guess(monkeypatch):
    """Models are not asked for predictions: rows are made of random scores."""
    from debias.evaluation import rates
    from experiments.engine import measures

    def measure(model, splits, folder):
        rng = np.random.default_rng(0)
        scores, negatives = np.split(rng.random(len(splits.test) + 200), [len(splits.test)])
        chosen_by = measures.of_validation(splits.validation, rng.random(len(splits.validation.positives())), negatives)
        return rates(splits.test, scores, negatives) | chosen_by | measures.of_training(splits.train, folder)

    for name, known in METHODS.items():
        monkeypatch.setitem(METHODS, name, dataclasses.replace(known, resamples=False, reconstructs=False))
    monkeypatch.setattr(measures, "measure", measure)


@pytest.fixture
def untrained(monkeypatch):
    """The known methods train nothing, and their rows are made of random scores, as if by today's code."""
    _guess(monkeypatch)
    monkeypatch.setattr(Method, "train", lambda self, seen, config: Instant().measurable(seen, config))


@pytest.fixture
def guessed(instant, monkeypatch):
    """The known methods train nothing, by modules that may be broken, and their rows are guessed; gives `instant`."""
    for name in ("constant", "measurable", "broken", "speechless", "misused"):
        monkeypatch.delitem(METHODS, name)
    _guess(monkeypatch)
    for name, known in METHODS.items():
        monkeypatch.setitem(METHODS, name, dataclasses.replace(known, module="instant_measurable"))
    return instant
