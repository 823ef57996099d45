"""A job in a process of its own, with threads, libraries and memory that are in nobody's way."""

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor

_kept: list[Callable] = []  # in the child: the job


class Child:
    """Calls are answered by the job that `make(*arguments)` gives in a new process.

    Args:
        make: a function of a module, which imports what takes long by itself.
        environment: variables that the process begins with.
    """

    def __init__(self, make: Callable[..., Callable], *arguments, environment: Mapping[str, str] | None = None):
        spawning = multiprocessing.get_context("spawn")
        self._process = ProcessPoolExecutor(1, spawning, initializer=_keep, initargs=(make, arguments))
        with _set(environment or {}):
            self._process.submit(os.getpid).result()  # it begins now

    def __call__(self, *arguments):
        return self._process.submit(_answer, arguments).result()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_) -> None:
        self._process.shutdown()


def peak_memory() -> int:
    """The most bytes of memory that this process has ever had resident."""
    try:
        with open("/proc/self/status") as status:
            return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    except FileNotFoundError:  # not Linux, whose other answer includes the parent's memory
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _keep(make, arguments) -> None:
    _kept.append(make(*arguments))


def _answer(arguments):
    return _kept[0](*arguments)


@contextlib.contextmanager
def _set(environment: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
