"""A rare group that is told by something else than skin tone: what each way to draw changes for the worst group."""

import pandas as pd
from matplotlib.figure import Figure

from experiments.engine.experiment import Experiment
from experiments.report import cameras, effects, gap, quick, transfer
from experiments.report.comparisons import FIXED_RATE
from experiments.report.figure_data import FigureData
from experiments.report.report import Report

ASKED = {  # setting -> what it stands for in the sentence
    "vae": "DB-VAE's network, drawing evenly,",
    "max": "DB-VAE with its max rule",
    "jtt": "JTT",
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
    """What each way to draw changes, and which part of the oracle's gain is ours."""
    said = effects.sentence(rows, ASKED, of="worst group")
    return f"{said} {_share(rows)}".strip() if said else ""


def _share(rows) -> str:
    """Of the worst group on the last test, where labels gain something there; empty without our rule."""
    at = effects.hardest(rows)
    labels = effects.changed(rows, f"worst_recall{FIXED_RATE}{at}").get("oracle")
    found = gap.closed(rows).get("neighbours", {}).get(f"gap_closed_worst{at}")
    if labels is None or not labels[1] or labels[0]["mean"] < 0:
        return "Whether labels gain anything is not clear, so no share of it is told."
    if found is None:
        return ""
    if found["mean"] < 0:
        return "Our rule loses {:.0f} % [{:.0f}, {:.0f}] of what labels gain there (bootstrap interval).".format(
            *(-found[each] for each in ("mean", "high", "low"))
        )
    return (
        "Of what labels gain there, our rule gains {mean:.0f} % [{low:.0f}, {high:.0f}] (bootstrap interval).".format(
            **found
        )
    )


REPORT = Report(table=table, figures=figures, texts=transfer.texts, summary=transfer.summary, sentence=sentence)
