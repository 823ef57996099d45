"""A folder of image files with a list of them, labels.csv.

Its first line names the columns, every other line is one image: `file`, the path within the folder; `label`, 1 for the
class to detect and 0 for anything else; and, where known, `group` (a name; needed where the label is 1 and ignored
where it is 0), `split` (train, validation or test) and any number of others, which become factors.
"""

import contextlib
import csv
import hashlib
import io
import posixpath
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from rich.console import Console

from debias.data.dataset import NO_GROUP, SPLITS, Splits, create, open_splits
from debias.errors import InputError
from debias.progress import progress_bar

LIST = "labels.csv"
NEEDED = ("file", "label")
KNOWN = (*NEEDED, "group", "split")  # any other column is a factor
SHARES = (0.7, 0.1, 0.2)  # train, validation, test
MOST_GROUPS = np.iinfo(np.int8).max  # their indices are stored as int8
REVISION = 1  # raise it whenever the same folder gives another data set
CHUNK = 256  # images decoded between two writes


def open_folder(path: Path, cache: Path, size: int = 64, seed: int = 0) -> Splits:
    """Open a folder of images with its labels.csv; images are (size, size, 3) uint8 RGB.

    Each image is cropped to the square in its middle and resized. This is done once: the result is kept in `cache`, in
    our layout, and memory-mapped from there until labels.csv or a file's name, size or time changes.

    Without a column `split`, a hash of `seed` and of the file's name decides: train, validation or test with
    probability 0.7, 0.1 and 0.2, the same for every label and group. Adding files moves none of the others. Where
    several images show one person, give the column: else the same people are trained on and tested.

    Raises:
        InputError: the list is missing, has a bad line (which is named), or leaves a split without a label or a group.
    """
    path = Path(path)
    if not path.is_dir():
        raise InputError(f"{path}: no such folder: check the path given to --data")
    images = _read(path / LIST)
    _check_cells(images, path / LIST)
    name = path.resolve().name
    kept = Path(cache) / "folders" / f"{name}-{_digest(images, path, size, seed)}.h5"
    try:
        return open_splits(kept, name)
    except InputError:  # absent, or damaged
        _build(kept, images, path, size, seed)
    return open_splits(kept, name)


# --- the list ----------------------------------------------------------------------------------------------------


def _read(path: Path) -> pd.DataFrame:
    """All cells as stripped text; the index holds line numbers of the file."""
    lines = _lines(path)
    if not lines:
        raise InputError(f"{path}: empty: begin it with a line of names, file,label, and list the images")
    (_, header), *images = lines.items()
    _check_header(header, path)
    for line, cells in images:
        if len(cells) != len(header):
            raise InputError(f"{path}, line {line}: {len(cells)} cells, but {len(header)} columns: repair this line")
    table = pd.DataFrame([cells for _, cells in images], [line for line, _ in images], header, dtype=object)
    table["file"] = table["file"].map(lambda name: posixpath.normpath(name) if name else "")  # './a.png' is 'a.png'
    return table.drop(columns="", errors="ignore")  # the nameless column of row numbers that pandas writes


def _lines(path: Path) -> dict[int, list[str]]:
    """Line number -> cells, without empty lines."""
    reader, lines = csv.reader(io.StringIO(_text(path), newline=""), strict=True), {}
    try:
        for cells in reader:
            if any(cells):
                lines[reader.line_num] = [cell.strip() for cell in cells]
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not readable as CSV ({error}): repair this line") from error
    return lines


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        found = "no such file" if any(path.parent.iterdir()) else "no such file, the folder is empty"
        raise InputError(f"{path}: {found}: list the images there, with columns file,label") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): make it a file that you may read") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: not text in UTF-8: save it as 'CSV UTF-8'") from error


def _check_header(names: list[str], path: Path) -> None:
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise InputError(f"{path}: no column {' and '.join(missing)}: begin it with a line of names, file,label")
    named = [name for name in names if name]
    twice = [name for name in named if named.count(name) > 1]
    if twice:
        raise InputError(f"{path}: two columns are called {twice[0]!r}: rename one")
    paths = [name for name in named if "/" in name or name == "." or "\0" in name]
    if paths:
        raise InputError(f"{path}: a column cannot be called {paths[0]!r}, HDF5 takes it for a path: rename it")


def _check_cells(images: pd.DataFrame, path: Path) -> None:
    if images.empty:
        raise InputError(f"{path}: lists no images: add one line for each, file,label")
    _check_files(images["file"], path)
    _require(images["label"].isin(("0", "1")), images["label"], path, "label is {}: write 0 or 1")
    if "split" in images:
        _require(images["split"].isin(SPLITS), images["split"], path, f"split is {{}}: write {', '.join(SPLITS)}")
    if "group" in images:
        named = (images["group"] != "") | (images["label"] == "0")
        _require(named, images["file"], path, "{} has label 1 but no group: give it one or drop the column")


def _check_files(files: pd.Series, path: Path) -> None:
    _require(files != "", files, path, "no file name: add it or delete this line")
    outside = files.str.startswith("/") | (files == "..") | files.str.startswith("../")  # they are normalised
    _require(~outside, files, path, "{} lies outside of the folder: move the image into it")
    _require(~files.duplicated(), files, path, "{} is listed twice: delete one of the lines")


def _require(good: pd.Series, shown: pd.Series, path: Path, message: str) -> None:
    """Raise InputError for the first line that is not good; '{}' in `message` is what it shows."""
    if not good.all():
        line = good.idxmin()
        raise InputError(f"{path}, line {line}: {message.format(repr(shown[line]))}")


def _digest(images: pd.DataFrame, folder: Path, size: int, seed: int) -> str:
    """Twelve hexadecimal digits that change with the list, a file's size or time, and the arguments."""
    digest = hashlib.sha256(f"{REVISION} {size} {seed}\n".encode())
    digest.update(images.to_csv(index=False).encode())
    for line, name in images["file"].items():
        digest.update(np.array(_size_and_time(folder / name, f"{folder / LIST}, line {line}: {name!r}")).tobytes())
    return digest.hexdigest()[:12]


def _size_and_time(path: Path, where: str) -> tuple[int, int]:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise InputError(f"{where} is not in the folder: add the file or delete this line") from error
    if not path.is_file():
        raise InputError(f"{where} is not a file: name the images one by one")
    return found.st_size, found.st_mtime_ns


# --- the columns -------------------------------------------------------------------------------------------------


def _split(images: pd.DataFrame, seed: int) -> np.ndarray:
    """(N,) uint8 index in SPLITS."""
    if "split" in images:
        return images["split"].map(SPLITS.index).to_numpy(np.uint8)
    fractions = [_fraction(f"{seed}/{name}") for name in images["file"]]
    return np.searchsorted(np.cumsum(SHARES)[:-1], fractions, side="right").astype(np.uint8)


def _fraction(text: str) -> float:
    """A number in [0, 1) that looks random but is the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


def _groups(images: pd.DataFrame, labels: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(N,) index of each positive's group, else NO_GROUP, and their names in the order of the list."""
    groups = np.full(len(images), NO_GROUP, np.int64)
    if "group" not in images:
        return groups, []
    groups[labels == 1], names = pd.factorize(images["group"][labels == 1])
    return groups, list(names)


def _factor(cells: pd.Series) -> np.ndarray:
    """(N,) float64 where all cells are numbers or empty (NaN), else UTF-8 bytes."""
    numbers = pd.to_numeric(cells.where(cells != "", np.nan), errors="coerce")
    if not np.any(numbers.isna() & (cells != "")):
        return numbers.to_numpy(np.float64)
    return np.array([cell.encode() for cell in cells])


def _check_counts(labels: np.ndarray, split: np.ndarray, groups: np.ndarray, names: list[str], path: Path) -> None:
    if len(names) > MOST_GROUPS:
        raise InputError(
            f"{path}: {len(names)} groups, at most {MOST_GROUPS} are possible: merge some or drop the column"
        )
    for code, name in enumerate(SPLITS):
        for label in (0, 1):
            if not np.any(labels[split == code] == label):
                raise InputError(f"{path}: no {name} images with label {label}: add images or a column split")
    tested = np.bincount(groups[(groups != NO_GROUP) & (split == SPLITS.index("test"))], minlength=len(names))
    if names and not tested.all():
        raise InputError(f"{path}: no test images of group {names[tested.argmin()]!r}: add images or a column split")


# --- the images --------------------------------------------------------------------------------------------------


def _build(kept: Path, images: pd.DataFrame, folder: Path, size: int, seed: int) -> None:
    """Write the data set's file in our layout."""
    labels, split = images["label"].to_numpy(np.uint8), _split(images, seed)
    groups, names = _groups(images, labels)
    _check_counts(labels, split, groups, names, folder / LIST)
    factors = {name: _factor(cells) for name, cells in images.items() if name not in KNOWN}
    dtypes = {name: column.dtype.str for name, column in factors.items()}
    origin = {"folder": folder.resolve().name, "seed": seed, "revision": REVISION}
    with create(kept, len(images), (size, size, 3), dtypes, names, origin) as writer:
        for rows, decoded in _decoded(images["file"], folder, size):
            columns = {name: column[rows] for name, column in factors.items()}
            writer.write(rows.start, decoded, labels[rows], split[rows], groups[rows], columns)


def _decoded(files: pd.Series, folder: Path, size: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows of the list and their images (n, size, size, 3) uint8, chunk by chunk."""
    # OpenCV decodes without Python's lock, so threads are enough.
    with _silent_opencv(), ThreadPoolExecutor() as threads, progress_bar(Console(stderr=True)) as progress:
        task = progress.add_task(f"reading {folder.resolve().name}", total=len(files))
        for start in range(0, len(files), CHUNK):
            rows = slice(start, start + CHUNK)
            decoded = list(threads.map(lambda entry: _decode(folder, *entry, size), files.iloc[rows].items()))
            yield rows, np.stack(decoded)
            progress.advance(task, len(decoded))


@contextlib.contextmanager
def _silent_opencv() -> Iterator[None]:
    """Within it OpenCV prints nothing of a damaged image, which is reported by its line instead."""
    log = cv2.utils.logging
    before = log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(before)


def _decode(folder: Path, line: int, name: str, size: int) -> np.ndarray:
    try:
        image = cv2.imdecode(np.fromfile(folder / name, np.uint8), cv2.IMREAD_COLOR_RGB)
    except (OSError, cv2.error):
        image = None
    if image is None:
        raise InputError(f"{folder / LIST}, line {line}: {name!r} is not a whole image: replace it or delete this line")
    return _square(image, size)


def _square(image: np.ndarray, size: int) -> np.ndarray:
    """(size, size, 3) uint8: the largest square in the middle of an image (H, W, 3), resized."""
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    # The mean over areas would enlarge by repeating pixels.
    method = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return cv2.resize(image[top : top + side, left : left + side], (size, size), interpolation=method)
