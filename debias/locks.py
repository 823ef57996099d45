"""Turns between processes: one works, others wait for what it makes."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from debias.errors import InputError


@contextlib.contextmanager
def locked(path: Path, waiting: str = "") -> Iterator[None]:
    """Wait until no other process holds the lock file `path`, and hold it meanwhile.

    The system lets go of it when a process dies. On disks that know no locks nobody waits.

    Args:
        waiting: what to say while another process holds it.

    Raises:
        InputError: the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        reason = f"{error.strerror}: choose another folder, with --cache"
        raise InputError(f"cannot write {path.parent}: {reason}") from error
    with file:
        with contextlib.suppress(OSError):  # of network disks that know no locks
            _take(file, waiting)
        yield


def _take(file, waiting: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if waiting:
            Console(stderr=True).print(waiting, highlight=False)
        fcntl.flock(file, fcntl.LOCK_EX)
