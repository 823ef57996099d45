"""Numba's disk cache, kept honest.

Numba compiles a cached kernel again when the kernel's own file changes, but not when a kernel that it calls, in another
file, does: an edited shader would keep its old pixels.
"""

import contextlib
import hashlib
from pathlib import Path

PACKAGE = Path(__file__).parent
RECORD = "kernels.sha256"


def discard_stale(compiled: Path, package: Path = PACKAGE) -> None:
    """Remove the compiled kernels of a package whose kernel sources have changed since they were compiled.

    Does nothing where they cannot be removed.

    Args:
        compiled: the folder in which Numba keeps them: it depends on NUMBA_CACHE_DIR, and on who may write where. A
            kernel knows it, as `kernel.stats.cache_path`.
    """
    digest = _source_digest(package)
    with contextlib.suppress(OSError):
        compiled.mkdir(parents=True, exist_ok=True)
        if not _is_current(compiled / RECORD, digest):
            for path in compiled.glob("*.nb[ic]"):
                path.unlink(missing_ok=True)
            (compiled / RECORD).write_text(digest)


def _source_digest(package: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(package.glob("*.py")):
        source = path.read_bytes()
        if b"numba.njit" in source:
            digest.update(path.name.encode() + b"\0" + source)
    return digest.hexdigest()


def _is_current(record: Path, digest: str) -> bool:
    return record.is_file() and record.read_text() == digest
