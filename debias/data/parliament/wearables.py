"""The geometry of what is worn on the head: caps, scarves and glasses, fitted to the morphed head."""

import numpy as np

from debias.data.parliament import mesh
from debias.data.parliament.appearance import Glasses
from debias.data.parliament.hairstyles import sample_streaks, smooth
from debias.data.parliament.mesh import Model
from debias.data.parliament.people import Person
from debias.data.parliament.scene import FRAME, HEADWEAR, LENS, SceneBuilder, fan_triangles, grid_triangles
from debias.data.parliament.skin import AXIS_Z

CAP_Y = 7.45
GLASSES_FORWARD = 0.36  # decimetres in front of the eyes' centres
RIM_CORNERS = 28


def add_headwear(builder: SceneBuilder, model: Model, person: Person, vertices: np.ndarray) -> None:
    """Append the cap or scarf of a person whose morphed head has these vertices, if they wear one."""
    if person.hair.style not in ("cap", "scarf"):
        return
    scalp = model.face.parts["scalp"]
    rest, skin = model.face.rest[scalp.vertices], vertices[scalp.vertices]
    cover, thickness = _cap(rest) if person.hair.style == "cap" else _scarf(rest)
    folds = sample_streaks(model.noise, np.arctan2(rest[:, 0], rest[:, 2] - AXIS_Z) * 0.35, rest[:, 1] * 0.35)
    offset = (thickness + 0.03 * folds) * cover - 0.03 * (1 - cover)
    normals = mesh.vertex_normals(skin, scalp.triangles)
    kept = (cover[scalp.triangles] > 0).any(1)
    positions = skin + normals * offset[:, None].astype(np.float32)
    builder.add(positions, scalp.triangles[kept], HEADWEAR, rest, 0.5 + 0.5 * cover)


def _cap(rest: np.ndarray) -> tuple[np.ndarray, float]:
    return smooth(0, 0.04, rest[:, 1] - (CAP_Y + 0.38 * smooth(0.2, 1.2, rest[:, 2]))), 0.10


def _scarf(rest: np.ndarray) -> tuple[np.ndarray, float]:
    """All of the head and neck but an ellipse round the face."""
    x, y, z = rest.T
    radius = np.hypot(x / 0.62, (y - 7.02) / np.where(y > 7.02, 0.86, 0.90))
    return np.maximum(smooth(0.97, 1.06, radius), 1 - smooth(0.55, 0.8, z)), 0.085


def add_glasses(builder: SceneBuilder, glasses: Glasses, left_eye: np.ndarray, right_eye: np.ndarray) -> None:
    """Append glasses before eyes whose centres (3,) are given, if the style is not 'none'."""
    if glasses.style == "none":
        return
    front = max(left_eye[2], right_eye[2]) + GLASSES_FORWARD
    for eye, side in ((left_eye, 1.0), (right_eye, -1.0)):
        centre = np.array([side * max(abs(eye[0]), glasses.radius + 0.06), eye[1] - 0.02, front])
        rim = _rim(glasses, centre)
        _add_tube(builder, rim, centre, glasses.thickness)
        if glasses.style == "sun":
            hub = np.array([[centre[0], centre[1], rim[:, 2].mean() + 0.03]])
            builder.add(np.concatenate([rim, hub]), fan_triangles(RIM_CORNERS), LENS)
        hinge = rim[0 if side > 0 else RIM_CORNERS // 2]
        _add_bar(builder, hinge, np.array([side * 0.80, eye[1], 0.42]), glasses.thickness)
    _add_bridge(builder, glasses, left_eye, right_eye, front)


def _rim(glasses: Glasses, centre: np.ndarray) -> np.ndarray:
    """(RIM_CORNERS, 3) superellipse, bent back towards the temples."""
    angle = np.linspace(0, 2 * np.pi, RIM_CORNERS, endpoint=False)
    u = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / glasses.squareness) * glasses.radius
    v = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / glasses.squareness) * glasses.radius * glasses.aspect
    x = centre[0] + u
    return np.stack([x, centre[1] + v, centre[2] - 0.12 * (x / 0.5) ** 2], 1)


def _add_tube(builder: SceneBuilder, ring: np.ndarray, centre: np.ndarray, radius: float) -> None:
    outward = (ring - centre) * (1, 1, 0)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    forward = np.array([0, 0, radius])
    outer, inner = ring + radius * outward, ring - radius * outward
    profile = [outer, ring + forward, inner, ring - forward, outer]
    builder.add(np.concatenate(profile), grid_triangles(5, len(ring), closed=True), FRAME)


def _add_bar(builder: SceneBuilder, start: np.ndarray, end: np.ndarray, half_height: float) -> None:
    up = np.array([0, half_height, 0])
    corners = np.array([start + up, start - up, end + up, end - up])
    builder.add(corners, np.array([(0, 1, 2), (1, 3, 2)], np.int32), FRAME)


def _add_bridge(
    builder: SceneBuilder, glasses: Glasses, left_eye: np.ndarray, right_eye: np.ndarray, front: float
) -> None:
    half = max(abs(left_eye[0]), glasses.radius + 0.06) - glasses.radius
    y = (left_eye[1] + right_eye[1]) / 2 + 0.05
    _add_bar(builder, np.array([half, y, front]), np.array([-half, y, front]), glasses.thickness)
