"""One run -> its row: what its model scores on its test, trained first where there is none."""

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from debias.files import write_text
from experiments.engine.digests import evaluation_digest, training_digest
from experiments.engine.experiment import Run
from experiments.engine.store import Store, read_json
from experiments.engine.training import is_stale, train, trained

if TYPE_CHECKING:
    import keras


def finished(run: Run, store: Store, keep_stale: bool = False) -> dict | None:
    """The row of a run that is trained and evaluated by today's code, under its id in this experiment; else None.

    Args:
        keep_stale: also where other code has trained it.
    """
    row = read_json(store.row_path(run))
    wanted = wanted_digests(run, store)
    if keep_stale and (facts := trained(run, store)):
        wanted["training_digest"] = facts["training_digest"]
    if row is None or any(row.get(name) != digest for name, digest in wanted.items()):
        return None
    return {**run.names(), **row}


def evaluated(
    run: Run, store: Store, callbacks: "Sequence[keras.callbacks.Callback]" = (), keep_stale: bool = False
) -> dict:
    """The row of a run, which is on disk then; it is trained, or only evaluated, where it is not finished."""
    with store.locked(run):
        return finished(run, store, keep_stale) or _evaluated(run, store, callbacks, keep_stale)


def wanted_digests(run: Run, store: Store) -> dict[str, str]:
    """Columns by which a row is known to be what the run would give: of code that trains, code that tests, and data."""
    data = store.data_digests(run)
    code = {"training_digest": training_digest(run), "evaluation_digest": evaluation_digest(run)}
    return code | {name: data[name] for name in ("data_digest", "test_digest")}


def _evaluated(run, store, callbacks, keep_stale) -> dict:
    from debias.backend import keras  # seconds: not for those whose runs are finished

    keras.backend.clear_session()
    kept = trained(run, store) if keep_stale or not is_stale(run, store) else None
    facts = kept or train(run, store, callbacks)
    began = time.perf_counter()
    measured = _measured(run, store)
    facts["seconds"] += time.perf_counter() - began
    row = {**run.facts(), **measured, **facts, **store.data_digests(run), "evaluation_digest": evaluation_digest(run)}
    write_text(store.row_path(run), json.dumps(row))
    return finished(run, store, keep_stale)


def _measured(run, store) -> dict[str, float]:
    model, splits, folder = store.model(run), store.splits(run), store.folder(run)
    if other := store.other_test(run):
        from experiments.engine.cross_dataset import measure_on

        return measure_on(other, model, splits, folder)
    from experiments.engine.measures import measure

    return measure(model, splits, folder)
