"""People: reproducible, within the ranges of their group, and varied."""

import math
from collections import Counter

import numpy as np
import pytest

from debias.data.parliament import appearance, colour, people
from debias.data.parliament.appearance import pick
from debias.errors import InputError


def crowd(male, tone, count=150, seed=0):
    return [people.sample_person(np.random.default_rng([seed, i]), male, tone) for i in range(count)]


def test_the_same_generator_gives_the_same_person():
    first, again, other = (people.sample_person(np.random.default_rng(seed), True, 3) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("tone", people.TONES)
def test_typology_angles_stay_in_their_class(tone):
    low, high = colour.TYPOLOGY_ANGLE[tone]
    for person in crowd(False, tone, 60):
        assert low <= person.skin.typology_angle <= high
        lightness, _, yellowness = person.skin.lab
        angle = math.degrees(math.atan2(lightness - 50, yellowness))
        assert angle == pytest.approx(person.skin.typology_angle, abs=1e-6) or lightness in (17.0, 80.0)


@pytest.mark.parametrize("tone", [0, 7, 2.5, None])
def test_unknown_tones_are_refused(tone):
    with pytest.raises(InputError, match=r"Fitzpatrick.*1\.\.6"):
        people.sample_person(np.random.default_rng(0), True, tone)


@pytest.mark.parametrize("tone", people.TONES)
def test_men_are_clearly_male_and_women_have_no_beards(tone):
    assert min(person.masculinity for person in crowd(True, tone)) > 0.95
    women = crowd(False, tone)
    assert max(person.masculinity for person in women) < 0.1
    assert {person.beard.style for person in women} == {"none"}
    assert all(person.makeup.strength == 0 for person in crowd(True, tone))


def test_ancestries_are_shares_and_vary_among_darker_women():
    women = [person for tone in (4, 5, 6) for person in crowd(False, tone)]
    ancestries = np.array([person.ancestry for person in women])
    np.testing.assert_allclose(ancestries.sum(1), 1.0)
    largest = np.bincount(ancestries.argmax(1), minlength=3) / len(women)
    assert largest.min() > 0.08, largest  # African, Asian and European
    assert len({person.hair.style for person in women}) >= 10


def test_ages_greying_and_receding_go_together():
    men = [person for tone in people.TONES for person in crowd(True, tone)]
    young, old = ([m for m in men if test(m.age)] for test in (lambda age: age < 30, lambda age: age > 55))
    assert all(man.hair.grey == 0 and man.age >= 18 for man in young)
    assert np.mean([man.hair.grey for man in old]) > 0.4
    assert np.mean([m.hair.recession for m in old]) > np.mean([m.hair.recession for m in young]) + 0.1


def test_picks_follow_the_table():
    rng = np.random.default_rng(0)
    counts = Counter(pick(rng, {"a": 3.0, "b": 1.0, "c": 0.0}) for _ in range(4000))
    assert counts["a"] / 4000 == pytest.approx(0.75, abs=0.03) and counts["c"] == 0


def test_expressions_use_every_mood_and_open_mouths_only_where_teeth_show():
    expressions = [people.sample_expression(np.random.default_rng(i)) for i in range(300)]
    assert {expression.mood for expression in expressions} == set(people.MOODS)
    for expression in expressions:
        parts_lips = {"mouth-open", "mouth-part-later"} & {unit for unit, weight in expression.units if weight > 0}
        assert (expression.mouth_open > 0) == bool(parts_lips)


def test_poses_are_mostly_frontal_and_bounded():
    yaw = np.degrees([people.sample_pose(np.random.default_rng(i)).yaw for i in range(500)])
    assert np.abs(yaw).max() < 41 and abs(yaw.mean()) < 2 and 12 < yaw.std() < 18
    behind = np.degrees([people.sample_pose_from_behind(np.random.default_rng(i)).yaw for i in range(100)])
    assert np.abs(behind - 180).max() < 64


def test_every_style_in_the_tables_can_be_built():
    from debias.data.parliament import hairstyles, skin

    tables = [appearance.MEN_STYLES, appearance.MEN_STYLES_AFRICAN, appearance.WOMEN_STYLES]
    tables += [appearance.WOMEN_STYLES_DARKER, appearance.WOMEN_STYLES_AFRICAN]
    assert set().union(*tables) <= set(hairstyles.SHELLS) | set(skin.BARE_SCALPS)
    assert set(appearance.BEARDS) <= set(skin.BEARDS)
