"""One run -> its row: what its model scores on its test, trained first where there is none."""

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from debias.files import write_text
from experiments.engine.store import StoredRun
from experiments.engine.training import is_stale, train, trained

if TYPE_CHECKING:
    import keras


def finished(stored: StoredRun, keep_stale: bool = False) -> dict | None:
    """The row of a run that is trained and evaluated by today's code, under its id in this experiment; else None.

    Args:
        keep_stale: also where other code has trained it.
    """
    row, wanted = stored.read(stored.row_path.name), dict(stored.digests)
    if keep_stale and (facts := trained(stored)):
        wanted["training_digest"] = facts["training_digest"]
    if row is None or any(row.get(name) != digest for name, digest in wanted.items()):
        return None
    return {**stored.run.names(), **row}


def evaluated(
    stored: StoredRun, callbacks: "Sequence[keras.callbacks.Callback]" = (), keep_stale: bool = False
) -> dict:
    """The row of a run, which is on disk then; it is trained, or only evaluated, where it is not finished."""
    with stored.locked():
        return finished(stored, keep_stale) or _evaluated(stored, callbacks, keep_stale)


def _evaluated(stored, callbacks, keep_stale) -> dict:
    from debias.backend import keras  # seconds: not for those whose runs are finished

    keras.backend.clear_session()
    kept = trained(stored) if keep_stale or not is_stale(stored) else None
    facts = kept or train(stored, callbacks)
    began = time.perf_counter()
    try:
        measured = _measured(stored)
    except Exception:
        stored.check_files()  # it may be for a damaged one, which is named then
        raise
    facts["seconds"] += time.perf_counter() - began
    # What has trained the model, which may be other code, overrides what would train it today.
    row = {**stored.run.facts(), **measured, "data": stored.data_name, **stored.digests, **facts}
    write_text(stored.row_path, json.dumps(row))
    return finished(stored, keep_stale)


def _measured(stored) -> dict[str, float]:
    from experiments.engine import measures

    model, splits = stored.model(), stored.splits
    further = measures.measure_further(model, stored.tests)
    if stored.other_test:
        from experiments.engine.cross_dataset import measure_on

        return measure_on(stored.other_test, model, splits, stored.folder) | further
    return measures.measure(model, splits, stored.folder) | further
