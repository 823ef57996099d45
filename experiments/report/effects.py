"""What each setting changes against the CNN of the same camera, and a random camera against none; paired by seed."""

import json
from collections.abc import Mapping

import pandas as pd

from experiments.report.cameras import tests_of
from experiments.report.comparisons import (
    ABOUT,
    FIXED_RATE,
    LEVEL,
    Difference,
    Finding,
    difference,
    interval,
    seeds_of,
    significant,
)
from experiments.report.tables import NAMES, Section, by_setting, difference_lines, pairs_of

ASKED = {  # setting -> what it stands for in the sentence, in the order in which a reader asks
    "max": "DB-VAE (max rule)",
    "cnn-camera": "a random camera in training",
    "max-camera": "DB-VAE (max rule) on top of that camera",
    "neighbours-camera": "our rule on top of that camera",
    "oracle-camera": "resampling by group labels on top of that camera",
    "balanced": "a balanced training set of the same size",
}


def sentence(rows: pd.DataFrame, asked: Mapping[str, str] = ASKED, of: str = "worst group's faces") -> str:
    """By how much the worst group's recall changes on the last test; empty where fewer than two seeds are paired.

    Args:
        asked: setting -> what it stands for in the sentence, in its order; the CNN is called 'cnn'.
        of: what part of is found.
    """
    parts, at = by_setting(rows), hardest(rows)
    column = f"worst_recall{FIXED_RATE}{at}"
    found = changed(rows, column)
    changes = {what: found[name] for name, what in asked.items() if name in found}
    if not changes:
        return ""
    first, *others = (f"{what} changes this by {_points(*finding)}" for what, finding in changes.items())
    listed = "; ".join([first[0].upper() + first[1:], *(other.replace(" changes this", "") for other in others)])
    said = (
        f"On {where(rows)}, at thresholds that 1 % of the validation negatives pass (of the test's {_rates(rows, at)} "
        f"do), the CNN finds {parts['cnn'][column].mean():.1f} % of its {of} (mean over {seeds_of(rows)}; in brackets "
        f"95 % intervals; 'may be chance' where Holm's correction leaves p ≥ {LEVEL}). {listed}."
    )
    return " ".join(filter(None, [said, _rule_alone(parts, column)]))


def changed(rows: pd.DataFrame, column: str) -> dict[str, Finding]:
    """Setting -> its difference to its peer; of all settings, among which those of a sentence were picked."""
    return significant(pairs_of(rows, peers(rows)), column)


def section(rows: pd.DataFrame, ends: Mapping[str, str]) -> Section:
    """Each setting minus its peer, in E[A], Var[A] and the worst group.

    Args:
        ends: name of a test or of a threshold -> what its columns end in.
    """
    header = ["setting", "minus", *(f"Δ{measure}, {test}" for test in ends for measure in NAMES.values())]
    columns = [f"{name}{end}" for end in ends.values() for name in NAMES]
    return Section(ABOUT, header, difference_lines(pairs_of(rows, peers(rows)), columns))


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


def _rates(rows, at) -> str:
    """The false-positive rates that those thresholds have on the test, least and largest mean of a setting."""
    means = rows.groupby("setting")[f"fpr{FIXED_RATE}{at}"].mean()
    return f"{means.min():.1f} to {means.max():.1f} %"


def _rule_alone(parts, column) -> str:
    """What the max rule changes of the network that it is used with: the rest of its gain is the autoencoder's."""
    pair = next((pair for pair in (("max-camera", "vae-camera"), ("max", "vae")) if set(pair) <= set(parts)), None)
    found = difference(*(parts[name] for name in pair), column) if pair else None
    if found is None:
        return ""
    camera = " with that camera" if pair[0].endswith("-camera") else ""
    return f"In DB-VAE's network{camera}, drawing by the max rule instead of evenly changes it by {interval(found)}."


def _points(change: Difference, clear: bool) -> str:
    unclear = "" if clear else ", which may be chance"
    return f"{interval(change).replace(' ', ' points ', 1)}{unclear}"
