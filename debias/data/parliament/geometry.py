"""The triangles of one scene: skin, eyes, teeth, lashes, hair, headwear and glasses, in one soup with materials.

Hair is a shell grown out of the scalp, plus a sheet that hangs round the head in long styles. Everything a head wears
is built from the morphed head, so it fits every person.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numba
import numpy as np

from debias.data.parliament import mesh, morphs
from debias.data.parliament.mesh import STREAKS, Figure, Model
from debias.data.parliament.people import Expression, Person
from debias.data.parliament.skin import AXIS_Z, beyond_hairline, sample, smooth_step

SKIN, EYE, TEETH, TONGUE, HAIR, LOCKS, FRAME, LENS, HEADWEAR, LASH = range(10)
OVERLAYS = (HAIR, LOCKS, LASH)  # blended over the rest, the others are opaque
ONE_SIDED = (SKIN, EYE)


class Shell(NamedTuple):
    """Thickness of a hair shell in decimetres: a constant, what volume adds, what the crown adds, and its noise."""

    base: float
    base_volume: float
    crown: float
    crown_volume: float
    roughness: float
    edge: float  # decimetres over which it rises from the hairline


SHELLS = {
    "short": Shell(0.05, 0.02, 0.08, 0.14, 0.025, 0.16),
    "side": Shell(0.05, 0.03, 0.10, 0.16, 0.025, 0.16),
    "medium": Shell(0.12, 0.05, 0.10, 0.08, 0.03, 0.16),
    "pixie": Shell(0.08, 0.05, 0.10, 0.10, 0.03, 0.16),
    "afro": Shell(0.14, 0.46, 0.06, 0.16, 0.03, 0.16),
    "curly": Shell(0.17, 0.14, 0.08, 0.08, 0.05, 0.16),
    "curly crop": Shell(0.05, 0.08, 0.03, 0.10, 0.03, 0.12),
    "long": Shell(0.08, 0.04, 0.07, 0.06, 0.02, 0.16),
    "bob": Shell(0.09, 0.05, 0.08, 0.06, 0.02, 0.16),
    "wavy": Shell(0.10, 0.06, 0.08, 0.08, 0.03, 0.16),
    "braids": Shell(0.06, 0.03, 0.05, 0.03, 0.02, 0.12),
    "twists": Shell(0.10, 0.10, 0.02, 0.06, 0.06, 0.14),
    "pulled": Shell(0.03, 0.01, 0.03, 0.03, 0.01, 0.10),
    "buzz": Shell(0.015, 0.02, 0.0, 0.01, 0.005, 0.10),
}


class Sheet(NamedTuple):
    """Hair that hangs round the head: where it ends, how far it stands off, and how it waves (decimetres)."""

    low: float  # height at which the longest hair ends
    low_range: float  # added for the shortest
    offset: float
    offset_volume: float
    wave: float
    ripple: float
    inward: float  # how much it widens (positive) or narrows towards its end
    opening: float  # least angle from the front in radians


SHEETS = {
    "long": Sheet(4.6, 1.0, 0.15, 0.10, 0.03, 0.0, 0.10, 0.66),
    "wavy": Sheet(4.8, 0.9, 0.19, 0.12, 0.08, 0.05, 0.10, 0.66),
    "bob": Sheet(6.0, 0.4, 0.16, 0.08, 0.03, 0.0, -0.03, 0.64),
    "braids": Sheet(4.7, 1.0, 0.14, 0.08, 0.03, 0.0, 0.10, 0.74),
    "curly": Sheet(5.5, 0.8, 0.26, 0.22, 0.08, 0.0, 0.10, 0.78),
    "medium": Sheet(6.4, 0.3, 0.10, 0.05, 0.08, 0.0, 0.10, 1.55),
}
SHEET_TOP = 7.95
CLINGING = 0.12  # share by which hair beside the face lies closer than elsewhere
SHEET_COLUMNS, SHEET_ROWS = 34, 16

EARS_ACROSS, EARS_Y, EARS_Z = (0.755, 1.0), (6.8, 7.45), (0.2, 0.7)
EARS_PRESSED = 0.80  # hair and scarves press the ears to the head
CAP_Y = 7.45
LIPS_PART = 0.03  # mouth_open above which teeth can show
TEETH_ARC = np.linspace(-1.25, 1.25, 15)
TEETH_DEPTH = 0.42
TEETH_LENGTH = 0.17
GLASSES_FORWARD = 0.36  # decimetres in front of the eyes' centres
RIM_CORNERS = 28


@dataclass(frozen=True)
class Scene:
    """A triangle soup. Vertex arrays have n rows, triangle arrays m."""

    positions: np.ndarray  # (n, 3) float32 decimetres
    rest: np.ndarray  # (n, 3) float32 anatomical address for the shaders
    occlusion: np.ndarray  # (n,) float32
    inner: np.ndarray  # (n,) float32, 1 inside the mouth; of LOCKS, 0 at a free edge and 1 away from it
    triangles: np.ndarray  # (m, 3) int32
    materials: np.ndarray  # (m,) int32


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
    builder = _Builder()
    _add_head(builder, figure, vertices)
    if expression.mouth_open > LIPS_PART:
        _add_teeth(builder, figure, vertices)
    _add_hair(builder, model, person, vertices)
    _add_headwear(builder, model, person, vertices)
    if person.glasses.style != "none":
        _add_glasses(builder, person, landmarks)
    return builder.scene(), landmarks


def build_body(model: Model, person: Person) -> Scene:
    """The scene of a bare-headed body in its rest pose; all of it has the material SKIN."""
    figure = model.body
    builder = _Builder()
    _add_part(builder, figure, figure.morphed(morphs.body_weights(person)), "body", SKIN)
    return builder.scene()


class _Builder:
    """Collects surfaces into one soup."""

    def __init__(self):
        self.positions, self.rest, self.occlusion, self.inner = [], [], [], []
        self.triangles, self.materials, self.count = [], [], 0

    def add(self, positions, triangles, material, rest=None, occlusion=1.0, inner=0.0):
        """Append a surface; `rest` defaults to the positions."""
        count = len(positions)
        self.positions.append(positions)
        self.rest.append(positions if rest is None else rest)
        self.occlusion.append(np.broadcast_to(occlusion, count))
        self.inner.append(np.broadcast_to(inner, count))
        self.triangles.append(triangles + np.int32(self.count))
        self.materials.append(np.full(len(triangles), material, np.int32))
        self.count += count

    def scene(self) -> Scene:
        """The soup collected so far."""
        return Scene(
            positions=np.concatenate(self.positions).astype(np.float32, copy=False),
            rest=np.concatenate(self.rest).astype(np.float32, copy=False),
            occlusion=np.concatenate(self.occlusion).astype(np.float32, copy=False),
            inner=np.concatenate(self.inner).astype(np.float32, copy=False),
            triangles=np.concatenate(self.triangles).astype(np.int32, copy=False),
            materials=np.concatenate(self.materials),
        )


def _add_part(builder: _Builder, figure: Figure, vertices: np.ndarray, name: str, material: int) -> None:
    part = figure.parts[name]
    used = part.vertices
    builder.add(
        vertices[used], part.triangles, material, figure.rest[used], figure.occlusion[used], figure.mouth_interior[used]
    )


def _add_head(builder: _Builder, figure: Figure, vertices: np.ndarray) -> None:
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


def _add_teeth(builder: _Builder, figure: Figure, vertices: np.ndarray) -> None:
    """Two smooth arcs fitted to the morphed helper teeth."""
    for name, direction in (("upper teeth", -1.0), ("lower teeth", 1.0)):
        helper = vertices[figure.parts[name].vertices]
        gum = helper[:, 1].max() if direction < 0 else helper[:, 1].min()
        heights = np.array([gum, gum + direction * TEETH_LENGTH])
        x = np.abs(helper[:, 0]).max() * np.sin(TEETH_ARC)
        z = helper[:, 2].max() - TEETH_DEPTH * (1 - np.cos(TEETH_ARC))
        strip = np.stack([np.concatenate([axis, axis]) for axis in (x, 0 * x, z)], 1)
        strip[:, 1] = np.repeat(heights, len(x))
        rest = strip.copy()
        rest[:, 1] = np.repeat((0.0, direction), len(x))  # 0 at the gums, -1 or 1 at the biting edge
        builder.add(strip, _grid_triangles(2, len(x)), TEETH, rest, occlusion=0.85)


def _add_hair(builder: _Builder, model: Model, person: Person, vertices: np.ndarray) -> None:
    hair = person.hair
    if hair.style in SHELLS:
        _add_shell(builder, model, person, vertices)
    if hair.style in SHEETS:
        _add_sheet(builder, model, person, vertices)
    if hair.bun != "none":
        _add_bun(builder, person)


def _add_shell(builder: _Builder, model: Model, person: Person, vertices: np.ndarray) -> None:
    hair, shell = person.hair, SHELLS[person.hair.style]
    scalp = model.face.parts["scalp"]
    rest, skin = model.face.rest[scalp.vertices], vertices[scalp.vertices]
    above = _above_hairline(rest, hair.fringe, hair.sweep, hair.recession)
    rise = np.clip((above + 0.02) / (shell.edge + 0.02), 0, 1)
    rise = rise * rise * (3 - 2 * rise)
    thickness = _shell_thickness(rest, model.noise, _shell_numbers(shell, hair), person.phases)
    offset = thickness * rise + 0.012 * (above > -0.1)
    normals = mesh.vertex_normals(skin, scalp.triangles)
    grown = skin + normals * offset[:, None].astype(np.float32)
    kept = (above[scalp.triangles] > -0.06).any(1)
    builder.add(grown, scalp.triangles[kept], HAIR, rest, np.clip(0.55 + 0.45 * rise, 0, 1))


def _shell_numbers(shell: Shell, hair) -> np.ndarray:
    """(4,) float32: base, crown, roughness, slant."""
    base = shell.base + shell.base_volume * hair.volume**1.5
    crown = shell.crown + shell.crown_volume * hair.volume
    slant = 0.12 * hair.parting if hair.style in ("side", "pixie", "bob", "long", "wavy") else 0.0
    return np.array([base, crown, shell.roughness, slant], np.float32)


@numba.njit(cache=True, fastmath=True)
def _above_hairline(rest, fringe, sweep, recession):
    above = np.empty(rest.shape[0], np.float32)
    for i in range(rest.shape[0]):
        above[i] = beyond_hairline(rest[i, 0], rest[i, 1], rest[i, 2], fringe, sweep, recession)
    return above


@numba.njit(cache=True, fastmath=True)
def _shell_thickness(rest, noise, numbers, phases):
    thickness = np.empty(rest.shape[0], np.float32)
    for i in range(rest.shape[0]):
        x, y, z = rest[i, 0], rest[i, 1], rest[i, 2]
        top = smooth_step(7.4, 8.5, y)
        turn = np.arctan2(x, z - np.float32(AXIS_Z))
        rough = sample(noise, STREAKS, turn * 0.35 + phases[0], y * 0.35 + phases[1])
        thickness[i] = max(numbers[0] + top * (numbers[1] + numbers[3] * x) + numbers[2] * rough, 0.01)
    return thickness


def _add_sheet(builder: _Builder, model: Model, person: Person, vertices: np.ndarray) -> None:
    """A sheet from the crown down, open in front; its left and right edges differ with the parting."""
    hair, sheet = person.hair, SHEETS[person.hair.style]
    opening = sheet.opening + 0.3 * person.phases[5]
    first, last = opening + 0.12 * hair.parting, 2 * np.pi - opening + 0.12 * hair.parting
    turn = np.linspace(first, last, SHEET_COLUMNS)[None]
    y = np.linspace(SHEET_TOP, sheet.low + sheet.low_range * (1 - hair.length), SHEET_ROWS)[:, None]
    x, z = _sheet_outline(model, person, sheet, turn, y)
    rest = np.stack([x, np.broadcast_to(y, x.shape), z], -1).reshape(-1, 3)
    occlusion = np.clip(0.55 + 0.45 * _smooth(0, 0.5, np.abs(turn - np.pi) / 2), 0, 1)
    scale, shift = _skull_fit(model.face, vertices)
    triangles = _grid_triangles(SHEET_ROWS, SHEET_COLUMNS)
    occlusion = np.broadcast_to(occlusion, x.shape).ravel()
    builder.add(rest * scale + shift, triangles, LOCKS, rest, occlusion, _away_from_edges().ravel())


def _away_from_edges() -> np.ndarray:
    """(rows, columns): 0 at the front edges and the tips of the sheet, 1 from a few cells inwards."""
    column = np.arange(SHEET_COLUMNS)
    sides = np.minimum(column, SHEET_COLUMNS - 1 - column) / 1.6
    tips = np.arange(SHEET_ROWS)[::-1, None] / 2.0
    return np.clip(np.minimum(sides, tips), 0, 1)


def _sheet_outline(model: Model, person: Person, sheet: Sheet, turn: np.ndarray, y: np.ndarray):
    """x and z (rows, columns): an ellipse round the head that leaves the crown, waves and falls on the shoulders."""
    leaving, below = _smooth(SHEET_TOP, 7.2, y), _smooth(6.9, 5.6, y)
    offset = sheet.offset + sheet.offset_volume * person.hair.volume
    wave = sheet.wave * _sample_grid(model.noise[STREAKS], turn * 0.45 + person.phases[0], y * 0.25 + person.phases[1])
    wave = (wave + sheet.ripple * np.sin(7 * y + 3 * turn)) * leaving
    across = 0.70 + (0.10 + offset) * leaving + sheet.inward * below + wave
    along = 0.88 + (0.05 + offset) * leaving - 0.16 * below + wave
    forward = 0.25 * _smooth(6.3, 5.2, y) * np.abs(np.sin(turn))
    across = across * (1 - CLINGING * _smooth(1.3, 0.6, np.minimum(turn, 2 * np.pi - turn)))
    return np.sin(turn) * across, 0.42 - 0.12 * below + np.cos(turn) * along + forward


def _skull_fit(figure: Figure, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale and shift (3,) that carry the rest skull onto the morphed one."""
    skull = figure.parts["skull"].vertices
    rest, morphed = figure.rest[skull], vertices[skull]
    width = morphed[:, 0].max() / rest[:, 0].max()
    scale = np.array([width, 1.0, 1.0])
    return scale, morphed.mean(0) - rest.mean(0) * scale


def _add_bun(builder: _Builder, person: Person) -> None:
    top = person.hair.bun == "top"
    centre = np.array([0.0, 8.45, -0.15] if top else [0.0, 7.9, -0.65])
    polar, azimuth = np.meshgrid(np.linspace(0, np.pi, 9), np.linspace(0, 2 * np.pi, 14, endpoint=False), indexing="ij")
    ball = np.stack([np.sin(polar) * np.cos(azimuth), np.cos(polar), np.sin(polar) * np.sin(azimuth)], -1)
    lumps = 1 + 0.05 * np.sin(5 * azimuth + 3 * polar)
    positions = (0.28 + 0.18 * person.hair.volume) * (ball * lumps[..., None]).reshape(-1, 3) + centre
    builder.add(positions, _grid_triangles(9, 14, closed=True), HAIR, occlusion=0.9)


def _add_headwear(builder: _Builder, model: Model, person: Person, vertices: np.ndarray) -> None:
    if person.hair.style not in ("cap", "scarf"):
        return
    scalp = model.face.parts["scalp"]
    rest, skin = model.face.rest[scalp.vertices], vertices[scalp.vertices]
    cover, thickness = _cap(rest) if person.hair.style == "cap" else _scarf(rest)
    folds = _sample_grid(model.noise[STREAKS], np.arctan2(rest[:, 0], rest[:, 2] - AXIS_Z) * 0.35, rest[:, 1] * 0.35)
    offset = (thickness + 0.03 * folds) * cover - 0.03 * (1 - cover)
    normals = mesh.vertex_normals(skin, scalp.triangles)
    kept = (cover[scalp.triangles] > 0).any(1)
    positions = skin + normals * offset[:, None].astype(np.float32)
    builder.add(positions, scalp.triangles[kept], HEADWEAR, rest, 0.5 + 0.5 * cover)


def _cap(rest: np.ndarray) -> tuple[np.ndarray, float]:
    return _smooth(0, 0.04, rest[:, 1] - (CAP_Y + 0.38 * _smooth(0.2, 1.2, rest[:, 2]))), 0.10


def _scarf(rest: np.ndarray) -> tuple[np.ndarray, float]:
    """All of the head and neck but an ellipse round the face."""
    x, y, z = rest.T
    radius = np.hypot(x / 0.62, (y - 7.02) / np.where(y > 7.02, 0.86, 0.90))
    return np.maximum(_smooth(0.97, 1.06, radius), 1 - _smooth(0.55, 0.8, z)), 0.085


def _add_glasses(builder: _Builder, person: Person, landmarks: Landmarks) -> None:
    glasses = person.glasses
    front = max(landmarks.left_eye[2], landmarks.right_eye[2]) + GLASSES_FORWARD
    for eye, side in ((landmarks.left_eye, 1.0), (landmarks.right_eye, -1.0)):
        centre = np.array([side * max(abs(eye[0]), glasses.radius + 0.06), eye[1] - 0.02, front])
        rim = _rim(glasses, centre)
        _add_tube(builder, rim, centre, glasses.thickness)
        if glasses.style == "sun":
            hub = np.array([[centre[0], centre[1], rim[:, 2].mean() + 0.03]])
            builder.add(np.concatenate([rim, hub]), _fan_triangles(RIM_CORNERS), LENS)
        hinge = rim[0 if side > 0 else RIM_CORNERS // 2]
        _add_bar(builder, hinge, np.array([side * 0.80, eye[1], 0.42]), glasses.thickness)
    _add_bridge(builder, glasses, landmarks, front)


def _rim(glasses, centre: np.ndarray) -> np.ndarray:
    """(RIM_CORNERS, 3) superellipse, bent back towards the temples."""
    angle = np.linspace(0, 2 * np.pi, RIM_CORNERS, endpoint=False)
    u = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / glasses.squareness) * glasses.radius
    v = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / glasses.squareness) * glasses.radius * glasses.aspect
    x = centre[0] + u
    return np.stack([x, centre[1] + v, centre[2] - 0.12 * (x / 0.5) ** 2], 1)


def _add_tube(builder: _Builder, ring: np.ndarray, centre: np.ndarray, radius: float) -> None:
    outward = (ring - centre) * (1, 1, 0)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    forward = np.array([0, 0, radius])
    profile = [ring + radius * outward, ring + forward, ring - radius * outward, ring - forward, ring + radius * outward]
    builder.add(np.concatenate(profile), _grid_triangles(5, len(ring), closed=True), FRAME)


def _add_bar(builder: _Builder, start: np.ndarray, end: np.ndarray, half_height: float) -> None:
    up = np.array([0, half_height, 0])
    builder.add(np.array([start + up, start - up, end + up, end - up]), np.array([(0, 1, 2), (1, 3, 2)], np.int32), FRAME)


def _add_bridge(builder: _Builder, glasses, landmarks: Landmarks, front: float) -> None:
    half = max(abs(landmarks.left_eye[0]), glasses.radius + 0.06) - glasses.radius
    y = (landmarks.left_eye[1] + landmarks.right_eye[1]) / 2 + 0.05
    _add_bar(builder, np.array([half, y, front]), np.array([-half, y, front]), glasses.thickness)


def _smooth(low: float, high: float, values):
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


@numba.njit(cache=True, fastmath=True)
def _sample_flat(noise, u, v):
    values = np.empty(u.shape[0], np.float32)
    for i in range(u.shape[0]):
        values[i] = sample(noise, 0, u[i], v[i])
    return values


def _sample_grid(texture: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Texture (k, k) sampled at the broadcast of u and v."""
    u, v = np.broadcast_arrays(u, v)
    flat = _sample_flat(texture[None], u.astype(np.float64).ravel(), v.astype(np.float64).ravel())
    return flat.reshape(u.shape)


@lru_cache(maxsize=16)
def _grid_triangles(rows: int, columns: int, closed: bool = False) -> np.ndarray:
    """Two triangles per cell of a grid of vertices; `closed` joins the last column to the first."""
    row, column = np.mgrid[0 : rows - 1, 0 : columns if closed else columns - 1]
    a = (row * columns + column).ravel()
    b = (row * columns + (column + 1) % columns).ravel()
    c, d = a + columns, b + columns
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)


def _fan_triangles(corners: int) -> np.ndarray:
    """Triangles from a hub (the last vertex) to each edge of a ring."""
    first = np.arange(corners)
    return np.stack([np.full(corners, corners), first, (first + 1) % corners], 1).astype(np.int32)
