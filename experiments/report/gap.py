"""How much of the gap between the CNN and the oracle a setting closes: 0 % is the CNN, 100 % the oracle.

All have a random camera where there is one. The oracle draws by group labels. A ratio of differences over common seeds,
with a bootstrap interval over the seeds.
"""

import numpy as np
import pandas as pd

from experiments.report.comparisons import FIXED_RATE, Difference, common_seeds, paired
from experiments.report.effects import camera, imbalanced
from experiments.report.tables import Section, tests_of, title

BOUNDS = (("cnn-camera", "oracle-camera"), ("cnn", "oracle"))  # 0 and 100: the first pair of which there are rows
MEASURES = {"gap_closed_var": "var_recall", "gap_closed_worst": "worst_recall"}
NAMES = {"gap_closed_var": "Var[A]", "gap_closed_worst": "worst group"}
_RESAMPLES = 10_000
_UNCLEAR = 0.025  # of the resamples without a gap, or with the opposite one


def closed(rows: pd.DataFrame) -> dict[str, dict[str, Difference]]:
    """Setting -> measure and what its test's columns end in -> mean, low and high in %.

    Empty where the CNN or the oracle has no rows, or fewer than two seeds are common.
    """
    parts = imbalanced(rows)
    bounds = _bounds(parts)
    if not bounds:
        return {}
    cnn, oracle = (parts[name] for name in bounds)
    shown = {name: part for name, part in parts.items() if camera(part) == camera(cnn) and name not in bounds}
    found = {name: _of(part, cnn, oracle) for name, part in shown.items()}
    return {name: each for name, each in found.items() if each}


def section(rows: pd.DataFrame) -> Section:
    """A line for each setting of the bounds' camera, a column for each measure on each test."""
    ends = [(measure, end) for end in tests_of(rows) for measure in MEASURES]
    header = ["setting", *(f"{NAMES[measure]}, {tests_of(rows)[end]}" for measure, end in ends)]
    parts = imbalanced(rows)
    lines = [
        [title(parts[name]), *(_told(found.get(f"{measure}{end}")) for measure, end in ends)]
        for name, found in closed(rows).items()
    ]
    with_camera, with_one = (" with a random camera", " with one") if BOUNDS[0] == _bounds(parts) else ("", "")
    return Section(
        f"Gap closed in %: 0 is the CNN{with_camera}, 100 resampling by group labels{with_one} "
        "(mean [95 % bootstrap interval] over seeds)",
        header,
        lines,
    )


def _bounds(parts) -> tuple[str, str] | None:
    return next((pair for pair in BOUNDS if set(pair) <= set(parts)), None)


def _of(ours, cnn, oracle) -> dict[str, Difference]:
    seeds = set(common_seeds(ours, cnn)) & set(common_seeds(oracle, cnn))
    if len(seeds) < 2:
        return {}
    ours, cnn, oracle = (part[part["seed"].isin(seeds)] for part in (ours, cnn, oracle))
    ends = [(name, f"{column}{FIXED_RATE}", end) for name, column in MEASURES.items() for end in tests_of(ours)]
    found = {
        f"{name}{end}": ratio(paired(ours, cnn, f"{column}{end}"), paired(oracle, cnn, f"{column}{end}"))
        for name, column, end in ends
    }
    return {name: each for name, each in found.items() if each}


def ratio(gained: np.ndarray, possible: np.ndarray) -> Difference | None:
    """100 * mean(gained) / mean(possible) over seeds (S,), and its 95 % bootstrap interval; pairs are drawn together.

    None where it is not clear that anything was possible: a ratio to what may be 0 says nothing. Nor is there one of
    what a single group does not have, its variance.
    """
    if np.isnan([gained, possible]).any():
        return None
    drawn = np.random.default_rng(0).integers(0, len(gained), (_RESAMPLES, len(gained)))
    there = possible[drawn].mean(1)
    if np.mean(there * possible.mean() <= 0) > _UNCLEAR:
        return None
    ratios = 100 * gained[drawn].mean(1)[there != 0] / there[there != 0]
    low, high = np.percentile(ratios, [2.5, 97.5])
    return {"mean": float(100 * gained.mean() / possible.mean()), "low": float(low), "high": float(high)}


def _told(found: Difference | None) -> str:
    return "{mean:.0f} [{low:.0f}, {high:.0f}]".format(**found) if found else "-"
