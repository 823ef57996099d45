"""Lights: their sampling, the shadow map of the key light, and the reflection model shared by every material.

Directions are unit vectors in camera space (x right, y up, z towards the viewer); light is linear RGB.
"""

import math
from dataclasses import dataclass

import numba
import numpy as np

from debias.data.parliament import raster
from debias.data.parliament.appearance import pick

KINDS = {"soft": 0.34, "side": 0.22, "sun": 0.16, "overhead": 0.1, "back": 0.08, "flash": 0.08}
KEY_STRENGTH = {"soft": 0.85, "side": 1.15, "sun": 1.5, "overhead": 1.2, "back": 0.4, "flash": 1.1}
AMBIENT_STRENGTH = {"soft": 0.42, "side": 0.27, "sun": 0.3, "overhead": 0.26, "back": 0.42, "flash": 0.16}
SOFTNESS = {"soft": 0.5, "side": 0.25, "sun": 0.06, "overhead": 0.2, "back": 0.4, "flash": 0.1}
AZIMUTH = {  # radians to either side
    "soft": (0.0, 0.8),
    "side": (0.4, 1.2),
    "sun": (0.2, 1.3),
    "overhead": (0.0, 0.7),
    "back": (0.0, 0.7),
    "flash": (0.0, 0.15),
}
ELEVATION = {  # radians
    "soft": (0.1, 0.9),
    "side": (0.0, 0.6),
    "sun": (0.4, 1.0),
    "overhead": (0.9, 1.25),
    "back": (0.1, 0.8),
    "flash": (0.0, 0.2),
}
RIM_STRENGTH = 1.3
LIGHTS = 3  # key, fill, rim

SHADOW_SIZE = 80  # texels
SHADOW_REACH = 1.9  # decimetres from the centre to the map's border
SHADOW_OFFSET = 0.05  # along the normal, against self-shadowing
SHADOW_BIAS = 0.07  # decimetres of depth


@dataclass(frozen=True)
class Light:
    """The light of one photograph."""

    kind: str
    azimuth: float  # radians of the key light, positive from the image's right
    elevation: float  # radians of the key light above the horizon
    key: tuple[float, float, float]
    fill: tuple[float, float, float]
    fill_azimuth: float
    fill_elevation: float
    rim: tuple[float, float, float]
    rim_azimuth: float
    sky: tuple[float, float, float]  # ambient light from above
    ground: tuple[float, float, float]  # ambient light from below
    softness: float  # 0 = sharp shadows


# A Light and its shadow map as the kernels take them: records are passed by their address, so calls stay cheap.
RIG = np.dtype(
    [
        ("directions", "f4", (LIGHTS, 3)),  # unit vectors: key, fill, rim
        ("colours", "f4", (LIGHTS, 3)),  # 0 where a light is off
        ("sky", "f8", 3),
        ("ground", "f8", 3),
    ]
)
SHADOW = np.dtype(
    [
        ("axes", "f4", (3, 3)),  # rows: the map's x, its y, and the direction of the light
        ("depth", "f4", (SHADOW_SIZE, SHADOW_SIZE)),
        ("blur", "f8"),  # texels between the nine samples
    ]
)


def sample_light(rng: np.random.Generator) -> Light:
    """A key light of a random kind, ambient light, and often a fill or a rim light."""
    kind = pick(rng, KINDS)
    warmth = rng.normal(0, 0.10)
    warm, cool = np.array([1 + warmth, 1.0, 1 - warmth]), np.array([1 - 0.6 * warmth, 1.0, 1 + 0.6 * warmth])
    side = rng.choice((-1.0, 1.0))
    ambient = AMBIENT_STRENGTH[kind] * rng.uniform(0.6, 1.3)
    has_fill, has_rim = rng.random() < 0.5, kind == "back" or rng.random() < 0.15
    return Light(
        kind=kind,
        azimuth=float(side * rng.uniform(*AZIMUTH[kind])),
        elevation=float(rng.uniform(*ELEVATION[kind])),
        key=_colour(KEY_STRENGTH[kind] * rng.uniform(0.8, 1.2) * warm),
        fill=_colour(has_fill * rng.uniform(0.05, 0.35) * cool),
        fill_azimuth=float(-side * rng.uniform(0.5, 1.9)),
        fill_elevation=float(rng.uniform(-0.2, 0.6)),
        rim=_colour(has_rim * RIM_STRENGTH * rng.uniform(0.5, 1.2) * warm),
        rim_azimuth=float(rng.choice((-1.0, 1.0)) * rng.uniform(2.1, 2.9)),
        sky=_colour(ambient * cool),
        ground=_colour(ambient * rng.uniform(0.1, 0.5) * np.array([1.0, 0.96, 0.9])),
        softness=SOFTNESS[kind] * rng.uniform(0.6, 1.4),
    )


def rig_of(light: Light) -> np.void:
    """The RIG record of a light."""
    angles = (
        (light.azimuth, light.elevation),
        (light.fill_azimuth, light.fill_elevation),
        (light.rim_azimuth, 0.5),
    )
    directions = [_direction(*pair) for pair in angles]
    colours = (light.key, light.fill, light.rim)
    return np.array((directions, colours, light.sky, light.ground), RIG)[()]


def cast_shadow(positions: np.ndarray, triangles: np.ndarray, light: Light) -> np.void:
    """The SHADOW record of camera-space positions (n, 3) float32 and triangles (m, 3) int32."""
    axes = _light_axes(_direction(light.azimuth, light.elevation))
    seen = positions @ axes.T
    seen[:, :2] = (seen[:, :2] / (2 * SHADOW_REACH) + 0.5) * SHADOW_SIZE
    seen[:, 2] *= -1
    shadow = np.zeros((), SHADOW)
    shadow["axes"], shadow["depth"], shadow["blur"] = axes, raster.FAR, 0.6 + 2.4 * light.softness
    raster.rasterise_depth(seen, triangles, shadow["depth"])
    return shadow[()]


@numba.njit(cache=True, fastmath=True)
def lit_share(shadow, position, normal):
    """Share of the key light that reaches a camera-space point, from nine depth comparisons (0..1)."""
    u, v, depth = _shadow_coordinates(shadow, position, normal)
    lit = 0
    for row in range(-1, 2):
        for column in range(-1, 2):
            y = min(max(int(v + row * shadow.blur), 0), SHADOW_SIZE - 1)
            x = min(max(int(u + column * shadow.blur), 0), SHADOW_SIZE - 1)
            lit += shadow.depth[y, x] > depth - SHADOW_BIAS
    return lit / 9.0


@numba.njit(cache=True, fastmath=True)
def illuminate(rig, normal, view, lit, occlusion, albedo, roughness, gloss, wrap):
    """Linear RGB reflected to the viewer: wrapped Lambert, a Blinn-Phong lobe with Schlick's Fresnel term, ambient.

    normal and view are unit vectors; lit scales the key light and occlusion everything else; albedo and wrap are RGB
    (wrap > 0 lets light round the terminator, as scattering under skin does); gloss scales the highlight.
    """
    red, green, blue = _ambient(rig, normal, occlusion)
    highlight_red, highlight_green, highlight_blue = 0.0, 0.0, 0.0
    for i in range(LIGHTS):
        key_red, key_green, key_blue = rig.colours[i, 0], rig.colours[i, 1], rig.colours[i, 2]
        if key_red + key_green + key_blue <= 0.0:
            continue
        direction = (rig.directions[i, 0], rig.directions[i, 1], rig.directions[i, 2])
        cosine = dot(normal, direction)
        reach = lit if i == 0 else occlusion
        red += key_red * reach * _wrapped(cosine, wrap[0])
        green += key_green * reach * _wrapped(cosine, wrap[1])
        blue += key_blue * reach * _wrapped(cosine, wrap[2])
        if cosine > 0.0 and gloss > 0.0:
            highlight = gloss * reach * cosine * _highlight(normal, view, direction, roughness)
            highlight_red += key_red * highlight
            highlight_green += key_green * highlight
            highlight_blue += key_blue * highlight
    grazing = 0.12 * gloss * occlusion * (1.0 - max(dot(normal, view), 0.0)) ** 4
    return (
        albedo[0] * red + highlight_red + grazing * rig.sky[0],
        albedo[1] * green + highlight_green + grazing * rig.sky[1],
        albedo[2] * blue + highlight_blue + grazing * rig.sky[2],
    )


@numba.njit(cache=True, fastmath=True)
def dot(first, second):
    """Scalar product of two vectors of three components."""
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


@numba.njit(cache=True, fastmath=True)
def normalised(x, y, z):
    """The unit vector along (x, y, z)."""
    scale = 1.0 / np.sqrt(x * x + y * y + z * z + 1e-12)
    return x * scale, y * scale, z * scale


def _direction(azimuth: float, elevation: float) -> np.ndarray:
    horizontal = np.cos(elevation)
    return np.array([np.sin(azimuth) * horizontal, np.sin(elevation), np.cos(azimuth) * horizontal])


def _light_axes(towards: np.ndarray) -> np.ndarray:
    up = np.array([0.0, 1.0, 0.0]) if abs(towards[1]) < 0.95 else np.array([1.0, 0.0, 0.0])
    right = np.cross(up, towards)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(towards, right), towards]).astype(np.float32)


def _colour(values: np.ndarray) -> tuple[float, float, float]:
    return tuple(float(max(value, 0.0)) for value in values)


@numba.njit(cache=True, fastmath=True)
def _shadow_coordinates(shadow, position, normal):
    x = position[0] + SHADOW_OFFSET * normal[0]
    y = position[1] + SHADOW_OFFSET * normal[1]
    z = position[2] + SHADOW_OFFSET * normal[2]
    axes = shadow.axes
    u = axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z
    v = axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z
    towards = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z
    scale = SHADOW_SIZE / (2 * SHADOW_REACH)
    return u * scale + SHADOW_SIZE / 2, v * scale + SHADOW_SIZE / 2, -towards


@numba.njit(cache=True, fastmath=True)
def _ambient(rig, normal, occlusion):
    above = 0.5 + 0.5 * normal[1]
    below = 1.0 - above
    return (
        occlusion * (rig.sky[0] * above + rig.ground[0] * below),
        occlusion * (rig.sky[1] * above + rig.ground[1] * below),
        occlusion * (rig.sky[2] * above + rig.ground[2] * below),
    )


@numba.njit(cache=True, fastmath=True)
def _wrapped(cosine, wrap):
    return max((cosine + wrap) / (1.0 + wrap), 0.0)


@numba.njit(cache=True, fastmath=True)
def _highlight(normal, view, direction, roughness):
    half = normalised(direction[0] + view[0], direction[1] + view[1], direction[2] + view[2])
    aligned = max(dot(normal, half), 0.0)
    exponent = 2.0 / (roughness * roughness)
    fresnel = 0.04 + 0.96 * (1.0 - max(dot(view, half), 0.0)) ** 5
    # exp(e (c - 1)) is within a few percent of c**e where that matters, and much faster.
    return fresnel * (exponent + 2.0) / 8.0 * math.exp(exponent * (aligned - 1.0))
