"""Images of noise in the layout of the course's file: what is in them does not matter to speed."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from debias.data.dataset import Dataset
from debias.data.hdf5 import mapped
from debias.files import make_folder

IMAGE_SHAPE = (64, 64, 3)
COUNT = 110_000  # images of the course's file, about half of which are faces
_BLOCK = 2_000  # images that are drawn; the file repeats them


@contextlib.contextmanager
def stored(folder: Path, count: int = COUNT, sparse: bool = False) -> Iterator[Path]:
    """A file in `folder` with `images` (N, 64, 64, 3) uint8 and `labels` (N, 1), every other one a face; then removed.

    Args:
        sparse: whether it is a hole that reads as zeros, and so takes no disk.
    """
    make_folder(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as temporary:
        path = Path(temporary) / "noise.h5"
        with h5py.File(path, "w") as file:
            file["labels"] = (np.arange(count) % 2).astype(np.uint8)[:, None]
            images = file.create_dataset("images", (count, *IMAGE_SHAPE), np.uint8)
            if sparse:
                images[:1] = 255  # or they would be taken for images in 0..1
                images[-1:] = 255  # the file has its full length from here
            else:
                _fill(images)
        yield path


def opened(path: Path, most: int | None = None) -> Dataset:
    """The first images of such a file, or all, mapped, without groups."""
    with h5py.File(path, "r") as file:
        images, labels = mapped(file["images"], path), file["labels"][:most, 0]
    # Only the whole map can be streamed from its file.
    return Dataset(images if most is None else images[:most], np.arange(len(labels)), labels)


def _fill(images: h5py.Dataset) -> None:
    block = np.random.default_rng(0).integers(0, 256, (_BLOCK, *IMAGE_SHAPE), np.uint8)
    for start in range(0, len(images), _BLOCK):
        images[start : start + _BLOCK] = block[: len(images) - start]
