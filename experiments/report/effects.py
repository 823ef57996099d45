"""What each setting changes against the CNN of the same camera, and a random camera against none; paired by seed."""

import json
from collections.abc import Mapping

import pandas as pd

from baselines import METHODS
from experiments.engine.experiment import Experiment
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
from experiments.report.tables import (
    NAMES,
    Section,
    by_setting,
    difference_lines,
    pairs_of,
    rare_faces,
    rare_mass,
    tests_of,
    title,
)

# Setting -> what it stands for in the sentence, in the order in which a reader asks: alone, then with a random camera.
ASKED = {
    "max": "DB-VAE (max rule)",
    "cnn-camera": "a random camera in training",
    "balanced": "a balanced training set of the same size",
}
WITH_CAMERA = {
    "max-camera": "DB-VAE (max rule)",
    "neighbours-camera": "our rule",
    "oracle-camera": "resampling by group labels",
}


def sentence(rows: pd.DataFrame, asked: Mapping[str, str] = ASKED, of: str = "worst group's faces") -> str:
    """By how much the worst group's recall changes on the last test; empty where fewer than two seeds are paired.

    Args:
        asked: setting without a random camera, or the CNN with one -> what it stands for in the sentence, in its order;
            the CNN is called 'cnn'.
        of: what part of is found.
    """
    parts, at = by_setting(rows), hardest(rows)
    column = f"worst_recall{FIXED_RATE}{at}"
    found = changed(rows, column)
    alone = _listed(found, asked, "this")
    on_top = _listed(found, WITH_CAMERA, "the worst group's recall")
    if "cnn" not in parts or (not alone and not on_top):
        return ""
    level = f"On {where(rows)} the CNN finds {parts['cnn'][column].mean():.1f} % of its {of}, at 1 % false positives"
    return " ".join(
        [
            f"{level}: {alone}." if alone else f"{level}.",
            *([f"Compared with the CNN that has a random camera, too, {on_top}."] if on_top else []),
            f"(Means over {seeds_of(rows)}, with 95 % intervals; 'may be chance': p ≥ {LEVEL} after Holm's correction "
            "for all that were compared.)",
        ]
    )


def notes(rows: pd.DataFrame) -> str:
    """What a reader of the differences should know besides: the max rule's own share, and the false-positive rates."""
    at = hardest(rows)
    passing = f"of the negatives on {where(rows)} {_rates(rows, at)} pass."
    rates = f"Thresholds are set so that 1 % of the validation negatives pass; {passing}"
    return " ".join([*_rule_alone(by_setting(rows), at), rates])


def changed(rows: pd.DataFrame, column: str) -> dict[str, Finding]:
    """Setting -> its difference to its peer; of all settings, among which those of a sentence were picked."""
    return significant(pairs_of(rows, peers(rows)), column)


def near(rows: pd.DataFrame, found: Mapping[str, Finding]) -> tuple[pd.DataFrame, str]:
    """The rows without settings that are clearly worse than their peer, and a note that names them.

    In a figure they would flatten all others.

    Args:
        found: the differences that a table beside the figure shows, of the worst group.
    """
    parts = by_setting(rows)
    far = [name for name, (change, clear) in found.items() if clear and change["mean"] < 0 and name in parts]
    names = ", ".join(title(parts[name]) for name in far)
    return rows[~rows["setting"].isin(far)], f"\nclearly worse and left out: {names}" if far else ""


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


def draws(experiment: Experiment, rows: pd.DataFrame) -> Section:
    """How often each setting that resamples drew the rare groups, beside their share of the faces."""
    parts = imbalanced(rows.assign(rare=rare_mass(experiment, rows)))
    uniform, *_ = parts.values()
    shown = [uniform, *(part for part in parts.values() if _resamples(part))]
    share = {f"{rare_faces(experiment)}, % of the draws": lambda part: f"{part['rare'].mean():.1f}"}
    ess = {"effective sample size (ESS)": lambda part: f"{part['ess'].mean():,.0f}"}
    columns = share | ess if experiment.rare else ess  # of other data it may not be known what is rare
    lines = [[title(part), *(cell(part) for cell in columns.values())] for part in shown]
    return Section("What is drawn in the last epoch", ["setting", *columns], lines)


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


def _listed(found, names: Mapping[str, str], of: str) -> str:
    """'A changes this by +1.2 points [...]; B by ...', of the settings that were found."""
    listed = [(what, _points(*found[name])) for name, what in names.items() if name in found]
    return "; ".join(f"{what}{'' if i else f' changes {of}'} by {points}" for i, (what, points) in enumerate(listed))


def _rates(rows, at) -> str:
    """The false-positive rates that those thresholds have on the test, least and largest mean of a setting."""
    means = rows.groupby("setting")[f"fpr{FIXED_RATE}{at}"].mean()
    return f"{means.min():.1f} to {means.max():.1f} %"


def _rule_alone(parts, at) -> list[str]:
    """What the max rule changes of the network that it is used with: the rest of its gain is the autoencoder's."""
    pair = next((pair for pair in (("max-camera", "vae-camera"), ("max", "vae")) if set(pair) <= set(parts)), None)
    found = difference(*(parts[name] for name in pair), f"worst_recall{FIXED_RATE}{at}") if pair else None
    if found is None:
        return []
    camera = " with that camera" if pair[0].endswith("-camera") else ""
    return [
        f"The max rule's own share of what DB-VAE changes for the worst group at 1 % false positives, beside the same "
        f"network{camera} drawing evenly, is {interval(found)}."
    ]


def _points(change: Difference, clear: bool) -> str:
    unclear = "" if clear else ", which may be chance"
    return f"{interval(change).replace(' ', ' points ', 1)}{unclear}"


def _resamples(part) -> bool:
    method = METHODS[part["method"].iloc[0]]
    return method.resamples or method.labels == "group"
