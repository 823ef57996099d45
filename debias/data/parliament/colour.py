"""Colours of skin, hair and irises, in linear RGB (sRGB primaries, D65), and the sRGB transfer function."""

import math

import numba
import numpy as np

# Individual typology angle in degrees, (least, greatest) per Fitzpatrick type: the class borders of Chardon et al.
# (1991) and Del Bino & Bernerd (2013), with the two outer classes closed at the range seen in people.
TYPOLOGY_ANGLE = {
    1: (55.0, 68.0),
    2: (41.0, 55.0),
    3: (28.0, 41.0),
    4: (10.0, 28.0),
    5: (-30.0, 10.0),
    6: (-62.0, -30.0),
}

# Mean a* and b* of skin against the angle: both peak at tan and fall towards either end (Del Bino & Bernerd 2013).
ANGLE_KNOTS = (-62.0, -40.0, -15.0, 10.0, 28.0, 41.0, 55.0, 68.0)
REDNESS_AT_KNOTS = (9.5, 11.5, 13.0, 12.5, 12.0, 11.5, 11.0, 10.5)
YELLOWNESS_AT_KNOTS = (10.5, 14.5, 18.5, 20.5, 19.0, 17.0, 14.5, 12.5)
LEAST_LIGHTNESS, GREATEST_LIGHTNESS = 17.0, 80.0

HAIR = {
    "black": (0.011, 0.009, 0.008),
    "dark": (0.026, 0.017, 0.012),
    "brown": (0.070, 0.040, 0.021),
    "light": (0.150, 0.090, 0.048),
    "auburn": (0.095, 0.034, 0.017),
    "red": (0.210, 0.070, 0.024),
    "blond": (0.360, 0.245, 0.120),
    "platinum": (0.540, 0.440, 0.290),
    "grey": (0.240, 0.235, 0.230),
    "white": (0.580, 0.565, 0.540),
}
IRIS = {
    "dark": (0.020, 0.011, 0.007),
    "brown": (0.052, 0.026, 0.013),
    "hazel": (0.110, 0.075, 0.030),
    "green": (0.100, 0.140, 0.075),
    "blue": (0.120, 0.200, 0.300),
    "grey": (0.180, 0.205, 0.225),
}


def skin_lab(angle: float, redder: float = 0.0, yellower: float = 0.0) -> tuple[float, float, float]:
    """CIE L*, a*, b* of skin with an individual typology angle in degrees.

    `redder` and `yellower` shift a* and b* from their mean at that angle. The angle is atan((L* - 50) / b*), so L*
    follows from b*, kept within the range of human skin.
    """
    yellowness = float(np.interp(angle, ANGLE_KNOTS, YELLOWNESS_AT_KNOTS)) + yellower
    redness = float(np.interp(angle, ANGLE_KNOTS, REDNESS_AT_KNOTS)) + redder
    lightness = 50.0 + yellowness * math.tan(math.radians(angle))
    return float(np.clip(lightness, LEAST_LIGHTNESS, GREATEST_LIGHTNESS)), redness, yellowness


@numba.njit(cache=True, fastmath=True)
def lab_to_linear(lightness, redness, yellowness):
    """Linear RGB, each at least 0.002 and at most 1, of one CIE L*a*b* colour (D65)."""
    fy = (lightness + 16.0) / 116.0
    x = 0.95047 * _inverse_lab(fy + redness / 500.0)
    y = _inverse_lab(fy)
    z = 1.08883 * _inverse_lab(fy - yellowness / 200.0)
    red = 3.2404542 * x - 1.5371385 * y - 0.4985314 * z
    green = -0.9692660 * x + 1.8760108 * y + 0.0415560 * z
    blue = 0.0556434 * x - 0.2040259 * y + 1.0572252 * z
    return _albedo(red), _albedo(green), _albedo(blue)


@numba.njit(cache=True, fastmath=True)
def _inverse_lab(t):
    return t * t * t if t > 6.0 / 29.0 else 3.0 * (6.0 / 29.0) ** 2 * (t - 4.0 / 29.0)


@numba.njit(cache=True, fastmath=True)
def _albedo(value):
    return min(max(value, 0.002), 1.0)


@numba.njit(cache=True, fastmath=True)
def encode_srgb(value):
    """sRGB value in 0..1 of a linear value (IEC 61966-2-1), clipped to 0..1."""
    value = min(max(value, 0.0), 1.0)
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1.0 / 2.4) - 0.055


def decode_srgb(values: np.ndarray) -> np.ndarray:
    """Linear float32 of sRGB values in 0..1."""
    values = np.asarray(values, np.float32)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)
