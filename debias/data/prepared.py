"""What `prepare` makes of one source, before it is merged into a data set or used as a test.

An HDF5 file with either `images` (N, H, W, C) uint8, contiguous, or, where windows are to slide over them, `encoded`:
the bytes of each image file as they were, at their full resolution (N,) of uint8 of any length. Beside them `files`
(N,) names; `labels` (N,) uint8; `groups` (N,) int8, an index into the attribute `group_names` or -1; and under
`factors/` the source's own columns (N,). Attributes say what it was made from, with the SHA-256 of the lists and of all
images.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np

from debias.data.dataset import NO_GROUP, Dataset, memory_map, open_hdf5
from debias.data.images import BadImage, whole
from debias.errors import InputError
from debias.files import replacing

FORMAT = "debias-source-1"
AGAIN = "prepare it again"
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)


class WholeImages:
    """Images of any size, decoded when they are asked for: (H, W, 3) uint8 RGB, right side up."""

    def __init__(self, path: Path):
        self._path = path

    def __len__(self) -> int:
        with h5py.File(self._path, "r") as file:
            return len(file["encoded"])

    def __iter__(self) -> Iterator[np.ndarray]:
        with h5py.File(self._path, "r") as file:
            for number, data in enumerate(file["encoded"]):
                yield self._decoded(data, number)

    def __getitem__(self, number: int) -> np.ndarray:
        with h5py.File(self._path, "r") as file:
            return self._decoded(file["encoded"][number], number)

    def _decoded(self, data: np.ndarray, number: int) -> np.ndarray:
        try:
            return whole(data.tobytes())
        except BadImage as error:
            raise InputError(f"{self._path}: image {number}: {error}: {AGAIN}") from error


@dataclasses.dataclass(frozen=True)
class Prepared:
    """An open file of this layout.

    Attributes:
        images: (N, H, W, C) uint8 memory map, or `WholeImages`.
        files: (N,) names within the source.
        labels: (N,) uint8, 1 for a face.
        groups: (N,) int8 index into `group_names`, -1 for none.
        group_names: empty where the source knows no groups.
        factors: name -> (N,) column of the source.
        attributes: provenance.
    """

    path: Path
    images: np.ndarray | WholeImages
    files: list[str]
    labels: np.ndarray
    groups: np.ndarray
    group_names: tuple[str, ...]
    factors: Mapping[str, np.ndarray]
    attributes: Mapping[str, object]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def is_whole(self) -> bool:
        """Whether the images have their own sizes, for windows to slide over."""
        return isinstance(self.images, WholeImages)

    def dataset(self) -> Dataset:
        """The crops as a data set of one split; InputError where there are whole images."""
        if self.is_whole:
            raise InputError(f"{self.path}: whole images, for sliding windows alone: pass it to --test")
        groups = self.groups if self.group_names else None
        return Dataset(self.images, np.arange(len(self)), self.labels, groups, self.group_names, self.factors)


def write(path: Path, images, files, labels, groups, columns, attributes: Mapping[str, object]) -> None:
    """Write a file in this layout, which appears only when it is whole.

    Args:
        images: chunks in order, each (n, H, W, C) uint8 or a list of n encoded images (bytes,) uint8.
        files: (N,) names; labels, groups: (N,).
        columns: factor name -> (N,) numbers or bytes.

    Raises:
        InputError: the folder cannot be written or the disk is full.
    """
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update({"format": FORMAT, **attributes})
        file.create_dataset("files", data=[name.encode("utf-8", "surrogateescape") for name in files])
        file["labels"] = np.asarray(labels, np.uint8)
        file["groups"] = np.asarray(groups, np.int8)
        factors = file.create_group("factors")
        for name, column in columns.items():
            factors[name] = column
        start = 0
        for chunk in images:
            _target(file, chunk, len(files))[start : start + len(chunk)] = chunk
            start += len(chunk)


def open_prepared(path: Path) -> Prepared:
    """Open a prepared source; small images are memory-mapped, whole ones decoded when they are used.

    Raises:
        InputError: the file is missing, damaged or not in this layout.
    """
    path = Path(path)
    with open_hdf5(path) as file:
        if file.attrs.get("format") != FORMAT:
            raise InputError(f"{path}: not a prepared source: make one with python -m debias.data prepare")
        try:
            return _read(file, path)
        except InputError:
            raise
        except _DAMAGE as error:
            raise InputError(f"{path}: damaged: {AGAIN}") from error


def is_prepared(path: Path) -> bool:
    """Whether a file says that it is in this layout; InputError when it cannot be opened."""
    with open_hdf5(path) as file:
        return file.attrs.get("format") == FORMAT


def _target(file: h5py.File, chunk, count: int) -> h5py.Dataset:
    """The data set that a chunk goes into; made by the first one, which knows the kind and size."""
    for name in ("images", "encoded"):
        if name in file:
            return file[name]
    if isinstance(chunk, np.ndarray):
        return file.create_dataset("images", (count, *chunk.shape[1:]), "uint8")
    return file.create_dataset("encoded", (count,), h5py.vlen_dtype(np.uint8))


def _read(file: h5py.File, path: Path) -> Prepared:
    labels, groups = file["labels"][:], file["groups"][:]
    names = tuple(str(name) for name in file.attrs["group_names"])
    kept = file["images"] if "images" in file else file["encoded"]
    factors = {name: column[:] for name, column in file["factors"].items()}
    for name, column in {"images": kept, "groups": groups, "files": file["files"], **factors}.items():
        if len(column) != len(labels):
            raise InputError(f"{path}: {len(column)} {name} for {len(labels)} labels: {AGAIN}")
    if len(groups) and not NO_GROUP <= groups.min() <= groups.max() < max(len(names), 1):
        raise InputError(f"{path}: groups must be -1..{len(names) - 1}: {AGAIN}")
    return Prepared(
        path=path,
        images=memory_map(kept, path) if "images" in file else WholeImages(path),
        files=[name.decode("utf-8", "surrogateescape") for name in file["files"][:]],
        labels=labels,
        groups=groups,
        group_names=names,
        factors=factors,
        attributes=dict(file.attrs),
    )
