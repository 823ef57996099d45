"""The one HDF5 layout, of data sets and of prepared sources: one writer, one reader, one place that says what is valid.

Both hold `images` (N, H, W, C) uint8, contiguous so that they can be memory-mapped; `labels` (N,) uint8 with 1 for the
class to detect; `groups` (N,) int8, an index into the attribute `group_names` or -1; and under `factors/` any number of
(N,) columns that describe an image. A data set has `split` (N,) uint8 besides: 0 train, 1 validation, 2 test. A source
has `files` (N,), names; `sha256` (N,), of the image files, unless it is older than that column; and, where windows are
to slide over its images, `encoded` instead of `images`: the bytes of each image file as they were, (N,) of uint8 of any
length. Attributes carry provenance.

A data set without training images is for tests alone: its validation split may hold negatives only, which fix
thresholds.
"""

import contextlib
import dataclasses
import os
import subprocess
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from debias import guards
from debias.data.contiguous import contiguous
from debias.errors import InputError
from debias.files import replacing

DATASET, SOURCE = "debias-1", "debias-source-1"  # the attribute `format`
SPLITS = ("train", "validation", "test")
NO_GROUP = -1
MOST_GROUPS = np.iinfo(np.int8).max
LONGEST_NAME = 100  # of a group, in characters
_COLUMNS = {
    DATASET: {"labels": "uint8", "groups": "int8", "split": "uint8"},
    SOURCE: {"labels": "uint8", "groups": "int8"},
}
_OF_SOURCE = ("files", "sha256")
_AGAIN = {DATASET: "build it again", SOURCE: "prepare it again"}
_HOW = {
    DATASET: f"not a {DATASET} file: build it with python -m debias.data.parliament build",
    SOURCE: "not a prepared source: make one with python -m debias.data prepare",
}
_MOST_COMPRESSION = 2000  # no filter of HDF5 makes bytes that many times fewer
_PATIENCE = 60  # seconds to open a file that may be damaged so that HDF5 never ends


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a valid file holds.

    Attributes:
        images: (N, H, W, C) uint8, memory-mapped where the file allows it; None where it holds `encoded`.
        columns: 'labels', 'groups' and 'split', or 'files' and 'sha256', each (N,).
    """

    images: np.ndarray | None
    columns: dict[str, np.ndarray]
    factors: dict[str, np.ndarray]
    group_names: tuple[str, ...]
    attributes: dict[str, object]


class Writer:
    """Fills the rows of a file under construction; see `create`."""

    def __init__(self, file: h5py.File):
        self._file, self.written = file, 0

    def write(self, start: int, images, columns: Mapping[str, np.ndarray], factors: Mapping[str, np.ndarray]) -> None:
        """Write rows start..start+n: images (n, H, W, C) uint8, or n encoded ones (bytes,) uint8; the others (n,).

        Raises:
            InputError: images are no uint8, or a number does not fit into its column.
        """
        rows = slice(start, start + len(images))
        if any(image.dtype != np.uint8 for image in ([images] if isinstance(images, np.ndarray) else images)):
            raise InputError("images must be uint8, 0..255: HDF5 would cut any others off without a word")
        self._file["images" if "images" in self._file else "encoded"][rows] = images
        for name, values in columns.items():
            self._file[name][rows] = _fitting(np.asarray(values), self._file[name].dtype, name)
        for name, values in factors.items():
            guards.fits(values, self._file["factors"][name].dtype, name)
            self._file["factors"][name][rows] = values
        self.written += len(images)

    def describe(self, **attributes: str | float) -> None:
        """Add provenance."""
        for name, value in attributes.items():
            # Text of any length would lie in a part of the file that has no checksum.
            self._file.attrs[name] = np.bytes_(value.encode() or b"\0") if isinstance(value, str) else value


@contextlib.contextmanager
def create(
    path: Path,
    kind: str,
    count: int,
    image_shape: tuple[int, ...] | None,
    columns: Mapping[str, str],
    group_names: Sequence[str],
    attributes: Mapping[str, object],
    of_source: Mapping[str, str] = types.MappingProxyType({}),
) -> Iterator[Writer]:
    """Create a file of `count` images; it appears under `path` only when whole and valid.

    Args:
        kind: DATASET or SOURCE.
        image_shape: (H, W, C); None keeps encoded images.
        columns: factor name -> NumPy dtype ("float32", "S12").
        attributes: provenance to store in the file.
        of_source: 'files' and 'sha256' -> dtype of these columns of a source.

    Raises:
        InputError: the folder cannot be written, the disk is full, or what was written is not valid.
    """
    path = Path(path)
    check_group_names(group_names, str(path))
    with replacing(path) as temporary:
        with _new(temporary) as file:
            writer = Writer(file)
            writer.describe(format=kind, group_names=[name.encode() for name in group_names], **attributes)
            if image_shape is None:
                file.create_dataset("encoded", (count,), h5py.vlen_dtype(np.uint8))
            else:
                file.create_dataset("images", (count, *image_shape), "uint8")
            for name, dtype in {**_COLUMNS[kind], **of_source}.items():
                file.create_dataset(name, (count,), dtype)
            for name, dtype in columns.items():
                file["factors"].create_dataset(name, (count,), dtype)
            yield writer
        if writer.written != count:
            raise InputError(f"{path}: {writer.written} of {count} images were written: write them all")
        with _opened(temporary) as file:
            _contents(file, path, kind)


def read(path: Path, kind: str) -> Contents:
    """All of a file but its images, which are memory-mapped.

    Raises:
        InputError: the file is missing, damaged, not of this `kind`, or holds what no data set may hold.
    """
    path = Path(path)
    with readable(path, _AGAIN[kind]) as file:
        return _contents(file, path, kind)


def kind_of(path: Path) -> str | None:
    """DATASET, SOURCE, or None for any other HDF5 file; InputError when it cannot be opened."""
    with readable(Path(path)) as file:
        guards.no_array(file.attrs.get("format"), f"{path}: the attribute 'format'")
        return _text(file.attrs.get("format"))


def attributes(path: Path) -> dict:
    """The provenance stored in a file."""
    with readable(Path(path)) as file:
        return _attributes(file)


@contextlib.contextmanager
def readable(path: Path, remedy: str = "download or build it again") -> Iterator[h5py.File]:
    """An open file; whatever HDF5 cannot make sense of is reported as damage, with a remedy.

    Raises:
        InputError: it is missing, not HDF5, cut short or damaged.
    """
    path = Path(path)
    if not os.path.isfile(path):  # unlike Path.is_file it takes any name
        raise InputError(f"{path}: no such file: check the path given to --data")
    guards.readable(path)
    _check_that_it_ends(path)
    with _opened(path) as file:
        try:
            yield file
        except InputError:
            raise
        except Exception as error:  # which one depends on the damage
            raise InputError(f"{path}: damaged: {remedy}") from error


def own(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    """The data set `name`, which must be written, whole and in this very file.

    Raises:
        InputError: it is not there, or a link, or its values lie elsewhere, or nowhere.
    """
    if not isinstance(file.get(name, getlink=True), h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
        raise InputError(f"{path}: {name} missing, or not a data set of this file: copy it into the file")
    column = file[name]
    if column.external or column.is_virtual:
        raise InputError(f"{path}: {name} lie in another file: copy them into this one")
    if column.nbytes > _MOST_COMPRESSION * os.path.getsize(file.filename):
        raise InputError(f"{path}: damaged, {name} of {column.shape} do not fit into it: download or build it again")
    if column.size and column.id.get_space_status() != h5py.h5d.SPACE_STATUS_ALLOCATED:
        raise InputError(f"{path}: {name} were never written, or not all of them: build the file again")
    return column


def mapped(images: h5py.Dataset, path: Path) -> np.ndarray:
    """(N, ...) uint8 array over an HDF5 data set from `own`, without copying where its layout is contiguous.

    Raises:
        InputError: the file is shorter than its images, or they lie in 0..1.
    """
    stored, offset = images.file.filename, images.id.get_offset()
    if offset is not None and offset + images.nbytes > os.path.getsize(stored):
        raise InputError(f"{path}: cut short within its images: download or build it again")
    # Chunked or compressed, there is no single block to map.
    array = contiguous(images, path) if offset is None else np.memmap(stored, images.dtype, "r", offset, images.shape)
    seen = array[:: max(1, len(array) // 64)]
    if len(seen) >= 16 and seen.size and seen.max() <= 1:  # fewer images may be dark
        raise InputError(f"{path}: images lie in 0..1, expected 0..255: multiply them by 255")
    return array


def check_labels(labels: np.ndarray, where: str) -> None:
    """Raise InputError unless `labels` are zeros and ones and both occur."""
    values = set(np.unique(labels).tolist())  # NaN compares unequal to itself and so never passes
    if not values <= {0, 1}:
        raise InputError(f"{where}: labels must be 0 or 1, found {sorted(values, key=str)[:4]}: recode them")
    if len(values) < 2:
        raise InputError(f"{where}: all labels are {values.pop() if values else 'missing'}: two classes are needed")


def check_group_names(names: Sequence[str], where: str) -> None:
    """Raise InputError unless names of groups are few, and each is short, printable text and unlike the others."""
    if len(names) > MOST_GROUPS:
        raise InputError(
            f"{where}: {len(names)} groups, at most {MOST_GROUPS} are possible: merge some or drop the column"
        )
    for name in names:
        if not (isinstance(name, str) and name.strip() and name.isprintable() and len(name) <= LONGEST_NAME):
            shown = name if len(repr(name)) <= LONGEST_NAME else name[:20] + "..."
            raise InputError(
                f"{where}: a group is called {shown!r}: use 1 to {LONGEST_NAME} characters, all of which can be printed"
            )
        if name.count("$") > 1:
            raise InputError(f"{where}: a group is called {name!r}: figures take what is between two $ for a formula")
        if list(names).count(name) > 1:
            raise InputError(f"{where}: two groups are called {name!r}: rename one")


# --- one file ----------------------------------------------------------------------------------------------------


def _new(path: Path) -> h5py.File:
    """An empty file whose bytes follow from what is put in, and whose metadata carry checksums."""
    creation, access = h5py.h5p.create(h5py.h5p.FILE_CREATE), h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    groups = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
    for plist in (creation, groups):
        plist.set_obj_track_times(False)  # they would make each file differ from the last
    access.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_V110)
    file = h5py.File(h5py.h5f.create(os.fsencode(path), h5py.h5f.ACC_TRUNC, creation, access))
    h5py.h5g.create(file.id, b"factors", gcpl=groups)
    return file


def _opened(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except Exception as error:
        reason = "cut short" if "truncated" in str(error) else "not a readable HDF5 file"
        raise InputError(f"{path}: {reason}: download or build it again") from error


def _check_that_it_ends(path: Path) -> None:
    """Raise InputError for a file that HDF5 would read for ever.

    Damage without a checksum over it, as in files of old versions, can send HDF5's C code round in circles; no thread
    gets a word in meanwhile. So another process tries first.
    """
    with path.open("rb") as file:
        start = file.read(9)
    if len(start) == 9 and start.startswith(b"\x89HDF\r\n\x1a\n") and start[8] < 2:
        code = "import h5py, sys; f = h5py.File(sys.argv[1]); dict(f.attrs); f.visititems(lambda n, x: dict(x.attrs))"
        try:
            subprocess.run(
                [sys.executable, "-I", "-c", code, path], capture_output=True, timeout=_PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            raise InputError(f"{path}: damaged, cannot be read to its end: download or build it again") from None


def _contents(file: h5py.File, path: Path, kind: str) -> Contents:
    """What is in a file; `path` is its name in messages."""
    guards.no_array(file.attrs.get("format"), f"{path}: the attribute 'format'")
    if _text(file.attrs.get("format")) != kind:
        raise InputError(f"{path}: {_HOW[kind]}")
    _check_parts(file, path, kind)
    whole = kind == SOURCE and "images" not in file
    images = own(file, "encoded" if whole else "images", path)
    if not whole and (images.ndim != 4 or images.dtype != np.uint8):
        raise InputError(f"{path}: images must be (N, H, W, C) uint8, found {images.shape} {images.dtype}")
    if not whole and len(images) and (0 in images.shape or images.shape[3] not in (1, 3)):
        raise InputError(f"{path}: images of {images.shape[1:]}: store (height, width, 3), or 1 channel for grey")
    columns = {
        name: _column(file, name, len(images), path, kind) for name in file if name in (*_COLUMNS[kind], *_OF_SOURCE)
    }
    factors = {name: _column(file, f"factors/{name}", len(images), path, kind) for name in file["factors"]}
    names = _group_names(file, path)
    _check_values(columns, names, path, kind)
    return Contents(None if whole else mapped(images, path), columns, factors, names, _attributes(file))


def _check_parts(file: h5py.File, path: Path, kind: str) -> None:
    needed = [*_COLUMNS[kind], *(["images"] if kind == DATASET else ["files"])]
    missing = [name for name in needed if not isinstance(file.get(name, getlink=True), h5py.HardLink)]
    missing += ["factors"] if not isinstance(file.get("factors"), h5py.Group) else []
    missing += ["group_names"] if "group_names" not in file.attrs else []
    if missing:
        raise InputError(f"{path}: {', '.join(missing)} missing: {_AGAIN[kind]}")


def _column(file: h5py.File, name: str, count: int, path: Path, kind: str) -> np.ndarray:
    """A column (count,)."""
    column, again = own(file, name, path), _AGAIN[kind]
    if column.shape != (count,):
        raise InputError(f"{path}: {name} has shape {column.shape}, expected ({count},): {again}")
    if column.dtype != _COLUMNS[kind].get(name, column.dtype):
        raise InputError(f"{path}: {name} are {column.dtype}, expected {_COLUMNS[kind][name]}: {again}")
    return column[:]


def _group_names(file: h5py.File, path: Path) -> tuple[str, ...]:
    stored = np.asarray(file.attrs["group_names"])
    if stored.ndim != 1:
        raise InputError(f"{path}: group_names must be a list of names, found {stored.tolist()!r:.50}")
    names = tuple(_text(name) for name in stored.tolist())
    check_group_names(names, str(path))
    return names


def _check_values(columns: Mapping[str, np.ndarray], names: Sequence[str], path: Path, kind: str) -> None:
    labels, groups = columns["labels"], columns["groups"]
    if kind == DATASET:
        _check_splits(labels, columns["split"], path)
    elif not np.all(labels <= 1):
        raise InputError(f"{path}: labels must be 0 or 1: {_AGAIN[kind]}")
    if len(groups) and (groups.max() >= len(names) or groups.min() < NO_GROUP):
        raise InputError(f"{path}: groups must be -1..{len(names) - 1}, found {groups.min()}..{groups.max()}")
    if names and np.any(groups[labels == 1] == NO_GROUP):
        raise InputError(f"{path}: images labelled 1 without a group: give each one or store no group_names")
    if kind == DATASET:
        tested = groups[(columns["split"] == SPLITS.index("test")) & (labels == 1)]
        empty = [name for group, name in enumerate(names) if not np.any(tested == group)]
        if empty:
            raise InputError(f"{path}: no test faces in group {', '.join(empty)}: add some or drop the group")


def _check_splits(labels: np.ndarray, split: np.ndarray, path: Path) -> None:
    for code, name in enumerate(SPLITS):
        if name == "test" or np.any(split == SPLITS.index("train")):
            check_labels(labels[split == code], f"{path}, {name} split")
    if np.any(labels > 1):
        raise InputError(f"{path}: labels must be 0 or 1: {_AGAIN[DATASET]}")
    if split.max() >= len(SPLITS):
        raise InputError(f"{path}: split codes must be 0, 1 or 2, found {split.max()}: build it again")


def _attributes(file: h5py.File) -> dict[str, object]:
    return {name: _text(value) for name, value in file.attrs.items()}


def _text(value) -> str | None:
    """Text of an attribute, which HDF5 may give as bytes."""
    return value.decode() if isinstance(value, bytes) else value


def _fitting(values: np.ndarray, dtype: np.dtype, name: str) -> np.ndarray:
    """`values` as `dtype`; InputError where that changes one."""
    converted = values.astype(dtype)
    if dtype.kind in "iu" and not np.array_equal(converted, values):
        raise InputError(f"{name} must fit into {dtype}: HDF5 would cut them off without a word")
    return converted
