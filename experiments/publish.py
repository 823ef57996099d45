"""What an experiment leaves in results/: rows, failures, table, summary and figures; and README's tables."""

import json
import re
import types
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.files import write_text

_NONE = types.MappingProxyType({})
_BLOCK = re.compile(r"(<!-- begin (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def write(
    folder: Path,
    rows: pd.DataFrame,
    table: str,
    summary: Mapping,
    figures: Mapping[str, Figure] = _NONE,
    texts: Mapping[str, str] = _NONE,
) -> None:
    """Everything a complete experiment leaves in `folder`: table.md, summary.json, figures, texts and runs.csv.

    runs.csv comes last: `is_published` trusts the rest when it is there.
    """
    write_text(folder / "table.md", table)
    write_text(folder / "summary.json", json.dumps(summary, indent=1) + "\n")
    for name, figure in figures.items():
        plots.save(figure, folder / f"{name}.png")
    for name, text in texts.items():
        write_text(folder / name, text)
    write_text(folder / "runs.csv", _csv(rows))
    (folder / "failures.csv").unlink(missing_ok=True)


def write_failures(folder: Path, failures: pd.DataFrame) -> None:
    """failures.csv: id and reason of each failed run; it goes away when the experiment is complete."""
    write_text(folder / "failures.csv", _csv(failures))


def is_published(folder: Path, rows: pd.DataFrame) -> bool:
    """Whether `folder` was made from exactly these rows."""
    path = folder / "runs.csv"
    return path.exists() and path.read_text(encoding="utf-8") == _csv(rows)


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
        filled = fill(text, results)
        if filled != text:
            write_text(readme, filled)


def _csv(rows: pd.DataFrame) -> str:
    return rows.to_csv(index=False, lineterminator="\n")
