"""Settings without and with a random camera in training: a table and a figure of each test, differences to the CNN.

Differences are to the CNN with a random camera on the imbalanced training faces. Which settings have a camera, and
which training faces are balanced by their groups, is read from the settings.
"""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from baselines import METHODS
from debias import plots
from debias.markdown import markdown
from experiments.engine.experiment import Experiment, Setting
from experiments.report import tables
from experiments.report.comparisons import (
    ABOUT,
    FIXED_RATE,
    Finding,
    common_seeds,
    paired,
    seeds_of,
    significant,
    told,
)
from experiments.report.tables import tests_of
from experiments.settings import EVEN

BLOCKS = {"class": "without group labels", "group": "with group labels: bounds"}
NAMES = {"mean_recall": "E[A] %", "var_recall": "Var[A] %²", "worst_recall": "worst %"}


def has_camera(setting: Setting) -> bool:
    """Whether a random camera changes its training images."""
    return setting.changes.get("augment", 0) > 0


def labels_of(setting: Setting) -> str:
    """'class' or 'group': the labels that it was trained by; to balance the training faces takes their groups."""
    return "group" if setting.draw == EVEN else METHODS[setting.method].labels


def baseline(experiment: Experiment, camera: bool = True) -> str:
    """Name of the CNN on the imbalanced faces, with or without a random camera; empty for none."""
    fits = (s.method == "cnn" and s.draw != EVEN and has_camera(s) == camera for s in experiment.settings)
    return next((s.name for s, found in zip(experiment.settings, fits, strict=True) if found), "")


def caption(rows: pd.DataFrame) -> str:
    """What the numbers of `sections` are."""
    return (
        f"At 1 % false positives, fixed on validation negatives; mean over {seeds_of(rows)} ± "
        f"standard error. Δ: to the CNN with a random camera. {ABOUT} FPR: what part of the test's own negatives "
        "passes. time: seconds as a multiple of those of the CNN with the same camera and seed."
    )


def sections(experiment: Experiment, rows: pd.DataFrame) -> list[str]:
    """For each test a table in Markdown: settings that see no groups, then those that do."""
    return [_of_test(experiment, rows, end, name) for end, name in tests_of(rows).items()]


def findings(experiment: Experiment, rows: pd.DataFrame, column: str, camera: bool = True) -> dict[str, Finding]:
    """Setting with a random camera -> its difference to the CNN with one, and whether that is significant.

    Args:
        camera: False takes settings without a random camera instead, and the CNN without one.
    """
    parts = _parts(rows, [setting for setting in experiment.settings if has_camera(setting) == camera])
    theirs = parts.pop(baseline(experiment, camera), rows[:0])
    return significant({name: (part, theirs) for name, part in parts.items()}, column)


def gains(experiment: Experiment, rows: pd.DataFrame, column: str) -> dict[str, Finding]:
    """Setting with a random camera -> its difference to the same without one, and whether that is significant."""
    parts = _parts(rows, experiment.settings)
    seeing = [setting for setting in experiment.settings if has_camera(setting) and setting.name in parts]
    starts = {setting.name: without_camera(experiment, setting) for setting in seeing}
    pairs = {name: (parts[name], parts[start.name]) for name, start in starts.items() if start and start.name in parts}
    return significant(pairs, column)


def points(rows: pd.DataFrame, end: str) -> Figure:
    """E[A], the worst group's recall and Var[A] on one test: seeds, means and intervals of each setting.

    Args:
        end: what the test's columns end in, see `tests_of`.
    """
    here = pd.DataFrame({"setting": rows["title"], **{name: rows[f"{name}{FIXED_RATE}{end}"] for name in NAMES}})
    panels = {"mean_recall": "E[A] in %", "worst_recall": "worst group in %", "var_recall": "Var[A] in %²"}
    note = (
        f"{tests_of(rows)[end]}, 1 % false positives; {plots.POINTS_NOTE}\n"
        "each setting by itself: which differ is told by the table of paired differences, whose intervals are others"
    )
    return plots.named_points(here, "setting", panels, note=note)


def figure(experiment: Experiment, rows: pd.DataFrame, tests: Mapping[str, str] | None = None) -> Figure | None:
    """The worst group of every setting with a random camera, beside the same without one and the CNN with one.

    None before such a setting has rows.

    Args:
        tests: what a test's columns end in -> its name; all that the rows have, if it is left out.
    """
    tests = tests or tests_of(rows)
    found = _parts(rows, [setting for setting in experiment.settings if has_camera(setting)])
    if not found:
        return None
    levels = _levels(experiment, rows, tests)
    columns = {f"Δ to the CNN,\n{name}": f"worst_recall{FIXED_RATE}{end}" for end, name in tests.items()}
    theirs = found.get(baseline(experiment), rows[:0])
    changes = pd.concat(_changes(part, theirs, columns) for part in found.values())
    ring = "ring: without a random camera, dot: with one" if levels["before"].notna().any() else "with a random camera"
    note = (
        f"worst group at 1 % false positives, {seeds_of(pd.concat(found.values()))}; {ring}\n"
        f"Δ: with a random camera, to the CNN with one, in points; {plots.POINTS_NOTE}"
    )
    return plots.compared(levels, changes, note)


def method_of(part: pd.DataFrame) -> str:
    """The title of a setting with a random camera, without these words."""
    return tables.title(part).removesuffix(", random camera")


def _parts(rows, settings: Sequence[Setting]) -> dict[str, pd.DataFrame]:
    """Name -> rows, of those settings that have some."""
    found = tables.by_setting(rows)
    return {setting.name: found[setting.name] for setting in settings if setting.name in found}


def without_camera(experiment, having: Setting) -> Setting | None:
    """The setting that is the same but for the camera."""
    blind = (setting for setting in experiment.settings if not has_camera(setting))
    return next((setting for setting in blind if _but_camera(setting) == _but_camera(having)), None)


def _but_camera(setting) -> tuple:
    changes = {name: value for name, value in setting.changes.items() if name != "augment"}
    return setting.method, setting.draw, setting.arguments, changes


def _of_test(experiment, rows, end, name) -> str:
    found = [findings(experiment, rows, f"{measure}{FIXED_RATE}{end}") for measure in NAMES]
    cnns = {seen: rows[rows["setting"] == baseline(experiment, seen)] for seen in (False, True)}
    parts, lines = _parts(rows, experiment.settings), []
    for labels, heading in BLOCKS.items():
        shown = [s for s in experiment.settings if s.name in parts and labels_of(s) == labels]
        lines += [[heading, *[""] * 9]] if shown else []
        lines += [
            _line(cnns[has_camera(s)], parts[s.name], end, [told(each.get(s.name)) for each in found]) for s in shown
        ]
    header = ["method", *NAMES.values(), "FPR %", "AUROC", "time", *(f"Δ{title}" for title in NAMES.values())]
    return f"**{name}**\n\n{markdown(header, lines)}"


def _line(cnn, part, end, differences) -> list[str]:
    moments = [tables.with_error(part[f"{measure}{FIXED_RATE}{end}"]) for measure in NAMES]
    rates = f"{part[f'fpr{FIXED_RATE}{end}'].mean():.2f}", f"{part[f'auroc{end}'].mean():.4f}"
    return [tables.title(part), *moments, *rates, _time(cnn, part), *differences]


def _time(cnn, part) -> str:
    """Mean of the ratios to the CNN's seconds, of common seeds."""
    seeds = common_seeds(part, cnn)
    ours, theirs = (each.set_index("seed").loc[seeds, "seconds"] for each in (part, cnn))
    return f"{(ours / theirs).mean():.1f}" if seeds else "-"


def _levels(experiment, rows, tests: Mapping[str, str]) -> pd.DataFrame:
    """The lines of `plots.compared`, of the last test: who sees no groups first, and who is best.

    Means without a random camera, NaN where that was not trained, and with one.
    """
    *_, (end, where) = tests.items()
    parts, column, lines = _parts(rows, experiment.settings), f"worst_recall{FIXED_RATE}{end}", []
    means = {name: part[column].mean() for name, part in parts.items()}
    for setting in (setting for setting in experiment.settings if has_camera(setting) and setting.name in parts):
        without = without_camera(experiment, setting)
        before = means.get(without.name, math.nan) if without else math.nan
        shown = {"name": method_of(parts[setting.name]), "kind": BLOCKS[labels_of(setting)]}
        lines.append({**shown, "before": before, f"in %,\n{where}": means[setting.name]})
    levels = pd.DataFrame(lines).sort_values(f"in %,\n{where}", ascending=False, kind="stable")
    return pd.concat(levels[levels["kind"] == kind] for kind in BLOCKS.values())


def _changes(part, theirs, columns: Mapping[str, str]) -> pd.DataFrame:
    """A row a seed: panel -> difference to the CNN; none of the CNN itself."""
    ours = part[:0] if part["setting"].iloc[0] in set(theirs["setting"]) else part
    differences = {panel: paired(ours, theirs, column) for panel, column in columns.items()}
    return pd.DataFrame({"name": method_of(part), **differences})
