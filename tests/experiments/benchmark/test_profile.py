"""Where a run's time goes, from marks whose answer is known."""

import pytest

from experiments.benchmark import profile
from experiments.benchmark.profile import (
    BEGAN,
    DRAWN,
    EVALUATED,
    FITTED,
    SAVED,
    STEPPED,
    TRAINED,
    VALIDATED,
)

MARKS = [  # kind, and the seconds since the mark before
    (BEGAN, 0),
    (FITTED, 7),
    *[(DRAWN, 2), (STEPPED, 4), (STEPPED, 1), (STEPPED, 1), (VALIDATED, 3), (SAVED, 0.5)],
    *[(DRAWN, 1), (STEPPED, 1), (STEPPED, 1), (STEPPED, 1), (VALIDATED, 1), (SAVED, 0.5)],
    *[(DRAWN, 0.5), (STEPPED, 1), (STEPPED, 1), (STEPPED, 1), (VALIDATED, 1), (SAVED, 0.5)],
    (TRAINED, 0.25),
    (EVALUATED, 5),
]


@pytest.fixture
def marks():
    now, found = 100.0, []
    for kind, spent in MARKS:
        now += spent
        found.append((kind, now))
    return found


def test_each_second_belongs_to_one_part(marks):
    found = profile.parts(marks)
    assert found == {
        "set-up": 7,
        "tracing": 3,  # the first step takes four seconds, the others one
        "training": 9,
        "encoding": 3.5,
        "validation": 5,
        "saving": 1.75,
        "evaluation": 5,
    }
    assert tuple(found) == profile.PARTS
    assert sum(found.values()) == marks[-1][1] - marks[0][1]


def test_a_refresh_is_measured_by_its_epoch_and_the_first_does_not_count(marks):
    assert profile.refresh_share(marks) == pytest.approx((1 / 5.5 + 0.5 / 5) / 2)


@pytest.mark.slow  # it trains
def test_a_real_run_gives_all_marks_in_order(job, cache):
    found = profile.profiled()(job[1], cache)
    steps = job[1].config.epochs
    kinds = [kind for kind, _ in found]
    assert kinds[0] == FITTED and kinds[-2:] == [TRAINED, EVALUATED]
    assert [kind for kind in kinds[1:-2] if kind != STEPPED] == [DRAWN, VALIDATED, SAVED] * steps
    assert kinds.count(STEPPED) > 2 * steps
    assert sorted(time for _, time in found) == [time for _, time in found]
