"""Does the embedded benchmark show the paper's bias, and can a method that sees the groups mend it?

    ./run_experiments.sh calibration

Ten training seeds, none of which is reported elsewhere, of the CNN and of the oracle, also on a benchmark of other
people, and of the CNN on a balanced benchmark. No debiasing method takes part in it.

The settings were chosen by looking at some of these seeds: the table describes the benchmark, it does not confirm it.
"""

import dataclasses

import pandas as pd

from experiments import tables
from experiments.common import FACES
from experiments.experiment import Experiment, Setting
from experiments.tables import markdown

SEEDS = tuple(range(100, 110))
MEASURES = {
    "mean_recall": "E[A]",
    "var_recall": "Var[A]",
    "mean_recall_fpr1": "E[A] at 1 % FPR",
    "var_recall_fpr1": "Var[A] at 1 % FPR",
    "fpr": "FPR",
    "train_loss": "training loss",
}
SETTINGS = (
    Setting("cnn", "cnn"),
    Setting("oracle", "oracle"),
    Setting("other-cnn", "cnn", data="parliament-other", title="CNN, other people"),
    Setting("other-oracle", "oracle", data="parliament-other", title="Oracle, other people"),
    Setting("balanced-cnn", "cnn", data="parliament-balanced", title="CNN, balanced groups"),
)


@dataclasses.dataclass(frozen=True)
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


def table(rows: pd.DataFrame) -> str:
    """Markdown: the criteria, then the means over seeds behind them."""
    parts = [part for _, part in rows.groupby("setting", sort=False)]
    lines = [[tables.title(part), str(len(part)), *(_mean_sd(part[name]) for name in MEASURES)] for part in parts]
    means = markdown(["setting", "seeds", *MEASURES.values()], lines)
    return f"{_goals(rows)}\n\nMean ± standard deviation over training seeds:\n\n{means}\n"


def text(rows: pd.DataFrame) -> str:
    """Which goals are met."""
    met = [goal.met for goal in criteria(rows)]
    return f"{sum(met)} of {len(met)} design goals of the benchmark are met."


def _goals(rows: pd.DataFrame) -> str:
    goals = criteria(rows)
    lines = [[c.what, f"{c.low:g} to {c.high:g}", f"{c.measured:.1f}", "yes" if c.met else "no"] for c in goals]
    return markdown(["criterion", "wanted", "measured", "met"], lines)


def _mean_sd(values: pd.Series) -> str:
    return f"{values.mean():.2f} ± {values.std():.2f}"


EXPERIMENT = Experiment(
    "calibration",
    "The benchmark shows the paper's bias",
    SETTINGS,
    SEEDS,
    FACES,
    "parliament",
    table=table,
    text=text,
    minutes=15,
)
