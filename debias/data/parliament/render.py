"""From generative factors to pixels.

    model = assets.load_model(cache)
    portrait = sample_portrait(rng, male=True, tone=5)           # every factor of one photograph
    image = render_portrait(model, portrait, backdrop, rng)      # (64, 64, 3) uint8
    row = factors(portrait)                                      # the columns stored with it

`backdrop(rng, size)` returns what lies behind the head: (size, size, 3) float32 linear RGB. All randomness comes from
the generators passed in.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from debias.data.parliament import camera as cameras
from debias.data.parliament import geometry, lighting, raster, shading
from debias.data.parliament.camera import Camera, View
from debias.data.parliament.geometry import Landmarks
from debias.data.parliament.lighting import Light
from debias.data.parliament.mesh import Model
from debias.data.parliament.people import (
    NEUTRAL,
    Expression,
    Person,
    Pose,
    sample_expression,
    sample_person,
    sample_pose,
    sample_pose_from_behind,
)
from debias.data.parliament.scene import ONE_SIDED, OVERLAYS, Scene
from debias.errors import InputError

Backdrop = Callable[[np.random.Generator, int], np.ndarray]


@dataclass(frozen=True)
class Portrait:
    """Every generative factor of one photograph of a face."""

    person: Person
    expression: Expression
    pose: Pose
    light: Light
    camera: Camera
    view: str  # 'front' or 'back'


def sample_portrait(
    rng: np.random.Generator, male: bool, tone: int, view: str = "front", camera: str = "usual"
) -> Portrait:
    """A random person of the given gender and Fitzpatrick type 1..6, in a random situation, by a camera of CAMERAS.

    Raises:
        InputError: tone or view is unknown.
    """
    return portrait_of(sample_person(rng, male, tone), rng, view, camera)


def portrait_of(person: Person, rng: np.random.Generator, view: str = "front", camera: str = "usual") -> Portrait:
    """A given person in a random situation; 'back' shows the back of the head.

    Raises:
        InputError: the view is unknown.
    """
    if view not in ("front", "back"):
        raise InputError(f"unknown view {view!r}; use 'front' or 'back'")
    front = view == "front"
    return Portrait(
        person=person,
        expression=sample_expression(rng) if front else NEUTRAL,
        pose=sample_pose(rng) if front else sample_pose_from_behind(rng),
        light=lighting.sample_light(rng),
        camera=cameras.CAMERAS[camera](rng),
        view=view,
    )


def render_portrait(
    model: Model, portrait: Portrait, backdrop: Backdrop, rng: np.random.Generator, size: int = 64
) -> np.ndarray:
    """(size, size, 3) uint8 photograph of a portrait's factors; rng draws the backdrop and the sensor's noise."""
    scene, landmarks = geometry.build_face(model, portrait.person, portrait.expression)
    fine = cameras.canvas_size(size)
    view = _view_of(portrait, landmarks, fine)
    look = shading.look_of(model, portrait.person, portrait.expression, view.rotation)
    image = backdrop(rng, fine)
    render_scene(image, scene, view, look, portrait.light, model.noise)
    return cameras.develop(image, portrait.camera, rng, size)


def render_scene(image: np.ndarray, scene: Scene, view: View, look: np.void, light: Light, noise: np.void) -> None:
    """Draw a scene over `image`, (n, n, 3) float32 linear RGB, in place."""
    positions = view.place(scene.positions)
    points = view.project(positions)
    table = shading.attribute_table(scene, positions)
    shadow = lighting.cast_shadow(positions, scene.triangles, light)
    rig = lighting.rig_of(light)
    depth, _, _ = raster.buffers(*image.shape[:2])
    overlay = np.isin(scene.materials, OVERLAYS)
    two_sided = ~np.isin(scene.materials, ONE_SIDED)
    for layer in (~overlay, overlay):  # overlays are blended over what the opaque layer shows
        triangles, materials = scene.triangles[layer], scene.materials[layer]
        _, ids, weights = raster.buffers(*image.shape[:2])
        raster.rasterise(points, triangles, two_sided[layer], depth, ids, weights)
        shading.shade(image, ids, weights, triangles, materials, table, look, rig, shadow, noise, view.distance)


def factors(portrait: Portrait) -> dict[str, float | str]:
    """The generative factors stored per image; angles in degrees, ages in years, shares in 0..1."""
    return _person_factors(portrait.person) | _photograph_factors(portrait)


def _view_of(portrait: Portrait, landmarks: Landmarks, pixels: int) -> View:
    camera = portrait.camera
    eyes = (landmarks.left_eye + landmarks.right_eye) / 2
    share = cameras.EYES_SHARE
    depth = eyes[2] - cameras.FACE_DEPTH if portrait.view == "front" else 0.5
    centre = np.array([0.0, share * eyes[1] + (1 - share) * landmarks.mouth[1], depth], np.float32)
    between = float(landmarks.left_eye[0] - landmarks.right_eye[0])
    offset = tuple(pixels * (0.5 + shift) for shift in camera.shift)
    rotation = cameras.rotation_of(portrait.pose)
    return View(rotation, centre, camera.zoom * pixels / between, offset, camera.distance)


def _person_factors(person: Person) -> dict[str, float | str]:
    african, asian, european = person.ancestry
    return {
        "male": float(person.male),
        "tone": float(person.tone),
        "typology_angle": person.skin.typology_angle,
        "skin_lightness": person.skin.lab[0],
        "age": person.age,
        "ancestry_african": african,
        "ancestry_asian": asian,
        "ancestry_european": european,
        "weight": person.weight,
        "hair": person.hair.style,
        "hair_luminance": float(np.dot(person.hair.rgb, (0.2126, 0.7152, 0.0722))),
        "grey": person.hair.grey,
        "fringe": person.hair.fringe,
        "beard": person.beard.style,
        "makeup": person.makeup.strength,
        "glasses": person.glasses.style,
        "iris": person.iris,
    }


def _photograph_factors(portrait: Portrait) -> dict[str, float | str]:
    pose, light, camera = portrait.pose, portrait.light, portrait.camera
    return {
        "mood": portrait.expression.mood,
        "mouth_open": portrait.expression.mouth_open,
        "yaw": float(np.degrees(pose.yaw)),
        "pitch": float(np.degrees(pose.pitch)),
        "roll": float(np.degrees(pose.roll)),
        "light": light.kind,
        "light_azimuth": float(np.degrees(light.azimuth)),
        "light_elevation": float(np.degrees(light.elevation)),
        "light_strength": float(np.mean(light.key)),
        "ambient_strength": float(np.mean(light.sky)),
        "exposure": camera.exposure,
        "contrast": camera.contrast,
        "zoom": camera.zoom,
        "shift_x": camera.shift[0],
        "shift_y": camera.shift[1],
        "blur": camera.blur,
    }
