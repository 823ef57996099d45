"""Runs on disk: one folder a run, named by what it trains.

`<cache>/runs/<data>-<digest>/<method>/<what differs from the defaults>/seed3/` holds settings.json from the start,
checkpoints, log.csv and sampling/ while it trains, then model.keras and trained.json, and last a row for each test,
each written atomically. Two experiments that share a setting share its folder, so it is trained once.
"""

import contextlib
import dataclasses
import functools
import importlib
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from baselines import method
from debias.data import catalog
from debias.data.dataset import Splits
from debias.data.names import label
from debias.data.prepared import Prepared, open_prepared
from debias.errors import InputError
from debias.locks import locked
from experiments.engine.digests import evaluation_digest, training_digest
from experiments.engine.experiment import Run

if TYPE_CHECKING:
    import keras


DIGESTS = ("training_digest", "evaluation_digest", "data_digest", "test_digest")  # columns of a row


@dataclasses.dataclass(frozen=True)
class StoredRun:
    """A run with all that is known of it on this machine: its data, its folder, and what code and data it stands for.

    Attributes:
        run: what to train and to test on.
        cache: the folder that holds data sets and `runs/`.
    """

    run: Run
    cache: Path

    @property
    def whole(self) -> Splits:
        """All of the data set, built if need be."""
        return loaded(self.run.data, self.cache)

    @property
    def splits(self) -> Splits:
        """What the run trains and is tested on, its own draw of the training images."""
        return self.whole.draw(self.run.setting.draw, self.run.config.seed)

    @property
    def other_test(self) -> Prepared | None:
        """The prepared file that the run is tested on, None for its own test split."""
        return _prepared(self.run.test) if self.run.test else None

    @property
    def tests(self) -> dict[str, Splits]:
        """Label -> data set, of the further tests."""
        return {label(name): loaded(name, self.cache) for name in self.run.tests}

    @functools.cached_property
    def digests(self) -> dict[str, str]:
        """Columns by which a row is known to be the run's: code that trains, code that tests, and data."""
        training, test = _data_digests(self.run.data, self.cache)
        other = [self.other_test.digest()] if self.run.test else []
        further = [_data_digests(name, self.cache)[1] for name in self.run.tests]
        code = training_digest(self.run), evaluation_digest(self.run)
        return dict(zip(DIGESTS, (*code, training, "-".join([test, *other, *further])), strict=True))

    @functools.cached_property
    def folder(self) -> Path:
        """Where the run is kept; it follows from its method, settings, draw and training data alone."""
        name = f"{self.whole.name}-{self.digests['data_digest']}"
        run = self.run
        return self.cache / "runs" / name / run.setting.method / _changes(run) / f"seed{run.config.seed}"

    @property
    def data_name(self) -> str:
        """What the data are called in a row."""
        return ", ".join([self.whole.name, *([self.other_test.path.stem] if self.run.test else [])])

    @property
    def row_path(self) -> Path:
        """The file of the run's row; each choice of tests has its own, as experiments may share a model."""
        other = f"-{Path(self.run.test).stem}" if self.run.test else ""
        return self.folder / f"row{other}{''.join(f'@{label(name)}' for name in self.run.tests)}.json"

    @property
    def model_path(self) -> Path:
        """The file of the trained model."""
        return self.folder / "model.keras"

    def model(self) -> "keras.Model":
        """The trained model."""
        from debias.backend import keras  # seconds: not for those who only look at rows

        importlib.import_module(method(self.run.setting.method).module)  # Keras must know the classes of its model
        with self._whole(self.model_path):
            return keras.saving.load_model(self.model_path, compile=False)

    def sampling(self) -> list[np.ndarray]:
        """Sampling probabilities (faces,) of every epoch, in order; InputError where a file is damaged."""
        return [self._probabilities(path) for path in sorted((self.folder / "sampling").glob("epoch-*.npy"))]

    def check_files(self) -> None:
        """Raise InputError where log.csv or the sampling probabilities are damaged or missing."""
        log, sampling = self.folder / "log.csv", self.folder / "sampling"
        with self._whole(log):
            _ = pd.read_csv(log).iloc[-1]["loss"]
        with self._whole(sampling):
            _ = self.sampling()[-1]

    def read(self, name: str, needed: Collection[str] = ()) -> dict | None:
        """What the run has written to a JSON file of its folder, None where it has not.

        Raises:
            InputError: the file is damaged, or something that is `needed` is not in it.
        """
        path = self.folder / name
        if not path.exists():
            return None
        with self._whole(path):
            found = dict(json.loads(path.read_text(encoding="utf-8")))
            _ = [found[each] for each in needed]
            return found

    def _probabilities(self, path: Path) -> np.ndarray:
        with self._whole(path):
            found = np.load(path, allow_pickle=False)
            if found.ndim != 1 or not np.isclose(found.sum(), 1):  # also where one is NaN
                raise ValueError("not probabilities")
            return found

    @contextlib.contextmanager
    def _whole(self, path: Path) -> Iterator[None]:
        """What cannot be read of a file of the run becomes one line that says what to delete."""
        try:
            yield
        except InputError:
            raise
        except Exception as error:  # of many types, depending on what is damaged
            remedy = f"delete {self.folder}, and the same command trains the run anew"
            raise InputError(f"{path}: damaged or missing: {remedy}") from error

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Wait until no other process trains this run."""
        return locked(self.folder / "lock")


# A process that trains many runs loads their data once; few are kept, so that it does not grow.
@functools.lru_cache(maxsize=4)
def loaded(data: str, cache: Path) -> Splits:
    """A data set by name or path, see `debias.data.catalog.load`."""
    return catalog.load(data, cache)


@functools.lru_cache(maxsize=64)
def _data_digests(data: str, cache: Path) -> tuple[str, str]:
    splits = loaded(data, cache)
    return splits.training_digest(), splits.test_digest()


@functools.lru_cache(maxsize=4)
def _prepared(path: str) -> Prepared:
    return open_prepared(Path(path))


def _changes(run: Run) -> str:
    draw = {name.replace(" ", "-"): count for name, count in run.setting.draw.items()}
    changes = {**run.config.changes(), **draw, **run.setting.arguments}
    return ",".join(f"{name}={value}" for name, value in changes.items()) or "default"
