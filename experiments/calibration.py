"""Does the embedded benchmark show the paper's bias, and can a method that sees the groups mend it?

    python -m experiments calibration

Ten training seeds, none of which is reported elsewhere, of the CNN and of the oracle; five of them on a benchmark of
other people, and of the CNN on a balanced benchmark. No debiasing method takes part in it.

The settings were chosen by looking at some of these seeds: the table describes the benchmark, it does not confirm it.
"""

import dataclasses
import math

import pandas as pd

from debias.data.dataset import Splits
from experiments import quick, tables
from experiments.runner import Run, grid
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
PARTS = {  # data set -> methods, share of the seeds
    "parliament": (("cnn", "oracle"), 1.0),
    "parliament-other": (("cnn", "oracle"), 0.5),
    "parliament-balanced": (("cnn",), 0.5),
}


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


def runs(splits: Splits, seeds: tuple[int, ...] = SEEDS) -> tuple[Run, ...]:
    """The runs on one part of the calibration."""
    methods, share = PARTS[splits.name]
    return grid(f"calibration/{splits.name}", methods, seeds[: math.ceil(share * len(seeds))], quick.FACES)


def criteria(rows: pd.DataFrame) -> list[Criterion]:
    """The benchmark's design goals against the rows; means over seeds."""
    biased, _, balanced = (rows[rows["data"] == name] for name in PARTS)
    mean = biased.groupby("method")[["mean_recall", "var_recall", "var_recall_fpr1"]].mean()
    cuts = 100 * (1 - mean.loc["oracle"] / mean.loc["cnn"])
    return [
        Criterion("CNN, E[A] in %", 94.0, 96.5, mean.loc["cnn", "mean_recall"]),
        Criterion("CNN, Var[A] in %²", 22.0, 36.0, mean.loc["cnn", "var_recall"]),
        Criterion("oracle cuts Var[A] by, in %", 65.0, 100.0, cuts["var_recall"]),
        Criterion("oracle cuts Var[A] at 1 % FPR by, in %", 50.0, 100.0, cuts["var_recall_fpr1"]),
        Criterion("balanced training, CNN, Var[A] in %²", 0.0, 1.0, balanced["var_recall"].mean()),
    ]


def table(rows: pd.DataFrame) -> str:
    """Markdown: the criteria, then the means over seeds behind them."""
    parts = rows.groupby(["data", "method"], sort=False)
    lines = [[*names, str(len(part)), *(_mean_sd(part[name]) for name in MEASURES)] for names, part in parts]
    means = markdown(["data", "method", "seeds", *MEASURES.values()], lines)
    return f"{_goals(rows)}\n\nMean ± standard deviation over training seeds:\n\n{means}\n"


def summary(rows: pd.DataFrame) -> dict:
    """Criteria and, for each part, the moments of every measure."""
    goals = [dataclasses.asdict(criterion) | {"met": bool(criterion.met)} for criterion in criteria(rows)]
    return {"criteria": goals} | {name: tables.summary(part) for name, part in rows.groupby("data", sort=False)}


def _goals(rows: pd.DataFrame) -> str:
    goals = criteria(rows)
    lines = [[c.what, f"{c.low:g} to {c.high:g}", f"{c.measured:.1f}", "yes" if c.met else "no"] for c in goals]
    return markdown(["criterion", "wanted", "measured", "met"], lines)


def _mean_sd(values: pd.Series) -> str:
    return f"{values.mean():.2f} ± {values.std():.2f}"
