"""Close-ups of bodies without a face: hands, feet, arms, legs, shoulders, napes, chests and ears.

Positions are rest-mesh coordinates in decimetres (see `mesh`); chest and hips are always dressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from debias.data.parliament import lighting, raster, skin
from debias.data.parliament.appearance import Clothes
from debias.data.parliament.camera import View
from debias.data.parliament.lighting import Light
from debias.data.parliament.mesh import FINE, PATCHES, STREAKS, Figure, Model, vertex_normals
from debias.data.parliament.morphs import body_weights
from debias.data.parliament.people import Person

UPRIGHT_TILT = 0.25  # deviation of the direction that is up in the picture
VIEW_TILT = 0.45  # deviation of the direction of view from the surface's normal
CAMERA_DISTANCE = (8.0, 16.0)  # decimetres
NEAR_PLANE = 0.6  # share of the distance beyond which something is too close to the camera to be drawn
MARGIN = 0.25  # share of the side round the picture that still belongs to the scene, for its shadows
NOSE = np.array([0.0, 7.0, 1.5])
OFF_CENTRE = 0.08  # deviation of the centre of the picture, as a share of its side

WRIST = np.array([3.95, 2.35, 2.1])
FINGERS = np.array([0.34, -0.62, 0.71])  # from wrist to fingertips
PALM = np.array([-0.77, -0.61, -0.17])  # out of the palm
KNUCKLES = 0.5  # decimetres from the wrist
GREATEST_CURL = 1.1  # radians per decimetre

COVERED = (-2.6, 5.2)  # between the hips and the collar bones
SKIN_ROUGHNESS, CLOTH_ROUGHNESS = 0.42, 0.6
LIGHT_SKIN = 40.0  # CIE L* above which light scatters far under the skin
ROUND_TERMINATOR = (0.32, 0.16, 0.10)
ROUND_TERMINATOR_DARK = (0.22, 0.14, 0.10)
REST_X, REST_Y, REST_Z, NORMAL, POSITION, OCCLUSION = 0, 1, 2, 3, 6, 9  # columns of the vertex attributes


@dataclass(frozen=True)
class Region:
    """Where a close-up may be centred, least and greatest rest coordinates, and how much it shows."""

    across: tuple[float, float]  # |x|
    height: tuple[float, float]  # y
    depth: tuple[float, float]  # z
    span: tuple[float, float]  # decimetres from border to border
    any_way_up: bool = False


REGIONS = {
    "hand": Region((4.0, 9.0), (1.0, 9.0), (-9.0, 9.0), (0.9, 2.0), any_way_up=True),
    "arm": Region((2.2, 4.0), (1.0, 9.0), (-9.0, 9.0), (1.2, 3.0), any_way_up=True),
    "foot": Region((0.0, 9.0), (-9.0, -7.2), (-9.0, 9.0), (1.5, 3.2), any_way_up=True),
    "leg": Region((0.0, 9.0), (-7.2, -2.6), (-9.0, 9.0), (1.6, 4.0)),
    "shoulder": Region((0.7, 2.2), (4.6, 6.0), (-9.0, 9.0), (1.5, 3.0)),
    "nape": Region((0.0, 0.5), (5.6, 6.6), (-9.0, 0.2), (1.4, 2.2)),
    "chest": Region((0.0, 1.4), (0.0, 4.6), (-9.0, 9.0), (2.0, 4.0)),
    "ear": Region((0.78, 9.0), (6.9, 7.4), (-9.0, 9.0), (0.5, 0.95)),
}


class Garment(NamedTuple):
    """What is dressed and how it looks, as the kernel takes it."""

    low: float  # rest height of its hem
    high: float  # and of its neckline
    reach: float  # |x| at which its sleeves end
    rgb: tuple[float, float, float]
    stripes: float  # per decimetre


def paint_body(
    image: np.ndarray, model: Model, person: Person, kind: str, light: Light, rng: np.random.Generator
) -> None:
    """Draw a close-up of region `kind` over `image`, (size, size, 3) float32 linear RGB, in place."""
    part = model.body.parts["body"]
    rest, occlusion = model.body.rest[part.vertices], model.body.occlusion[part.vertices]
    vertices = _shaped_body(model.body, person, rng)
    normals = vertex_normals(vertices, part.triangles)
    view = _sample_view(rng, rest, vertices, normals, REGIONS[kind], len(image))
    positions = view.place(vertices)
    attributes = np.column_stack([rest, normals @ view.rotation.T, positions, occlusion])
    garment = _sample_garment(rng, person.clothes, kind)
    _draw(image, attributes, part.triangles, view, light, skin.skin_look(person), garment, model.noise)


def _draw(image, attributes, triangles, view: View, light: Light, look, garment: Garment, noise) -> None:
    """Rasterise and shade the triangles in sight over `image`, in place."""
    size, positions = len(image), np.ascontiguousarray(attributes[:, POSITION : POSITION + 3])
    points = view.project(positions)
    triangles = _in_sight(triangles, points, view.distance, size)
    depth, ids, weights = raster.buffers(size, size)
    raster.rasterise(points, triangles, np.zeros(len(triangles), bool), depth, ids, weights)
    rig, shadow = lighting.rig_of(light), lighting.cast_shadow(positions, triangles, light)
    _shade(image, ids, weights, triangles, attributes, view.distance, look, garment, noise, rig, shadow)


def _shaped_body(figure: Figure, person: Person, rng: np.random.Generator) -> np.ndarray:
    """(v, 3) float32 vertices of the part 'body' for a person, the hands curled at random."""
    part = figure.parts["body"]
    vertices = figure.morphed(body_weights(person))[part.vertices]
    rest = figure.rest[part.vertices]
    for side in (1, -1):
        curl(vertices, rest * np.float32([side, 1, 1]), side, rng.uniform(-0.15, GREATEST_CURL))
    return vertices


def curl(vertices: np.ndarray, rest: np.ndarray, side: int, curvature: float) -> None:
    """Bend the fingers of one hand into an arc of `curvature` radians per decimetre, in place.

    `rest` holds the rest coordinates mirrored so that the hand is at positive x; `side` is 1 for the left hand, -1 for
    the right one.
    """
    mirror = np.array([side, 1, 1])
    along = (rest - WRIST) @ FINGERS * (rest[:, 0] > WRIST[0])
    moved, knuckles = along > KNUCKLES, np.abs(along - KNUCKLES) < 0.1
    if abs(curvature) < 1e-3:
        return
    fingers, palm = FINGERS * mirror, PALM * mirror
    offset = vertices[moved] - vertices[knuckles].mean(0)
    length, height = offset @ fingers, offset @ palm
    angle, radius = curvature * length, 1 / curvature
    shift = ((radius - height) * np.sin(angle) - length)[:, None] * fingers
    rise = (radius - (radius - height) * np.cos(angle) - height)[:, None] * palm
    vertices[moved] += (shift + rise).astype(np.float32)


def _sample_view(rng, rest, vertices, normals, region: Region, size: int) -> View:
    """A camera that faces a random vertex of the region and does not see the face."""
    vertex_choices = np.flatnonzero(_inside(rest, region))
    nose = np.argmin(((rest - NOSE) ** 2).sum(1))
    while True:
        chosen = rng.choice(vertex_choices)
        view = _view_of(rng, vertices[chosen], normals[chosen], region, size)
        if not _sees(view, vertices[nose], normals[nose], size):
            return view


def _view_of(rng: np.random.Generator, centre: np.ndarray, normal: np.ndarray, region: Region, size: int) -> View:
    towards = normal + rng.normal(0, VIEW_TILT, 3)
    towards /= np.linalg.norm(towards)
    up = rng.normal(size=3) if region.any_way_up else np.array([0, 1, 0]) + rng.normal(0, UPRIGHT_TILT, 3)
    right = np.cross(up, towards)
    right /= np.linalg.norm(right) + 1e-6
    return View(
        rotation=np.stack([right, np.cross(towards, right), towards]).astype(np.float32),
        centre=centre,
        scale=size / rng.uniform(*region.span),
        offset=tuple(rng.normal(size / 2, OFF_CENTRE * size, 2)),
        distance=rng.uniform(*CAMERA_DISTANCE),
    )


def _sees(view: View, vertex: np.ndarray, normal: np.ndarray, size: int) -> bool:
    """Whether a vertex lies in the picture, or close to it, and is not turned away."""
    point = view.project(view.place(vertex[None]))[0, :2] / size
    return bool(normal @ view.rotation[2] > -0.2 and (np.abs(point - 0.5) < 0.5 + MARGIN).all())


def _inside(rest: np.ndarray, region: Region) -> np.ndarray:
    bounds = np.array([region.across, region.height, region.depth])
    coordinates = np.abs(rest) * [1, 0, 0] + rest * [0, 1, 1]
    return ((coordinates > bounds[:, 0]) & (coordinates < bounds[:, 1])).all(1)


def _in_sight(triangles: np.ndarray, points: np.ndarray, distance: float, size: int) -> np.ndarray:
    """The triangles in or near the picture and not too close to the camera."""
    inside = (np.abs(points[:, :2] / size - 0.5) < 0.5 + MARGIN).all(1) & (points[:, 2] > (1 - NEAR_PLANE) * distance)
    return np.ascontiguousarray(triangles[inside[triangles].all(1)])


def _sample_garment(rng: np.random.Generator, clothes: Clothes, kind: str) -> Garment:
    low, high = COVERED
    if kind == "shoulder":
        high = 4.9
    if kind == "leg":
        low = rng.uniform(-6.5, low)
    reach = rng.choice([1.5, 2.7, 3.9 if kind == "hand" else 2.0])
    return Garment(low, high, float(reach), clothes.rgb, clothes.stripes)


@numba.njit(cache=True, fastmath=True)
def _shade(image, ids, weights, triangles, attributes, distance, look, garment, noise, rig, shadow):
    wrap = ROUND_TERMINATOR if look.lab[0] > LIGHT_SKIN else ROUND_TERMINATOR_DARK
    for row in range(ids.shape[0]):
        for column in range(ids.shape[1]):
            if ids[row, column] < 0:
                continue
            corners = triangles[ids[row, column]]
            wb, wc = weights[row, column, 0], weights[row, column, 1]
            x, y, z = _blend3(attributes, corners, wb, wc, REST_X)
            normal = lighting.normalised(*_blend3(attributes, corners, wb, wc, NORMAL))
            position = _blend3(attributes, corners, wb, wc, POSITION)
            occlusion = raster.blend(attributes, corners, wb, wc, OCCLUSION)
            view = lighting.normalised(-position[0], -position[1], distance - position[2])
            lit = lighting.lit_share(shadow, position, normal) * (0.35 + 0.65 * occlusion)
            if garment.low < y < garment.high and abs(x) < garment.reach:
                albedo, roughness, gloss = _cloth_albedo(garment, noise, x, y), CLOTH_ROUGHNESS, 0.15
            else:
                albedo, roughness, gloss = _skin_albedo(look, noise, x, y, z), SKIN_ROUGHNESS, look.gloss
            colour = lighting.illuminate(rig, normal, view, lit, occlusion, albedo, roughness, gloss, wrap)
            image[row, column, 0], image[row, column, 1], image[row, column, 2] = colour


@numba.njit(cache=True, fastmath=True)
def _blend3(attributes, corners, wb, wc, first):
    return (
        raster.blend(attributes, corners, wb, wc, first),
        raster.blend(attributes, corners, wb, wc, first + 1),
        raster.blend(attributes, corners, wb, wc, first + 2),
    )


@numba.njit(cache=True, fastmath=True)
def _cloth_albedo(garment, noise, x, y):
    shade = 1.0 + 0.12 * skin.sample(noise, STREAKS, 0.4 * x, 0.4 * y)
    if garment.stripes > 0.0 and (y * garment.stripes) % 1.0 < 0.5:
        shade *= 0.4
    return shade * garment.rgb[0], shade * garment.rgb[1], shade * garment.rgb[2]


@numba.njit(cache=True, fastmath=True)
def _skin_albedo(look, noise, x, y, z):
    if y > 6.0:  # the head keeps its ears, sideburns and hairline
        return skin.face_albedo(look, noise, x, y, z)
    u, v = 0.25 * (x + z) + look.phases[0], 0.25 * (y - z) + look.phases[1]
    lightness = look.lab[0] + (0.8 + 2.0 * look.blotches) * skin.sample(noise, PATCHES, u, v)
    lightness += 0.9 * skin.sample(noise, FINE, 3.0 * u, 3.0 * v)
    redness = look.lab[1] + 0.9 * skin.sample(noise, PATCHES, 1.3 * v, 1.3 * u)
    return skin.lab_to_linear(lightness, redness, look.lab[2])
