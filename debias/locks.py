"""Turns between processes: one works, others leave it alone or wait. The system lets go when a process dies."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from debias.errors import InputError
from debias.progress import say


@contextlib.contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Whether no other process holds the file or folder `path`, which is there; it is held meanwhile."""
    held = os.open(path, os.O_RDONLY)
    try:
        yield _taken(held, fcntl.LOCK_NB)
    finally:
        os.close(held)


@contextlib.contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Wait until no other process holds the file or folder `path`, which is there, and hold it meanwhile."""
    held = os.open(path, os.O_RDONLY)
    try:
        _taken(held)
        yield
    finally:
        os.close(held)


@contextlib.contextmanager
def locked(path: Path, waiting: str = "") -> Iterator[None]:
    """Wait until no other process holds the lock file `path`, which is made, and hold it meanwhile.

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
        if not _taken(file.fileno(), fcntl.LOCK_NB):
            say(waiting)
            _taken(file.fileno())
        yield


def _taken(held: int, how: int = 0) -> bool:
    """Whether the lock is ours; some network disks know no locks, and there nobody waits."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | how)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True
