"""Lists of images, as CSV or as the space-separated text of older data sets; errors are named by their line."""

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from debias.errors import InputError

SEPARATORS = (",", ";", "\t")


def read_csv(path: Path, needed: Sequence[str | tuple[str, ...]], remedy: str) -> pd.DataFrame:
    """All cells as stripped text; the index holds line numbers of the file.

    UTF-8 with or without a byte order mark; commas, semicolons or tabs; lines may end as on any system.

    Args:
        needed: columns that must be there; of a column known by several names the first is given to it.
        remedy: what to do when the file is missing, such as "list the images there".

    Raises:
        InputError: the file is missing, not such text, lacks a column, or has a line of another width.
    """
    text, names = _text(path, remedy), {name if isinstance(name, str) else name[0]: name for name in needed}
    other = {alias: first for first, known in names.items() if not isinstance(known, str) for alias in known}
    lines = _lines(text, _separator(text, {*names, *other}), path)
    if not lines:
        raise InputError(f"{path}: empty: begin it with a line of names, {','.join(names)}, and list the images")
    (_, header), *images = lines.items()
    header = [other.get(name, name) for name in header]
    _check_header(header, names, path)
    for line, cells in images:
        if len(cells) != len(header):
            raise InputError(f"{path}, line {line}: {len(cells)} cells, but {len(header)} columns: repair this line")
    table = pd.DataFrame([cells for _, cells in images], [line for line, _ in images], header, dtype=object)
    return table.drop(columns="", errors="ignore")  # the nameless column of row numbers that pandas writes


def read_spaced(path: Path, header: Sequence[str] | None, remedy: str) -> pd.DataFrame:
    """Columns of text between spaces, as CelebA has them; the index holds line numbers of the file.

    A first line that is one number counts the images and is checked.

    Args:
        header: names of the columns; None takes them from the file, with 'file' in front where it names one too few.

    Raises:
        InputError: the file is missing, not text, has a line of another width, or counts other images than it lists.
    """
    lines = {number: line.split() for number, line in enumerate(_text(path, remedy).splitlines(), 1) if line.strip()}
    first = next(iter(lines.values()), [])
    count = int(lines.pop(next(iter(lines)))[0]) if len(first) == 1 and first[0].isdecimal() else None
    names = list(header) if header else lines.pop(next(iter(lines), 0), [])
    width = len(next(iter(lines.values()), names))
    if width == len(names) + 1 and not header:
        names = ["file", *names]
    _check_header(names, (), path)
    for line, cells in lines.items():
        if len(cells) != len(names):
            raise InputError(f"{path}, line {line}: {len(cells)} cells, but {len(names)} columns: repair this line")
    if count is not None and count != len(lines):
        raise InputError(f"{path}: line 1 counts {count} images, but {len(lines)} are listed: download it again")
    return pd.DataFrame(list(lines.values()), list(lines), names, dtype=object)


def require(good: pd.Series, shown: pd.Series, path: Path, message: str) -> None:
    """Raise InputError for the first line that is not good; '{}' in `message` is what it shows."""
    if not good.all():
        line = good.idxmin()
        raise InputError(f"{path}, line {line}: {message.replace('{}', repr(shown[line]))}")


def readable(name: str) -> str:
    r"""The name of a file or folder; bytes that are no UTF-8 are written as \xe9."""
    return os.fsencode(name).decode(errors="backslashreplace")


def as_factor(cells: pd.Series) -> np.ndarray:
    """(N,) float64 where all cells are numbers or empty (NaN), else UTF-8 bytes."""
    numbers = pd.to_numeric(cells.where(cells != "", np.nan), errors="coerce")
    if not np.any(numbers.isna() & (cells != "")):
        return numbers.to_numpy(np.float64)
    return np.array([cell.encode() for cell in cells])


def assigned(keys: Sequence[str], shares: Sequence[float], seed: int) -> np.ndarray:
    """(N,) uint8: which share each key falls into, by a hash of `seed` and key: equal keys together, for ever."""
    fractions = [_fraction(f"{seed}/{key}") for key in keys]
    return np.searchsorted(np.cumsum(shares)[:-1], fractions, side="right").astype(np.uint8)


def _fraction(text: str) -> float:
    """A number in [0, 1) that looks random but is the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:6]) / 2**48


def _lines(text: str, separator: str, path: Path) -> dict[int, list[str]]:
    """Line number -> cells, without empty lines."""
    reader, lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), {}
    try:
        for cells in reader:
            if any(cells):
                lines[reader.line_num] = [cell.strip() for cell in cells]
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not readable as CSV ({error}): repair this line") from error
    return lines


def _separator(text: str, known: set[str]) -> str:
    """The separator under which the first line names most of the known columns; the comma if in doubt."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    named = {each: len(known & {cell.strip(' "') for cell in first.split(each)}) for each in SEPARATORS}
    return max(named, key=named.get)


def _text(path: Path, remedy: str) -> str:
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # a pipe would be waited for
            raise InputError(f"{path}: cannot be read, it is no plain file: make it one")
        data = path.read_bytes()
    except FileNotFoundError:
        empty = path.parent.is_dir() and not any(path.parent.iterdir())
        found = "no such file, the folder is empty" if empty else "no such file"
        raise InputError(f"{path}: {found}: {remedy}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): make it a file that you may read") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: not text in UTF-8: save it as 'CSV UTF-8'") from error


def _check_header(names: list[str], needed: Iterable[str], path: Path) -> None:
    missing = [name for name in needed if name not in names]
    if missing:
        raise InputError(
            f"{path}: no column {' and '.join(missing)}: begin it with a line of names, {','.join(needed)}"
        )
    named = [name for name in names if name]
    twice = [name for name in named if named.count(name) > 1]
    if twice:
        raise InputError(f"{path}: two columns are called {twice[0]!r}: rename one")
    paths = [name for name in named if "/" in name or name == "." or "\0" in name]
    if paths:
        raise InputError(f"{path}: a column cannot be called {paths[0]!r}, HDF5 takes it for a path: rename it")
