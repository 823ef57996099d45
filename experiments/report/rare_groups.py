"""A rare group that is told by something else than skin tone: what each way to draw changes for the worst group."""

import pandas as pd
from matplotlib.figure import Figure

from experiments.engine.experiment import Experiment
from experiments.report import cameras, effects, gap, quick, transfer
from experiments.report.comparisons import FIXED_RATE, difference
from experiments.report.figure_data import FigureData
from experiments.report.report import Report
from experiments.report.tables import by_setting

ASKED = {  # setting -> what it stands for in the sentence
    "vae": "DB-VAE's network alone, drawing evenly,",
    "max": "resampling by DB-VAE's max rule",
    "neighbours": "our rule",
    "oracle": "resampling by group labels",
    "balanced": "a balanced training set of the same size",
}


def table(experiment: Experiment, rows: pd.DataFrame) -> str:
    """The usual table, with all tests where there are several; then what changes, the gap closed and what is drawn."""
    further = [f"{transfer.recalls(rows, effects.hardest(rows))}\n"] if experiment.tests else []
    return "\n".join([quick.table(experiment, rows), *further, *transfer.texts(experiment, rows, {}).values()])


def figures(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, Figure]:
    """Each setting on the last test."""
    return {experiment.name: cameras.points(rows, effects.hardest(rows))}


def sentence(experiment: Experiment, rows: pd.DataFrame) -> str:
    """What each way to draw changes, what of it is the max rule's own, and which part of the oracle's gain is ours."""
    said = effects.sentence(rows, ASKED, of="worst group")
    return " ".join(filter(None, [said, _rule_alone(rows), _share(rows)])) if said else ""


def _rule_alone(rows) -> str:
    """What the max rule changes of the network that it is used with: the rest of its gain is the autoencoder's."""
    parts, column = by_setting(rows), f"worst_recall{FIXED_RATE}{effects.hardest(rows)}"
    found = difference(parts["max"], parts["vae"], column) if {"max", "vae"} <= set(parts) else None
    if found is None:
        return ""
    changed = "Of the same network, drawing by the max rule changes it by {mean:+.1f} [{low:+.1f}, {high:+.1f}]."
    return changed.format(**found)


def _share(rows) -> str:
    """Of the worst group on the last test."""
    found = gap.closed(rows).get("neighbours", {}).get(f"gap_closed_worst{effects.hardest(rows)}")
    if found is None:
        return "Whether labels gain anything is not clear, so no share of it is told."
    return "Of what labels gain there, our rule gains {mean:.0f} % [{low:.0f}, {high:.0f}].".format(**found)


REPORT = Report(table=table, figures=figures, texts=transfer.texts, summary=transfer.summary, sentence=sentence)
