"""Images read from their file as they are needed, with a few batches of memory.

They are read by their place in the file rather than through its memory map: what a map has shown counts as the
process's memory, and a file that is cut short under a map ends the process with a signal instead of an error.
"""

import contextlib
import itertools
import mmap
import os
import re
import weakref
from collections.abc import Iterator

import numpy as np

from debias.backend import tf
from debias.errors import InputError


class Reader:
    """Calls give images (n, H, W, C) uint8 of an array for rows (n,).

    Args:
        source: (M, H, W, C) uint8. A memory map is read from its file, anything else from memory.

    Raises:
        InputError: the file cannot be opened, at the start; it has become shorter or unreadable, later.
    """

    def __init__(self, source: np.ndarray):
        self.shape, self._bytes = source.shape[1:], source[:1].nbytes
        self._array, self._path, self._file = source, None, None
        # Only of the map itself, not of a part of one, NumPy says where in the file it begins.
        if isinstance(source, np.memmap) and isinstance(source.base, mmap.mmap):
            self._array, self._path, self._offset = None, source.filename, source.offset
            self._file = self._open()

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        if self._file is None:
            return self._array[rows]
        images = np.empty((len(rows), *self.shape), np.uint8)
        # Rows that follow each other are read at once.
        starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1).tolist()
        for start, end in itertools.pairwise([*starts, len(rows)]):
            self._read(images[start:end], int(rows[start]))
        return images

    def _read(self, images: np.ndarray, row: int) -> None:
        try:
            there = os.preadv(self._file, [images], self._offset + row * self._bytes)
        except OSError as error:
            raise InputError(f"{self._path}: cannot be read any more ({error.strerror}): bring it back") from error
        if there < images.nbytes:
            raise InputError(f"{self._path}: became shorter while it was read: bring it back and run again")

    def _open(self) -> int:
        try:
            file = os.open(self._path, os.O_RDONLY)
        except OSError as error:
            raise InputError(f"{self._path}: cannot be opened ({error.strerror}): bring it back") from error
        weakref.finalize(self, os.close, file)
        return file


@contextlib.contextmanager
def told() -> Iterator[None]:
    """What a reader says goes through TensorFlow, which wraps it in pages of its own: here it is one line again."""
    try:
        yield
    except tf.errors.OpError as error:
        if found := re.search(r"InputError: (.+)", error.message or ""):
            raise InputError(found[1]) from None
        raise
