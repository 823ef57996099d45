"""What several commands share: where things are kept, which runs are meant, where rows go, what is shown."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from debias.errors import InputError
from debias.provenance import ROOT
from experiments.engine.experiment import Experiment
from experiments.registry import EXPERIMENTS, GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from rich.console import RenderableType

MOST_SEEDS = 1000
TABLE_WIDTH = 10_000  # characters at most: a table is as wide as its numbers
CACHE, RESULTS = ROOT / ".cache", ROOT / "results"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Folders:
    """Where things are kept."""

    cache: Path = CACHE
    """Data, checkpoints and logs."""
    results: Path = RESULTS
    """Rows, tables and figures. What is made of your own data goes to the cache folder unless you say where."""


def experiment_names(name: str) -> tuple[str, ...]:
    """The names that one word stands for: itself, or a group's; InputError for an unknown one."""
    names = GROUPS.get(name, (name,))
    if unknown := [name for name in names if name not in EXPERIMENTS]:
        raise InputError(f"unknown experiment {unknown[0]!r}: use one of {', '.join((*EXPERIMENTS, *GROUPS))}")
    return names


def check_seeds(seeds: int | None) -> None:
    """InputError for fewer than one, or more than anybody trains."""
    if seeds is not None and not 1 <= seeds <= MOST_SEEDS:
        raise InputError(f"--seeds must be from 1 to {MOST_SEEDS}, got {seeds}")


def with_seeds(experiment: Experiment, count: int | None) -> Experiment:
    """The experiment with so many seeds; beyond its own, the numbers that follow."""
    if count is None:
        return experiment
    first = experiment.seeds[0]
    return dataclasses.replace(experiment, seeds=tuple(range(first, first + count)))


def job_count(jobs: int | None) -> int:
    """How many runs at a time on this machine, by default one a core; InputError for more than that, or none."""
    from joblib import cpu_count  # what a container may use as well; half a second

    cores = cpu_count()
    if jobs is None:
        return cores
    if jobs < 1:
        raise InputError(f"--jobs must be at least 1, got {jobs}")
    if jobs > cores:
        raise InputError(f"--jobs {jobs} on {cores} cores: each run takes one, use --jobs {cores} or fewer")
    return jobs


def published_rows(results: Path) -> list[dict]:
    """All rows in `results`."""
    from experiments.report.rows import read_all

    return [row for rows in read_all(results).values() for row in rows.to_dict("records")]


def placed(places: Folders, results: Path, folder: Path, published, rows) -> "tuple[Path, pd.DataFrame]":
    """Where the rows go: never over published ones that they differ from, unless asked to.

    Args:
        results: what `folder` is under, the cache where data are a user's own.
    """
    from experiments.report.rows import merged

    both = merged(published, rows)
    if both is not None:
        return folder, both
    own = other_results(places.cache) / folder.relative_to(results)
    commits = ", ".join(sorted(map(str, published["commit"].unique())))
    print(f"{folder} holds other rows (commit {commits}) and stays; yours are in {own}. --overwrite replaces it")
    print("./run_experiments.sh compare says how far they are from each other")
    return own, rows


def other_results(cache: Path) -> Path:
    """Where rows go that differ from published ones."""
    return cache / "other-results"


def tell_failures(folder: Path, failures: "pd.DataFrame", tried: "Iterable[str]") -> int:
    """Keep what failed beside what other calls have recorded, say where, and return the exit code.

    Args:
        tried: ids of this call's runs: what was recorded of them is over.
    """
    from experiments.report.rows import FAILURES, write_failures

    write_failures(folder, failures, set(tried))
    print(f"{len(failures)} runs failed, see {folder / FAILURES}: the same command retries them", file=sys.stderr)
    return 1


def show(folder: Path, *shown: "RenderableType") -> int:
    """Print what was made and where it is; returns the exit code."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.width = TABLE_WIDTH  # in a narrower window lines wrap, but no number is cut off
    for part in (*shown, f"Rows, table and pictures: {folder}"):
        console.print(part)
    return 0
