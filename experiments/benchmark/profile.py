"""Where the time of one run goes: a DB-VAE of `transfer`, from the start of its process."""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiments import transfer
from experiments.benchmark.child import Child
from experiments.benchmark.sweeps import linked
from experiments.benchmark.timing import PARTS, Measurements
from experiments.engine.experiment import Run
from experiments.engine.store import loaded

if TYPE_CHECKING:
    from debias.backend import keras

SETTING = "max"
BEGAN, FITTED, DRAWN, STEPPED, VALIDATED, SAVED, TRAINED, EVALUATED = range(8)  # kinds of marks, in their order

Mark = tuple[int, float]  # its kind, and when


def run_profile(cache: Path) -> Measurements:
    """Seconds of each of PARTS on one thread, how much is not training, and how much of an epoch its refresh takes."""
    run = next(r for r in transfer.EXPERIMENT.runs() if r.setting.name == SETTING)
    for name in (run.data, *run.tests):
        loaded(name, cache)  # rendered before the clock starts
    with tempfile.TemporaryDirectory() as folder:
        linked(cache, Path(folder))
        began = time.perf_counter()
        with Child(profiled) as child:
            marks = [(BEGAN, began), *child(run, Path(folder))]
    seconds = parts(marks)
    total = sum(seconds.values())
    return {
        **{f"profile_{name}_s": [second] for name, second in seconds.items()},
        "profile_beside_training": [1 - seconds["training"] / total],
        "refresh_of_epoch": [refresh_share(marks)],
    }


def parts(marks: Sequence[Mark]) -> dict[str, float]:
    """Seconds of each of PARTS, whose sum is all the time from the first mark to the last.

    The first step of a training takes longer than others by what it takes to trace it. The tracing of the encoder and
    of what evaluates counts with the part that needs it.
    """
    seconds = dict.fromkeys(PARTS, 0.0)
    named = {FITTED: "set-up", DRAWN: "encoding", STEPPED: "training", VALIDATED: "validation"}
    named |= {SAVED: "saving", TRAINED: "saving", EVALUATED: "evaluation"}
    for (_, before), (kind, now) in zip(marks, marks[1:], strict=False):
        seconds[named[kind]] += now - before
    steps = _steps(marks)
    tracing = steps[0] - statistics.median(steps[1:])
    return seconds | {"tracing": tracing, "training": seconds["training"] - tracing}


def refresh_share(marks: Sequence[Mark]) -> float:
    """The part of an epoch that its refresh takes: the median over the epochs after the first, which traces."""
    begins = [at for at, (kind, _) in enumerate(marks) if kind == DRAWN]
    shares = []
    for at in begins[1:]:
        end = next(time for kind, time in marks[at:] if kind == SAVED)
        shares.append((marks[at][1] - marks[at - 1][1]) / (end - marks[at - 1][1]))
    return statistics.median(shares)


def profiled() -> Callable[[Run, Path], list[Mark]]:
    """A function that trains and evaluates a run in a process that has loaded nothing, and gives the marks of it."""

    def train_and_evaluate(run: Run, cache: Path) -> list[Mark]:
        from debias.training import one_thread  # TensorFlow
        from experiments.engine.evaluation import evaluated
        from experiments.engine.store import StoredRun
        from experiments.engine.training import train

        one_thread()
        marks, stored = [], StoredRun(run, cache)
        with stored.locked():
            train(stored, [_marking(marks)])
        marks.append((TRAINED, time.perf_counter()))
        evaluated(stored)
        return [*marks, (EVALUATED, time.perf_counter())]

    return train_and_evaluate


def _steps(marks) -> list[float]:
    """Seconds of each training step."""
    return [now - before for (_, before), (kind, now) in zip(marks, marks[1:], strict=False) if kind == STEPPED]


def _marking(marks: list[Mark]) -> "keras.callbacks.Callback":
    """A callback that comes after all others, as a run's own callbacks do, and adds marks."""
    from debias.backend import keras

    def mark(kind: int) -> Callable:
        return lambda *_, **__: marks.append((kind, time.perf_counter()))

    events = {"on_train_begin": FITTED, "on_epoch_begin": DRAWN, "on_train_batch_end": STEPPED}
    events |= {"on_test_end": VALIDATED, "on_epoch_end": SAVED}
    callback = keras.callbacks.Callback()
    for name, kind in events.items():
        setattr(callback, name, mark(kind))
    return callback
