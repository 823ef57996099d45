"""Images that an HDF5 file stores in pieces, chunked or compressed, written once more as one block.

Only a block can be mapped, and read at any row without reading others.
"""

import sys
from pathlib import Path

import h5py
import numpy as np

from debias import guards
from debias.files import replacing

READ_WHOLE_BYTES = 1 << 30  # up to this size, the images are read into memory instead
_ROWS_AT_A_TIME = 1024


def contiguous(images: h5py.Dataset, path: Path) -> np.ndarray:
    """(N, ...) array of all images: in memory where they are few, else mapped from a copy beside `path`.

    The copy, `<path>.images.npy`, is made once, with a message, and anew when `path` has changed since.

    Raises:
        InputError: the folder cannot be written, or the disk is full.
    """
    if _bytes(images) <= READ_WHOLE_BYTES:
        return images[:]
    copy = Path(f"{path}.images.npy")
    if not _is_current(copy, images, path):
        print(f"{path}: {_bytes(images) / 1e9:.1f} GB of images in pieces, copied once to {copy}", file=sys.stderr)
        _write(copy, images)
    return np.load(copy, mmap_mode="r", allow_pickle=False)


def _bytes(images: h5py.Dataset) -> int:
    return images.size * images.dtype.itemsize


def _is_current(copy: Path, images: h5py.Dataset, path: Path) -> bool:
    if not copy.is_file() or copy.stat().st_mtime_ns < path.stat().st_mtime_ns:
        return False
    try:
        found = np.load(copy, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError):  # damaged
        return False
    guards.copy_of(found, images, copy)
    return (found.shape, found.dtype) == (images.shape, images.dtype)


def _write(copy: Path, images: h5py.Dataset) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(images.dtype), "fortran_order": False, "shape": images.shape}
    with replacing(copy) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(images), _ROWS_AT_A_TIME):
            file.write(images[start : start + _ROWS_AT_A_TIME].tobytes())
