"""What an ablation's rows become, with the rows of a small one."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from debias.config import Config
from experiments.ablation import Ablation, Point
from experiments.engine.experiment import Setting
from experiments.report import ablation, threshold
from experiments.report.registry import report_of

CNN, MAX = Setting("cnn", "cnn"), Setting("max", "dbvae-max", title="max")
STRONG = dataclasses.replace(MAX, name="strong", title="strong")
EXPERIMENT = Ablation(
    "small",
    "Small",
    (CNN, MAX, STRONG),
    (0, 1, 2),
    Config(),
    "x",
    rare=("right",),
    points=(Point(MAX, 1.0, "line", "max"), Point(STRONG, 2.0, "line", "max")),
    x="alpha",
    baseline=CNN,
)


@pytest.fixture
def rows(rows_of):
    return rows_of(EXPERIMENT)


def test_it_has_the_report_of_ablations_on_whatever_data():
    assert report_of(EXPERIMENT) is report_of(dataclasses.replace(EXPERIMENT, data="digits"))
    assert report_of(EXPERIMENT) is ablation.REPORT


def test_differences_are_to_what_each_setting_is_compared_with(rows, cells):
    assert cells(ablation.table(EXPERIMENT, rows))[-1][:3] == ["strong", "max", "+2.0 [+2.0, +2.0] *"]
    assert "strong minus max: ΔE[A] +2.0 [+2.0, +2.0], ΔVar[A] -2.0" in ablation.sentence(EXPERIMENT, rows)


def test_a_sentence_says_which_test_and_what_is_compared_with_which(rows):
    points = (Point(MAX, 1.0, "line", "max"), Point(STRONG, 2.0, "line", "cnn"))
    said = ablation.sentence(dataclasses.replace(EXPERIMENT, points=points), rows)
    assert said.startswith("On their own test, at 1 % false positives, over 3 paired seeds: ")
    assert "strong minus CNN: ΔE[A]" in said


def test_the_figure_has_a_panel_for_the_rare_groups_mass_where_there_are_any(rows):
    panels = ablation.figures(EXPERIMENT, rows, {})["small"].axes
    titles = [axes.get_title(loc="left") for axes in panels]
    mass = titles.index("right' share of the mass, %")
    np.testing.assert_allclose(panels[mass].lines[0].get_ydata(), 2.0)
    nobody = dataclasses.replace(EXPERIMENT, rare=())
    assert len(ablation.figures(nobody, rows, {})["small"].axes) == len(panels) - 1


def test_collapsed_settings_are_named(rows):
    rows.loc[rows["setting"] == "strong", "mean_recall"] = 10.0
    said = ablation.sentence(EXPERIMENT, rows)
    assert "Collapsed (E[A] below 50 % at threshold 0.5): strong." in said and "no difference is significant" in said


def test_collapsed_settings_count_among_the_compared_as_in_the_table(rows):
    """t = 1.75 / .645 * 2 = 5.4 would be significant alone (p = .012), and is not as one of six (.07)."""
    others = [Setting(f"fallen{n}", "cnn", title=f"fallen{n}") for n in range(5)]
    points = (*EXPERIMENT.points, *(Point(each, n, "line", "max") for n, each in enumerate(others, 3)))
    experiment = dataclasses.replace(EXPERIMENT, settings=(MAX, STRONG, *others), points=points)
    part = rows[rows["setting"] == "max"].iloc[0]
    recalls = {"max": [0.0] * 4, "strong": [1.0, 2.0, 2.5, 1.5]} | {each.name: [-9.0, 9, -9, 8] for each in others}
    table = pd.DataFrame(
        {**part, "setting": name, "title": name, "seed": seed, "mean_recall_fpr1": 80 + gain, "var_recall_fpr1": 1.0}
        | {"mean_recall": 10.0 if name.startswith("fallen") else 90.0}
        for name, gains in recalls.items()
        for seed, gain in enumerate(gains)
    )
    assert "no difference is significant" in ablation.sentence(experiment, table)
    few = table[~table["setting"].str.startswith("fallen")]
    assert "strong minus max: ΔE[A] +1.8" in ablation.sentence(experiment, few)


def test_settings_that_other_data_do_not_allow_are_left_out(rows):
    left = rows[rows["setting"] != "max"]  # as the oracle where there are no groups
    assert "strong" not in ablation.sentence(EXPERIMENT, left)
    assert "small" in ablation.figures(EXPERIMENT, left, {}) and "strong" in ablation.table(EXPERIMENT, left)


def test_thresholds_are_those_of_the_columns(rows, cells):
    unfolded = threshold.unfolded(rows.assign(**{"fpr_t0.3": 7.0}))
    assert len(unfolded) == 2 * len(rows) and set(unfolded["threshold"]) == {0.3, 0.5}
    assert (unfolded.loc[unfolded["threshold"] == 0.3, "fpr"] == 7.0).all()
    _, *lines = cells(threshold.table(EXPERIMENT, rows))
    assert len(lines) == 2 * 3 and lines[0][1] == "0.3"
