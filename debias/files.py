"""Files that are either whole or absent."""

import contextlib
import errno
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from debias.errors import InputError

_UNWRITABLE = {
    errno.ENOSPC: "the disk is full: free some space and run again",
    errno.EDQUOT: "the disk quota is used up: free some space and run again",
    errno.EROFS: "the disk is read-only: choose another folder",
    errno.EACCES: "permission denied: choose a folder you may write to",
    errno.EPERM: "permission denied: choose a folder you may write to",
    errno.ENOTDIR: "a part of this path is a file, not a folder: choose another folder",
    errno.EEXIST: "a part of this path is a file, not a folder: choose another folder",
    errno.EISDIR: "this is a folder: choose another name",
}


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; rename it to `path` on success, remove it on any failure.

    Raises:
        InputError: the folder cannot be written, or the disk is full.
    """
    path = Path(path)
    # The suffix stays last because writers such as Keras and Matplotlib choose their format by it.
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        reason = _reason(error)
        if not reason:
            raise
        raise InputError(f"cannot write {path}: {reason}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically; a file that already holds it is left alone."""
    content = text.encode("utf-8")
    if path.is_file() and path.read_bytes() == content:
        return
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _reason(error: OSError) -> str | None:
    """Why a file cannot be written and what to do, where that is known."""
    # HDF5 reports a failed write without an errno of its own, only in words.
    in_words = (why for code, why in _UNWRITABLE.items() if os.strerror(code) in str(error))
    return _UNWRITABLE.get(error.errno) or next(in_words, None)
