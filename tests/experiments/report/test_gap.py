"""The share of a gap that is closed, against numbers worked out by hand."""

import numpy as np
import pytest

from experiments.report.gap import ratio


def test_the_share_of_what_was_possible():
    found = ratio(np.array([1.0, 2.0, 3.0]), np.array([4.0, 4.0, 4.0]))
    assert found["mean"] == pytest.approx(50) and 25 <= found["low"] < 50 < found["high"] <= 75


def test_what_goes_with_the_gap_seed_by_seed_has_no_spread():
    found = ratio(np.array([-1.0, -5.0, -9.0]), np.array([-2.0, -10.0, -18.0]))
    assert list(found.values()) == pytest.approx([50, 50, 50])


def test_nothing_is_said_of_a_single_group_which_has_no_variance():
    assert ratio(np.full(3, np.nan), np.full(3, np.nan)) is None


def test_nothing_is_said_where_there_may_be_no_gap():
    assert ratio(np.array([1.0, 1.0, 1.0]), np.array([1.0, -1.2, 0.4])) is None
    assert ratio(np.zeros(3), np.zeros(3)) is None
