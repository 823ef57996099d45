"""The rows in results/: runs.csv of each experiment is the record that everything else is made from."""

import csv
import io
import json
from collections.abc import Container, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from debias.config import Config
from debias.errors import InputError
from debias.files import make_folder, write_text
from debias.locks import in_turn
from experiments.engine.store import DIGESTS

RUNS, FAILURES = "runs.csv", "failures.csv"
_NEEDED = ("id", "setting", "title", "method", "seed", "config", "commit")
# Columns of text, some of whose values would pass for numbers.
_TEXTS = ("id", "setting", "title", "method", "config", "data", "device", "commit", "versions", "host", *DIGESTS)
_REMEDY = "restore it (git checkout) or move its folder away"
# What may differ between two rows of the same run on two machines or days, beside digests.
_CIRCUMSTANCES = ("seconds", "threads", "device", "commit", "versions", "host")


def write_rows(folder: Path, rows: pd.DataFrame) -> None:
    """Write runs.csv, atomically; what has failed before and is finished now leaves failures.csv."""
    write_text(folder / RUNS, as_csv(rows))
    path = folder / FAILURES
    with in_turn(folder):
        missing = [each for each in _failures(path) if each["id"] not in set(rows["id"])] if path.exists() else []
        if missing:
            write_text(path, as_csv(pd.DataFrame(missing)))
        else:
            path.unlink(missing_ok=True)


def write_failures(folder: Path, failures: pd.DataFrame, tried: Container[str]) -> None:
    """Write failures.csv, id and reason of each failed run; what it says of runs that were not `tried` again stays."""
    path = folder / FAILURES
    make_folder(folder)
    with in_turn(folder):  # parts of a job array end at the same time
        others = [each for each in _failures(path) if each["id"] not in tried] if path.exists() else []
        write_text(path, as_csv(pd.concat([pd.DataFrame(others, columns=failures.columns), failures])))


def read_rows(folder: Path, name: str = RUNS) -> pd.DataFrame | None:
    """The rows in the file `name` of `folder`, None where there are none.

    Raises:
        InputError: it is no table, lacks columns that all rows have, or holds an id twice.
    """
    path = folder / name
    if not path.exists():
        return None
    rows = read_table(path, _REMEDY, dtype=dict.fromkeys(_TEXTS, str))
    if missing := [name for name in _NEEDED if name not in rows]:
        raise InputError(f"{path}: no column {', '.join(missing)}: {_REMEDY}")
    if twice := sorted(rows["id"][rows["id"].duplicated()].astype(str).unique()):
        raise InputError(f"{path}: {len(twice)} ids occur twice, such as {twice[0]}: {_REMEDY}")
    return rows.copy()  # in one piece: pandas warns of a column added to as many pieces as there are columns


def read_all(results: Path) -> dict[str, pd.DataFrame]:
    """Folder under `results` -> its rows, of every folder that has some; InputError as of `read_rows`."""
    folders = sorted(path.parent for path in results.rglob(RUNS) if not is_hidden(path, results))
    return {folder.relative_to(results).as_posix(): read_rows(folder) for folder in folders}


def read_failures(results: Path) -> list[Mapping[str, str]]:
    """Id and reason of every failed run under `results`."""
    paths = (path for path in sorted(results.rglob(FAILURES)) if not is_hidden(path, results))
    return [failure for path in paths for failure in _failures(path)]


def is_hidden(path: Path, results: Path) -> bool:
    """Whether a file under `results` is in a folder whose name begins with a dot: of something that is being made."""
    return any(part[0] == "." for part in path.relative_to(results).parts)


def merged(published: pd.DataFrame | None, rows: pd.DataFrame) -> pd.DataFrame | None:
    """`rows`, with published ones kept as they are; None where a published one would be lost or changed."""
    if published is None:
        return rows
    old, new = (table.set_index("id", drop=False) for table in (published, rows))
    if set(old.index) - set(new.index) or not _agree(old, new.loc[old.index]):
        return None
    added = new.drop(index=old.index)
    both = pd.concat([old, added]) if len(added) else old
    return both.loc[new.index].reset_index(drop=True)


def as_csv(rows: pd.DataFrame) -> str:
    """The text of a CSV file."""
    return rows.to_csv(index=False, lineterminator="\n")


def read_table(path: Path, remedy: str, **options) -> pd.DataFrame:
    """A CSV file that is whole.

    Args:
        remedy: what to do about a damaged one.
        options: for `pandas.read_csv`.

    Raises:
        InputError: it is empty or no CSV, or lines are cut off or of different length.
    """
    try:
        text = path.read_bytes().decode()
        lengths = {len(line) for line in csv.reader(io.StringIO(text), strict=True)}
        if not text.endswith("\n") or len(lengths) != 1:
            raise ValueError("lines of different length")  # pandas would fill them up without a word
        return pd.read_csv(io.StringIO(text), **options)
    except (ValueError, csv.Error) as error:  # UnicodeDecodeError and what pandas raises are ValueErrors
        raise InputError(f"{path}: damaged table: {remedy}") from error


def _failures(path: Path) -> list[Mapping[str, str]]:
    return read_table(path, "delete it").to_dict("records")


def _agree(old: pd.DataFrame, new: pd.DataFrame) -> bool:
    """Whether two tables of the same runs measure the same."""
    columns = [name for name in new if name not in _CIRCUMSTANCES and not name.endswith("_digest")]
    return set(columns) <= set(old) and all(_equal(name, old[name], new[name]) for name in columns)


def _equal(name: str, old: pd.Series, new: pd.Series) -> bool:
    if all(pd.api.types.is_numeric_dtype(values) for values in (old, new)):
        return np.allclose(old, new, rtol=1e-9, equal_nan=True)
    if name == "config":
        old, new = (values.map(_settings) for values in (old, new))
    return bool(((old == new) | (old.isna() & new.isna())).all())


def _settings(config: str) -> dict:
    """What a run was made with; settings that are younger than its row have their defaults."""
    return {**Config().settings(), **json.loads(config)}
