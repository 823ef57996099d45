"""One run -> its trained model, on disk."""

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from baselines import STAGES
from debias.files import replacing, write_text
from debias.provenance import provenance
from experiments.engine.store import StoredRun

if TYPE_CHECKING:
    import keras

TRAINED = "trained.json"  # written last: the model is whole then
_OF_TRAINING = (TRAINED, "model.keras", "checkpoint", "sampling", "log.csv", STAGES)  # removed in this order


def trained(stored: StoredRun) -> dict | None:
    """Columns that say how a run's model was trained (`training_digest`, commit, seconds, ...), None before."""
    return stored.read(TRAINED, needed=("training_digest", "commit", "seconds"))


def is_stale(stored: StoredRun) -> bool:
    """Whether a run's model was trained by other code than today's."""
    facts = trained(stored)
    return facts is not None and facts["training_digest"] != stored.digests["training_digest"]


def train(stored: StoredRun, callbacks: "Sequence[keras.callbacks.Callback]" = ()) -> dict:
    """Train a run, or go on where it was broken off; returns `trained(stored)`. The caller holds the run's lock."""
    began, run, folder = time.perf_counter(), stored.run, stored.folder
    digests = {name: stored.digests[name] for name in ("training_digest", "data_digest")}
    _clear_other_code(stored)
    write_text(folder / "settings.json", json.dumps({**run.settings(), **digests}))
    config = dataclasses.replace(run.config, folder=folder, callbacks=(*run.config.callbacks, *callbacks))
    model = run.setting.trained.train(stored.splits, config)
    with replacing(stored.model_path) as temporary:
        model.save(temporary)
    spent = {"seconds": time.perf_counter() - began, "threads": _threads(), "device": _device(run.config)}
    write_text(folder / TRAINED, json.dumps({**spent, **provenance(), **digests}))
    for name in ("checkpoint", STAGES):  # three times the model's size, of no more use
        shutil.rmtree(folder / name, ignore_errors=True)
    return trained(stored)


def assist(stored: StoredRun) -> None:
    """Train a run together with the worker that keeps it: nothing is written here."""
    stored.run.setting.trained.train(stored.splits, dataclasses.replace(stored.run.config, folder=stored.folder))


def _clear_other_code(stored: StoredRun) -> None:
    """What other code has begun must not be gone on with: half of it would be another experiment."""
    started = stored.read("settings.json")
    if started is not None and started.get("training_digest") != stored.digests["training_digest"]:
        for path in (stored.folder / name for name in _OF_TRAINING):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _threads() -> int:
    from debias.backend import tf  # seconds: not for those who only ask what is trained

    return tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count()


def _device(config) -> str:
    from debias.devices import described  # TensorFlow

    return described(config)
