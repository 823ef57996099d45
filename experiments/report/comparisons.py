"""Paired differences between settings, seed by seed: one standard of proof for every table and sentence.

The interval of a mean difference and its p-value are both Student's, so that they say the same. A star stands only
where Holm's correction for all that were looked at beside it leaves p below `LEVEL`.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from debias.intervals import mean_interval

OWN, FIXED_RATE = "", "_fpr1"  # what a column ends in: at the model's own threshold, at 1 % false positives
CHANGES = {"mean_recall": "ΔE[A]", "var_recall": "ΔVar[A]"}

LEVEL = 0.05  # of significance
FEWEST = 3  # seeds behind a star: two agree by chance too easily
# What every table of differences says above itself.
ABOUT = (
    "Paired difference over seeds with its 95 % interval (Student's t); * where Holm's correction for all of a column "
    f"leaves p < {LEVEL}, else n.s."
)

Difference = Mapping[str, float]  # mean, low, high
Finding = tuple[Difference, bool]  # and whether it is significant


def common_seeds(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[int]:
    """The seeds of which both have rows, in order."""
    return sorted(set(ours["seed"]) & set(theirs["seed"]))


def difference(ours: pd.DataFrame, theirs: pd.DataFrame, column: str, other: str = "") -> Difference | None:
    """Mean and 95 % interval (Student's t) of ours - theirs; None where fewer than two seeds are common.

    Args:
        other: the column of theirs, where it is another one.
    """
    values = paired(ours, theirs, column, other)
    if len(values) < 2 or np.isnan(values).any():  # a single group has no variance
        return None
    low, high = mean_interval(values)
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


def paired(ours: pd.DataFrame, theirs: pd.DataFrame, column: str, other: str = "") -> np.ndarray:
    """ours - theirs for each common seed, (S,); `other` is the column of theirs, where it is another one."""
    seeds, pairs = common_seeds(ours, theirs), ((ours, column), (theirs, other or column))
    ours, theirs = (rows[name].set_axis(rows["seed"]).loc[seeds] for rows, name in pairs)
    return (ours - theirs).to_numpy()


def paired_p(differences: Sequence[float]) -> float:
    """Two-sided p of Student's test that paired differences (S,) have the mean 0; NaN for fewer than two of them.

    An exact test of signs would be free of its assumption of normal differences, but with ten seeds its least p, 1/512,
    is too large to be significant among thirty comparisons.
    """
    values = np.asarray(differences, np.float64)
    if len(values) > 1 and np.ptp(values) <= 1e-9 * np.abs(values).max():  # no spread: signs are all that is left
        return 2.0 ** (1 - len(values)) if values[0] else 1.0
    return float(stats.ttest_1samp(values, 0).pvalue) if len(values) > 1 else math.nan


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values corrected for their number (Holm 1979): one below .05 is a finding, whichever of them were looked at."""
    adjusted, least = {}, 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        least = max(least, min(1.0, (len(p_values) - rank) * p))
        adjusted[name] = least
    return {name: adjusted[name] for name in p_values}


def significant(pairs: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]], column: str) -> dict[str, Finding]:
    """The differences of pairs, and which are significant by paired t-tests, corrected by Holm for all of them.

    Those of fewer than `FEWEST` seeds never are.

    Args:
        pairs: name -> rows of one setting, and of the one that it is compared with.
    """
    found = {name: each for name, (ours, theirs) in pairs.items() if (each := difference(ours, theirs, column))}
    adjusted = holm({name: paired_p(paired(*pairs[name], column)) for name in found})
    many = {name for name in found if len(common_seeds(*pairs[name])) >= FEWEST}
    return {name: (each, name in many and adjusted[name] < LEVEL) for name, each in found.items()}


def told(finding: Finding | None) -> str:
    """'+1.2 [+0.3, +2.0] *', or 'n.s.' for the star; empty for none."""
    if finding is None:
        return ""
    found, clear = finding
    return f"{interval(found)} {'*' if clear else 'n.s.'}"


def interval(found: Difference, digits: int = 1) -> str:
    """'-1.2 [-2.0, -0.4]' for a difference with mean, low and high."""
    mean, low, high = (f"{found[name]:+.{digits}f}" for name in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def seeds_of(rows: pd.DataFrame, what: str = "paired seeds") -> str:
    """How many seeds the settings have, in words: 'one seed', '3 paired seeds' or '2 to 3 paired seeds'."""
    counts = rows.groupby("setting")["seed"].nunique()
    fewest, most = counts.min(), counts.max()
    if most == 1:
        return "one seed"
    return f"{most if fewest == most else f'{fewest} to {most}'} {what}"


def changes(ours: pd.DataFrame, theirs: pd.DataFrame) -> str:
    """'changes the variance between the groups' recalls from 3.4 to 1.2 %² (-2.2 [-3.6, -1.2]) and ...'.

    At 1 % false positives; empty where fewer than two seeds are common.
    """
    variance = _changes(ours, theirs, "var_recall", "the variance between the groups' recalls", "%²")
    mean = _changes(ours, theirs, "mean_recall", "their mean", "%")
    return f"changes {variance} and {mean}" if variance and mean else ""


def _changes(ours: pd.DataFrame, theirs: pd.DataFrame, measure: str, what: str, unit: str) -> str:
    column = measure + FIXED_RATE
    found = difference(ours, theirs, column)
    if found is None:
        return ""
    return f"{what} from {theirs[column].mean():.1f} to {ours[column].mean():.1f} {unit} ({interval(found)})"
