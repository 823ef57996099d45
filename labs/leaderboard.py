"""A leaderboard for each lab: our entry, from what is committed of a run, and place for those of others.

`labs/<lab>/leaderboard.md` keeps the lines of others; the block of ours is filled from results/labs/<lab>/summary.json
by `python -m labs build`, never by hand.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from debias.markdown import markdown

# Not the marks of the blocks that are files of results/, see experiments.report.readme.
_OURS = re.compile(r"^(<!-- ours -->\n).*?^(<!-- end of ours -->)$", re.DOTALL | re.MULTILINE)
FILE = "leaderboard.md"


def texts(root: Path) -> dict[Path, str]:
    """Path -> content of every leaderboard, with our entries as last committed."""
    boards = {}
    for name, entries in BOARDS.items():
        path, summary = root / "labs" / name / FILE, root / "results" / "labs" / name / "summary.json"
        if path.exists() and summary.exists():
            boards[path] = fill(path.read_text("utf-8"), entries(json.loads(summary.read_text("utf-8"))))
    return boards


def fill(board: str, table: str) -> str:
    """A leaderboard with this table as ours."""
    return _OURS.sub(lambda match: f"{match[1]}{table}\n{match[2]}", board)


def _music(summary: Mapping) -> str:
    line = [f"{summary['bits_per_char']:.3f}", f"{100 * summary['full_bars']:.1f}", f"{summary['exact_copies']}"]
    header = ["entry", "bits per character", "full bars in %", "copies", "minutes of training", "machine"]
    return markdown(header, [["this lab", *line, f"{summary['minutes']:.0f}", summary["host"]]])


def _mnist(summary: Mapping) -> str:
    lines = [
        [row["model"], f"{row['test']:.2f}", f"{row['low']:.2f} to {row['high']:.2f}", f"{row['digits']:,}"]
        for row in sorted(summary["rows"], key=lambda row: -row["test"])
    ]
    return markdown(["entry", "test in %", "95 % interval", "training digits"], lines)


def _debiasing(summary: Mapping) -> str:
    lines = []
    for model, kept in summary["models"].items():
        rates = kept["fpr_1_percent"]
        worst = min(rates["recall"], key=rates["recall"].get)
        low, high = rates["interval"][worst]
        lines.append([model, worst, f"{rates['recall'][worst]:.1f}", f"{low:.1f} to {high:.1f}", f"{rates['fpr']:.2f}"])
    lines.sort(key=lambda line: -float(line[2]))
    return markdown(["entry", "worst group", "recall in %", "95 % interval", "FPR in %"], lines)


def _rl(summary: Mapping) -> str:
    runs = [(name, run) for name, each in summary["runs"]["pong"].items() for run in each]
    runs.sort(key=lambda both: -both[1]["sampled_mean"])
    lines = [
        [f"{name}, seed {run['seed']}", *(f"{run[key]:.1f}" for key in ("sampled_mean", "greedy_mean", "minutes"))]
        for name, run in runs
    ]
    return markdown(["entry", "sampled", "greedy", "minutes of training"], lines)


BOARDS: dict[str, Callable[[Mapping], str]] = {"music": _music, "mnist": _mnist, "debiasing": _debiasing, "rl": _rl}
