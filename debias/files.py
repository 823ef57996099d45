"""Files that are either whole or absent."""

import contextlib
import errno
import hashlib
import os
import platform
import re
import time
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
    errno.ENAMETOOLONG: "this name is too long: choose a shorter one",
}
_HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:6]
_TEMPORARY = re.compile(r"\.(?P<host>[0-9a-f]{6})-(?P<process>\d+)-[0-9a-f]{8}(\.[^.]*)?")
_DAY = 86_400  # seconds


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; rename it to `path` on success, remove it on any failure.

    What a killed process has left behind under such a name is removed as well.

    Raises:
        InputError: the folder cannot be written, or the disk is full.
    """
    path = Path(path)
    begin = f".{shortened(path.stem, 160)}."
    # The suffix stays last because writers such as Keras and Matplotlib choose their format by it.
    temporary = path.with_name(f"{begin}{_HOST}-{os.getpid()}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        _check_writable(path, temporary)
        _remove_abandoned(path.parent, begin)
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


def check_output(path: Path, overwrite: bool) -> None:
    """Raise InputError where a command must not write its output, before it does any work."""
    path = Path(path)
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write {path}: {_reason(error) or error}") from error
    if path.is_dir():
        raise InputError(f"{path}: is a folder: choose the name of a file")
    if not overwrite:
        raise InputError(f"{path}: exists already: choose another --out or pass --overwrite")


def make_folder(path: Path) -> None:
    """Make a folder and those around it; InputError when that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {_reason(error) or error.strerror}") from error


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically; a file that already holds it is left alone."""
    content = text.encode("utf-8")
    if os.path.isfile(path) and Path(path).read_bytes() == content:
        return
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def shortened(name: str, most: int) -> str:
    """`name`, or as much of it as `most` bytes hold."""
    return os.fsdecode(os.fsencode(name)[:most].decode(errors="ignore").encode())


def _check_writable(path: Path, temporary: Path) -> None:
    """Raise InputError unless a file can be made there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            path.lstat()  # raises where the name is too long
        temporary.touch()
        temporary.unlink()
    except OSError as error:
        raise InputError(f"cannot write {path}: {_reason(error) or error.strerror}") from error


def _remove_abandoned(folder: Path, begin: str) -> None:
    """Remove temporary files of processes that are gone."""
    for entry in list(os.scandir(folder)):
        found = _TEMPORARY.fullmatch(entry.name[len(begin) - 1 :]) if entry.name.startswith(begin) else None
        if found and _is_abandoned(entry, found["host"], int(found["process"])):
            with contextlib.suppress(OSError):
                os.unlink(entry)


def _is_abandoned(entry: os.DirEntry, host: str, process: int) -> bool:
    """Whether nobody writes a temporary file any more; of another machine's processes only its age tells."""
    try:
        if host != _HOST:
            return time.time() - entry.stat().st_mtime > _DAY
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:  # somebody else's process, or the file is gone
        return False
    return False


def _reason(error: OSError) -> str | None:
    """Why a file cannot be written and what to do, where that is known."""
    # HDF5 reports a failed write without an errno of its own, only in words.
    in_words = (why for code, why in _UNWRITABLE.items() if os.strerror(code) in str(error))
    return _UNWRITABLE.get(getattr(error, "errno", None)) or next(in_words, None)
