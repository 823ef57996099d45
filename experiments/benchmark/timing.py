"""Jobs timed in turns, so that a busy moment of the machine hits all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

Job = Callable[[], object]
Measurements = dict[str, list[float]]  # name -> what every round gave

SIZES = (32, 128, 256)  # of the batches whose training is timed
PARTS = ("set-up", "tracing", "training", "encoding", "validation", "saving", "evaluation")  # of a run


def rounds(jobs: Mapping[str, Job], count: int) -> Measurements:
    """Seconds of each job in each of `count` rounds; one more goes before them, in which everything is compiled."""
    seconds = {name: [] for name in jobs}
    for number in range(count + 1):
        for name, job in jobs.items():
            began = time.perf_counter()
            job()
            if number:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def speeds(seconds: Sequence[float], amount: float) -> list[float]:
    """`amount` a second, in each round."""
    return [amount / each for each in seconds]


def ratios(theirs: Sequence[float], ours: Sequence[float]) -> list[float]:
    """How many times as fast ours is, in each round: machines change their speed from one minute to the next."""
    return [their / our for their, our in zip(theirs, ours, strict=True)]


def medians(measured: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Name -> the median of its rounds."""
    return {name: median(measured, name) for name in measured}


def median(measured: Mapping[str, Sequence[float]], name: str) -> float:
    """The median over the rounds of one measurement."""
    return float(statistics.median(measured[name]))
