"""What is said to reproduce, on rows whose variances are known."""

import dataclasses

import pytest

from experiments.registry import EXPERIMENTS
from experiments.report import table1

EXPERIMENT = dataclasses.replace(EXPERIMENTS["table1"], rare=("right",))
CLEAR, NOISY = 0.1, 20.0  # points by which odd seeds differ from even ones


@pytest.fixture
def said(rows_of):
    """The first finding where the best rule's Var[A] falls by 5 at either threshold, give or take a noise for each."""

    def first(own, fixed):
        rows = rows_of(EXPERIMENT)
        best, sign = rows["setting"] == table1.BEST.name, rows["seed"] % 2 - 0.5
        for column, noise in {"var_recall": own, "var_recall_fpr1": fixed}.items():
            rows[column] = 20.0 + best * (-5.0 + noise * sign)
        return table1.findings(EXPERIMENT, rows).splitlines()[0]

    return first


def test_a_fall_reproduces_where_it_is_clear_at_the_model_s_own_threshold(said):
    assert said(CLEAR, NOISY).startswith("1. **Reproduces: the variance falls.**")


def test_a_fall_that_is_clear_at_one_percent_alone_is_told_of_that(said):
    assert said(NOISY, CLEAR).startswith("1. **Reproduces at 1 % FPR, may at 0.5: the variance falls.**")


def test_a_fall_that_is_not_clear_may_reproduce(said):
    assert said(NOISY, NOISY).startswith("1. **May reproduce: the variance falls.**")
