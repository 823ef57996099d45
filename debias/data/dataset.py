"""One data set type: images with labels, groups and factors, in three splits; `debias.data.hdf5` stores it."""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from debias.data import hdf5
from debias.data.hdf5 import NO_GROUP, SPLITS, attributes, check_labels
from debias.errors import InputError

__all__ = ["NO_GROUP", "SPLITS", "Dataset", "Splits", "attributes", "check_labels", "create", "open_splits", "validate"]
NEGATIVES = "negatives"
SEEN = 64  # images of a split that its digest holds


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
        """Twelve hexadecimal digits that change with whatever decides a training.

        That is each label, group and name of a group of train and validation, and (seen in samples) their images.
        """
        return _digest(self.train, self.validation)

    def test_digest(self) -> str:
        """The same of the test split and of the validation negatives, by which thresholds are chosen."""
        return _digest(self.test, self.validation.negatives().without_groups())

    def rare_groups(self) -> tuple[str, ...]:
        """Groups with less than half of an equal share of the training faces; () without groups."""
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

        Factors and the test split are never visible. Raises InputError when declared groups do not exist, or there is
        nothing to train on.
        """
        if labels not in ("class", "group"):
            raise InputError(f"unknown declaration of labels {labels!r}: use 'class' or 'group'")
        if not len(self.train):
            raise InputError(f"data set {self.name} has no training images, only a test: train on another")
        if labels == "group" and self.train.groups is None:
            raise InputError(f"data set {self.name} has no groups: leave out the methods that need them")
        hide = Dataset.without_groups if labels == "class" else Dataset.without_factors
        return Splits(self.name, hide(self.train), hide(self.validation), None)


def _digest(*parts: Dataset) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(json.dumps([len(part), part.image_shape, part.group_names]).encode())
        for array in (part.labels, part.groups, part.images(np.s_[:: max(1, len(part) // SEEN)])):
            digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:12]


def _thinned(part: Dataset, members: np.ndarray, count: int, seed: int) -> Dataset:
    """`part` without all but `count` of its `members` (a mask), chosen by `seed`; the order of the rest stays."""
    shuffled = np.random.default_rng(seed).permutation(np.flatnonzero(members))
    kept = np.ones(len(part), bool)
    kept[shuffled[count:]] = False
    return part.take(np.flatnonzero(kept))


class Writer:
    """Fills the rows of a data set under construction; see `create`."""

    def __init__(self, writer: hdf5.Writer):
        self.describe, self._writer = writer.describe, writer

    def write(self, start: int, images, labels, split, groups, columns: Mapping[str, np.ndarray]) -> None:
        """Write rows start..start+n: images (n, H, W, C) uint8, the others (n,); InputError where one does not fit."""
        self._writer.write(start, images, {"labels": labels, "split": split, "groups": groups}, columns)


@contextlib.contextmanager
def create(
    path: Path,
    count: int,
    image_shape: tuple[int, ...],
    columns: Mapping[str, str],
    group_names: Sequence[str],
    attributes: Mapping[str, str | float],
) -> Iterator[Writer]:
    """Create a data set of `count` images; it appears under `path` only when whole and valid.

    Args:
        columns: factor name -> NumPy dtype ("float32", "S12").
        attributes: provenance to store in the file.

    Raises:
        InputError: the folder cannot be written, the disk is full, or what was written is not valid.
    """
    with hdf5.create(path, hdf5.DATASET, count, image_shape, columns, group_names, attributes) as writer:
        yield Writer(writer)


def open_splits(path: Path, name: str | None = None) -> Splits:
    """Open a data set; images are memory-mapped, everything else is read.

    Raises:
        InputError: the file is missing, damaged or not a valid data set.
    """
    path = Path(path)
    found = hdf5.read(path, hdf5.DATASET)
    groups = found.columns["groups"] if found.group_names else None
    labels, split = found.columns["labels"], found.columns["split"]
    whole = Dataset(found.images, np.arange(len(labels)), labels, groups, found.group_names, found.factors)
    return Splits(name or path.stem, *(whole.take(np.flatnonzero(split == code)) for code in range(len(SPLITS))))


def validate(path: Path) -> None:
    """Raise InputError unless `path` is a whole and valid data set."""
    hdf5.read(path, hdf5.DATASET)
