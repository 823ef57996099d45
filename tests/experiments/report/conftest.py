"""Rows whose numbers can be checked by eye, without a model behind them."""

import json

import pandas as pd
import pytest

from debias.config import Config
from experiments.engine.experiment import Experiment, Setting

GROUPS = ("left", "right")
ENDINGS = ("", "_fpr1", "_t0.3", "_t0.5", "_f0.5", "_f2")


def row_of(run, mean: float) -> dict:
    """One row: the groups' recalls are two points below and above `mean`, Var[A] is 100 - mean."""
    row = {"id": run.id, "setting": run.setting.name, "title": run.setting.title, "method": run.setting.method}
    row |= {"seed": run.config.seed, "config": json.dumps(run.settings())}
    for ending in ENDINGS:
        row |= {f"mean_recall{ending}": mean, f"var_recall{ending}": 100 - mean, f"worst_recall{ending}": mean - 2}
        row |= {f"gap{ending}": 4.0, f"fpr{ending}": 1.25, f"precision{ending}": 97.0}
        row |= {f"recall{ending} {group}": mean + 4 * place - 2 for place, group in enumerate(GROUPS)}
    row |= {"var_recall_population": 0.75 * (100 - mean), "mass left": 98.0, "mass right": 2.0}
    row |= {"ess": 1234.0, "train_loss": 0.125, "auroc": 0.99, "ece": 0.02, "seconds": 900.0, "threads": 1}
    origin = {"data": "squares", "data_digest": "d", "training_digest": "t"}
    return row | origin | {"commit": "abc", "versions": "numpy 2", "host": "Linux, 2 cores"}


@pytest.fixture(scope="session")
def spread():
    """A seed, or seeds -> a factor that is one but for ten-millionths."""
    return lambda seed: 1 + 1e-7 * seed


@pytest.fixture(scope="session")
def rows_of(spread):
    """Experiment -> its rows; E[A] is 90 plus the seed plus twice the number of the setting.

    Differences between settings are apart by ten-millionths from seed to seed: without any spread there is no t-test.
    """

    def make(experiment: Experiment) -> pd.DataFrame:
        number = {setting.name: place for place, setting in enumerate(experiment.settings)}
        runs = experiment.runs()
        recall = {
            run.id: 90.0 + run.config.seed + 2 * number[run.setting.name] * spread(run.config.seed) for run in runs
        }
        return pd.DataFrame([row_of(run, recall[run.id]) for run in runs])

    return make


@pytest.fixture(scope="session")
def experiment():
    """Two methods, three seeds."""
    settings = (Setting("cnn", "cnn"), Setting("oracle", "oracle"))
    return Experiment("test", "Test", settings, (0, 1, 2), Config(), "x")


@pytest.fixture
def rows(experiment, rows_of):
    return rows_of(experiment)


@pytest.fixture(scope="session")
def cells():
    """Markdown -> the cells of each line of its tables but for rules, or of those that begin with `first`."""

    def read(text: str, first: str = "") -> list[list[str]]:
        lines = [line for line in text.splitlines() if line.startswith(f"| {first}") and not line.startswith("| :-")]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]

    return read
