"""The commands behind python -m experiments."""

import contextlib
import dataclasses
import io
import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import tyro
from rich.console import Console, RenderableType

from debias.backend import tf
from debias.data import catalog
from debias.data.dataset import Splits
from debias.errors import InputError
from debias.files import write_text
from experiments import benchmark, calibration, photographs, publish, quick, tables
from experiments.provenance import ROOT, provenance
from experiments.runner import Run, run_all

TABLE_WIDTH = 100
CACHE, RESULTS, README = ROOT / ".cache", ROOT / "results", ROOT / "README.md"


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where things are kept."""

    cache: Path = CACHE
    """Data, checkpoints and logs."""
    results: Path = RESULTS
    """Tables and figures."""

    @property
    def work(self) -> Path:
        """One folder a run."""
        return self.cache / "runs"


@dataclasses.dataclass(frozen=True)
class Quick(Folders):
    """Five methods on four groups, three paired seeds each: table and pictures in results/quick.

    Examples:
        python -m experiments quick
        python -m experiments quick --data digits
        python -m experiments quick --data path/to/train_face.h5 --seeds 2
    """

    data: str = "parliament"
    """parliament, parliament-balanced, digits, or the path of an HDF5 file in our or in MIT's layout."""
    seeds: int = len(quick.SEEDS)
    """How many paired seeds: 0, 1, 2, ..."""

    def __call__(self) -> int:
        _check_seeds(self.seeds)
        splits = catalog.load(self.data, self.cache)
        runs = quick.runs(splits, tuple(range(self.seeds)))
        if left_out := quick.left_out(splits):
            print(f"{splits.name} has no groups, left out: {', '.join(left_out)}")
        folder = self.results / quick.experiment_name(splits.name)
        rows, failures = run_all(runs, splits, self.work)
        if len(failures):
            return _report_failures(folder, failures)
        if not publish.is_published(folder, rows):
            figures = quick.figures(rows, runs, splits, self.work)
            texts = self._photographs(runs, splits)
            publish.write(folder, rows, tables.as_markdown(rows), tables.summary(rows), figures, texts)
            publish.refresh_readme(README, self.results)
        return _report(folder, *tables.on_screen(rows), tables.caption(rows))

    def _photographs(self, runs: tuple[Run, ...], splits: Splits) -> dict[str, str]:
        if splits.train.image_shape != photographs.IMAGE_SHAPE:
            return {}
        return {"photographs.md": photographs.check(runs, self.work, self.cache)}


@dataclasses.dataclass(frozen=True)
class Calibration(Folders):
    """Ten seeds of the CNN and of the oracle: does the benchmark show the paper's bias, and can it be mended?

    Example:
        python -m experiments calibration
    """

    seeds: int = len(calibration.SEEDS)
    """How many training seeds, from 100 on."""

    def __call__(self) -> int:
        _check_seeds(self.seeds, len(calibration.SEEDS))
        parts = [self._part(name) for name in calibration.PARTS]
        rows, failures = (pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True))
        folder = self.results / "calibration"
        if len(failures):
            return _report_failures(folder, failures)
        if not publish.is_published(folder, rows):
            publish.write(folder, rows, calibration.table(rows), calibration.summary(rows))
            publish.refresh_readme(README, self.results)
        return _report(folder, calibration.table(rows))

    def _part(self, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        splits = catalog.load(name, self.cache)
        return run_all(calibration.runs(splits, calibration.SEEDS[: self.seeds]), splits, self.work)


@dataclasses.dataclass(frozen=True)
class Benchmark(Folders):
    """Speed of training, resampling and rendering, each beside its peer in one run.

    Example:
        python -m experiments benchmark
    """

    def __call__(self) -> int:
        measured, folder = benchmark.measure(self.cache), self.results / "benchmark"
        write_text(folder / "table.md", benchmark.table(measured))
        write_text(folder / "summary.json", json.dumps(measured | provenance(), indent=1) + "\n")
        publish.refresh_readme(README, self.results)
        return _report(folder, benchmark.table(measured))


COMMANDS = {"quick": Quick, "calibration": Calibration, "benchmark": Benchmark}


def run(arguments: list[str]) -> int:
    """Parse and run one command; returns the exit code."""
    tf.get_logger().setLevel("ERROR")  # it warns of each new model's own compiled functions, which are meant
    return _parse(arguments)()


def _parse(arguments: list[str]) -> Callable[[], int]:
    """The command with its options; what tyro says about bad ones, a framed page, becomes one line."""
    page = io.StringIO()
    try:
        with contextlib.redirect_stderr(page):
            return tyro.extras.subcommand_cli_from_dict(
                COMMANDS, prog="python -m experiments", description=__doc__, args=arguments
            )
    except SystemExit as stop:
        if not stop.code:  # --help
            raise
        raise InputError(f"{_first_paragraph(page.getvalue())}: see python -m experiments --help") from None


def _first_paragraph(page: str) -> str:
    """The text of a framed page between its title and its first rule, in one line."""
    lines = [line.strip("│ ") for line in page.splitlines()[1:]]
    return " ".join(itertools.takewhile(lambda line: line and not line.startswith(("─", "╰")), lines))


def _check_seeds(seeds: int, most: int | None = None) -> None:
    """Before anything is built, since that takes minutes."""
    if seeds < 1 or (most and seeds > most):
        raise InputError(f"--seeds must be {f'1 to {most}' if most else 'at least 1'}, got {seeds}")


def _report_failures(folder: Path, failures: pd.DataFrame) -> int:
    publish.write_failures(folder, failures)
    print(f"{len(failures)} runs failed, see {folder / 'failures.csv'}: the same command retries them", file=sys.stderr)
    return 1


def _report(folder: Path, *shown: RenderableType) -> int:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.width = max(console.width, TABLE_WIDTH)  # in a narrower window lines wrap, but no number is cut off
    for part in (*shown, f"Rows, table and pictures: {folder}"):
        console.print(part)
    return 0
