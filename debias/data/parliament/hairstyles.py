"""The geometry of hair: a shell grown out of the scalp, a sheet that hangs round the head, and a bun.

All of it is built from the morphed head, so it fits every person.
"""

from typing import NamedTuple

import numba
import numpy as np

from debias.data.parliament import mesh
from debias.data.parliament.appearance import Hair
from debias.data.parliament.mesh import STREAKS, Figure, Model
from debias.data.parliament.people import Person
from debias.data.parliament.scene import HAIR, LOCKS, SceneBuilder, grid_triangles
from debias.data.parliament.skin import AXIS_Z, beyond_hairline, sample, smooth_step


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
    widening: float  # added towards its end; negative narrows
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


def add_hair(builder: SceneBuilder, model: Model, person: Person, vertices: np.ndarray) -> None:
    """Append the hair of a person whose morphed head has these vertices; nothing for a bare scalp."""
    hair = person.hair
    if hair.style in SHELLS:
        _add_shell(builder, model, person, vertices)
    if hair.style in SHEETS:
        _add_sheet(builder, model, person, vertices)
    if hair.bun != "none":
        _add_bun(builder, person)


def _add_shell(builder: SceneBuilder, model: Model, person: Person, vertices: np.ndarray) -> None:
    hair, shell = person.hair, SHELLS[person.hair.style]
    scalp = model.face.parts["scalp"]
    rest, skin = model.face.rest[scalp.vertices], vertices[scalp.vertices]
    above = _above_hairline(rest, hair.fringe, hair.sweep, hair.recession)
    rise = smooth(-0.02, shell.edge, above)
    thickness = _shell_thickness(rest, model.noise, _shell_numbers(shell, hair), person.phases)
    offset = thickness * rise + 0.012 * (above > -0.1)
    normals = mesh.vertex_normals(skin, scalp.triangles)
    grown = skin + normals * offset[:, None].astype(np.float32)
    kept = (above[scalp.triangles] > -0.06).any(1)
    builder.add(grown, scalp.triangles[kept], HAIR, rest, np.clip(0.55 + 0.45 * rise, 0, 1))


def _shell_numbers(shell: Shell, hair: Hair) -> np.ndarray:
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


def _add_sheet(builder: SceneBuilder, model: Model, person: Person, vertices: np.ndarray) -> None:
    """A sheet from the crown down, open in front; its left and right edges differ with the parting."""
    hair, sheet = person.hair, SHEETS[person.hair.style]
    opening = sheet.opening + 0.3 * person.phases[5]
    first, last = opening + 0.12 * hair.parting, 2 * np.pi - opening + 0.12 * hair.parting
    turn = np.linspace(first, last, SHEET_COLUMNS)[None]
    y = np.linspace(SHEET_TOP, sheet.low + sheet.low_range * (1 - hair.length), SHEET_ROWS)[:, None]
    x, z = _sheet_outline(model, person, sheet, turn, y)
    rest = np.stack([x, np.broadcast_to(y, x.shape), z], -1).reshape(-1, 3)
    occlusion = np.clip(0.55 + 0.45 * smooth(0, 0.5, np.abs(turn - np.pi) / 2), 0, 1)
    scale, shift = _skull_fit(model.face, vertices)
    triangles = grid_triangles(SHEET_ROWS, SHEET_COLUMNS)
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
    leaving, below = smooth(SHEET_TOP, 7.2, y), smooth(6.9, 5.6, y)
    offset = sheet.offset + sheet.offset_volume * person.hair.volume
    wave = sheet.wave * sample_streaks(model.noise, turn * 0.45 + person.phases[0], y * 0.25 + person.phases[1])
    wave = (wave + sheet.ripple * np.sin(7 * y + 3 * turn)) * leaving
    across = 0.70 + (0.10 + offset) * leaving + sheet.widening * below + wave
    along = 0.88 + (0.05 + offset) * leaving - 0.16 * below + wave
    forward = 0.25 * smooth(6.3, 5.2, y) * np.abs(np.sin(turn))
    across = across * (1 - CLINGING * smooth(1.3, 0.6, np.minimum(turn, 2 * np.pi - turn)))
    return np.sin(turn) * across, 0.42 - 0.12 * below + np.cos(turn) * along + forward


def _skull_fit(figure: Figure, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale and shift (3,) that carry the rest skull onto the morphed one."""
    skull = figure.parts["skull"].vertices
    rest, morphed = figure.rest[skull], vertices[skull]
    width = morphed[:, 0].max() / rest[:, 0].max()
    scale = np.array([width, 1.0, 1.0])
    return scale, morphed.mean(0) - rest.mean(0) * scale


def _add_bun(builder: SceneBuilder, person: Person) -> None:
    top = person.hair.bun == "top"
    centre = np.array([0.0, 8.45, -0.15] if top else [0.0, 7.9, -0.65])
    polar, azimuth = np.meshgrid(np.linspace(0, np.pi, 9), np.linspace(0, 2 * np.pi, 14, endpoint=False), indexing="ij")
    ball = np.stack([np.sin(polar) * np.cos(azimuth), np.cos(polar), np.sin(polar) * np.sin(azimuth)], -1)
    lumps = 1 + 0.05 * np.sin(5 * azimuth + 3 * polar)
    positions = (0.28 + 0.18 * person.hair.volume) * (ball * lumps[..., None]).reshape(-1, 3) + centre
    builder.add(positions, grid_triangles(9, 14, closed=True), HAIR, occlusion=0.9)


def smooth(low: float, high: float, values: np.ndarray) -> np.ndarray:
    """`skin.smooth_step` of every value."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def sample_streaks(noise: np.void, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The noise texture STREAKS at the broadcast of u and v, which count tiles."""
    u, v = np.broadcast_arrays(u, v)
    return _sample_streaks(noise, u.ravel().astype(np.float64), v.ravel().astype(np.float64)).reshape(u.shape)


@numba.njit(cache=True, fastmath=True)
def _sample_streaks(noise, u, v):
    values = np.empty(u.shape[0], np.float32)
    for i in range(u.shape[0]):
        values[i] = sample(noise, STREAKS, u[i], v[i])
    return values
