"""Morph weights: shares that sum to what they share, and names that exist."""

from dataclasses import replace

import numpy as np
import pytest

from debias.data.parliament import morphs, people


def make_person(**changes):
    return replace(people.sample_person(np.random.default_rng(3), True, 5), **changes)


def test_macro_weights_are_shares():
    weights = morphs.body_weights(make_person(masculinity=0.8, age=50.0, muscle=0.4, weight=-0.3))
    ancestry = sum(weight for name, weight in weights.items() if "universal" not in name)
    build = sum(weight for name, weight in weights.items() if "universal" in name)
    assert ancestry == pytest.approx(1, abs=0.01) and build == pytest.approx(1, abs=0.01)
    male = sum(weight for name, weight in weights.items() if "universal-male" in name)
    assert male == pytest.approx(0.8, abs=0.01)


def test_an_average_young_man_has_one_build():
    weights = morphs.body_weights(make_person(masculinity=1.0, age=25.0, muscle=0.0, weight=0.0))
    assert [name for name in weights if "universal" in name] == [
        "macrodetails/universal-male-young-averagemuscle-averageweight"
    ]


def test_axes_pair_opposites_and_tie_the_sides():
    ears = ("ears/l-ear-scale-decr", "ears/l-ear-scale-incr", "ears/r-ear-scale-decr", "ears/r-ear-scale-incr")
    nose = ("nose/nose-base-down", "nose/nose-base-up", "nose/nose-point-up")
    age = ("head/head-age-incr", "head/head-age-decr")
    assert morphs.identity_axes(ears + nose + age) == {
        "ears/ear-scale:decr": (ears[0::2], ears[1::2]),
        "nose/nose-base:down": (nose[:1], nose[1:2]),
    }


def test_the_model_has_the_axes_that_people_have_values_for(model):
    names = tuple(model.face.target_index)
    assert len(morphs.identity_axes(names)) == people.IDENTITY_AXES
    assert sum(name.startswith("asym/") for name in names) == people.ASYMMETRY_AXES
    assert set(morphs.DIMORPHISM) <= set(morphs.identity_axes(names))


def test_every_weight_names_a_target_and_stays_within_its_limit(model):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        person, expression = people.sample_person(rng, seed % 2 == 0, 1 + seed % 6), people.sample_expression(rng)
        weights = morphs.face_weights(model.face, person, expression)
        assert set(weights) <= set(model.face.target_index)
        details = [abs(w) for name, w in weights.items() if name.split("/")[0] in ("nose", "chin", "eyes", "cheek")]
        assert max(details) <= morphs.LIMIT


def test_opening_the_mouth_lowers_the_chin_and_smiling_widens_the_mouth(model):
    person, rest = make_person(), model.face.rest
    chin = (np.abs(rest[:, 0]) < 0.1) & (rest[:, 1] > 6.1) & (rest[:, 1] < 6.3) & (rest[:, 2] > 1.2)
    corner = (rest[:, 0] > 0.2) & (rest[:, 0] < 0.3) & (np.abs(rest[:, 1] - 6.6) < 0.05) & (rest[:, 2] > 1.1)

    def shape(**units):
        named = tuple((name.replace("_", "-"), weight) for name, weight in units.items())
        expression = people.Expression("test", named, 0.0, (0.0, 0.0))
        return model.face.morphed(morphs.face_weights(model.face, person, expression))

    neutral = shape()
    assert (shape(mouth_open=0.6) - neutral)[chin, 1].mean() < -0.05
    assert (shape(mouth_corner_puller=0.8) - neutral)[corner, 0].mean() > 0.02
