"""Jobs in turns, and what is made of their seconds."""

import pytest

from experiments.benchmark import timing


def test_jobs_take_turns_and_the_first_round_does_not_count():
    called = []
    seconds = timing.rounds({name: lambda name=name: called.append(name) for name in "ab"}, 3)
    assert called == list("abababab")
    assert {name: len(each) for name, each in seconds.items()} == {"a": 3, "b": 3}
    assert all(second >= 0 for each in seconds.values() for second in each)


def test_ratios_pair_the_rounds():
    """A machine that halves its speed between two rounds changes no ratio."""
    assert timing.ratios([2.0, 4.0, 2.0], [1.0, 2.0, 4.0]) == [2.0, 2.0, 0.5]
    assert timing.speeds([0.5, 2.0], 10) == [20.0, 5.0]
    assert timing.medians({"a": [3.0, 1.0, 2.0], "b": [5.0]}) == {"a": 2.0, "b": 5.0}
    with pytest.raises(ValueError):
        timing.ratios([1.0], [1.0, 2.0])
