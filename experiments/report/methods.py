"""Who debiases best: a table for each test, differences to the CNN with a random camera, and one figure."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from baselines import METHODS
from debias import plots
from debias.markdown import markdown, plain
from experiments.engine.experiment import Experiment
from experiments.methods import ALL
from experiments.report import tables
from experiments.report.comparisons import (
    FIXED_RATE,
    MEASURES,
    Difference,
    common_seeds,
    difference,
    holm,
    interval,
    paired_p,
    seeds_of,
)
from experiments.report.figure_data import FigureData
from experiments.report.report import Report

BASELINE, CNN = "cnn-camera", "cnn-none"
TESTS = {"": "own test", "@camera": "another camera", "@photographs": "photographs"}  # what columns end in
BLOCKS = {"class": "without group labels", "group": "with group labels: bounds"}
NAMES = {"mean_recall": "E[A] %", "var_recall": "Var[A] %²", "worst_recall": "worst %"}
BALANCED = "balanced-camera"  # its draw is made by the groups
LEVEL = 0.05

Finding = tuple[Difference, bool]


def tests_of(rows: pd.DataFrame) -> dict[str, str]:
    """What columns end in -> name, of the tests that the rows have."""
    return {end: name for end, name in TESTS.items() if f"mean_recall{FIXED_RATE}{end}" in rows}


def labels_of(part: pd.DataFrame) -> str:
    """'class' or 'group': what these rows of one setting were trained by."""
    return "group" if part["setting"].iloc[0] == BALANCED else METHODS[part["method"].iloc[0]].labels


def table(experiment: Experiment, rows: pd.DataFrame) -> str:
    """For each test the methods that see no groups, then those that do."""
    parts = [_of_test(rows, end, name) for end, name in tests_of(rows).items()]
    said = (
        f"At 1 % false positives, fixed on validation negatives; mean over {seeds_of(rows)} ± "
        "standard error. Δ: difference to the CNN with a random camera, its 95 % bootstrap interval over seeds, and * "
        "where paired t-tests, corrected by Holm for all differences of a column, leave p < 0.05; else n.s., not "
        "significant. time: seconds as a multiple of the CNN's of the same seed. Hyper-parameters: of methods_search, "
        f"the best of {len(ALL[0].grid)} points by validation loss; 'chosen by groups': by the worst validation group."
    )
    return "\n\n".join([said, *parts]) + "\n"


def findings(rows: pd.DataFrame, column: str) -> dict[str, Finding]:
    """Setting with a random camera -> its difference to the CNN with one, and whether that is significant."""
    parts = {name: part for name, part in tables.by_setting(rows).items() if not name.endswith("-none")}
    theirs = parts.pop(BASELINE, rows[:0])
    found = {name: each for name, part in parts.items() if (each := difference(part, theirs, column))}
    adjusted = holm({name: paired_p(_paired(parts[name], theirs, column)) for name in found})
    return {name: (each, adjusted[name] < LEVEL) for name, each in found.items()}


def told(finding: Finding | None) -> str:
    """'+1.2 [+0.3, +2.0] *', or 'n.s.' for the star; empty for none."""
    if finding is None:
        return ""
    found, significant = finding
    return f"{interval(found).removesuffix(' *')} {'*' if significant else 'n.s.'}"


def figures(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, Figure]:
    """The worst group against E[A], an arrow from no camera to a random one for each method."""
    ends = tests_of(rows)
    arrows = [_arrow(rows, each.method, end, name) for each in ALL for end, name in ends.items()]
    return {experiment.name: plots.arrows(pd.DataFrame([arrow for arrow in arrows if arrow]))}


def sentence(experiment: Experiment, rows: pd.DataFrame) -> str:
    """Which methods without group labels beat the CNN with a random camera in the worst group, by test."""
    if not findings(rows, f"worst_recall{FIXED_RATE}"):
        return ""
    said = [f"{name}: {_better(rows, f'worst_recall{FIXED_RATE}{end}')}" for end, name in tests_of(rows).items()]
    return (
        "Worst group at 1 % false positives, in points above the CNN with a random camera, of the methods without "
        f"group labels whose gain is significant over {seeds_of(rows)} (Holm): {'; '.join(said)}."
    )


def _better(rows, column) -> str:
    found = findings(rows, column)
    parts = {name: part for name, part in tables.by_setting(rows).items() if labels_of(part) == "class"}
    better = [name for name in parts if name in found and found[name][1] and found[name][0]["mean"] > 0]
    return ", ".join(f"{plain(tables.title(parts[name]))} {told(found[name])[:-2]}" for name in better) or "none"


def _of_test(rows, end, name) -> str:
    found = [findings(rows, f"{measure}{FIXED_RATE}{end}") for measure in MEASURES]
    lines = []
    for labels, heading in BLOCKS.items():
        parts = {n: part for n, part in tables.by_setting(rows).items() if labels_of(part) == labels}
        if parts:
            lines.append([heading, *[""] * 8])
        lines += [_line(rows, part, end, [told(each.get(n)) for each in found]) for n, part in parts.items()]
    header = ["method", *NAMES.values(), "AUROC", "time", *(f"Δ{title}" for title in NAMES.values())]
    return f"**{name}**\n\n{markdown(header, lines)}"


def _line(rows, part, end, differences) -> list[str]:
    moments = [tables.with_error(part[f"{measure}{FIXED_RATE}{end}"]) for measure in MEASURES]
    return [tables.title(part), *moments, f"{part[f'auroc{end}'].mean():.4f}", _time(rows, part), *differences]


def _time(rows, part) -> str:
    """Mean of the ratios to the CNN's seconds, of common seeds."""
    cnn = rows[rows["setting"] == CNN]
    seeds = common_seeds(part, cnn)
    ours, theirs = (each.set_index("seed").loc[seeds, "seconds"] for each in (part, cnn))
    return f"{(ours / theirs).mean():.1f}" if seeds else "-"


def _paired(ours, theirs, column) -> np.ndarray:
    seeds = common_seeds(ours, theirs)
    ours, theirs = (each.set_index("seed").loc[seeds, column] for each in (ours, theirs))
    return (ours - theirs).to_numpy()


def _arrow(rows, name, end, test) -> Mapping | None:
    """A line for `plots.arrows`; None without rows of both ends."""
    ends = [rows[rows["setting"] == f"{name}-{camera}"] for camera in ("none", "camera")]
    if not all(map(len, ends)):
        return None
    measures = {"x": f"mean_recall{FIXED_RATE}{end}", "y": f"worst_recall{FIXED_RATE}{end}"}
    places = {f"{axis}{i}": part[column].mean() for i, part in enumerate(ends) for axis, column in measures.items()}
    return {"name": METHODS[name].title, "panel": test, "kind": BLOCKS[METHODS[name].labels], **places}


REPORT = Report(table=table, figures=figures, sentence=sentence)
