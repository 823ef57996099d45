"""What `prepare` makes of one source, before it is merged into a data set or used as a test.

Its file is `debias.data.hdf5`'s SOURCE. Attributes say what it was made from, with the SHA-256 of the lists and of all
images.
"""

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from debias.data import hdf5
from debias.data.dataset import Dataset
from debias.data.images import BadImage, whole
from debias.errors import InputError


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
            raise InputError(f"{self._path}: image {number}: {error}: prepare it again") from error


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
        sha256: (N,) hexadecimal, of the original image files; empty in files that do not tell.
    """

    path: Path
    images: np.ndarray | WholeImages
    files: list[str]
    labels: np.ndarray
    groups: np.ndarray
    group_names: tuple[str, ...]
    factors: Mapping[str, np.ndarray]
    attributes: Mapping[str, object]
    sha256: Sequence[str] = ()

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

    def digest(self) -> str:
        """Twelve hexadecimal digits that change with the images or how they were cut, a label, a group or its name."""
        made_from = [self.attributes.get(name) for name in ("images_sha256", "lists_sha256", "revision")]
        size = None if self.is_whole else self.images.shape[1:]
        told = [*made_from, size, len(self), self.group_names]
        columns = self.labels.tobytes() + self.groups.tobytes()
        return hashlib.sha256(json.dumps(told, default=str).encode() + columns).hexdigest()[:12]


def write(
    path: Path,
    images: Iterable[np.ndarray | Sequence[np.ndarray]],
    files: Sequence[str],
    labels: np.ndarray,
    groups: np.ndarray,
    columns: Mapping[str, np.ndarray],
    attributes: Mapping[str, object],
    sha256: Sequence[str] = (),
) -> None:
    """Write a prepared source, which appears only when it is whole and valid.

    Args:
        images: chunks in order, each (n, H, W, C) uint8 or a list of n encoded images (bytes,) uint8.
        files: (N,) names; labels, groups: (N,).
        columns: factor name -> (N,) numbers or bytes.
        attributes: provenance, and 'group_names'.
        sha256: (N,) hexadecimal, of the original image files, where they are known.

    Raises:
        InputError: the folder cannot be written, the disk is full, or what was written is not valid.
    """
    chunks = iter(images)
    first = next(chunks)
    shape = first.shape[1:] if isinstance(first, np.ndarray) else None
    names = np.array([name.encode("utf-8", "surrogateescape") for name in files])
    of_source = {"files": names} | ({"sha256": np.array(sha256, "S64")} if len(sha256) else {})
    table = {**of_source, "labels": np.asarray(labels), "groups": np.asarray(groups)}
    dtypes = {name: column.dtype.str for name, column in columns.items()}
    about = {name: value for name, value in attributes.items() if name != "group_names"}
    kinds = {name: column.dtype.str for name, column in of_source.items()}
    with hdf5.create(path, hdf5.SOURCE, len(names), shape, dtypes, attributes["group_names"], about, kinds) as writer:
        start = 0
        for chunk in itertools.chain([first], chunks):
            rows = slice(start, start + len(chunk))
            parts = ({name: column[rows] for name, column in each.items()} for each in (table, columns))
            writer.write(start, chunk, *parts)
            start += len(chunk)


def open_prepared(path: Path) -> Prepared:
    """Open a prepared source; small images are memory-mapped, whole ones decoded when they are used.

    Raises:
        InputError: the file is missing, damaged or not in this layout.
    """
    path = Path(path)
    found = hdf5.read(path, hdf5.SOURCE)
    return Prepared(
        path=path,
        images=WholeImages(path) if found.images is None else found.images,
        files=[name.decode("utf-8", "surrogateescape") for name in found.columns["files"].tolist()],
        labels=found.columns["labels"],
        groups=found.columns["groups"],
        group_names=found.group_names,
        factors=found.factors,
        attributes=found.attributes,
        sha256=[digest.decode() for digest in found.columns.get("sha256", np.array([])).tolist()],
    )


def is_prepared(path: Path) -> bool:
    """Whether a file says that it is in this layout; InputError when it cannot be opened."""
    return hdf5.kind_of(path) == hdf5.SOURCE
