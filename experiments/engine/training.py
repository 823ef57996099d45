"""One run -> its trained model, on disk."""

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from baselines import method
from debias.files import replacing, write_text
from debias.provenance import provenance
from experiments.engine.digests import training_digest
from experiments.engine.experiment import Run
from experiments.engine.store import Store, read_json

if TYPE_CHECKING:
    import keras

_OF_TRAINING = ("checkpoint", "sampling", "log.csv", "model.keras", "trained.json")


def trained(run: Run, store: Store) -> dict | None:
    """Columns that say how a run's model was trained (`training_digest`, commit, seconds, ...), None before."""
    return read_json(store.folder(run) / "trained.json")


def is_stale(run: Run, store: Store) -> bool:
    """Whether a run's model was trained by other code than today's."""
    facts = trained(run, store)
    return facts is not None and facts["training_digest"] != training_digest(run)


def train(run: Run, store: Store, callbacks: "Sequence[keras.callbacks.Callback]" = ()) -> dict:
    """Train a run, or go on where it was broken off; returns `trained(run, store)`. The caller holds the run's lock."""
    began, folder, digest = time.perf_counter(), store.folder(run), training_digest(run)
    _clear_other_code(folder, digest)
    write_text(folder / "settings.json", json.dumps({**run.settings(), "training_digest": digest}))
    config = dataclasses.replace(run.config, folder=folder, callbacks=(*run.config.callbacks, *callbacks))
    model = method(run.setting.method).train(store.splits(run), config)
    with replacing(store.model_path(run)) as temporary:
        model.save(temporary)
    spent = {"seconds": time.perf_counter() - began, "threads": _threads()}
    data = {"data_digest": store.data_digests(run)["data_digest"]}
    write_text(folder / "trained.json", json.dumps({**spent, **data, **provenance(), "training_digest": digest}))
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)  # three times the model's size, of no more use
    return trained(run, store)


def _clear_other_code(folder, digest: str) -> None:
    """What other code has begun must not be gone on with: half of it would be another experiment."""
    started = read_json(folder / "settings.json")
    if started is not None and started.get("training_digest") != digest:
        for path in (folder / name for name in _OF_TRAINING):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _threads() -> int:
    from debias.backend import tf  # seconds: not for those who only ask what is trained

    return tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count()
