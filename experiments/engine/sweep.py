"""Many runs -> rows: finished ones are kept, broken-off ones resumed, failed ones recorded while the others go on."""

import collections
import contextlib
import dataclasses
import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from baselines import method
from debias.errors import InputError
from debias.provenance import provenance
from experiments.engine.checks import check_further_test, check_splits, check_test
from experiments.engine.evaluation import evaluated, finished
from experiments.engine.experiment import Run
from experiments.engine.progress import RunProgress
from experiments.engine.shards import shard
from experiments.engine.store import DIGESTS, StoredRun
from experiments.engine.training import assist, is_stale, trained

STALE = ("refuse", "keep", "redo")


@dataclasses.dataclass(frozen=True)
class Options:
    """How to go through many runs.

    Attributes:
        jobs: how many runs at a time, one thread each.
        address: of a running Ray cluster; None stays on this machine.
        shard: 'i/n' trains only every n-th run from the i-th, None all.
        stale: what to do about models trained by other code: 'refuse' to go on, 'keep' them, 'redo' them.
        published: rows, of any experiment, that count as finished where code, settings, data and tests are the same.
        trains: whether to train what is missing; else only models that are there are evaluated, where they are not yet.
        more: whether other experiments follow in this process, for which Ray stays.
    """

    jobs: int = 1
    address: str | None = None
    shard: str | None = None
    stale: str = "refuse"
    published: Sequence[Mapping] = ()
    trains: bool = True
    more: bool = False

    def __post_init__(self):
        if self.stale not in STALE:
            raise InputError(f"unknown --stale {self.stale!r}: use one of {', '.join(STALE)}")
        shard((), self.shard)  # raises for what is no part


def run_all(runs: Sequence[Run], cache: Path, options: Options = Options()) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of all runs that are finished in the end, in order, and failures (id, reason).

    Raises:
        InputError: two runs of one id, models of other code, data that cannot be evaluated, or bad settings.
    """
    provenance()  # of the code that is loaded, whatever is checked out while it trains
    ours = {run.id for run in shard(runs, options.shard)}  # of all: what is left differs from one part to the next
    stored = [StoredRun(run, cache) for run in runs]
    _check(stored)
    if options.stale == "refuse":
        _refuse_stale(stored)
    rows = _finished(stored, options)
    missing = [each for each in stored if each.run.id in ours - set(rows)]
    todo = missing if options.trains else [each for each in missing if _has_model(each, options)]
    failures = _evaluate_all(todo, options, skipped=len(ours & set(rows)))
    rows |= _finished([each for each in stored if each.run.id not in rows], options)
    in_order = [rows[run.id] for run in runs if run.id in rows]
    return pd.DataFrame(in_order), pd.DataFrame(failures, columns=["id", "reason"])


def assist_all(runs: Sequence[Run], cache: Path, options: Options = Options()) -> int:
    """Train the runs that the first worker's `run_all` trains, together with it; returns an exit code."""
    stored = [StoredRun(run, cache) for run in shard(runs, options.shard)]
    done = _finished(stored, options)
    for each in stored if options.trains else ():
        if each.run.id not in done and not _has_model(each, options):
            assist(each)
    return 0


def reason(error: Exception) -> str:
    """One line: the first, or the last where the first only announces it, as in TensorFlow's 'in user code:'."""
    lines = str(error).strip().splitlines() or [""]  # some errors, such as MemoryError, have only a name
    line = lines[-1] if lines[0].endswith(":") else lines[0]
    return f"{type(error).__name__}: {line.strip()}".removesuffix(": ")


def _check(stored) -> None:
    counts = collections.Counter(each.run.id for each in stored)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise InputError(f"{len(twice)} ids occur twice, such as {twice[0]}: give each setting its own name")
    for name in dict.fromkeys(each.run.setting.method for each in stored):
        method(name)
    for each in {each.run.data: each for each in stored}.values():
        check_splits(each.whole)
    for each in {each.run.test: each for each in stored if each.run.test}.values():
        check_test(each.other_test, each.whole)
    for each in {(each.run.data, each.run.tests): each for each in stored}.values():
        for name, test in each.tests.items():
            check_further_test(name, test, each.whole)


def _refuse_stale(stored) -> None:
    """Models of other code than today's are not mixed in unnoticed."""
    stale = [each for each in stored if is_stale(each)]
    if stale:
        commits = ", ".join(sorted({trained(each)["commit"] for each in stale}))
        raise InputError(
            f"{len(stale)} of {len(stored)} runs were trained by other code (commit {commits}), such as "
            f"{stale[0].run.id}: --stale redo trains them anew, --stale keep mixes them in"
        )


def _finished(stored, options) -> dict[str, dict]:
    """id -> row, on disk or published."""
    published = {_content(row, json.loads(row["config"])): row for row in options.published}
    found = {}
    for each in stored:
        if row := finished(each, keep_stale=options.stale == "keep"):
            found[each.run.id] = row
        elif row := published.get(_content(each.digests, each.run.settings())):
            found[each.run.id] = {**row, **each.run.names()}
    return found


def _content(digests: Mapping, settings: Mapping) -> tuple:
    """What decides a row: digests of code, data and tests, and the settings; whichever experiment asks for it."""
    return json.dumps(settings, sort_keys=True), *(digests.get(name) for name in DIGESTS)


def _has_model(stored, options) -> bool:
    """Whether nothing has to be trained for a row."""
    return trained(stored) is not None and (options.stale == "keep" or not is_stale(stored))


def _evaluate_all(todo, options, skipped) -> list[dict]:
    failures = []
    with RunProgress(len(todo), skipped) as progress:
        for run_id, outcome in _outcomes(todo, options, progress):
            if isinstance(outcome, InputError):
                raise outcome
            if isinstance(outcome, Exception):  # one broken run must not cost the others
                failures.append({"id": run_id, "reason": reason(outcome)})
                progress.failed(failures[-1])
            else:
                progress.finished(outcome)
    return failures


def _outcomes(todo, options, progress) -> Iterator[tuple[str, dict | Exception]]:
    """(id of a run, its row or the error that made it fail), as they finish."""
    keep_stale = options.stale == "keep"
    if options.address:  # a node with a disk of its own has none of our models, and would train them
        here = {each.run.id for each in todo if _has_model(each, options)}
        ours = [each for each in todo if each.run.id in here]
        yield from _outcomes(ours, dataclasses.replace(options, address=None, jobs=1), progress)
        todo = [each for each in todo if each.run.id not in here]
    if todo and (options.address or min(options.jobs, len(todo)) > 1):
        from experiments.engine.cluster import evaluated_in_parallel  # Ray takes seconds to import

        yield from evaluated_in_parallel(todo, keep_stale, options.jobs, options.address, options.more)
        return
    if todo and todo[0].run.config.replicas == 1:  # several devices have been started before, with their threads
        from debias.training import one_thread  # TensorFlow: seconds

        one_thread()
    for module in {each.run.setting.trained.module for each in todo}:
        with contextlib.suppress(Exception):  # which its runs then tell of
            importlib.import_module(module)  # before anybody edits it: digests are of the code as it is now
    for each in todo:
        bar = progress.start(each.run.id, each.run.config.epochs)
        try:
            yield each.run.id, evaluated(each, [bar], keep_stale)
        except Exception as error:
            yield each.run.id, error
