"""What each setting changes against the CNN of the same camera, and a random camera against none; paired by seed."""

import json
from collections.abc import Iterable, Mapping

import pandas as pd

from experiments.report.cameras import tests_of
from experiments.report.comparisons import (
    FIXED_RATE,
    LEVEL,
    Difference,
    seeds_of,
    significant,
    told,
)
from experiments.report.tables import NAMES, Section, by_setting, title

Pair = tuple[pd.DataFrame, pd.DataFrame]  # rows of a setting, and of the one that it is compared with

ASKED = {  # setting -> what it stands for in the sentence, in the order in which a reader asks
    "max": "resampling by DB-VAE's max rule",
    "cnn-camera": "a random camera in training",
    "max-camera": "the max rule on top of that camera",
    "neighbours-camera": "our rule on top of that camera",
    "oracle-camera": "resampling by group labels on top of that camera",
    "balanced": "a balanced training set of the same size",
}
ABOUT = (
    "Paired difference over seeds, with its 95 % bootstrap interval; * where paired t-tests, corrected by Holm for all "
    f"of a column, leave p < {LEVEL}, else n.s."
)


def sentence(rows: pd.DataFrame, asked: Mapping[str, str] = ASKED, of: str = "worst group's faces") -> str:
    """By how much the worst group's recall changes on the last test; empty where fewer than two seeds are paired.

    Args:
        asked: setting -> what it stands for in the sentence, in its order; the CNN is called 'cnn'.
        of: what part of is found.
    """
    parts, at = by_setting(rows), hardest(rows)
    column = f"worst_recall{FIXED_RATE}{at}"
    found = significant(_compared(rows), column)  # of all settings: those that are told of were picked among them
    changes = {what: found[name] for name, what in asked.items() if name in found}
    if not changes:
        return ""
    first, *others = (f"{what} changes this by {_points(*finding)}" for what, finding in changes.items())
    listed = "; ".join([first[0].upper() + first[1:], *(other.replace(" changes this", "") for other in others)])
    before = parts["cnn"][column].mean()
    return (
        f"On {where(rows)}, at 1 % false positives, the CNN finds {before:.1f} % of its {of} "
        f"(mean over {seeds_of(rows)}; in brackets 95 % intervals). {listed}."
    )


def section(rows: pd.DataFrame, ends: Mapping[str, str]) -> Section:
    """Each setting minus its peer, in E[A], Var[A] and the worst group.

    Args:
        ends: name of a test or of a threshold -> what its columns end in.
    """
    header = ["setting", "minus", *(f"Δ{measure}, {test}" for test in ends for measure in NAMES.values())]
    return Section(ABOUT, header, lines(_compared(rows), ends.values()))


def lines(compared: Mapping[str, Pair], ends: Iterable[str]) -> list[list[str]]:
    """The cells of each difference, titles first; a column for each of E[A], Var[A] and the worst group at each end."""
    found = [significant(compared, f"{name}{end}") for end in ends for name in NAMES]
    return [
        [title(ours), title(theirs), *(told(each.get(name)) or "-" for each in found)]
        for name, (ours, theirs) in compared.items()
    ]


def peers(rows: pd.DataFrame) -> dict[str, str]:
    """Setting -> the setting it is compared with.

    That is the CNN of the same camera and the same training faces; for a CNN of balanced faces the one of imbalanced
    faces, and for a CNN with a camera the one without.
    """
    parts, biased = by_setting(rows), imbalanced(rows)
    kinds = {name: (camera(part), name not in biased) for name, part in parts.items()}
    cnns = {kinds[name]: name for name, part in reversed(parts.items()) if part["method"].iloc[0] == "cnn"}
    first = next((name for name in parts if name in cnns.values()), None)
    found = {}
    for name, (seen, balanced) in kinds.items():
        alike, imbalanced_cnn = cnns.get((seen, balanced), first), cnns.get((seen, False), first)
        found[name] = next((peer for peer in (alike, imbalanced_cnn, first) if peer != name), None)
    return {name: peer for name, peer in found.items() if peer}


def hardest(rows: pd.DataFrame) -> str:
    """What columns end in of the test that the findings are told of: the last one, which is farthest from training."""
    return list(tests_of(rows))[-1]


def where(rows: pd.DataFrame) -> str:
    """That test in a sentence: 'another camera'."""
    return tests_of(rows)[at] if (at := hardest(rows)) else "their own test"


def imbalanced(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Name -> rows, of the settings that are trained with the imbalance: on the draw of faces that the first has."""
    parts = by_setting(rows)
    draws = {name: _settings(part).get("draw") for name, part in parts.items()}
    return {name: part for name, part in parts.items() if draws[name] == next(iter(draws.values()))}


def camera(part: pd.DataFrame) -> float:
    """How far a random camera changed the images of training, 0 to 1."""
    return _settings(part).get("augment", 0.0)


def _settings(part) -> dict:
    return json.loads(part["config"].iloc[0])


def _compared(rows) -> dict[str, Pair]:
    """Name of a setting -> its rows, and those of its peer."""
    parts = by_setting(rows)
    return {name: (parts[name], parts[peer]) for name, peer in peers(rows).items()}


def _points(change: Difference, clear: bool) -> str:
    unclear = "" if clear else ", which may be chance"
    return f"{change['mean']:+.1f} points [{change['low']:+.1f}, {change['high']:+.1f}]{unclear}"
