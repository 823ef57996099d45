"""Every difference between these experiments and the paper or the course's lab, each with its measured effect.

The list is deviations.toml; what an ablation measures is computed from its rows.
"""

import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from debias.markdown import markdown
from experiments.report.comparisons import FIXED_RATE, OWN, Difference, common_seeds, difference, interval
from experiments.report.tables import test_name, title

LIST = Path(__file__).with_name("deviations.toml")
INTRODUCTION = """# Deviations

This lists every difference between the experiments here (table 1 and the ablations) and the paper (Amini, Soleimany et
al., AIES 2019) or the course's lab (MIT 6.S191, debiasing in TensorFlow, as of 2024). Each has a number, and its
measured effect where an experiment has one. Where an entry names only one of paper and lab, we do as the
other does."""
MEASURED = """## Measured effects

Mean difference over common seeds with its 95 % interval (Student's t), not corrected for the number of differences.
E[A] in percentage points, Var[A] in %², both at 1 % false positives unless the setting says 'own threshold'. The test
is by the camera of the training faces unless the column 'minus' names another. A setting's last words say what was
changed: 'size 12.5' is 12.5 % of the images, 'darker 1600' is 1,600 darker faces, 'lighter 50' is half of the faces
lighter."""
MEASURES = {"E[A]": "mean_recall", "Var[A]": "var_recall"}
HEADER = ("deviation", *MEASURES, "seeds", "setting", "minus")


@dataclass(frozen=True)
class Effect:
    """Two settings of an experiment whose difference, setting minus baseline, measures a deviation.

    Attributes:
        own_threshold: take the setting at its own threshold; else both are taken at 1 % false positives.
        test: a further test of the experiment to take both on; else it is their own.
    """

    experiment: str
    setting: str
    baseline: str
    own_threshold: bool = False
    test: str = ""


@dataclass(frozen=True)
class Deviation:
    """One difference.

    Attributes:
        area: the heading it stands under.
        what: what differs, in a few words.
        ours: what we do.
        why: the reason.
        paper: what the paper does; empty where we do the same.
        lab: what the lab does; empty where we do the same.
        effects: what measures it.
    """

    area: str
    what: str
    ours: str
    why: str
    paper: str = ""
    lab: str = ""
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """An effect in numbers.

    Attributes:
        ours: title of the setting.
        theirs: title of what is subtracted from it.
        seeds: how many both have in common.
        differences: measure -> mean difference, with low and high of its 95 % interval.
    """

    ours: str
    theirs: str
    seeds: int
    differences: Mapping[str, Difference]


def read() -> tuple[Deviation, ...]:
    """All deviations, in order; TypeError where an entry has a field that there is not, or lacks one."""
    areas = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return tuple(_deviation(area, **entry) for area, entries in areas.items() for entry in entries)


def render(rows: Mapping[str, pd.DataFrame]) -> str:
    """Markdown: the measured effects in one table, then every deviation with its reason and its effects.

    Args:
        rows: experiment's name -> its committed rows.
    """
    parts, lines, numbers = [], [], itertools.count(1)
    for area, deviations in itertools.groupby(read(), lambda deviation: deviation.area):
        parts.append(f"## {area}")
        for deviation in deviations:
            heading = f"{next(numbers)}. {deviation.what}"
            found = {effect: measure(effect, rows.get(effect.experiment)) for effect in deviation.effects}
            lines += [_line(heading, measured) for measured in found.values() if measured]
            parts.append(_entry(deviation, heading, found))
    overview = [MEASURED, markdown(HEADER, lines)] if lines else []
    return "\n\n".join([INTRODUCTION, *overview, *parts]) + "\n"


def measure(effect: Effect, rows: pd.DataFrame | None) -> Measurement | None:
    """The effect in an experiment's rows, paired by seed; None where fewer than two seeds have both settings."""
    if rows is None:
        return None
    ours, theirs = (rows[rows["setting"] == name] for name in (effect.setting, effect.baseline))
    threshold, at = OWN if effect.own_threshold else FIXED_RATE, f"@{effect.test}" if effect.test else ""
    found = {
        name: difference(ours, theirs, column + threshold + at, column + FIXED_RATE + at)
        for name, column in MEASURES.items()
    }
    if None in found.values():
        return None
    said = (", own threshold", ", 1 % FPR") if effect.own_threshold else ("", "")
    where = f", on {test_name(effect.test)}" if effect.test else ""
    return Measurement(title(ours) + said[0], title(theirs) + said[1] + where, len(common_seeds(ours, theirs)), found)


def _deviation(area: str, effects=(), **texts: str) -> Deviation:
    in_one_line = {name: " ".join(text.split()) for name, text in texts.items()}
    return Deviation(area, effects=tuple(Effect(**effect) for effect in effects), **in_one_line)


def _line(heading: str, measured: Measurement) -> list[str]:
    differences = [interval(found) for found in measured.differences.values()]
    return [heading, *differences, str(measured.seeds), measured.ours, measured.theirs]


def _entry(deviation: Deviation, heading: str, found: Mapping[Effect, Measurement | None]) -> str:
    said = {"Paper": deviation.paper, "Lab": deviation.lab, "Here": deviation.ours, "Why": deviation.why}
    lines = [f"- **{name}:** {text}" for name, text in said.items() if text]
    measured = dict.fromkeys(_sentence(effect, measurement) for effect, measurement in found.items())
    lines += [f"- **Measured:** {sentence}" for sentence in measured or ["no."]]
    return "\n".join([f"### {heading}", "", *lines])


def _sentence(effect: Effect, measured: Measurement | None) -> str:
    if measured is None:
        return f"not yet, `./run_experiments.sh {effect.experiment}` does."
    differences = ", ".join(f"{name} {interval(found)}" for name, found in measured.differences.items())
    return f"{measured.ours}, minus {measured.theirs}: {differences}; {measured.seeds} seeds of `{effect.experiment}`."
