"""One data set type and its HDF5 layout.

A file holds `images` (N, H, W, C) uint8, contiguous so that it can be memory-mapped; `labels` (N,) uint8 with 1 for
the class to detect; `split` (N,) uint8 with 0 train, 1 validation, 2 test; `groups` (N,) int8, an index into the
attribute `group_names` or -1; and under `factors/` any number of (N,) columns that describe an image. Attributes carry
provenance.
"""

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from debias.data.contiguous import contiguous
from debias.errors import InputError
from debias.files import replacing

FORMAT = "debias-1"
SPLITS = ("train", "validation", "test")
NO_GROUP = -1
NEGATIVES = "negatives"
_COLUMNS = {"labels": "uint8", "split": "uint8", "groups": "int8"}
# What h5py raises, beside InputError's ValueError, when the bytes of a file make no sense.
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError)


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Images with labels and, for those who may see them, groups and factors.

    Attributes:
        source: (M, H, W, C) uint8, usually a read-only memory map that other splits share.
        rows: (N,) int64, the rows of `source` that belong to this data set.
        labels: (N,) uint8, 1 for the class to detect.
        groups: (N,) int8 indices into `group_names`, -1 for none; None when there are none or they are hidden.
        group_names: names of the groups, empty when hidden.
        factors: name -> (N,) column, empty when hidden.
    """

    source: np.ndarray
    rows: np.ndarray
    labels: np.ndarray
    groups: np.ndarray | None = None
    group_names: tuple[str, ...] = ()
    factors: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(H, W, C)."""
        return tuple(self.source.shape[1:])

    def images(self, index=slice(None)) -> np.ndarray:
        """Copy of the images at `index`: (n, H, W, C) uint8."""
        return np.ascontiguousarray(self.source[self.rows[index]])

    def take(self, index: np.ndarray) -> "Dataset":
        """The subset at `index` (positions or a boolean mask), sharing the same images."""
        return dataclasses.replace(
            self,
            rows=self.rows[index],
            labels=self.labels[index],
            groups=None if self.groups is None else self.groups[index],
            factors={name: column[index] for name, column in self.factors.items()},
        )

    def positives(self) -> "Dataset":
        """Only the images labelled 1."""
        return self.take(self.labels == 1)

    def negatives(self) -> "Dataset":
        """Only the images labelled 0."""
        return self.take(self.labels == 0)

    def without_factors(self) -> "Dataset":
        """The same data set with its factor columns out of reach."""
        return dataclasses.replace(self, factors={})

    def without_groups(self) -> "Dataset":
        """The same data set with groups and factors out of reach."""
        return dataclasses.replace(self, groups=None, group_names=(), factors={})


@dataclasses.dataclass(frozen=True)
class Splits:
    """Train, validation and test of one data set. Methods receive `visible_to(...)`, which has no test split."""

    name: str
    train: Dataset
    validation: Dataset
    test: Dataset | None

    def training_digest(self) -> str:
        """Twelve hexadecimal digits that change with what a method may see: labels, groups and their names, and (seen
        in samples) the images of training and validation."""
        return _digest([self.train, self.validation])

    def test_digest(self) -> str:
        """The same of what a model is tested on: the test split, and the negatives that fix the threshold."""
        return _digest([self.test, self.validation.negatives()])

    def rare_groups(self) -> tuple[str, ...]:
        """Groups that have less than half of an equal share of the training positives; () without groups."""
        if self.train.groups is None:
            return ()
        counts = np.bincount(self.train.positives().groups, minlength=len(self.train.group_names))
        rare = counts < counts.sum() / len(counts) / 2
        return tuple(name for name, is_rare in zip(self.train.group_names, rare, strict=True) if is_rare)

    def draw(self, counts: Mapping[str, int], seed: int) -> "Splits":
        """The same with only so many training images of some groups, chosen at random by `seed`.

        Validation loses the same share of these groups, so that it keeps the imbalance of training; its negatives stay.

        Args:
            counts: name of a group, or 'negatives' -> how many to keep; what is not named is kept whole. A smaller
                count keeps a part of what a larger one keeps.

        Raises:
            InputError: there is no such group, or it has fewer images.
        """
        train, validation = self.train, self.validation
        for name, count in counts.items():
            there = np.count_nonzero(self._is(name, self.train))
            if not 1 <= count <= there:
                raise InputError(f"{self.name}: cannot draw {count} of {there} training {name}: choose fewer")
            train = _thinned(train, self._is(name, train), count, seed)
            if name != NEGATIVES:
                members = self._is(name, validation)
                validation = _thinned(validation, members, round(members.sum() * count / there), seed)
        return dataclasses.replace(self, train=train, validation=validation)

    def _is(self, name: str, part: Dataset) -> np.ndarray:
        """Mask (N,) of a group's images, or of the negatives."""
        if name == NEGATIVES:
            return part.labels == 0
        if name not in part.group_names:
            known = ", ".join((*part.group_names, NEGATIVES))
            raise InputError(f"{self.name}: no group {name!r} to draw from: use one of {known}")
        return (part.labels == 1) & (part.groups == part.group_names.index(name))

    def visible_to(self, labels: str) -> "Splits":
        """What a method that declared `labels` ('class' or 'group') may see while it trains.

        Factors and the test split are never visible. Raises InputError when declared groups do not exist.
        """
        if labels not in ("class", "group"):
            raise InputError(f"unknown declaration of labels {labels!r}: use 'class' or 'group'")
        if labels == "group" and self.train.groups is None:
            raise InputError(f"data set {self.name} has no groups: leave out the methods that need them")
        hide = Dataset.without_groups if labels == "class" else Dataset.without_factors
        return Splits(self.name, hide(self.train), hide(self.validation), None)


def _digest(parts: Sequence[Dataset]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr((len(part), part.group_names)).encode())
        for array in (part.labels, part.groups, part.images(np.s_[:: max(1, len(part) // 64)])):
            digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:12]


def _thinned(part: Dataset, members: np.ndarray, count: int, seed: int) -> Dataset:
    """`part` without all but `count` of its `members` (a mask), chosen by `seed`; the order of the rest stays."""
    shuffled = np.random.default_rng(seed).permutation(np.flatnonzero(members))
    kept = np.ones(len(part), bool)
    kept[shuffled[count:]] = False
    return part.take(np.flatnonzero(kept))


class Writer:
    """Fills the rows of a file under construction; see `create`."""

    def __init__(self, file: h5py.File):
        self._file = file

    def write(self, start: int, images, labels, split, groups, columns: Mapping[str, np.ndarray]) -> None:
        """Write rows start..start+n: images (n, H, W, C) uint8, the others (n,)."""
        rows = slice(start, start + len(images))
        for name, values in {"images": images, "labels": labels, "split": split, "groups": groups}.items():
            self._file[name][rows] = values
        for name, values in columns.items():
            self._file["factors"][name][rows] = values


@contextlib.contextmanager
def create(
    path: Path,
    count: int,
    image_shape: tuple[int, ...],
    columns: Mapping[str, str],
    group_names: Sequence[str],
    attributes: Mapping[str, str | float],
) -> Iterator[Writer]:
    """Create a file of `count` images; it appears under `path` only when whole and valid.

    Args:
        columns: factor name -> NumPy dtype ("float32", "S12").
        attributes: provenance to store in the file.

    Raises:
        InputError: the folder cannot be written, the disk is full, or what was written is not valid.
    """
    with replacing(Path(path)) as temporary:
        with h5py.File(temporary, "w") as file:
            file.attrs.update({"format": FORMAT, "group_names": list(group_names), **attributes})
            file.create_dataset("images", (count, *image_shape), "uint8")
            for name, dtype in _COLUMNS.items():
                file.create_dataset(name, (count,), dtype, fillvalue=NO_GROUP if name == "groups" else 0)
            factors = file.create_group("factors")
            for name, dtype in columns.items():
                factors.create_dataset(name, (count,), dtype)
            yield Writer(file)
        with _readable(temporary) as file:
            _check(file, Path(path))


def open_splits(path: Path, name: str | None = None) -> Splits:
    """Open a file in this layout; images are memory-mapped, everything else is read.

    Raises:
        InputError: the file is missing, damaged or not in this layout.
    """
    path = Path(path)
    with _readable(path) as file:
        _check(file, path)
        whole = Dataset(
            source=memory_map(file["images"], path),
            rows=np.arange(len(file["labels"])),
            labels=file["labels"][:],
            groups=file["groups"][:],
            group_names=tuple(str(group) for group in file.attrs["group_names"]),
            factors={factor: column[:] for factor, column in file["factors"].items()},
        )
        split = file["split"][:]
    if not whole.group_names:
        whole = dataclasses.replace(whole, groups=None)
    return Splits(name or path.stem, *(whole.take(np.flatnonzero(split == code)) for code in range(len(SPLITS))))


def attributes(path: Path) -> dict:
    """The provenance stored in a file."""
    with _readable(Path(path)) as file:
        return dict(file.attrs)


def validate(path: Path) -> None:
    """Raise InputError unless `path` is a whole and valid file in this layout."""
    with _readable(Path(path)) as file:
        _check(file, Path(path))


def open_hdf5(path: Path) -> h5py.File:
    """Open an HDF5 file for reading; InputError when it is missing, not HDF5, or cut short."""
    if not path.is_file():
        raise InputError(f"{path}: no such file: check the path given to --data")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        reason = "cut short" if "truncated" in str(error) else "not a readable HDF5 file"
        raise InputError(f"{path}: {reason}: download or build it again") from error


def memory_map(images: h5py.Dataset, path: Path) -> np.ndarray:
    """(N, ...) array over an HDF5 data set: over the file where it stores one block, else see `contiguous`.

    Raises:
        InputError: the file is shorter than its images.
    """
    offset = images.id.get_offset()
    if offset is None:  # chunked or compressed: there is no single block to map
        return contiguous(images, path)
    if offset + images.size * images.dtype.itemsize > path.stat().st_size:
        raise InputError(f"{path}: cut short within its images: download or build it again")
    return np.memmap(path, images.dtype, "r", offset, images.shape)


def check_labels(labels: np.ndarray, where: str) -> None:
    """Raise InputError unless `labels` are zeros and ones and both occur."""
    values = set(np.unique(labels).tolist())  # NaN compares unequal to itself and so never passes
    if not values <= {0, 1}:
        raise InputError(f"{where}: labels must be 0 or 1, found {sorted(values, key=str)[:4]}: recode them")
    if len(values) < 2:
        raise InputError(f"{where}: all labels are {values.pop() if values else 'missing'}: two classes are needed")


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[h5py.File]:
    """An open file; what HDF5 cannot make sense of is reported as damage."""
    with open_hdf5(path) as file:
        try:
            yield file
        except InputError:
            raise
        except _DAMAGE as error:
            raise InputError(f"{path}: damaged: download or build it again") from error


def _check(file: h5py.File, path: Path) -> None:
    if file.attrs.get("format") != FORMAT:
        raise InputError(f"{path}: not a {FORMAT} file: build it with python -m debias.data.parliament build")
    missing = [name for name in ("images", *_COLUMNS) if not isinstance(file.get(name), h5py.Dataset)]
    missing += ["factors"] if not isinstance(file.get("factors"), h5py.Group) else []
    missing += ["group_names"] if "group_names" not in file.attrs else []
    if missing:
        raise InputError(f"{path}: {', '.join(missing)} missing: build the file again")
    _check_shapes(file, path)
    _check_values(file, path)


def _check_shapes(file: h5py.File, path: Path) -> None:
    images = file["images"]
    if images.ndim != 4 or images.dtype != np.uint8:
        raise InputError(f"{path}: images must be (N, H, W, C) uint8, found {images.shape} {images.dtype}")
    columns = {name: file[name] for name in _COLUMNS} | dict(file["factors"].items())
    for name, column in columns.items():
        shape = getattr(column, "shape", None)  # a group within factors has none
        if shape != (len(images),):
            raise InputError(f"{path}: {name} has shape {shape}, expected ({len(images)},): build it again")
        if column.dtype != _COLUMNS.get(name, column.dtype):
            raise InputError(f"{path}: {name} are {column.dtype}, expected {_COLUMNS[name]}: build it again")


def _check_values(file: h5py.File, path: Path) -> None:
    labels, split, groups = file["labels"][:], file["split"][:], file["groups"][:]
    for code, name in enumerate(SPLITS):
        check_labels(labels[split == code], f"{path}, {name} split")
    if split.max() >= len(SPLITS):
        raise InputError(f"{path}: split codes must be 0, 1 or 2, found {split.max()}: build it again")
    names = list(file.attrs["group_names"])
    if groups.max() >= len(names) or groups.min() < NO_GROUP:
        raise InputError(f"{path}: groups must be -1..{len(names) - 1}, found {groups.min()}..{groups.max()}")
    if names and np.any(groups[labels == 1] == NO_GROUP):
        raise InputError(f"{path}: images labelled 1 without a group: give each one or store no group_names")
    tested = groups[(split == SPLITS.index("test")) & (labels == 1)]
    empty = [names[group] for group in range(len(names)) if not np.any(tested == group)]
    if empty:
        raise InputError(f"{path}: no test faces in group {', '.join(empty)}: add some or drop the group")
