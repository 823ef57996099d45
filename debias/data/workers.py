"""A function over many tasks on all cores, in processes that end with the one that started them."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import cv2
import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from debias.errors import InputError


def on_all_cores(function: Callable, tasks: Iterable[tuple], processes: int | None = None) -> Iterator:
    """`function(*task)` for each task, as they finish, in any order; one process computes in this one.

    Args:
        function: importable by its name.
        processes: worker processes; None uses every core.

    Raises:
        InputError: `processes` is below 1.
    """
    check_processes(processes)
    # joblib's workers start afresh instead of forking, and unlike multiprocessing's they do not import the caller's
    # main module again, which would load TensorFlow in each of them. Idle ones must not outlive the work for long.
    workers = joblib.Parallel(
        processes or -1,
        return_as="generator_unordered",
        batch_size=1,
        idle_worker_timeout=10,
        initializer=_prepare_process,
        initargs=(os.getpid(),),
    )
    return _told(workers(joblib.delayed(function)(*task) for task in tasks))


def check_processes(processes: int | None) -> None:
    """Raise InputError unless `processes` is None or at least 1."""
    if processes is not None and processes < 1:
        raise InputError(f"processes is {processes}; choose a whole number from 1, or leave it out to use every core")


def _told(results: Iterator) -> Iterator:
    try:
        yield from results
    except TerminatedWorkerError as error:
        words = "a worker process was ended, perhaps for want of memory: choose fewer with --processes"
        raise InputError(words) from error


def _prepare_process(starter: int) -> None:
    """Before its first task: one thread, because every core has a worker of its own, and an end with the starter's."""
    cv2.setNumThreads(1)
    threading.Thread(target=_follow, args=(starter,), daemon=True).start()


def _follow(starter: int) -> None:
    """Exit when the starting process is gone: a killed one cannot stop its workers, which would wait for ever."""
    while os.getppid() == starter:
        time.sleep(1)
    os._exit(1)
