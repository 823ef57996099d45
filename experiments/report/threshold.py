"""The ablation of the threshold: every run's rates at each of several, read from columns such as 'fpr_t0.3'."""

import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.markdown import markdown
from experiments.engine.experiment import Experiment
from experiments.report.figure_data import FigureData
from experiments.report.report import Report
from experiments.report.tables import endings, title, with_error

LABELS = {
    "mean_recall": "E[A] in %",
    "var_recall": "Var[A] in %²",
    "worst_recall": "worst group in %",
    "fpr": "FPR in %",
}


def unfolded(rows: pd.DataFrame) -> pd.DataFrame:
    """One line for each run and threshold, with the rates at that threshold."""
    at = [
        rows.assign(threshold=threshold, **{name: rows[name + ending] for name in LABELS})
        for threshold, ending in endings(rows, "t").items()
    ]
    return pd.concat(at, ignore_index=True)


def table(experiment: Experiment, rows: pd.DataFrame) -> str:
    """Markdown: mean ± standard error over seeds, a line for each setting and threshold."""
    lines = [
        [title(part), f"{threshold:g}", *(with_error(part[name]) for name in LABELS)]
        for (_, threshold), part in unfolded(rows).groupby(["setting", "threshold"], sort=False)
    ]
    return markdown(["setting", "threshold", *LABELS.values()], lines) + "\n"


def figures(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, Figure]:
    """The same, drawn."""
    named = {f"{name} at it": label for name, label in LABELS.items()}  # the note on collapse is of the usual threshold
    lines = unfolded(rows).rename(columns=dict(zip(LABELS, named, strict=True)))
    whole = lines.assign(mean_recall=lines["mean_recall_t0.5"])
    return {experiment.name: plots.setting_points(whole, "threshold", named, "title")}


REPORT = Report(table=table, figures=figures)
