"""Finished and unfinished runs on disk: one folder a run, named by what it trains.

`<cache>/runs/<data>-<fingerprint>/<method>/<what differs from the defaults>/seed3/` holds settings.json from the start,
checkpoints, log.csv and sampling/ while it trains, then model.keras and last row.json, each written atomically. Two
experiments that share a setting share its folder, so it is trained once. Where a run is tested on another file than the
one it trains on, its row is called after that file, and the model is still trained once.
"""

import contextlib
import fcntl
import functools
import json
from collections.abc import Iterator
from pathlib import Path

from debias.backend import keras
from debias.data import catalog
from debias.data.dataset import Splits
from debias.data.prepared import Prepared, open_prepared
from debias.errors import InputError
from experiments.experiment import Run


class Store:
    """The runs in a cache folder, and the data that they train on.

    Args:
        cache: holds data sets and `runs/`.
    """

    def __init__(self, cache: Path):
        self.cache = Path(cache)

    def __reduce__(self):
        return Store, (self.cache,)  # what is loaded stays in its process

    def whole(self, data: str) -> Splits:
        """All of a data set, loaded (or built) once a process."""
        return _loaded(data, self.cache)[0]

    def splits(self, run: Run) -> Splits:
        """What a run trains and is tested on, its own draw of the training images."""
        return self.whole(run.data).draw(run.setting.draw, run.config.seed)

    def tested_on(self, run: Run) -> Prepared | None:
        """The prepared file that a run is tested on, None for its own test split."""
        return _prepared(run.test) if run.test else None

    def identity(self, run: Run) -> dict[str, str]:
        """Name and fingerprint of the data that a run trains and is tested on."""
        splits, fingerprint = _loaded(run.data, self.cache)
        if test := self.tested_on(run):
            return {"data": f"{splits.name}, {test.path.stem}", "fingerprint": f"{fingerprint}-{_digest(test)}"}
        return {"data": splits.name, "fingerprint": fingerprint}

    def folder(self, run: Run) -> Path:
        """Where a run is kept; it follows from its method, settings, draw and training data alone."""
        splits, fingerprint = _loaded(run.data, self.cache)
        data = f"{splits.name}-{fingerprint}"
        return self.cache / "runs" / data / run.setting.method / _changes(run) / f"seed{run.config.seed}"

    def row_path(self, run: Run) -> Path:
        """The file of a run's row in its folder."""
        test = self.tested_on(run)
        return self.folder(run) / (f"row-{test.path.stem}-{_digest(test)}.json" if test else "row.json")

    def row(self, run: Run) -> dict | None:
        """The row of a finished run under its id in this experiment, None for others.

        Raises:
            InputError: the file is damaged.
        """
        path = self.row_path(run)
        if not path.exists():
            return None
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: damaged: delete its folder to train the run anew") from error
        return {"id": run.id, "setting": run.setting.name, "title": run.setting.title, **kept}

    def model(self, run: Run) -> keras.Model:
        """The trained model of a finished run."""
        return keras.saving.load_model(self.folder(run) / "model.keras", compile=False)

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


def described(run: Run) -> dict:
    """Everything that decides a run's outcome beside data and code, as plain values."""
    return {"method": run.setting.method, **run.config.settings(), "draw": dict(run.setting.draw)}


@functools.cache
def _loaded(data: str, cache: Path) -> tuple[Splits, str]:
    splits = catalog.load(data, cache)
    return splits, splits.fingerprint()


@functools.cache
def _prepared(path: str) -> Prepared:
    return open_prepared(Path(path))


def _digest(test: Prepared) -> str:
    """Twelve hexadecimal digits that change with the images of a prepared file."""
    return str(test.attributes["images_sha256"])[:12]


def _changes(run: Run) -> str:
    changes = {**run.config.changes(), **{name.replace(" ", "-"): count for name, count in run.setting.draw.items()}}
    return ",".join(f"{name}={value}" for name, value in changes.items()) or "default"
