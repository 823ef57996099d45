"""Build, check or look at the embedded benchmark.

Examples:
    python -m debias.data.parliament build
    python -m debias.data.parliament build --preset balanced --seed 7 --processes 4
    python -m debias.data.parliament check --output realism.csv
    python -m debias.data.parliament sheet --output faces.png --count 20
"""

import dataclasses
import sys
from pathlib import Path
from typing import Literal

import pandas as pd

from debias.commandline import exit_code, later, parse
from debias.data import dataset
from debias.data.parliament import build as building
from debias.data.parliament import realism
from debias.data.sources import photographs
from debias.errors import InputError
from debias.files import write_text

PROG = "python -m debias.data.parliament"
Preset = Literal[tuple(building.PRESETS)]
DEFAULT_CACHE = Path(__file__).resolve().parents[3] / ".cache"  # of the repository


def build(preset: Preset = "default", seed: int = 0, cache: Path = DEFAULT_CACHE, processes: int | None = None) -> None:
    """Render a preset into the cache unless it is there already, and print the file's path.

    Example: python -m debias.data.parliament build --preset balanced --seed 7

    Args:
        preset: what the benchmark contains.
        seed: every image follows from this number.
        cache: folder for the file and for downloaded assets.
        processes: worker processes; all cores if not given. Pixels do not depend on it.
    """
    print(building.ensure(_config(preset, seed), cache, processes))


def check(preset: Preset = "default", seed: int = 0, cache: Path = DEFAULT_CACHE, output: Path | None = None) -> None:
    """Compare the test split with photographs: cascade detection rates, mean, deviation and contrast by group.

    Ends with exit code 1 when a group's frontal faces are found too rarely or negatives too often.

    Example: python -m debias.data.parliament check --output realism.csv

    Args:
        preset: the benchmark to check; built first if needed.
        seed: its seed.
        cache: folder of the benchmark and of downloaded files.
        output: also write the table to this CSV file.
    """
    splits = dataset.open_splits(building.ensure(_config(preset, seed), cache))
    tables = {"benchmark": realism.report(splits.test)} | _photograph_reports(cache)
    table = pd.concat(tables, names=["images of", "group"])
    print(table.round(3).to_string())
    if output:
        write_text(output, table.round(4).to_csv())
    failures = realism.failures(tables["benchmark"])
    print("\n".join(failures) or "every group passes")
    sys.exit(1 if failures else 0)


def sheet(
    output: Path, preset: Preset = "default", seed: int = 0, cache: Path = DEFAULT_CACHE, count: int = 40, zoom: int = 1
) -> None:
    """Save a contact sheet: test faces by group, then negatives.

    Example: python -m debias.data.parliament sheet --output faces.png --count 60

    Args:
        output: PNG file to write.
        preset: the benchmark to show; built first if needed.
        seed: its seed.
        cache: folder of the benchmark.
        count: images of each group.
        zoom: whole-number magnification.
    """
    if min(count, zoom) < 1:
        raise InputError(f"--count {count} and --zoom {zoom}: choose whole numbers from 1")
    splits = dataset.open_splits(building.ensure(_config(preset, seed), cache))
    realism.save_png(output, realism.contact_sheet(realism.sample_rows(splits.test, count), columns=20, zoom=zoom))
    print(output)


def _config(preset: str, seed: int) -> building.BenchmarkConfig:
    return dataclasses.replace(building.PRESETS[preset], seed=seed)


def _photograph_reports(cache: Path) -> dict[str, pd.DataFrame]:
    """The same table for real photographs; a line says which ones are out of reach."""
    reports = {}
    for name, read in {
        "mitdeeplearning": lambda: photographs.mitdeeplearning_faces(cache),
        "LFW subset": photographs.lfw_subset,
    }.items():
        try:
            reports[name] = realism.report(read())
        except InputError as error:
            print(f"skipped {name}: {error}", file=sys.stderr)
    return reports


def main(words: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    commands = {command.__name__: later(command) for command in (build, check, sheet)}
    words = sys.argv[1:] if words is None else words
    return exit_code(lambda: parse(commands, PROG, __doc__, words)() or 0, "nothing was written")


if __name__ == "__main__":
    sys.exit(main())
