"""What an experiment leaves in results/: rows, evidence, failures, table, summary and figures; and README's tables.

Rows and evidence are the record; everything else is made from them and can be made again (`draw`).
"""

import hashlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from debias import plots
from debias.errors import InputError
from debias.files import write_text
from experiments import evidence, tables
from experiments.evidence import Evidence
from experiments.experiment import Experiment

RUNS, FAILURES = "runs.csv", "failures.csv"
FORMATS = ("png", "svg")
_BLOCK = re.compile(r"(<!-- begin (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
_REMEDY = "restore it (git checkout) or move its folder away"
# What may differ between two rows of the same run on two machines or days.
_CIRCUMSTANCES = ("seconds", "threads", "commit", "versions", "host")


def write(experiment: Experiment, folder: Path, rows: pd.DataFrame, found: Evidence) -> None:
    """Everything a complete experiment leaves in `folder`; runs.csv comes last and vouches for the rest."""
    evidence.save(folder, found)
    draw(experiment, folder, rows)
    write_text(folder / RUNS, as_csv(rows))
    (folder / FAILURES).unlink(missing_ok=True)


def draw(experiment: Experiment, folder: Path, rows: pd.DataFrame) -> None:
    """Figures, table.md and summary.json from rows and the evidence in `folder`; the same rows give the same bytes."""
    found = evidence.load(folder)
    figures = experiment.figures(rows, found)
    for name, figure in figures.items():
        for suffix in FORMATS:
            plots.save(figure, folder / f"{name}.{suffix}")
    for path in (path for suffix in FORMATS for path in folder.glob(f"*.{suffix}") if path.stem not in figures):
        path.unlink()  # of a figure that has another name now
    for name, text in {"table.md": experiment.table(rows), **experiment.texts(rows, found)}.items():
        write_text(folder / name, text)
    # The digest shows whether runs.csv, which comes right after it, was cut short or edited by hand later.
    summary = {"runs_sha256": _digest(as_csv(rows)), **tables.summary(rows), "text": experiment.text(rows)}
    write_text(folder / "summary.json", json.dumps(summary, indent=1) + "\n")


def write_failures(folder: Path, failures: pd.DataFrame) -> None:
    """failures.csv: id and reason of each failed run; it goes away when the experiment is complete."""
    write_text(folder / FAILURES, as_csv(failures))


def read_rows(folder: Path) -> pd.DataFrame | None:
    """The rows published in `folder`, None where there are none.

    Raises:
        InputError: runs.csv was cut short, edited by hand, or holds an id twice.
    """
    path = folder / RUNS
    if not path.exists():
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    rows = _parsed(text, path)
    if twice := sorted(rows["id"][rows["id"].duplicated()].unique()):
        raise InputError(f"{path}: {len(twice)} ids occur twice, such as {twice[0]}: {_REMEDY}")
    if _digest(text) != _recorded_digest(folder):
        raise InputError(f"{path}: cut short or edited by hand (summary.json knows other rows): {_REMEDY}")
    return rows


def merged(published: pd.DataFrame | None, rows: pd.DataFrame) -> pd.DataFrame | None:
    """`rows`, with published ones kept as they are; None where a published one would be lost or changed."""
    if published is None:
        return rows
    old, new = (table.set_index("id", drop=False) for table in (published, rows))
    if set(old.index) - set(new.index) or not _agree(old, new.loc[old.index]):
        return None
    both = pd.concat([old, new.drop(index=old.index)])
    return both.loc[new.index, list(rows.columns)].reset_index(drop=True)


def fill(text: str, results: Path) -> str:
    """`text` with what stands between '<!-- begin FILE -->' and '<!-- end -->' replaced by results/FILE."""

    def block(match: re.Match) -> str:
        source = results / match[2]
        return f"{match[1]}{source.read_text(encoding='utf-8')}{match[3]}" if source.exists() else match[0]

    return _BLOCK.sub(block, text)


def refresh_readme(readme: Path, results: Path) -> None:
    """Bring README's generated blocks up to date with results/."""
    if readme.exists():
        text = readme.read_text(encoding="utf-8")
        write_text(readme, fill(text, results))


def as_csv(rows: pd.DataFrame) -> str:
    """The text of runs.csv."""
    return rows.to_csv(index=False, lineterminator="\n")


def _parsed(text: str, path: Path) -> pd.DataFrame:
    try:
        rows = pd.read_csv(io.StringIO(text))
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path}: not a table: {_REMEDY}") from error
    if missing := [name for name in ("id", "setting", "title", "method", "seed", "seconds") if name not in rows]:
        raise InputError(f"{path}: no column {', '.join(missing)}: {_REMEDY}")
    return rows


def _recorded_digest(folder: Path) -> str | None:
    path = folder / "summary.json"
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("runs_sha256")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: missing or damaged: {_REMEDY}") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _agree(old: pd.DataFrame, new: pd.DataFrame) -> bool:
    """Whether two tables of the same runs measure the same."""
    columns = [name for name in new if name not in _CIRCUMSTANCES]
    return set(columns) <= set(old) and all(_equal(old[name].to_numpy(), new[name].to_numpy()) for name in columns)


def _equal(old: np.ndarray, new: np.ndarray) -> bool:
    numbers = all(np.issubdtype(values.dtype, np.number) for values in (old, new))
    return np.allclose(old, new, rtol=1e-9, equal_nan=True) if numbers else bool(np.all(old == new))
