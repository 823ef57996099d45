"""What every ablation's rows become: a table with differences, one figure, and which differences are clear."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.data.names import label
from debias.markdown import plain
from experiments.ablation import Ablation
from experiments.report import tables
from experiments.report.comparisons import CHANGES, FIXED_RATE, interval, seeds_of, significant
from experiments.report.figure_data import FigureData
from experiments.report.report import Report

MEASURES = {"mean_recall": "E[A] in %", "var_recall": "Var[A] in %²"}  # of its figure


def table(experiment: Ablation, rows: pd.DataFrame) -> str:
    """The usual table, and each setting's difference to what it is compared with."""
    sections = [tables.difference_section(rows, compared(experiment), _at(experiment))]
    if experiment.tests:
        sections = [tables.further_section(rows), *sections, tables.loss_section(rows, compared(experiment))]
    return tables.as_markdown(rows, sections)


def figures(
    experiment: Ablation, rows: pd.DataFrame, data: FigureData, measures: Mapping[str, str] = MEASURES
) -> dict[str, Figure]:
    """`measures` at 1 % FPR, the rare groups' mass and the ESS, a line for each `Point.line`."""
    rows = rows.assign(rare=tables.rare_mass(experiment, rows))
    x, points, baseline = experiment.x, experiment.points, experiment.baseline
    if not {point.setting.name for point in points} & set(rows["setting"]):
        return {}  # of the baseline alone
    placed = pd.concat(rows[rows["setting"] == p.setting.name].assign(**{x: p.x, "line": p.line}) for p in points)
    across = {baseline.title: rows[rows["setting"] == baseline.name]} if baseline else {}
    panels, about = _panels(experiment, measures), f"{tested_on(experiment)}, 1 % FPR, {seeds_of(rows)}"
    return {experiment.name: plots.setting_points(placed, x, panels, "line", experiment.log, across, about)}


def sentence(experiment: Ablation, rows: pd.DataFrame) -> str:
    """Which settings differ from what they are compared with at 1 % FPR by more than chance, over paired seeds."""
    parts = tables.by_setting(rows)
    pairs = tables.pairs_of(rows, compared(experiment))
    alive = [name for name in pairs if parts[name]["mean_recall"].mean() >= plots.COLLAPSED]
    fallen = [plain(tables.title(parts[name])) for name in pairs if name not in alive]
    clear = _clear(pairs, ending(experiment))  # corrected for as many as in the table
    told = [f"{_titles(experiment, parts, name)}: {clear[name]}" for name in alive if clear[name]]
    said = f"significant by Holm's correction are {'; '.join(told)}" if told else "no difference is significant (Holm)"
    collapsed = f" Collapsed (E[A] below {plots.COLLAPSED} % at threshold 0.5): {'; '.join(fallen)}." if fallen else ""
    return f"On {tested_on(experiment)}, at 1 % false positives, over {seeds_of(rows)}: {said}.{collapsed}"


def tested_on(experiment: Ablation) -> str:
    """What people call the test that the ablation tells of."""
    return tables.test_name(label(experiment.tests[0])) if experiment.tests else "their own test"


def ending(experiment: Ablation) -> str:
    """What columns end in that the ablation tells of: at 1 % false positives, on its further test if there is one."""
    return FIXED_RATE + _at(experiment)


def compared(experiment: Ablation) -> dict[str, str]:
    """Name of a setting -> name of what it is compared with."""
    return {p.setting.name: p.against for p in experiment.points if p.against != p.setting.name}


def _titles(experiment: Ablation, parts: Mapping[str, pd.DataFrame], name: str) -> str:
    """A setting's title, and that of what it is compared with."""
    return " minus ".join(plain(tables.title(parts[each])) for each in (name, compared(experiment)[name]))


def _panels(experiment: Ablation, measures: Mapping[str, str]) -> Mapping[str, str]:
    return {
        **{f"{measure}{ending(experiment)}": title for measure, title in measures.items()},
        **({"validation_loss": "validation loss in nats"} if experiment.tests else {}),
        **({"rare": f"{tables.rare_faces(experiment)}' share of the mass, %"} if experiment.rare else {}),
        "ess": "ESS in faces",
    }


def _at(experiment: Ablation) -> str:
    """What columns of the test end in that the ablation tells of."""
    return f"@{label(experiment.tests[0])}" if experiment.tests else ""


def _clear(pairs: Mapping[str, tables.Pair], at: str) -> dict[str, str]:
    """Setting -> its significant differences, in words; empty where there are none."""
    found = {change: significant(pairs, measure + at) for measure, change in CHANGES.items()}
    clear = {
        name: [
            f"{change} {interval(each[name][0])}" for change, each in found.items() if name in each and each[name][1]
        ]
        for name in pairs
    }
    return {name: ", ".join(said) for name, said in clear.items()}


REPORT = Report(table=table, figures=figures, sentence=sentence)
