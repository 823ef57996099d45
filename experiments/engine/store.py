"""Runs on disk: one folder a run, named by what it trains, and the data that runs need.

`<cache>/runs/<data>-<digest>/<method>/<what differs from the defaults>/seed3/` holds settings.json from the start,
checkpoints, log.csv and sampling/ while it trains, then model.keras and trained.json, and last a row for each test,
each written atomically. Two experiments that share a setting share its folder, so it is trained once.
"""

import contextlib
import fcntl
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from debias.data import catalog
from debias.data.dataset import Splits
from debias.data.prepared import Prepared, open_prepared
from debias.errors import InputError
from experiments.engine.experiment import Run

if TYPE_CHECKING:
    import keras


class Store:
    """The runs in a cache folder, and the data that they train on.

    Args:
        cache: holds data sets and `runs/`.
    """

    def __init__(self, cache: Path):
        self.cache = Path(cache)

    def whole(self, data: str) -> Splits:
        """All of a data set, built if need be."""
        return _loaded(data, self.cache)[0]

    def splits(self, run: Run) -> Splits:
        """What a run trains and is tested on, its own draw of the training images."""
        return self.whole(run.data).draw(run.setting.draw, run.config.seed)

    def other_test(self, run: Run) -> Prepared | None:
        """The prepared file that a run is tested on, None for its own test split."""
        return _prepared(run.test) if run.test else None

    def data_digests(self, run: Run) -> dict[str, str]:
        """Columns: the name of the data, and digests of what a run trains and is tested on."""
        splits, (training, test) = _loaded(run.data, self.cache)
        columns = {"data": splits.name, "data_digest": training, "test_digest": test}
        if other := self.other_test(run):
            columns |= {"data": f"{splits.name}, {other.path.stem}", "test_digest": f"{test}-{other.digest()}"}
        return columns

    def folder(self, run: Run) -> Path:
        """Where a run is kept; it follows from its method, settings, draw and training data alone."""
        splits, (digest, _) = _loaded(run.data, self.cache)
        name = f"{splits.name}-{digest}"
        return self.cache / "runs" / name / run.setting.method / _changes(run) / f"seed{run.config.seed}"

    def row_path(self, run: Run) -> Path:
        """The file of a run's row in its folder."""
        return self.folder(run) / (f"row-{Path(run.test).stem}.json" if run.test else "row.json")

    def model_path(self, run: Run) -> Path:
        """The file of a run's trained model."""
        return self.folder(run) / "model.keras"

    def model(self, run: Run) -> "keras.Model":
        """The trained model of a finished run."""
        from debias.backend import keras  # seconds: not for those who only look at rows

        return keras.saving.load_model(self.model_path(run), compile=False)

    def sampling(self, run: Run) -> list[np.ndarray]:
        """Sampling probabilities (faces,) of every epoch of a run, in order."""
        paths = sorted((self.folder(run) / "sampling").glob("epoch-*.npy"))
        return [np.load(path, allow_pickle=False) for path in paths]

    @contextlib.contextmanager
    def locked(self, run: Run) -> Iterator[None]:
        """Wait until no other process trains this run; the system lets go when a process dies."""
        folder = self.folder(run)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = (folder / "lock").open("w")
        except OSError as error:
            raise InputError(f"cannot write {folder}: {error.strerror}: choose another --cache") from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def read_json(path: Path) -> dict | None:
    """What a run has written to `path`, None where it has not.

    Raises:
        InputError: the file is damaged.
    """
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: damaged: delete its folder to train the run anew") from error


# A process that trains many runs loads their data once; few are kept, so that it does not grow.
@functools.lru_cache(maxsize=4)
def _loaded(data: str, cache: Path) -> tuple[Splits, tuple[str, str]]:
    splits = catalog.load(data, cache)
    return splits, (splits.training_digest(), splits.test_digest())


@functools.lru_cache(maxsize=4)
def _prepared(path: str) -> Prepared:
    return open_prepared(Path(path))


def _changes(run: Run) -> str:
    changes = {**run.config.changes(), **{name.replace(" ", "-"): count for name, count in run.setting.draw.items()}}
    return ",".join(f"{name}={value}" for name, value in changes.items()) or "default"
