"""Runs -> rows: finished ones are skipped, broken-off ones resumed, failed ones recorded while the others go on."""

import collections
import dataclasses
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from baselines import method
from debias.backend import keras, tf
from debias.errors import InputError
from debias.files import replacing, write_text
from experiments.elsewhere import check_test, evaluate_on
from experiments.evaluate import check_splits, evaluate
from experiments.experiment import Run
from experiments.progress import RunProgress
from experiments.provenance import code, provenance
from experiments.store import Store, described

STALE = ("refuse", "keep", "redo")


@dataclasses.dataclass(frozen=True)
class Options:
    """How to go through many runs.

    Attributes:
        jobs: how many runs at a time, one thread each.
        address: of a running Ray cluster; None stays on this machine.
        shard: 'i/n' trains only every n-th run from the i-th, None all.
        stale: what to do about finished runs of other code: 'refuse' to go on, 'keep' them, 'redo' them.
        published: rows that count as finished where code, settings and data are the same.
    """

    jobs: int = 1
    address: str | None = None
    shard: str | None = None
    stale: str = "refuse"
    published: Sequence[Mapping] = ()

    def __post_init__(self):
        if self.stale not in STALE:
            raise InputError(f"unknown --stale {self.stale!r}: use one of {', '.join(STALE)}")


def run_all(runs: Sequence[Run], store: Store, options: Options | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of all runs that are finished in the end, in order, and failures (id, reason).

    Raises:
        InputError: two runs of one id, finished runs of other code, data that cannot be evaluated, or bad settings.
    """
    from experiments.parallel import shard

    options = options or Options()
    _check(runs, store)
    origins = {run.id: origin(run, store) for run in runs}
    _handle_stale(runs, store, origins, options.stale)
    rows = _published(runs, origins, options.published)
    ours = shard(runs, options.shard)  # of all runs: what is left differs from one part to the next
    todo = [run for run in ours if run.id not in rows and store.row(run) is None]
    failures = _train_all(todo, store, origins, options, skipped=len(ours) - len(todo))
    rows |= {run.id: row for run in runs if run.id not in rows and (row := store.row(run))}
    in_order = [rows[run.id] for run in runs if run.id in rows]
    return pd.DataFrame(in_order), pd.DataFrame(failures, columns=["id", "reason"])


def train(
    run: Run, store: Store, origin: Mapping[str, str], callbacks: Sequence[keras.callbacks.Callback] = ()
) -> dict:
    """Train a run, or finish it where it was broken off; returns its row, which is on disk then."""
    with store.locked(run):
        return store.row(run) or _train(run, store, origin, callbacks)


def origin(run: Run, store: Store) -> dict[str, str]:
    """Where the row of a run comes from: data, commit, code, versions and host."""
    return {**store.identity(run), **provenance(), "code": code(run.setting.method)}


def reason(error: Exception) -> str:
    """One line: the first, or the last where the first only announces it, as in TensorFlow's 'in user code:'."""
    lines = str(error).strip().splitlines() or [""]  # some errors, such as MemoryError, have only a name
    line = lines[-1] if lines[0].endswith(":") else lines[0]
    return f"{type(error).__name__}: {line.strip()}".removesuffix(": ")


def _train(run, store, origin, callbacks) -> dict:
    began, folder = time.perf_counter(), store.folder(run)
    splits = store.splits(run)
    settings = described(run)
    _clear_other_code(folder, origin["code"])
    trained = run.test is not None and (folder / "model.keras").exists()  # by a run with another test
    write_text(folder / "settings.json", json.dumps({**settings, **origin}))
    keras.backend.clear_session()
    config = dataclasses.replace(run.config, folder=folder, callbacks=(*run.config.callbacks, *callbacks))
    model = store.model(run) if trained else _trained(run, splits, config)
    test = store.tested_on(run)
    measured = evaluate_on(test, model, splits, folder) if test else evaluate(model, splits, folder)
    took = {"seconds": time.perf_counter() - began, "threads": _threads()}
    what = {"method": run.setting.method, "seed": run.config.seed, "config": json.dumps(settings)}
    write_text(store.row_path(run), json.dumps({**what, **measured, **took, **origin}))
    return store.row(run)


def _trained(run, splits, config) -> keras.Model:
    model = method(run.setting.method).train(splits, config)
    with replacing(config.folder / "model.keras") as temporary:
        model.save(temporary)
    shutil.rmtree(config.folder / "checkpoint", ignore_errors=True)  # three times the model's size, of no more use
    return model


def _clear_other_code(folder, code: str) -> None:
    """A broken-off run of other code must not be resumed: half of it would be another experiment."""
    started = folder / "settings.json"
    if started.exists() and json.loads(started.read_text(encoding="utf-8")).get("code") != code:
        for name in ("checkpoint", "sampling", "tensorboard"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for name in ("log.csv", "model.keras"):
            (folder / name).unlink(missing_ok=True)


def _threads() -> int:
    return tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count()


def _check(runs, store) -> None:
    """Before hours of training rather than after."""
    counts = collections.Counter(run.id for run in runs)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise InputError(f"{len(twice)} ids occur twice, such as {twice[0]}: give each setting its own name")
    for run in runs:
        method(run.setting.method)
    for data in dict.fromkeys(run.data for run in runs):
        check_splits(store.whole(data))
    for run in {run.test: run for run in runs if run.test}.values():
        check_test(store.tested_on(run), store.whole(run.data))


def _handle_stale(runs, store, origins, policy) -> None:
    """Finished runs of other code than today's are not mixed in unnoticed."""
    finished = [(run, row) for run in runs if (row := store.row(run))]
    kept = [(run, row) for run, row in finished if row["code"] != origins[run.id]["code"]]
    if not kept or policy == "keep":
        return
    if policy == "refuse":
        commits = ", ".join(sorted({row["commit"] for _, row in kept}))
        raise InputError(
            f"{len(kept)} of {len(runs)} runs were finished by other code (commit {commits}), such as "
            f"{kept[0][0].id}: --stale redo trains them anew, --stale keep mixes them in"
        )
    for run, row in kept:
        path = store.row_path(run)
        os.replace(path, path.with_name(f"{path.stem}-{row['code']}.json"))


def _published(runs, origins, rows) -> dict[str, dict]:
    """id -> published row, where it is what the run would give."""
    by_id = {row["id"]: dict(row) for row in rows}
    return {run.id: by_id[run.id] for run in runs if run.id in by_id and _same(run, origins[run.id], by_id[run.id])}


def _same(run, origin, row) -> bool:
    facts = {"config": json.dumps(described(run)), **{name: origin[name] for name in ("fingerprint", "code")}}
    return all(row.get(name) == value for name, value in facts.items())


def _train_all(todo, store, origins, options, skipped) -> list[dict]:
    failures = []
    with RunProgress(len(todo), skipped) as progress:
        for run, outcome in _outcomes(todo, store, origins, options, progress):
            if isinstance(outcome, InputError):
                raise outcome
            if isinstance(outcome, Exception):  # one broken run must not cost the others
                failures.append({"id": run.id, "reason": reason(outcome)})
                progress.failed(failures[-1])
            else:
                progress.finished(outcome)
    return failures


def _outcomes(todo, store, origins, options, progress) -> Iterator[tuple[Run, dict | Exception]]:
    if todo and (options.address or min(options.jobs, len(todo)) > 1):
        from experiments.parallel import train_in_parallel  # Ray takes seconds to import

        yield from train_in_parallel(todo, store, origins, options.jobs, options.address)
        return
    for run in todo:
        try:
            yield run, train(run, store, origins[run.id], [progress.start(run.id, run.config.epochs)])
        except Exception as error:
            yield run, error
