"""The ablation of length: beside what more passes change, what each method is worth after so many of them."""

import pandas as pd

from experiments.ablation import Ablation
from experiments.report import ablation, tables
from experiments.report.comparisons import ABOUT, significant, told
from experiments.report.report import Report

# Methods, the second subtracted from the first; and of those that the sentence tells of, what the first is called.
COMPARED = (("dbvae-max", "cnn"), ("dbvae-max", "vae"), ("neighbours", "cnn"), ("oracle", "cnn"))
SAID = {
    ("dbvae-max", "cnn"): "DB-VAE (max rule)",
    ("neighbours", "cnn"): "our rule",
    ("oracle", "cnn"): "resampling by group labels",
}


def table(experiment: Ablation, rows: pd.DataFrame) -> str:
    """That of an ablation, then every method minus another one that was trained as long."""
    columns = [f"{measure}{ablation.ending(experiment)}" for measure in tables.NAMES]
    header = ["setting", "minus", *(f"Δ{name}, 1 % FPR" for name in tables.NAMES.values())]
    lines = tables.difference_lines(_pairs(experiment, rows), columns)
    worth = tables.Section(f"After as many passes, on {ablation.tested_on(experiment)}. {ABOUT}", header, lines)
    return f"{ablation.table(experiment, rows)}\n{worth.markdown()}\n"


def sentence(experiment: Ablation, rows: pd.DataFrame) -> str:
    """What each method is worth to the worst group, by passes; what these change where there is nothing to compare."""
    found = significant(_pairs(experiment, rows), f"worst_recall{ablation.ending(experiment)}")
    worth = {
        name: [f"{told(each)} after {passes}" for (*pair, passes), each in found.items() if tuple(pair) == compared]
        for compared, name in SAID.items()
    }
    listed = "; ".join(f"{name} {', '.join(said)} passes" for name, said in worth.items() if said)
    if not listed:
        return ablation.sentence(experiment, rows)
    return (
        f"Worst group on {ablation.tested_on(experiment)}, at 1 % false positives, in points above the CNN that is "
        f"trained as long (95 % intervals; * significant by Holm's correction, else n.s.): {listed}."
    )


def _pairs(experiment, rows) -> dict[tuple[str, str, int], tables.Pair]:
    """Methods and passes -> the rows of both, of those lengths at which both have some."""
    parts = tables.by_setting(rows)
    at = {(p.setting.method, p.x): parts[p.setting.name] for p in experiment.points if p.setting.name in parts}
    lengths = sorted({passes for _, passes in at})
    return {
        (ours, theirs, passes): (at[ours, passes], at[theirs, passes])
        for ours, theirs in COMPARED
        for passes in lengths
        if {(ours, passes), (theirs, passes)} <= set(at)
    }


REPORT = Report(table=table, figures=ablation.figures, sentence=sentence)
