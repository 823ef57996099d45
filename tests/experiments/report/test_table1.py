"""What is said to reproduce, on rows whose variances are known: by another camera, the last of their tests."""

import dataclasses

import pytest

from experiments.registry import EXPERIMENTS
from experiments.report import table1

EXPERIMENT = dataclasses.replace(EXPERIMENTS["table1"], rare=("right",))
CLEAR, NOISY = 0.1, 20.0  # points by which odd seeds differ from even ones


@pytest.fixture
def rows_where(rows_of):
    """Rows where the best rule's Var[A] falls by 5 at either threshold, give or take a noise for each."""

    def make(own, fixed, at="@camera"):
        rows = rows_of(EXPERIMENT)
        measured = [name for name in rows if name.startswith(("recall", "mean_recall", "var_recall", "worst", "fpr"))]
        rows = rows.assign(var_recall=20.0, var_recall_fpr1=20.0)
        rows = rows.assign(**{f"{name}@camera": rows[name] for name in [*measured, "precision", "auroc"]})
        best, sign = rows["setting"] == table1.BEST.name, rows["seed"] % 2 - 0.5
        for column, noise in {"var_recall": own, "var_recall_fpr1": fixed}.items():
            rows[column + at] = 20.0 + best * (-5.0 + noise * sign)
        return rows

    return make


@pytest.fixture
def said(rows_where):
    """The first finding."""
    return lambda *noises: table1.findings(EXPERIMENT, rows_where(*noises)).splitlines()[0]


def test_a_fall_reproduces_where_it_is_clear_at_either_threshold(said):
    assert said(CLEAR, CLEAR).startswith("1. **The variance falls: reproduces.**")


def test_a_fall_that_is_clear_at_one_threshold_alone_is_told_of_that(said):
    own, fixed = "the threshold 0.5", "1 % FPR"
    assert said(CLEAR, NOISY).startswith(f"1. **The variance falls: reproduces at {own}, may be chance at {fixed}.**")
    assert said(NOISY, CLEAR).startswith(f"1. **The variance falls: reproduces at {fixed}, may be chance at {own}.**")


def test_a_fall_that_is_not_clear_may_be_chance(said):
    assert said(NOISY, NOISY).startswith("1. **The variance falls: may be chance.**")


def test_a_fall_on_the_own_test_alone_is_not_told_of(rows_where):
    found = table1.findings(EXPERIMENT, rows_where(CLEAR, CLEAR, at=""))
    assert found.startswith("1. **The variance falls: no fall is seen.**") and "-5.0" not in found


def test_the_sentence_tells_of_the_other_camera_and_of_what_is_clear(rows_where):
    sentence = table1.sentence(EXPERIMENT, rows_where(NOISY, CLEAR))
    assert sentence.startswith("On another camera, at 1 % false positives") and "from 20.0 to 15.0 %²" in sentence
    fixed, own = sentence.split("At their own threshold")
    assert "10 paired seeds" in fixed and "both changes are significant" in fixed
    assert "only the mean's change is significant" in own
