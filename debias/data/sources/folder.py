"""A folder of image files with a list of them, labels.csv.

Its first line names the columns, every other line is one image: `file`, the path within the folder; `label`, 1 for the
class to detect and 0 for anything else; and, where known, `group` (a name; needed where the label is 1 and ignored
where it is 0), `split` (train, validation or test) and any number of others, which become factors.
"""

import hashlib
import posixpath
from pathlib import Path

import numpy as np
import pandas as pd

from debias.data.dataset import NO_GROUP, SPLITS, Splits, open_splits
from debias.data.hdf5 import check_group_names
from debias.data.lists import as_factor, assigned, read_csv, readable, require
from debias.data.prepare import REVISION, Source, prepare
from debias.data.sources.trees import Listed, check_folder
from debias.errors import InputError
from debias.files import shortened
from debias.locks import locked

LIST = "labels.csv"
NEEDED = ("file", "label")
KNOWN = (*NEEDED, "group", "split")  # any other column is a factor
SHARES = (0.7, 0.1, 0.2)  # train, validation, test
HOW = "list the images there, with columns file,label"


def open_folder(path: Path, cache: Path, size: int = 64, seed: int = 0) -> Splits:
    """Open a folder of images with its labels.csv; images are (size, size, 3) uint8 RGB.

    Each image is cropped to the square in its middle and resized. This is done once: the result is kept in `cache`, in
    our layout, and memory-mapped from there until labels.csv or a file's name, size or time changes.

    Without a column `split`, a hash of `seed` and of the file's name decides: train, validation or test with
    probability 0.7, 0.1 and 0.2, the same for every label and group. Adding files moves none of the others. Where
    several images show one person, give the column: else the same people are trained on and tested.

    Raises:
        InputError: the list is missing, has a bad line (which is named), or leaves a split without a label or a group;
            or an image is bad.
    """
    source = read(path, seed)
    name = Path(path).resolve().name
    kept = Path(cache) / "folders" / f"{shortened(name, 100)}-{_digest(source, size, seed)}.h5"
    if found := _opened(kept, name):
        return found
    with locked(kept.with_suffix(".lock"), f"waiting for another process, which reads {path}"):
        if not _opened(kept, name):
            prepare(source, kept, size, allow_bad=0, overwrite=True)
    return open_splits(kept, name)


def read(path: Path, seed: int = 0) -> Source:
    """What labels.csv lists, as a data set with splits, see `open_folder`.

    Raises:
        InputError: as `open_folder`, but for bad images.
    """
    folder, shown = check_folder(path, "check the path given to --data"), Path(path) / LIST
    images = read_csv(shown, NEEDED, HOW)
    images["file"] = images["file"].map(lambda name: posixpath.normpath(name) if name else "")  # './a.png' is 'a.png'
    _check_cells(images, shown)
    labels, split = images["label"].to_numpy(np.uint8), _split(images, seed)
    (groups, names), listed = _groups(images, labels), Listed(folder)
    _check_counts(labels, split, groups, names, shown)
    return Source(
        kind="folder",
        items=[listed.image(name, where=f"{shown}, line {line}: ") for line, name in images["file"].items()],
        labels=labels,
        columns={name: as_factor(cells) for name, cells in images.items() if name not in KNOWN},
        groups=groups,
        group_names=tuple(names),
        lists=[shown],
        splits=split,
        drawn="split" not in images,
        notes={"folder": readable(folder.name), "seed": seed},
    )


# --- the list ----------------------------------------------------------------------------------------------------


def _check_cells(images: pd.DataFrame, path: Path) -> None:
    if images.empty:
        raise InputError(f"{path}: lists no images: add one line for each, file,label")
    _check_files(images["file"], path)
    require(images["label"].isin(("0", "1")), images["label"], path, "label is {}: write 0 or 1")
    if "split" in images:
        require(images["split"].isin(SPLITS), images["split"], path, f"split is {{}}: write {', '.join(SPLITS)}")
    if "group" in images:
        named = (images["group"] != "") | (images["label"] == "0")
        require(named, images["file"], path, "{} has label 1 but no group: give it one or drop the column")


def _check_files(files: pd.Series, path: Path) -> None:
    require(files != "", files, path, "no file name: add it or delete this line")
    outside = files.str.startswith("/") | (files == "..") | files.str.startswith("../")  # they are normalised
    require(~outside, files, path, "{} lies outside of the folder: move the image into it")
    require(~files.duplicated(), files, path, "{} is listed twice: delete one of the lines")


def _opened(kept: Path, name: str) -> Splits | None:
    try:
        return open_splits(kept, name)
    except InputError:  # absent, or damaged
        return None


def _digest(source: Source, size: int, seed: int) -> str:
    """Twelve hexadecimal digits that change with the list, a file's size or time, and the arguments."""
    digest = hashlib.sha256(f"{REVISION} {size} {seed}\n".encode())
    digest.update(source.lists[0].read_bytes())
    for item in source.items:
        if not item.problem:
            found = item.path.stat()
            digest.update(np.array([found.st_size, found.st_mtime_ns]).tobytes())
    return digest.hexdigest()[:12]


# --- the columns -------------------------------------------------------------------------------------------------


def _split(images: pd.DataFrame, seed: int) -> np.ndarray:
    """(N,) uint8 index in SPLITS."""
    if "split" in images:
        return images["split"].map(SPLITS.index).to_numpy(np.uint8)
    return assigned(images["file"], SHARES, seed)


def _groups(images: pd.DataFrame, labels: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(N,) index of each positive's group, else NO_GROUP, and their names in the order of the list."""
    groups = np.full(len(images), NO_GROUP, np.int64)
    if "group" not in images:
        return groups, []
    groups[labels == 1], names = pd.factorize(images["group"][labels == 1])
    return groups, list(names)


def _check_counts(labels: np.ndarray, split: np.ndarray, groups: np.ndarray, names: list[str], path: Path) -> None:
    check_group_names(names, str(path))
    for code, name in enumerate(SPLITS):
        for label in (0, 1):
            if not np.any(labels[split == code] == label):
                raise InputError(f"{path}: no {name} images with label {label}: add images or a column split")
    tested = np.bincount(groups[(groups != NO_GROUP) & (split == SPLITS.index("test"))], minlength=len(names))
    if names and not tested.all():
        raise InputError(f"{path}: no test images of group {names[tested.argmin()]!r}: add images or a column split")
