"""The course's own training file, train_face.h5: `images` (N, 64, 64, 3) in BGR, 0..255, and `labels` (N, 1)."""

import os
from pathlib import Path

import h5py
import numpy as np
import pooch
from rich.console import Console
from rich.progress import Progress

from debias.data.dataset import NO_GROUP, Dataset, Splits, check_labels, create
from debias.data.hdf5 import mapped, own, readable
from debias.data.packages import digest
from debias.errors import InputError
from debias.files import check_output, replacing
from debias.progress import progress_bar

IMAGE_SHAPE = (64, 64, 3)
SHARES = (0.8, 0.1, 0.1)  # train, validation, test
BLOCK = 4096  # images converted at a time: 400 MB as float64
AGAIN = "download it again"
ADDRESS = "https://www.dropbox.com/s/hlz8atheyozp1yx/train_face.h5?dl=1"  # in the course's notebooks
BYTES = 1_263_889_489
HOW = f"get it with --download, or from {ADDRESS}"


def open_mit(path: Path, seed: int = 0) -> Splits:
    """Open train_face.h5 with a held-out split; groups are not known, and neither are identities.

    Images are memory-mapped where the file stores them in one uncompressed uint8 block, else read once as uint8
    (1.35 GB for all 109,914). Channels appear as RGB through a view. The split is a permutation by `seed`: 80 %
    train, 10 % validation, 10 % test; it is an index, nothing is copied.

    Raises:
        InputError: the file is missing, damaged or not in this format, or a split lacks a class.
    """
    path = Path(path)
    with readable(path) as file:
        images, labels = _columns(file, path)
        labels = _labels(labels, path)
        source = _images(images, path)[..., ::-1]  # BGR to RGB
    rows = _split(len(labels), seed)
    for name, chosen in zip(("train", "validation", "test"), rows, strict=True):
        check_labels(labels[chosen], f"{path}, {name} split")
    return Splits(path.stem, *(Dataset(source, chosen, labels[chosen]) for chosen in rows))


def convert(path: Path, out: Path, seed: int = 0, overwrite: bool = False) -> None:
    """Write train_face.h5 as a data set in our layout: RGB, one uncompressed block, with the splits of `open_mit`.

    Raises:
        InputError: as `open_mit`, or `out` exists or cannot be written.
    """
    check_output(out, overwrite)
    splits = open_mit(path, seed)
    parts = (splits.train, splits.validation, splits.test)
    attributes = {"source": "mit", "seed": seed, "lists_sha256": digest(Path(path)), "channels": "RGB, were BGR"}
    count = sum(map(len, parts))
    with create(out, count, IMAGE_SHAPE, {}, (), attributes) as writer, progress_bar(Console(stderr=True)) as progress:
        task, start = progress.add_task("converting train_face.h5", total=count), 0
        for code, part in enumerate(parts):
            for first in range(0, len(part), BLOCK):
                rows = slice(first, first + BLOCK)
                images, labels = part.images(rows), part.labels[rows]
                split, groups = np.full(len(labels), code, np.uint8), np.full(len(labels), NO_GROUP, np.int8)
                writer.write(start, images, labels, split, groups, {})
                start += len(labels)
                progress.advance(task, len(labels))


def download(path: Path, address: str = ADDRESS, size: int = BYTES) -> None:
    """Fetch train_face.h5 to `path` unless it is there; no checksum of it is published, so its size is checked.

    Raises:
        InputError: it cannot be fetched, or is not `size` bytes long; then nothing that was fetched is kept.
    """
    if os.path.exists(path):
        return _check_size(path, size)
    pooch.get_logger().setLevel("WARNING")  # it would print what the bar shows
    with progress_bar(Console(stderr=True)) as progress, replacing(path) as temporary:
        fetch = pooch.HTTPDownloader(progressbar=_Bar(progress, path.name, size))
        try:
            pooch.retrieve(address, None, temporary.name, temporary.parent, downloader=fetch)
        except (OSError, ValueError) as error:
            raise InputError(f"{address} cannot be fetched ({_line(error)}): fetch it by hand to {path}") from error
        _check_size(temporary, size)


class _Bar:
    """The house's progress bar as pooch wants one, in MB."""

    def __init__(self, progress: Progress, name: str, total: int):
        self.total, self._progress = total, progress
        self._task = progress.add_task(f"fetching {name} (MB)", total=total // 10**6)

    def update(self, count: int) -> None:
        self._progress.advance(self._task, count / 10**6)

    def reset(self) -> None:
        self._progress.reset(self._task, total=self.total // 10**6)

    def close(self) -> None:
        """The bar ends with its own context."""


def _check_size(path: Path, size: int) -> None:
    found = path.stat().st_size
    if found != size:
        raise InputError(f"{path.name}: {found:,} bytes, expected {size:,}: delete it and {AGAIN}")


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


def _columns(file: h5py.File, path: Path) -> tuple[h5py.Dataset, h5py.Dataset]:
    for name in ("images", "labels"):
        if not isinstance(file.get(name), h5py.Dataset):
            raise InputError(f"{path}: no data set '{name}': train_face.h5 has 'images' and 'labels'")
    images, labels = own(file, "images", path), own(file, "labels", path)
    if images.shape[1:] != IMAGE_SHAPE:
        raise InputError(f"{path}: images have shape {images.shape}, expected (N, 64, 64, 3): resize them")
    if labels.shape not in ((len(images), 1), (len(images),)):
        raise InputError(f"{path}: labels have shape {labels.shape}, expected ({len(images)}, 1): one per image")
    return images, labels


def _labels(column: h5py.Dataset, path: Path) -> np.ndarray:
    """(N,) uint8."""
    labels = column[:].ravel()
    check_labels(labels, str(path))
    return labels.astype(np.uint8)


def _images(images: h5py.Dataset, path: Path) -> np.ndarray:
    """(N, 64, 64, 3) uint8 as stored: mapped where that is possible."""
    if images.dtype == np.uint8:
        return mapped(images, path)
    if images.dtype.kind not in "fiu":
        raise InputError(f"{path}: images are {images.dtype}, expected numbers from 0 to 255: store them as uint8")
    return _as_bytes(images, path)


def _as_bytes(images: h5py.Dataset, path: Path) -> np.ndarray:
    """Numbers of another type as uint8, block by block, since four or eight bytes each would not fit in memory."""
    converted = np.empty(images.shape, np.uint8)
    brightest = 0.0
    for start in range(0, len(images), BLOCK):
        rows = slice(start, start + BLOCK)
        block = images[rows]
        if not (block.min() >= 0 and block.max() <= 255):  # also False for NaN
            raise InputError(f"{path}: images {start}.. hold NaN or values outside 0..255: repair or rescale them")
        brightest = max(brightest, float(block.max()))
        converted[rows] = np.rint(block)
    if brightest <= 1:
        raise InputError(f"{path}: images lie in 0..1, expected 0..255: multiply them by 255")
    return converted


def _split(count: int, seed: int) -> list[np.ndarray]:
    """Sorted rows of train, validation and test."""
    if seed < 0:
        raise InputError(f"--seed is {seed}: choose a whole number from 0")
    order = np.random.default_rng(seed).permutation(count)
    ends = np.rint(np.cumsum(SHARES) * count).astype(int)
    return [np.sort(rows) for rows in np.split(order, ends[:-1])]
