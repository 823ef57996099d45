"""Paired differences, in numbers and in words."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, ttest_rel

from experiments.report.comparisons import (
    changes,
    difference,
    holm,
    interval,
    paired_p,
    significant,
    told,
)


def part(setting: str, values: dict[int, float]) -> pd.DataFrame:
    """Rows by seed whose E[A] are the values, Var[A] ten times as much; at 1 % false positives one less."""
    rows = pd.DataFrame(
        {"setting": setting, "title": setting.upper(), "seed": list(values), "mean_recall": values.values()}
    )
    rows = rows.assign(var_recall=10 * rows["mean_recall"], worst_recall=0.0)
    return rows.assign(**{f"{name}_fpr1": rows[name] - 1 for name in ("mean_recall", "var_recall", "worst_recall")})


OURS, THEIRS = part("ours", {3: 7.0, 1: 5.0, 9: 0.0}), part("cnn", {1: 3.0, 2: 100.0, 3: 5.0})


def test_only_common_seeds_count_in_whatever_order():
    assert difference(OURS, THEIRS, "mean_recall") == pytest.approx({"mean": 2, "low": 2, "high": 2})
    assert difference(OURS, THEIRS, "mean_recall") == difference(OURS[::-1], THEIRS[::-1], "mean_recall")
    assert difference(OURS, THEIRS, "var_recall_fpr1")["mean"] == pytest.approx(20)


def test_columns_may_differ():
    assert difference(OURS, THEIRS, "mean_recall", "mean_recall_fpr1")["mean"] == pytest.approx(3)


def test_one_common_seed_is_no_difference():
    assert difference(OURS[1:], THEIRS, "mean_recall") is None


def test_the_interval_is_that_of_student_s_paired_test():
    ours, theirs = np.random.default_rng(0).normal(size=(2, 8))
    found = difference(part("ours", dict(enumerate(ours))), part("cnn", dict(enumerate(theirs))), "mean_recall")
    expected = ttest_rel(ours, theirs).confidence_interval(0.95)
    assert (found["low"], found["high"]) == pytest.approx((expected.low, expected.high))
    assert found["mean"] == pytest.approx(np.mean(ours - theirs))


def test_a_missing_value_is_no_difference():
    assert difference(OURS, THEIRS.assign(mean_recall=np.nan), "mean_recall") is None


def test_intervals_and_findings_in_words():
    assert interval({"mean": 0.5, "low": -1, "high": 2}) == "+0.5 [-1.0, +2.0]"
    found = {"mean": -0.5, "low": -1, "high": -0.2}
    assert told((found, True)) == "-0.5 [-1.0, -0.2] *" and told((found, False)) == "-0.5 [-1.0, -0.2] n.s."
    assert told(None) == ""


def test_of_many_differences_holm_leaves_the_star_to_the_clear_ones():
    """t = 1.75 / (.645 / 2) = 5.42 with 3 degrees of freedom, p = .0123; beside five others it counts six times."""
    cnn, ours = part("cnn", dict.fromkeys(range(4), 0.0)), part("ours", dict(enumerate([1.0, 2.0, 2.5, 1.5])))
    chance = part("chance", dict(enumerate([1.0, -1.0, 1.0, -1.2])))
    assert paired_p([1.0, 2.0, 2.5, 1.5]) == pytest.approx(0.0123, abs=1e-4)
    assert significant({"ours": (ours, cnn)}, "mean_recall")["ours"][1]
    several = {"ours": (ours, cnn), **dict.fromkeys("abcde", (chance, cnn))}
    assert not significant(several, "mean_recall")["ours"][1]


def test_changes_say_from_what_to_what():
    cnn, better = part("cnn", {0: 50.0, 1: 60.0}), part("better", {0: 51.0, 1: 61.0})
    said = changes(better.assign(var_recall_fpr1=[489.0, 589.0]), cnn)
    assert said.startswith("changes the variance between the groups' recalls from 549.0 to 539.0 %² (-10.0 [")
    assert said.endswith("and their mean from 54.0 to 55.0 % (+1.0 [+1.0, +1.0])")
    assert changes(part("once", {0: 1.0}), cnn) == ""


def test_p_is_that_of_student_s_paired_test():
    ours, theirs = np.random.default_rng(0).normal(size=(2, 8))
    assert paired_p(ours - theirs) == pytest.approx(ttest_rel(ours, theirs).pvalue)
    assert paired_p([0.0, 0.0]) == 1 and np.isnan(paired_p([1.0]))


@pytest.mark.parametrize("count", [2, 3, 10])
def test_without_any_spread_p_is_that_of_the_signs(count):
    """Recalls are multiples of a few hundredths, so that two seeds often differ by the same: that proves little."""
    assert paired_p([2.0] * count) == binomtest(count, count).pvalue == paired_p([-0.1] * count)


def test_holm_s_correction_by_hand():
    """Sorted: 3 * .01, 2 * .02 and 1 * .03, which is less than the one before and so takes its value."""
    assert holm({"b": 0.03, "a": 0.01, "c": 0.02}) == pytest.approx({"b": 0.04, "a": 0.03, "c": 0.04})
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1, "b": 1} and holm({}) == {}
