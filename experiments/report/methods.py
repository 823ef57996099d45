"""Who debiases best: a table for each test, differences to the CNN with a random camera, and one figure."""

import pandas as pd
from matplotlib.figure import Figure

from debias.markdown import plain
from experiments.engine.experiment import Experiment
from experiments.methods import ALL
from experiments.report import cameras, tables
from experiments.report.comparisons import FIXED_RATE, seeds_of, told
from experiments.report.figure_data import FigureData
from experiments.report.report import Report

# Before there is a search, all have what their authors publish, and ours what it was made with.
HYPER_PARAMETERS = (
    "Hyper-parameters: of methods_search, "
    f"the best of {len(ALL[0].grid)} points by validation loss; 'chosen by groups': by the worst validation group."
    if any(compared.chosen for compared in ALL)
    else "Hyper-parameters: as published, not searched for these faces; those of our rule were chosen on faces like "
    "these, with other training seeds."
)


def table(experiment: Experiment, rows: pd.DataFrame) -> str:
    """For each test the methods that see no groups, then those that do."""
    head = f"{cameras.caption(rows)} {HYPER_PARAMETERS}"
    return "\n\n".join([head, *cameras.sections(experiment, rows)]) + "\n"


def figures(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, Figure]:
    """The worst group against E[A], an arrow from no camera to a random one for each method."""
    return {experiment.name: cameras.figure(experiment, rows)}


def sentence(experiment: Experiment, rows: pd.DataFrame) -> str:
    """Which methods without group labels beat the CNN with a random camera in the worst group, by test."""
    ends = {f"worst_recall{FIXED_RATE}{end}": name for end, name in cameras.tests_of(rows).items()}
    if not any(cameras.findings(experiment, rows, column) for column in ends):
        return ""
    said = [f"{name}: {_better(experiment, rows, column)}" for column, name in ends.items()]
    return (
        "Worst group at 1 % false positives, in points above the CNN with a random camera, of the methods without "
        f"group labels whose gain is significant over {seeds_of(rows)} (Holm): {'; '.join(said)}."
    )


def _better(experiment, rows, column) -> str:
    found, parts = cameras.findings(experiment, rows, column), tables.by_setting(rows)
    blind = [setting.name for setting in experiment.settings if cameras.labels_of(setting) == "class"]
    better = [name for name in blind if name in found and found[name][1] and found[name][0]["mean"] > 0]
    return ", ".join(f"{plain(tables.title(parts[n]))} {told(found[n])[:-2]}" for n in better) or "none"


REPORT = Report(table=table, figures=figures, sentence=sentence)
