"""The scene of a portrait: a head with all it wears."""

from dataclasses import dataclass

import numpy as np

from debias.data.parliament import morphs
from debias.data.parliament.hairstyles import SHEETS, add_hair
from debias.data.parliament.mesh import Figure, Model
from debias.data.parliament.people import Expression, Person
from debias.data.parliament.scene import EYE, LASH, SKIN, TEETH, TONGUE, Scene, SceneBuilder, grid_triangles
from debias.data.parliament.wearables import add_glasses, add_headwear

EARS_ACROSS, EARS_Y, EARS_Z = (0.755, 1.0), (6.8, 7.45), (0.2, 0.7)
EARS_PRESSED = 0.80  # hair and scarves press the ears to the head
LIPS_PART = 0.03  # mouth_open above which teeth can show
TEETH_SPAN, TEETH_COLUMNS = 1.25, 15  # radians of the arc to either side; vertices along it
TEETH_DEPTH = 0.42
TEETH_LENGTH = 0.17


@dataclass(frozen=True)
class Landmarks:
    """Morphed positions (3,) in decimetres."""

    left_eye: np.ndarray
    right_eye: np.ndarray
    mouth: np.ndarray


def build_face(model: Model, person: Person, expression: Expression) -> tuple[Scene, Landmarks]:
    """The scene of one head and where its eyes and mouth are."""
    figure = model.face
    vertices = figure.morphed(morphs.face_weights(figure, person, expression))
    if _covers_ears(person):
        vertices[_ears(figure), 0] *= EARS_PRESSED
    landmarks = _landmarks(figure, vertices)
    builder = SceneBuilder()
    _add_head(builder, figure, vertices)
    if expression.mouth_open > LIPS_PART:
        _add_teeth(builder, figure, vertices)
    add_hair(builder, model, person, vertices)
    add_headwear(builder, model, person, vertices)
    add_glasses(builder, person.glasses, landmarks.left_eye, landmarks.right_eye)
    return builder.scene(), landmarks


def _add_part(builder: SceneBuilder, figure: Figure, vertices: np.ndarray, name: str, material: int) -> None:
    part = figure.parts[name]
    used = part.vertices
    builder.add(
        vertices[used], part.triangles, material, figure.rest[used], figure.occlusion[used], figure.mouth_interior[used]
    )


def _add_head(builder: SceneBuilder, figure: Figure, vertices: np.ndarray) -> None:
    for name, material in (("head", SKIN), ("eyes", EYE), ("tongue", TONGUE), ("lashes", LASH)):
        _add_part(builder, figure, vertices, name, material)


def _covers_ears(person: Person) -> bool:
    hair = person.hair
    return hair.style == "scarf" or (hair.style in SHEETS and hair.volume > 0.2)


def _ears(figure: Figure) -> np.ndarray:
    across, y, z = np.abs(figure.rest[:, 0]), figure.rest[:, 1], figure.rest[:, 2]
    return _within(across, EARS_ACROSS) & _within(y, EARS_Y) & _within(z, EARS_Z)


def _within(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return (values > limits[0]) & (values < limits[1])


def _landmarks(figure: Figure, vertices: np.ndarray) -> Landmarks:
    left, right = (vertices[figure.parts[f"{side} eye"].vertices].mean(0) for side in ("left", "right"))
    return Landmarks(left, right, vertices[figure.parts["lips"].vertices].mean(0))


def _add_teeth(builder: SceneBuilder, figure: Figure, vertices: np.ndarray) -> None:
    """Two smooth arcs fitted to the morphed helper teeth."""
    arc = np.tile(np.linspace(-TEETH_SPAN, TEETH_SPAN, TEETH_COLUMNS), 2)
    for name, direction in (("upper teeth", -1.0), ("lower teeth", 1.0)):
        helper = vertices[figure.parts[name].vertices]
        gum = helper[:, 1].max() if direction < 0 else helper[:, 1].min()
        x = np.abs(helper[:, 0]).max() * np.sin(arc)
        y = np.repeat((gum, gum + direction * TEETH_LENGTH), TEETH_COLUMNS)
        z = helper[:, 2].max() - TEETH_DEPTH * (1 - np.cos(arc))
        rest_y = np.repeat((0.0, direction), TEETH_COLUMNS)  # 0 at the gums, -1 or 1 at the biting edge
        strip, rest = np.stack([x, y, z], 1), np.stack([x, rest_y, z], 1)
        builder.add(strip, grid_triangles(2, TEETH_COLUMNS), TEETH, rest, occlusion=0.85)
