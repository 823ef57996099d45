"""Colours against scikit-image and the definition of the typology angle."""

import math

import numpy as np
import pytest
from skimage.color import lab2rgb

from debias.data.parliament import colour


@pytest.mark.parametrize("lab", [(70.0, 10.0, 15.0), (40.0, 12.0, 18.0), (22.0, 9.0, 10.0), (95.0, 0.0, 0.0)])
def test_lab_to_linear_agrees_with_skimage(lab):
    expected = colour.decode_srgb(lab2rgb(np.array(lab)))
    np.testing.assert_allclose(colour.lab_to_linear(*lab), expected, atol=2e-3)


def test_srgb_round_trip_and_a_published_value():
    values = np.linspace(0, 1, 101)
    encoded = [colour.encode_srgb(float(value)) for value in colour.decode_srgb(values)]
    np.testing.assert_allclose(encoded, values, atol=1e-5)
    assert colour.encode_srgb(0.18) == pytest.approx(0.4614, abs=1e-4)  # photographic middle grey
    assert colour.encode_srgb(-1.0) == 0.0 and colour.encode_srgb(9.0) == pytest.approx(1.0)


@pytest.mark.parametrize("angle", [60.0, 48.0, 35.0, 20.0, -10.0, -45.0])
def test_skin_has_the_typology_angle_it_was_given(angle):
    lightness, _, yellowness = colour.skin_lab(angle)
    assert math.degrees(math.atan2(lightness - 50, yellowness)) == pytest.approx(angle, abs=1e-6)


def test_skin_types_tile_the_angles_and_darken():
    ranges = [colour.TYPOLOGY_ANGLE[tone] for tone in range(1, 7)]
    assert all(lower[1] == upper[0] for upper, lower in zip(ranges, ranges[1:], strict=False))
    lightness = [colour.skin_lab(float(np.mean(limits)))[0] for limits in ranges]
    assert lightness == sorted(lightness, reverse=True)
    assert lightness[0] > 70 and lightness[-1] < 40


def test_shifts_move_redness_and_yellowness():
    plain, shifted = colour.skin_lab(20.0), colour.skin_lab(20.0, redder=2.0, yellower=1.0)
    assert shifted[1] - plain[1] == pytest.approx(2.0)
    assert shifted[2] - plain[2] == pytest.approx(1.0)
