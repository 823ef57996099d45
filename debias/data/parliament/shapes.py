"""Rounded shapes in the colours of skin, some with dots where a face would have its features.

They look like pebbles, eggs, potatoes and dolls: what is left of a face once everything but colour, outline and a rough
arrangement of dark spots is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from debias.data.parliament import lighting
from debias.data.parliament.lighting import Light

# Dots on a shape whose radius is 1: (right, up, width, height). A face has two eyes above a mouth.
EYES = ((-0.36, 0.2, 0.16, 0.1), (0.36, 0.2, 0.16, 0.1))
NOSE = ((0.0, -0.1, 0.07, 0.12),)
MOUTH = ((0.0, -0.45, 0.28, 0.09),)
LAYOUTS = (EYES + MOUTH, EYES + NOSE + MOUTH, EYES, NOSE + MOUTH, EYES[:1] + MOUTH)
JITTER = 0.1  # of a dot's place
MOTTLING = 0.12  # contrast of the surface's texture
ROUGHNESS, GLOSS = 0.4, 0.6
ROUND_TERMINATOR = (0.3, 0.15, 0.1)  # light that scatters past the terminator, as in skin


@dataclass(frozen=True)
class Shape:
    """A superellipsoid seen from the front; lengths are shares of the image's side."""

    centre: tuple[float, float]
    radii: tuple[float, float]
    angle: float  # radians
    exponent: float  # 2 = ellipsoid, larger = boxier
    albedo: tuple[float, float, float]
    dots: tuple[tuple[float, float, float, float], ...] = ()
    cap: float = 1.0  # height above which the shape is covered by `cap_albedo`; 1 = nowhere
    cap_albedo: tuple[float, float, float] = (0.0, 0.0, 0.0)


def sample_shape(rng: np.random.Generator, albedo, face_like: bool) -> Shape:
    """A shape of the given albedo; a face-like one is large, central, upright and has dots, a cap, or both."""
    if face_like:
        return _sample_face_like(rng, albedo)
    return Shape(
        centre=tuple(rng.uniform(0.2, 0.8, 2)),
        radii=tuple(rng.uniform(0.12, 0.45, 2)),
        angle=rng.uniform(0, np.pi),
        exponent=rng.uniform(2, 5),
        albedo=albedo,
        dots=_sample_dots(rng) if rng.random() < 0.5 else (),
    )


def paint(image: np.ndarray, shape: Shape, texture: np.ndarray, light: Light) -> None:
    """Draw a lit shape over `image`, (size, size, 3) float32 linear RGB, in place.

    `texture` (size, size) float32 of mean 0 and deviation 1 mottles the surface.
    """
    mask, normals, albedo = surface(shape, image.shape[0])
    albedo *= np.maximum(1 + MOTTLING * texture[mask], 0)[:, None]
    image[mask] = _illuminated(normals, np.clip(albedo, 0.002, 1), lighting.rig_of(light))


def surface(shape: Shape, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The shape drawn on size x size pixels.

    Returns the mask (size, size) bool of its n pixels, their unit normals (n, 3) float32 (x right, y up, z towards the
    viewer) and their albedo (n, 3) float32.
    """
    right, up = _local_coordinates(shape, size)
    distance = np.abs(right) ** shape.exponent + np.abs(up) ** shape.exponent
    mask = distance < 1
    right, up, distance = right[mask], up[mask], distance[mask]
    return mask, _normals(shape, right, up, distance), _painted(shape, right, up)


def _sample_face_like(rng: np.random.Generator, albedo) -> Shape:
    width = rng.uniform(0.26, 0.46)
    dark = rng.uniform(0.005, 0.08) * np.array([1.0, 0.75, 0.55])  # hair
    dotted = rng.random() < 0.75
    return Shape(
        centre=tuple(rng.normal(0.5, 0.05, 2)),
        radii=(width, width * rng.uniform(1.0, 1.5)),
        angle=rng.normal(0, 0.2),
        exponent=rng.uniform(2, 3),
        albedo=albedo,
        dots=_sample_dots(rng) if dotted else (),
        cap=rng.uniform(0.3, 0.7) if not dotted or rng.random() < 0.5 else 1.0,
        cap_albedo=tuple(dark),
    )


def _sample_dots(rng: np.random.Generator) -> tuple[tuple[float, float, float, float], ...]:
    """The dots of a face with some missing, moved, or turned by a quarter or half."""
    dots = np.array(LAYOUTS[rng.integers(len(LAYOUTS))])
    if rng.random() < 0.5:
        dots[:, :2] = rng.uniform(-0.6, 0.6, (len(dots), 2))
    dots[:, :2] += rng.normal(0, JITTER, (len(dots), 2))
    dots[:, 2:] *= rng.uniform(0.6, 1.5, (len(dots), 2))
    return tuple(map(tuple, dots.tolist()))


def _local_coordinates(shape: Shape, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres in the shape's own frame, where its outline has radius 1; up is positive."""
    place = (np.arange(size, dtype=np.float32) + 0.5) / size
    right, up = np.meshgrid(place - shape.centre[0], shape.centre[1] - place)
    cosine, sine = np.float32(np.cos(shape.angle)), np.float32(np.sin(shape.angle))
    return (right * cosine + up * sine) / shape.radii[0], (up * cosine - right * sine) / shape.radii[1]


def _normals(shape: Shape, right: np.ndarray, up: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Normals of the height field sqrt(1 - distance), flattened a little at the rim, turned to the image's frame."""
    height = np.sqrt(1 - distance) + 0.15
    slope_x = np.sign(right) * np.abs(right) ** (shape.exponent - 1)
    slope_y = np.sign(up) * np.abs(up) ** (shape.exponent - 1)
    cosine, sine = np.cos(shape.angle), np.sin(shape.angle)
    normals = np.stack([slope_x * cosine - slope_y * sine, slope_x * sine + slope_y * cosine, height], -1)
    return (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)


def _painted(shape: Shape, right: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Albedo with the cap and the dots."""
    albedo = np.repeat(np.float32([shape.albedo]), len(right), axis=0)
    albedo[up > shape.cap + 0.06 * np.cos(5 * right)] = shape.cap_albedo
    for dot_right, dot_up, width, height in shape.dots:
        spot = np.exp(-(((right - dot_right) / width) ** 2) - ((up - dot_up) / height) ** 2)
        albedo *= (1 - 0.85 * spot)[:, None]
    return albedo


@numba.njit(cache=True, fastmath=True)
def _illuminated(normals, albedo, rig):
    """(n, 3) float32 linear RGB of n points without shadows, seen from straight ahead."""
    colours = np.empty_like(albedo)
    for i in range(len(normals)):
        normal = (normals[i, 0], normals[i, 1], normals[i, 2])
        own = (albedo[i, 0], albedo[i, 1], albedo[i, 2])
        openness = 0.6 + 0.4 * normal[2]
        colours[i, 0], colours[i, 1], colours[i, 2] = lighting.illuminate(
            rig, normal, (0.0, 0.0, 1.0), openness, openness, own, ROUGHNESS, GLOSS, ROUND_TERMINATOR
        )
    return colours
