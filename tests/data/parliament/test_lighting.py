"""Reflection and shadows against closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from debias.data.parliament import lighting

FRONT = (0.0, 0.0, 1.0)
MATT = (0.0, 0.0, 0.0)  # no light round the terminator


def make_light(**changes):
    off = (0.0, 0.0, 0.0)
    plain = lighting.Light("soft", 0.0, 0.0, (1.0, 1.0, 1.0), off, 0.0, 0.0, off, 2.5, off, off, 0.0)
    return replace(plain, **changes)


def reflect(light, normal=FRONT, lit=1.0, occlusion=1.0, albedo=(0.5, 0.4, 0.3), gloss=0.0, wrap=MATT):
    return lighting.illuminate(lighting.rig_of(light), normal, FRONT, lit, occlusion, albedo, 0.4, gloss, wrap)


@pytest.mark.parametrize("angle", [0.0, 30.0, 60.0, 85.0])
def test_matt_surfaces_follow_lamberts_law(angle):
    normal = (np.sin(np.radians(angle)), 0.0, np.cos(np.radians(angle)))
    expected = np.cos(np.radians(angle)) * np.array([0.5, 0.4, 0.3])
    np.testing.assert_allclose(reflect(make_light(), normal), expected, rtol=1e-5)


def test_a_surface_that_faces_away_is_black_unless_light_wraps_round():
    side = (1.0, 0.0, 0.0)
    np.testing.assert_allclose(reflect(make_light(), side), 0, atol=1e-6)
    red, green, _ = reflect(make_light(), side, wrap=(0.3, 0.1, 0.0))
    assert red / 0.5 == pytest.approx(0.3 / 1.3) and green / 0.4 == pytest.approx(0.1 / 1.1)


def test_lights_add_up_and_keep_their_colours():
    red, blue = make_light(key=(1.0, 0.0, 0.0)), make_light(key=(0.0, 0.0, 0.0), fill=(0.0, 0.0, 2.0))
    both = make_light(key=(1.0, 0.0, 0.0), fill=(0.0, 0.0, 2.0))
    np.testing.assert_allclose(reflect(both), np.add(reflect(red), reflect(blue)), rtol=1e-6)
    np.testing.assert_allclose(reflect(both), (0.5, 0.0, 0.6), atol=1e-6)


def test_shadow_takes_the_key_light_and_occlusion_the_ambient_light():
    light = make_light(sky=(0.2, 0.2, 0.2), ground=(0.2, 0.2, 0.2))
    assert reflect(light, lit=0.0)[0] == pytest.approx(0.5 * 0.2)
    assert reflect(light, occlusion=0.0)[0] == pytest.approx(0.5)


def test_gloss_only_adds_light_and_mostly_in_the_mirror_direction():
    light = make_light(azimuth=np.radians(60.0))

    def highlight(angle):
        normal = (np.sin(np.radians(angle)), 0.0, np.cos(np.radians(angle)))
        return reflect(light, normal, gloss=1.0)[0] - reflect(light, normal)[0]

    angles = np.arange(-30, 60, 2)
    values = [highlight(angle) for angle in angles]
    assert min(values) >= -1e-9
    assert abs(angles[int(np.argmax(values))] - 30) <= 8  # half-way between light and viewer


def test_a_board_shades_what_lies_behind_it():
    board = np.array([[-0.5, -0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, 0.5], [-0.5, 0.5, 0.5]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    shadow = lighting.cast_shadow(board, triangles, make_light())
    assert lighting.lit_share(shadow, (0.0, 0.0, 0.0), FRONT) == 0.0
    assert lighting.lit_share(shadow, (0.0, 0.0, 1.0), FRONT) == 1.0  # before the board
    assert lighting.lit_share(shadow, (1.0, 0.0, 0.0), FRONT) == 1.0  # beside it
    assert 0.0 < lighting.lit_share(shadow, (0.5, 0.0, 0.0), FRONT) < 1.0


def test_the_shadow_falls_away_from_the_light():
    board = np.array([[-0.2, -0.2, 0.8], [0.2, -0.2, 0.8], [0.2, 0.2, 0.8], [-0.2, 0.2, 0.8]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    shadow = lighting.cast_shadow(board, triangles, make_light(azimuth=np.radians(45.0)))
    assert lighting.lit_share(shadow, (-0.8, 0.0, 0.0), FRONT) == 0.0
    assert lighting.lit_share(shadow, (0.0, 0.0, 0.0), FRONT) == 1.0


def test_sampled_lights_are_reproducible_and_of_every_kind():
    lights = [lighting.sample_light(np.random.default_rng(i)) for i in range(200)]
    assert lights[7] == lighting.sample_light(np.random.default_rng(7))
    assert {light.kind for light in lights} == set(lighting.KINDS)
    assert min(min(light.key + light.sky + light.fill) for light in lights) >= 0
    azimuths = [light.azimuth for light in lights]
    assert abs(np.mean(azimuths)) < 0.15  # neither side is preferred
