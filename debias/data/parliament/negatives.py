"""Hard negatives: images without a face that share its colours, outlines and textures, so that none of them decides.

Skin of every tone shows up in negatives as often as the caller asks for; by default all six Fitzpatrick types alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from debias.data.parliament import bodies, camera, lighting, photographs, render, shapes
from debias.data.parliament.appearance import pick
from debias.data.parliament.colour import lab_to_linear
from debias.data.parliament.lighting import Light
from debias.data.parliament.mesh import Model
from debias.data.parliament.people import TONES, Person, sample_person

EVEN_TONES = (1 / 6,) * 6
KINDS = {
    "back of head": 0.19,
    "hand": 0.13,
    "foot": 0.06,
    "arm": 0.05,
    "leg": 0.05,
    "shoulder": 0.06,
    "nape": 0.06,
    "chest": 0.03,
    "ear": 0.05,
    "face-like shape": 0.09,
    "shape": 0.06,
    "photograph": 0.11,
    "texture": 0.06,
}
ZOOM_FROM_BEHIND = (0.22, 0.42)  # as camera.Camera.zoom: from head and shoulders to hair alone
SKIN_SHARE = 0.7  # of shapes that have the colour of skin


def render_negative(
    model: Model,
    pool: photographs.Pool,
    rng: np.random.Generator,
    kind: str | None = None,
    tones: Sequence[float] = EVEN_TONES,
    size: int = 64,
    taken_by: str = "usual",
) -> tuple[np.ndarray, str]:
    """An image (size, size, 3) uint8 without a face, and its kind.

    Args:
        pool: the photographs it may use as background or as its subject.
        kind: one of KINDS; drawn with their shares if None.
        tones: shares of Fitzpatrick types I to VI in the skin it shows.
        taken_by: one of camera.CAMERAS.
    """
    kind = kind or pick(rng, KINDS)
    person = sample_person(rng, male=bool(rng.random() < 0.5), tone=int(rng.choice(TONES, p=tones)))
    if kind == "back of head":
        return _photograph_from_behind(model, pool, person, rng, size, taken_by), kind
    canvas = _draw(kind, model, pool, person, rng, camera.canvas_size(size))
    return camera.develop(canvas, camera.CAMERAS[taken_by](rng), rng, size), kind


def _photograph_from_behind(model: Model, pool, person: Person, rng, size: int, taken_by: str) -> np.ndarray:
    portrait = render.portrait_of(person, rng, "back", taken_by)
    wider = dataclasses.replace(portrait.camera, zoom=rng.uniform(*ZOOM_FROM_BEHIND))
    portrait = dataclasses.replace(portrait, camera=wider)
    return render.render_portrait(model, portrait, photographs.backdrop(pool), rng, size)


def _draw(kind: str, model: Model, pool, person: Person, rng: np.random.Generator, size: int) -> np.ndarray:
    """The picture before the camera: (size, size, 3) float32 linear RGB."""
    if kind == "photograph":
        return photographs.crop_photograph(pool, rng, size)
    if kind == "texture":
        return photographs.coloured_noise(pool, rng, size)
    canvas, light = photographs.draw_backdrop(pool, rng, size), lighting.sample_light(rng)
    if kind in bodies.REGIONS:
        bodies.paint_body(canvas, model, person, kind, light, rng)
    else:
        _paint_shapes(canvas, pool, person, light, rng, face_like=kind == "face-like shape")
    return canvas


def _paint_shapes(canvas: np.ndarray, pool, person: Person, light: Light, rng, face_like: bool) -> None:
    for _ in range(1 if face_like else rng.integers(1, 4)):
        skin_coloured = face_like or rng.random() < SKIN_SHARE
        albedo = lab_to_linear(*person.skin.lab) if skin_coloured else tuple(photographs.random_colour(rng))
        shape, texture = shapes.sample_shape(rng, albedo, face_like), photographs.crop_noise(pool, rng, len(canvas))
        shapes.paint(canvas, shape, texture, light)
