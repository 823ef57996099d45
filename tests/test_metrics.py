"""Rates by group against the paper's table, closed forms and counting."""

import dataclasses

import numpy as np
import pytest

from debias.errors import InputError
from debias.metrics import (
    expected_calibration_error,
    group_report,
    mass_by_group,
    paired_bootstrap,
    threshold_at_fpr,
    wilson,
)

NAMES = ("lighter male", "lighter female", "darker male", "darker female")
# Table 1 of the paper: E[A], Var[A], and recalls in the order of NAMES read off its figure to +-0.3.
PAPER = {
    "no debiasing": (95.13, 28.84, (99.4, 98.3, 87.5, 95.1)),
    "alpha 0.1": (95.84, 25.43, (99.7, 99.0, 88.7, 95.7)),
    "alpha 0.05": (96.47, 18.08, (99.8, 99.3, 90.6, 95.9)),
    "alpha 0.01": (97.13, 9.49, (99.5, 99.1, 92.7, 96.9)),
    "alpha 0.001": (97.36, 9.43, (99.4, 99.5, 92.4, 97.0)),
}


def random_scores(seed=0, count=400):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    scores = np.clip(np.round(0.3 * labels + rng.uniform(0, 0.8, count), 2), 0, 1)  # rounded: there are ties
    return labels, scores, rng.integers(0, 4, count)


def with_recalls(recalls, each=1000):
    """Scores of `each` positives a group with the given recalls in %, and as many negatives, all below 0.5."""
    scores = [np.where(np.arange(each) < round(recall * each / 100), 0.9, 0.1) for recall in recalls]
    labels = np.r_[np.ones(len(recalls) * each, int), np.zeros(each, int)]
    groups = np.r_[np.repeat(np.arange(len(recalls)), each), np.full(each, -1)]
    return labels, np.r_[np.concatenate(scores), np.full(each, 0.2)], groups


@pytest.mark.parametrize(("mean", "variance", "recalls"), PAPER.values(), ids=PAPER)
def test_table_1_of_the_paper(mean, variance, recalls):
    report = group_report(*with_recalls(recalls), NAMES)
    deviations = np.abs(np.subtract(recalls, np.mean(recalls))).sum()
    assert report.mean_recall == pytest.approx(mean, abs=0.3)
    assert report.var_recall == pytest.approx(variance, abs=2 / 3 * 0.3 * deviations)  # what +-0.3 allows
    assert report.var_recall_population == pytest.approx(0.75 * report.var_recall)


def test_reports_quote_the_same_table():
    from experiments.report.table1 import PUBLISHED

    assert PUBLISHED["paper"] == tuple(zip(*((mean, variance) for mean, variance, _ in PAPER.values()), strict=True))


def test_moments_and_extremes():
    report = group_report(*with_recalls((90, 80, 100, 50)), NAMES)
    assert report.recall == pytest.approx(dict(zip(NAMES, (90, 80, 100, 50), strict=True)))
    assert list(report.recall) == list(NAMES)
    assert report.mean_recall == pytest.approx(80)
    assert report.var_recall == pytest.approx(1400 / 3)
    assert report.var_recall_population == pytest.approx(350)
    assert (report.worst_recall, report.gap) == pytest.approx((50, 50))
    assert (report.fpr, report.precision) == pytest.approx((0, 100))


def test_the_mean_is_over_groups_not_over_faces():
    labels, scores, groups = with_recalls((100, 0))
    report = group_report(labels[500:], scores[500:], groups[500:], ("small", "large"))
    assert report.mean_recall == pytest.approx(50)


def test_rates_are_counts():
    labels, scores, groups = random_scores()
    report = group_report(labels, scores, groups, NAMES, threshold=0.4)
    detected = [bool(score >= 0.4) for score in scores]
    hits = sum(d for d, label in zip(detected, labels, strict=True) if label == 1)
    alarms = sum(d for d, label in zip(detected, labels, strict=True) if label == 0)
    for index, name in enumerate(NAMES):
        members = [d for d, label, group in zip(detected, labels, groups, strict=True) if label == 1 and group == index]
        assert report.recall[name] == pytest.approx(100 * sum(members) / len(members))
    assert report.fpr == pytest.approx(100 * alarms / sum(labels == 0))
    assert report.precision == pytest.approx(100 * hits / (hits + alarms))
    assert report.brier == pytest.approx(sum((scores - labels) ** 2) / len(labels))


def test_a_score_at_the_threshold_is_detected():
    report = group_report([1, 1, 0], [0.5, 0.4, 0.5], [0, 0, 0], ("all",), threshold=0.5)
    assert (report.recall["all"], report.fpr) == pytest.approx((50, 100))


def test_nothing_detected_has_precision_zero():
    assert group_report([1, 0], [0.1, 0.1], [0, 0], ("all",)).precision == 0


def test_one_group_has_no_variance_and_no_gap():
    report = group_report([1, 0], [0.9, 0.1], [0, 0], ("faces",))
    assert np.isnan([report.var_recall, report.var_recall_population, report.gap]).all()
    assert (report.mean_recall, report.worst_recall) == (100, 100)


def test_auroc_by_pairs():
    labels, scores, groups = random_scores(1)
    positives, negatives = scores[labels == 1], scores[labels == 0]
    wins = [(p > n) + 0.5 * (p == n) for p in positives for n in negatives]
    assert group_report(labels, scores, groups, NAMES).auroc == pytest.approx(np.mean(wins))


def test_groups_of_negatives_are_ignored():
    labels, scores, groups = random_scores(2)
    hidden = np.where(labels == 1, groups, -1)
    reports = [group_report(labels, scores, g, NAMES) for g in (groups, hidden)]
    assert dataclasses.asdict(reports[0]) == dataclasses.asdict(reports[1])


@pytest.mark.parametrize(("hits", "count"), [(0, 30), (30, 30), (1, 30), (271, 318), (5, 10)])
def test_wilson_closed_form(hits, count):
    z, rate = 1.959963984540054, hits / count
    centre = (rate + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(rate * (1 - rate) / count + z**2 / (4 * count**2))
    assert wilson(rate, count) == pytest.approx((100 * (centre - half), 100 * (centre + half)), abs=1e-9)


def test_the_report_has_wilson_intervals_of_its_own_counts():
    report = group_report(*with_recalls((90, 80, 100, 50), each=200), NAMES)
    assert report.interval["lighter female"] == pytest.approx(wilson(0.8, 200))
    assert report.interval["darker female"] == pytest.approx(wilson(0.5, 200))


@pytest.mark.parametrize("fpr", [0.01, 0.05, 0.5])
@pytest.mark.parametrize("decimals", [1, 2, 6])  # the fewer, the more ties
def test_threshold_is_the_lowest_that_keeps_the_rate(fpr, decimals):
    for seed in range(20):
        scores = np.random.default_rng(seed).uniform(size=137 + seed).round(decimals)
        threshold = threshold_at_fpr(scores, fpr)
        assert np.mean(scores >= threshold) <= fpr
        assert np.mean(scores >= np.nextafter(threshold, -1)) > fpr


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("tied", [500, 10, 11])
@pytest.mark.parametrize("value", [0.7, 1.0])
def test_threshold_keeps_the_rate_among_ties_of_any_type(dtype, tied, value):
    scores = np.r_[np.full(tied, value), np.linspace(0, 0.5, 1000 - tied)].astype(dtype)
    threshold = threshold_at_fpr(scores, 0.01)
    expected = tied if tied <= 10 else 0  # all tied ones, or none
    assert np.sum(scores >= threshold) == np.sum(scores.astype(np.float64) >= threshold) == expected
    labels = np.r_[1, np.zeros(1000, int)]
    report = group_report(labels, np.r_[dtype(0.9), scores], np.zeros(1001, int), ("all",), threshold)
    assert report.fpr == pytest.approx(expected / 10)


def test_groups_of_the_same_name_are_refused():
    with pytest.raises(InputError, match="must differ"):
        group_report([1, 1, 0], [0.9, 0.8, 0.1], [0, 1, 0], ("a", "a"))


def test_threshold_resolves_exactly_one_in_a_hundred():
    scores = np.linspace(0, 1, 100)
    assert np.sum(scores >= threshold_at_fpr(scores, 0.01)) == 1
    with pytest.raises(InputError, match="99 negatives.*100"):
        threshold_at_fpr(scores[:99], 0.01)


@pytest.mark.parametrize("fpr", [0, -0.1, 1.5, float("nan")])
def test_impossible_rate_is_refused(fpr):
    with pytest.raises(InputError, match="false-positive rate"):
        threshold_at_fpr(np.linspace(0, 1, 200), fpr)


def test_negatives_with_nan_are_refused():
    with pytest.raises(InputError, match="NaN"):
        threshold_at_fpr(np.r_[np.nan, np.linspace(0, 1, 200)])


def test_bootstrap_of_two_seeds_spans_both():
    assert paired_bootstrap([3.0, 8.0], [2.0, 4.0]) == pytest.approx((2.5, 1.0, 4.0))


def test_bootstrap_pairs_seeds():
    rng = np.random.default_rng(0)
    theirs = rng.normal(scale=100, size=30)  # what the seeds share is a hundred times the effect
    mean, low, high = paired_bootstrap(theirs + 1 + rng.normal(scale=0.1, size=30), theirs)
    assert 0.9 < low < mean < high < 1.1


def test_bootstrap_agrees_with_the_normal_interval_of_many_seeds():
    difference = np.random.default_rng(0).normal(2, 3, 500)
    mean, low, high = paired_bootstrap(difference, np.zeros(500))
    half = 1.96 * difference.std(ddof=1) / np.sqrt(500)
    assert (mean, low, high) == pytest.approx((difference.mean(), mean - half, mean + half), abs=0.1 * half)


def test_bootstrap_repeats_and_stands_equal_differences():
    ours, theirs = np.random.default_rng(0).normal(size=(2, 5))
    assert paired_bootstrap(ours, theirs) == paired_bootstrap(ours, theirs)
    assert paired_bootstrap([3, 4, 5], [1, 2, 3]) == pytest.approx((2, 2, 2))


@pytest.mark.parametrize(("ours", "theirs"), [([1], [2]), ([], []), ([[1, 2]], [[1, 2]]), ([1, 2, 3], [1])])
def test_bootstrap_needs_paired_seeds(ours, theirs):
    with pytest.raises(InputError, match="seeds"):
        paired_bootstrap(ours, theirs)


def test_calibration_error_by_hand():
    labels, scores = np.array([1, 0, 1, 1]), np.array([0.12, 0.18, 0.92, 1.0])
    # two bins of two: |1/2 - 0.15| and |1 - 0.96|
    assert expected_calibration_error(labels, scores) == pytest.approx((2 * 0.35 + 2 * 0.04) / 4)


def test_calibrated_scores_have_no_error():
    labels = np.r_[np.ones(3), np.zeros(7), np.ones(8), np.zeros(2)]
    assert expected_calibration_error(labels, np.repeat([0.35 - 0.05, 0.8], 10)) == pytest.approx(0)


def test_mass_by_group_adds_up():
    mass = mass_by_group(np.array([0.1, 0.2, 0.3, 0.4]), np.array([1, 0, 1, 1]), ("a", "b", "c"))
    assert mass == pytest.approx({"a": 20, "b": 80, "c": 0})


@pytest.mark.parametrize(
    ("labels", "scores", "groups", "words"),
    [
        ([1, 0], [0.5], [0, 0], r"\(1,\)"),
        ([[1, 0]], [[0.5, 0.5]], [[0, 0]], r"\(1, 2\)"),
        ([1, 0, 1], [0.5, np.nan, 0.5], [0, 0, 1], "NaN"),
        ([1, 0, 1], [0.5, 1.5, 0.5], [0, 0, 1], "sigmoid"),
        ([1, 1], [0.5, 0.5], [0, 1], "both 0 and 1"),
        ([0, 0], [0.5, 0.5], [0, 1], "both 0 and 1"),
        ([1, 2, 0], [0.5, 0.5, 0.5], [0, 1, 0], "both 0 and 1"),
        ([1, 0, 0], [0.5, 0.5, 0.5], [0, 1, 1], "no positives in group b"),
        ([1, 1, 1, 0], [0.5] * 4, [0, 1, -1, -1], "groups of positives"),
        ([1, 1, 1, 0], [0.5] * 4, [0, 1, 2, -1], "groups of positives"),
    ],
)
def test_bad_input_is_one_line(labels, scores, groups, words):
    with pytest.raises(InputError, match=words) as caught:
        group_report(labels, scores, groups, ("a", "b"))
    assert "\n" not in str(caught.value)
