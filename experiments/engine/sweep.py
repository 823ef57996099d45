"""Many runs -> rows: finished ones are kept, broken-off ones resumed, failed ones recorded while the others go on."""

import collections
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from baselines import method
from debias.errors import InputError
from experiments.engine.checks import check_splits, check_test
from experiments.engine.evaluation import evaluated, finished, wanted_digests
from experiments.engine.experiment import Run
from experiments.engine.progress import RunProgress
from experiments.engine.shards import shard
from experiments.engine.store import Store
from experiments.engine.training import is_stale, trained

STALE = ("refuse", "keep", "redo")


@dataclasses.dataclass(frozen=True)
class Options:
    """How to go through many runs.

    Attributes:
        jobs: how many runs at a time, one thread each.
        address: of a running Ray cluster; None stays on this machine.
        shard: 'i/n' trains only every n-th run from the i-th, None all.
        stale: what to do about models trained by other code: 'refuse' to go on, 'keep' them, 'redo' them.
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


def run_all(runs: Sequence[Run], store: Store, options: Options = Options()) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of all runs that are finished in the end, in order, and failures (id, reason).

    Raises:
        InputError: two runs of one id, models of other code, data that cannot be evaluated, or bad settings.
    """
    ours = shard(runs, options.shard)  # of all runs: what is left differs from one part to the next
    _check(runs, store)
    if options.stale == "refuse":
        _refuse_stale(runs, store)
    kept = _finished(runs, store, options)
    todo = [run for run in ours if run.id not in kept]
    failures = _evaluate_all(todo, store, options, skipped=len(ours) - len(todo))
    rows = kept | _finished([run for run in runs if run.id not in kept], store, options)
    in_order = [rows[run.id] for run in runs if run.id in rows]
    return pd.DataFrame(in_order), pd.DataFrame(failures, columns=["id", "reason"])


def reason(error: Exception) -> str:
    """One line: the first, or the last where the first only announces it, as in TensorFlow's 'in user code:'."""
    lines = str(error).strip().splitlines() or [""]  # some errors, such as MemoryError, have only a name
    line = lines[-1] if lines[0].endswith(":") else lines[0]
    return f"{type(error).__name__}: {line.strip()}".removesuffix(": ")


def _check(runs, store) -> None:
    counts = collections.Counter(run.id for run in runs)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise InputError(f"{len(twice)} ids occur twice, such as {twice[0]}: give each setting its own name")
    for run in {run.setting.method: run for run in runs}.values():
        method(run.setting.method)
    for data in dict.fromkeys(run.data for run in runs):
        check_splits(store.whole(data))
    for run in {run.test: run for run in runs if run.test}.values():
        check_test(store.other_test(run), store.whole(run.data))


def _refuse_stale(runs, store) -> None:
    """Models of other code than today's are not mixed in unnoticed."""
    stale = [run for run in runs if is_stale(run, store)]
    if stale:
        commits = ", ".join(sorted({trained(run, store)["commit"] for run in stale}))
        raise InputError(
            f"{len(stale)} of {len(runs)} runs were trained by other code (commit {commits}), such as "
            f"{stale[0].id}: --stale redo trains them anew, --stale keep mixes them in"
        )


def _finished(runs, store, options) -> dict[str, dict]:
    """id -> row, in the store or published."""
    published = {row["id"]: dict(row) for row in options.published}
    found = {}
    for run in runs:
        row = finished(run, store, keep_stale=options.stale == "keep")
        if row is None and run.id in published and _same(run, store, published[run.id]):
            row = published[run.id]
        if row is not None:
            found[run.id] = row
    return found


def _same(run, store, row) -> bool:
    """Whether a published row is what the run would give."""
    wanted = {"config": run.settings(), **wanted_digests(run, store)}
    return wanted == {**{name: row.get(name) for name in wanted}, "config": json.loads(row["config"])}


def _evaluate_all(todo, store, options, skipped) -> list[dict]:
    failures = []
    with RunProgress(len(todo), skipped) as progress:
        for run, outcome in _outcomes(todo, store, options, progress):
            if isinstance(outcome, InputError):
                raise outcome
            if isinstance(outcome, Exception):  # one broken run must not cost the others
                failures.append({"id": run.id, "reason": reason(outcome)})
                progress.failed(failures[-1])
            else:
                progress.finished(outcome)
    return failures


def _outcomes(todo, store, options, progress) -> Iterator[tuple[Run, dict | Exception]]:
    keep_stale = options.stale == "keep"
    if todo and (options.address or min(options.jobs, len(todo)) > 1):
        from experiments.engine.cluster import evaluated_in_parallel  # Ray takes seconds to import

        yield from evaluated_in_parallel(todo, store, keep_stale, options.jobs, options.address)
        return
    for run in todo:
        try:
            yield run, evaluated(run, store, [progress.start(run.id, run.config.epochs)], keep_stale)
        except Exception as error:
            yield run, error
