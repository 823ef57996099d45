"""The benchmark's criteria, computed from rows whose answer is known."""

import pandas as pd
import pytest

from experiments.report import calibration


def row(setting, seed, var, var_fpr1):
    measures = dict.fromkeys(calibration.MEASURES, 1.0) | {"mean_recall": 95.0, "var_recall": var}
    return {"setting": setting, "title": setting, "seed": seed, **measures, "var_recall_fpr1": var_fpr1}


@pytest.fixture
def rows() -> pd.DataFrame:
    biased = [row("cnn", seed, var, 20.0) for seed, var in enumerate((20.0, 40.0))]
    oracle = [row("oracle", seed, 6.0, 12.0) for seed in range(2)]
    others = [row(name, 0, 50.0, 50.0) for name in ("other-cnn", "other-oracle")]  # must not enter the criteria
    return pd.DataFrame([*biased, *others, *oracle, *(row("balanced-cnn", seed, 0.5, 0.5) for seed in range(2))])


def test_criteria_compare_means_over_seeds(rows):
    measured = {criterion.what: (criterion.measured, criterion.met) for criterion in calibration.criteria(rows)}
    values = list(measured.values())
    assert values[0] == (95.0, True)
    assert values[1] == (30.0, True)
    assert values[2] == (pytest.approx(80.0), True)  # 30 -> 6
    assert values[3] == (pytest.approx(40.0), False)  # 20 -> 12, less than the half that is wanted
    assert values[4] == (0.5, True)


def test_the_table_says_what_is_not_met(rows, cells):
    assert [line[-1] for line in cells(calibration.table(None, rows)) if "1 % FPR by" in line[0]] == ["no"]


def test_the_sentence_counts_the_goals_met(rows):
    assert calibration.sentence(None, rows).startswith("4 of 5")
