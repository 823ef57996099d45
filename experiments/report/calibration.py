"""Does the embedded benchmark show the paper's bias, and can a method that sees the groups mend it?"""

from dataclasses import dataclass

import pandas as pd

from debias.markdown import markdown
from experiments.engine.experiment import Experiment
from experiments.report.report import Report
from experiments.report.tables import by_setting, title

MEASURES = {
    "mean_recall": "E[A]",
    "var_recall": "Var[A]",
    "mean_recall_fpr1": "E[A] at 1 % FPR",
    "var_recall_fpr1": "Var[A] at 1 % FPR",
    "fpr": "FPR",
    "train_loss": "training loss",
}


@dataclass(frozen=True)
class Criterion:
    """What the benchmark has to show, and what it shows."""

    what: str
    low: float
    high: float
    measured: float

    @property
    def met(self) -> bool:
        """Whether the measured value lies within the bounds."""
        return self.low <= self.measured <= self.high


def criteria(rows: pd.DataFrame) -> list[Criterion]:
    """The benchmark's design goals against the rows; means over seeds."""
    mean = rows.groupby("setting")[["mean_recall", "var_recall", "var_recall_fpr1"]].mean()
    cuts = 100 * (1 - mean.loc["oracle"] / mean.loc["cnn"])
    return [
        Criterion("CNN, E[A] in %", 94.0, 96.5, mean.loc["cnn", "mean_recall"]),
        Criterion("CNN, Var[A] in %²", 22.0, 36.0, mean.loc["cnn", "var_recall"]),
        Criterion("oracle cuts Var[A] by, in %", 65.0, 100.0, cuts["var_recall"]),
        Criterion("oracle cuts Var[A] at 1 % FPR by, in %", 50.0, 100.0, cuts["var_recall_fpr1"]),
        Criterion("balanced training, CNN, Var[A] in %²", 0.0, 1.0, mean.loc["balanced-cnn", "var_recall"]),
    ]


def table(experiment: Experiment, rows: pd.DataFrame) -> str:
    """Markdown: the criteria, then the means over seeds behind them."""
    lines = [
        [title(part), str(len(part)), *(_with_deviation(part[name]) for name in MEASURES)]
        for part in by_setting(rows).values()
    ]
    means = markdown(["setting", "seeds", *MEASURES.values()], lines)
    return f"{_goals(rows)}\n\nMean ± standard deviation over training seeds:\n\n{means}\n"


def sentence(experiment: Experiment, rows: pd.DataFrame) -> str:
    """How many goals are met."""
    met = [goal.met for goal in criteria(rows)]
    return f"{sum(met)} of {len(met)} design goals of the benchmark are met."


def _with_deviation(values: pd.Series) -> str:
    return f"{values.mean():.2f}" + (f" ± {values.std():.2f}" if len(values) > 1 else "")


def _goals(rows: pd.DataFrame) -> str:
    goals = criteria(rows)
    lines = [[c.what, f"{c.low:g} to {c.high:g}", f"{c.measured:.1f}", "yes" if c.met else "no"] for c in goals]
    return markdown(["criterion", "wanted", "measured", "met"], lines)


REPORT = Report(table=table, sentence=sentence, needs=("cnn", "oracle", "balanced-cnn"))
