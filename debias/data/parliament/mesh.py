"""Figures made of a rest mesh and sparse morph targets, with baked ambient occlusion.

Lengths are decimetres of the rest mesh, y up, z towards the viewer, the figure's left at positive x. The rest
coordinates of a vertex serve as its anatomical address: lips, brows and hairline are painted in them, so they follow
the mesh through every morph.
"""

from dataclasses import dataclass

import numba
import numpy as np

ARRAYS = {
    "vertices": np.float32,
    "quads": np.uint16,
    "quad_uv": np.float32,
    "target_names": np.str_,
    "target_offsets": np.int32,
    "target_indices": np.uint16,
    "target_deltas": np.float16,
    "group_names": np.str_,
    "group_ranges": np.int32,
    "occlusion": np.float32,
}

FACE_LOW = 4.3  # the face figure ends at the collar bones
FACE_WIDTH = 1.7
SCALP_LOW = 5.6
SCALP_WIDTH = 1.3
LIPS_BOX = ((-0.3, 6.42, 1.3), (0.3, 6.8, 2.0))
SKULL_BOX = ((-1.3, 7.4, -2.0), (1.3, 9.0, 2.0))
OCCLUSION_RAYS = 96
OCCLUSION_REACH = 1.2
MOUTH_INTERIOR_UV = (0.74, 0.94, 0.13)  # least u, greatest u, greatest v of the island in the texture layout
MOUTH_INTERIOR_Y = (6.2, 7.2)
NOISE_SIZE = 256
NOISE_SLOPES = (0.6, 1.0, 1.4, 1.8, 0.3)
FINE, STREAKS, PATCHES, CLOUDS, GRAINS = range(5)  # indices into the noise textures
# Tileable fractal noise, zero mean and unit variance; a record, which kernels pass by its address at no cost.
NOISE = np.dtype([("textures", "f4", (len(NOISE_SLOPES), NOISE_SIZE, NOISE_SIZE))])


@dataclass(frozen=True)
class Part:
    """Triangles of one surface: indices into the figure's vertices."""

    vertices: np.ndarray  # (n,) int32, the figure's vertices that the surface uses
    triangles: np.ndarray  # (m, 3) int32, positions in `vertices`


@dataclass(frozen=True)
class Figure:
    """A mesh that morph targets deform."""

    rest: np.ndarray  # (v, 3) float32
    target_index: dict[str, int]
    target_offsets: np.ndarray  # (t + 1,) int32
    target_indices: np.ndarray  # (n,) int32
    target_deltas: np.ndarray  # (n, 3) float32
    parts: dict[str, Part]
    occlusion: np.ndarray  # (v,) float32, 1 = open sky
    mouth_interior: np.ndarray  # (v,) float32, 1 = inside the mouth

    def morphed(self, weights: dict[str, float]) -> np.ndarray:
        """(v, 3) float32 vertices: the rest mesh plus the weighted targets; unknown names raise KeyError."""
        chosen = np.array([self.target_index[name] for name in weights], np.int32)
        amounts = np.array(list(weights.values()), np.float32)
        vertices = self.rest.copy()
        _add_targets(vertices, self.target_offsets, self.target_indices, self.target_deltas, chosen, amounts)
        return vertices


@dataclass(frozen=True)
class Model:
    """What every image of the benchmark is rendered from; built once per process by `assets.load_model`."""

    face: Figure  # head, neck, eyes, teeth, tongue, lashes; parts 'head', 'eyes', 'scalp', ...
    body: Figure  # the whole body; part 'body'
    noise: np.void  # a NOISE record


def build_model(arrays: dict[str, np.ndarray]) -> Model:
    """The model from the arrays of `assets` (names and dtypes in ARRAYS)."""
    vertices, groups = arrays["vertices"], _groups(arrays)
    body_quads = _quads_of(arrays, groups["body"])
    whole = _whole_figure(arrays, {"body": _triangles(body_quads)})
    parts = _face_triangles(arrays, vertices, groups)
    used = np.unique(np.concatenate([triangles.ravel() for triangles in parts.values()]))
    textures = [fractal_noise(np.random.default_rng(i), slope) for i, slope in enumerate(NOISE_SLOPES)]
    return Model(_restricted(whole, used, parts), whole, np.array((textures,), NOISE)[()])


def fractal_noise(rng: np.random.Generator, slope: float, size: int = NOISE_SIZE) -> np.ndarray:
    """(size, size) float32 tileable noise with amplitude spectrum frequency**-slope, zero mean, unit variance."""
    frequency = np.fft.fftfreq(size) * size
    radius = np.hypot(frequency[:, None], frequency[None])
    radius[0, 0] = 1.0
    amplitude = np.where(radius < 2, 0.0, radius**-slope)
    spectrum = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    noise = np.fft.ifft2(spectrum * amplitude).real
    return ((noise - noise.mean()) / noise.std()).astype(np.float32)


def compact(triangles: np.ndarray) -> Part:
    """The part that uses just the vertices named by `triangles` (m, 3)."""
    vertices, positions = np.unique(triangles, return_inverse=True)
    return Part(vertices.astype(np.int32), positions.reshape(triangles.shape).astype(np.int32))


@numba.njit(cache=True, fastmath=True)
def _difference(vertices, i, j):
    return vertices[i, 0] - vertices[j, 0], vertices[i, 1] - vertices[j, 1], vertices[i, 2] - vertices[j, 2]


@numba.njit(cache=True, fastmath=True)
def vertex_normals(vertices, triangles):
    """(v, 3) float32 unit normals, each the area-weighted mean of its triangles' normals."""
    normals = np.zeros_like(vertices)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = _difference(vertices, b, a)
        vx, vy, vz = _difference(vertices, c, a)
        for corner in (a, b, c):
            normals[corner, 0] += uy * vz - uz * vy
            normals[corner, 1] += uz * vx - ux * vz
            normals[corner, 2] += ux * vy - uy * vx
    for i in range(normals.shape[0]):
        length = np.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2) + np.float32(1e-12)
        for axis in range(3):
            normals[i, axis] /= length
    return normals


def bake_occlusion(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """(v,) float32 cosine-weighted visibility of the sky from each rest vertex of the body and eyes (else 1)."""
    vertices, groups = arrays["vertices"], _groups(arrays)
    names = ("body", "helper-l-eye", "helper-r-eye")
    triangles = np.concatenate([_triangles(_quads_of(arrays, groups[name])) for name in names])
    directions = np.random.default_rng(0).normal(size=(OCCLUSION_RAYS, 3)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    occlusion = np.ones(len(vertices), np.float32)
    used = np.unique(triangles)
    normals = vertex_normals(vertices, triangles)
    occlusion[used] = _visibility(vertices, normals, used, triangles, directions, OCCLUSION_REACH)
    return occlusion


def _groups(arrays: dict[str, np.ndarray]) -> dict[str, range]:
    ranges = arrays["group_ranges"].tolist()
    return {str(name): range(a, b + 1) for name, (a, b) in zip(arrays["group_names"], ranges, strict=True)}


def _quads_of(arrays: dict[str, np.ndarray], group: range) -> np.ndarray:
    quads = arrays["quads"].astype(np.int32)
    return quads[((quads >= group.start) & (quads < group.stop)).all(1)]


def _triangles(quads: np.ndarray) -> np.ndarray:
    both = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return np.ascontiguousarray(both[both[:, 0] != both[:, 2]])


def _face_triangles(arrays, vertices: np.ndarray, groups: dict[str, range]) -> dict[str, np.ndarray]:
    """The surfaces of the face figure, as triangles of the whole mesh."""
    body = _quads_of(arrays, groups["body"])
    low, wide = vertices[body, 1].min(1), np.abs(vertices[body, 0]).max(1)
    eyes = np.concatenate([_quads_of(arrays, groups[f"helper-{side}-eye"]) for side in "lr"])
    quads = {
        "head": body[(low > FACE_LOW) & (wide < FACE_WIDTH)],
        "scalp": body[(low > SCALP_LOW) & (wide < SCALP_WIDTH)],
        "eyes": eyes,
        "left eye": _quads_of(arrays, groups["helper-l-eye"]),
        "right eye": _quads_of(arrays, groups["helper-r-eye"]),
        "upper teeth": _quads_of(arrays, groups["helper-upper-teeth"]),
        "lower teeth": _quads_of(arrays, groups["helper-lower-teeth"]),
        "tongue": _quads_of(arrays, groups["helper-tongue"]),
        "lashes": _quads_of(arrays, groups["eyelashes"]),
        "lips": body[_all_within(vertices[body], LIPS_BOX)],
        "skull": body[_all_within(vertices[body], SKULL_BOX)],
    }
    return {name: _triangles(part) for name, part in quads.items()}


def _all_within(corners: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Which quads (m, 4, 3) have every corner inside the box ((least x, y, z), (greatest x, y, z))."""
    return ((corners > box[0]) & (corners < box[1])).all((1, 2))


def _whole_figure(arrays: dict[str, np.ndarray], triangles: dict[str, np.ndarray]) -> Figure:
    return Figure(
        rest=arrays["vertices"],
        target_index={str(name): i for i, name in enumerate(arrays["target_names"])},
        target_offsets=arrays["target_offsets"],
        target_indices=arrays["target_indices"].astype(np.int32),
        target_deltas=arrays["target_deltas"].astype(np.float32),
        parts={name: compact(part) for name, part in triangles.items()},
        occlusion=arrays["occlusion"],
        mouth_interior=_mouth_interior(arrays),
    )


def _mouth_interior(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """1 at the vertices of the texture island that wraps the inside of the mouth."""
    low_u, high_u, high_v = MOUTH_INTERIOR_UV
    u, v = arrays["quad_uv"][..., 0], arrays["quad_uv"][..., 1]
    island = ((u > low_u) & (u < high_u) & (v < high_v)).all(1)
    interior = np.zeros(len(arrays["vertices"]), np.float32)
    interior[np.unique(arrays["quads"][island])] = 1.0
    height = arrays["vertices"][:, 1]
    interior[(height < MOUTH_INTERIOR_Y[0]) | (height > MOUTH_INTERIOR_Y[1])] = 0.0
    return interior


def _restricted(figure: Figure, used: np.ndarray, triangles: dict[str, np.ndarray]) -> Figure:
    """The same figure cut down to the vertices `used`, so that morphs touch no others."""
    position = np.full(len(figure.rest), -1, np.int32)
    position[used] = np.arange(len(used))
    kept = position[figure.target_indices] >= 0
    before = np.concatenate([[0], np.cumsum(kept)])
    return Figure(
        rest=figure.rest[used],
        target_index=figure.target_index,
        target_offsets=before[figure.target_offsets].astype(np.int32),
        target_indices=position[figure.target_indices[kept]],
        target_deltas=np.ascontiguousarray(figure.target_deltas[kept]),
        parts={name: compact(position[part]) for name, part in triangles.items()},
        occlusion=figure.occlusion[used],
        mouth_interior=figure.mouth_interior[used],
    )


@numba.njit(cache=True, fastmath=True)
def _add_targets(vertices, offsets, indices, deltas, chosen, amounts):
    for k in range(chosen.shape[0]):
        for row in range(offsets[chosen[k]], offsets[chosen[k] + 1]):
            i = indices[row]
            for axis in range(3):
                vertices[i, axis] += amounts[k] * deltas[row, axis]


@numba.njit(cache=True, fastmath=True)
def _visibility(vertices, normals, chosen, triangles, directions, reach):
    """Cosine-weighted share of `directions` that leave each chosen vertex without meeting a triangle."""
    visibility = np.zeros(chosen.shape[0], np.float32)
    nearby, spheres = np.empty(triangles.shape[0], np.int64), np.empty((triangles.shape[0], 5))
    for i in range(chosen.shape[0]):
        origin = vertices[chosen[i]] + np.float32(0.012) * normals[chosen[i]]  # off the surface it belongs to
        count = _collect_nearby(vertices, triangles, origin, reach, nearby)
        _bounding_spheres(vertices, triangles, nearby[:count], origin, spheres)
        total, seen = 0.0, 0.0
        for d in range(directions.shape[0]):
            cosine = (directions[d] * normals[chosen[i]]).sum()
            if cosine > 0.05:
                total += cosine
                if not _blocked(vertices, triangles, nearby[:count], spheres, origin, directions[d], reach):
                    seen += cosine
        visibility[i] = seen / max(total, 1e-6)
    return visibility


@numba.njit(cache=True, fastmath=True)
def _collect_nearby(vertices, triangles, origin, reach, nearby):
    count = 0
    for t in range(triangles.shape[0]):
        corner = triangles[t, 0]
        distance = 0.0
        for axis in range(3):
            distance += (vertices[corner, axis] - origin[axis]) ** 2
        if distance < reach * reach:
            nearby[count] = t
            count += 1
    return count


@numba.njit(cache=True, fastmath=True)
def _bounding_spheres(vertices, triangles, nearby, origin, spheres):
    """Fills rows (centre x, y, z from `origin`, its squared distance, squared radius), a little too large."""
    for k in range(nearby.shape[0]):
        for axis in range(3):
            spheres[k, axis] = -np.float64(origin[axis])
            for corner in triangles[nearby[k]]:
                spheres[k, axis] += vertices[corner, axis] / 3.0
        spheres[k, 3] = spheres[k, 0] ** 2 + spheres[k, 1] ** 2 + spheres[k, 2] ** 2
        spheres[k, 4] = 0.0
        for corner in triangles[nearby[k]]:
            away = 0.0
            for axis in range(3):
                away += (vertices[corner, axis] - origin[axis] - spheres[k, axis]) ** 2
            spheres[k, 4] = max(spheres[k, 4], 1.01 * away + 1e-9)


@numba.njit(cache=True, fastmath=True)
def _blocked(vertices, triangles, nearby, spheres, origin, direction, reach):
    """Moeller-Trumbore ray-triangle intersection against the nearby triangles whose sphere the line meets."""
    dx, dy, dz = direction[0], direction[1], direction[2]
    for k in range(nearby.shape[0]):
        along = dx * spheres[k, 0] + dy * spheres[k, 1] + dz * spheres[k, 2]
        if spheres[k, 3] - along * along > spheres[k, 4]:
            continue
        a, b, c = triangles[nearby[k], 0], triangles[nearby[k], 1], triangles[nearby[k], 2]
        e1x, e1y, e1z = _difference(vertices, b, a)
        e2x, e2y, e2z = _difference(vertices, c, a)
        px, py, pz = dy * e2z - dz * e2y, dz * e2x - dx * e2z, dx * e2y - dy * e2x
        determinant = e1x * px + e1y * py + e1z * pz
        if abs(determinant) < 1e-10:
            continue
        sx, sy, sz = origin[0] - vertices[a, 0], origin[1] - vertices[a, 1], origin[2] - vertices[a, 2]
        u = (sx * px + sy * py + sz * pz) / determinant
        if u < 0.0 or u > 1.0:
            continue
        qx, qy, qz = sy * e1z - sz * e1y, sz * e1x - sx * e1z, sx * e1y - sy * e1x
        v = (dx * qx + dy * qy + dz * qz) / determinant
        if v < 0.0 or u + v > 1.0:
            continue
        distance = (e2x * qx + e2y * qy + e2z * qz) / determinant
        if 1e-4 < distance < reach:
            return True
    return False
