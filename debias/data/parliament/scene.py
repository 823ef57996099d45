"""Triangle soups: surfaces of several materials collected into one set of arrays."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

SKIN, EYE, TEETH, TONGUE, HAIR, LOCKS, FRAME, LENS, HEADWEAR, LASH = range(10)
OVERLAYS = (HAIR, LOCKS, LASH)  # blended over the rest, the others are opaque
ONE_SIDED = (SKIN, EYE)


@dataclass(frozen=True)
class Scene:
    """A triangle soup. Vertex arrays have n rows, triangle arrays m."""

    positions: np.ndarray  # (n, 3) float32 decimetres
    rest: np.ndarray  # (n, 3) float32 anatomical address for the shaders
    occlusion: np.ndarray  # (n,) float32
    inner: np.ndarray  # (n,) float32, 1 inside the mouth; of LOCKS, 0 at a free edge and 1 away from it
    triangles: np.ndarray  # (m, 3) int32
    materials: np.ndarray  # (m,) int32


class SceneBuilder:
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


@lru_cache(maxsize=16)
def grid_triangles(rows: int, columns: int, closed: bool = False) -> np.ndarray:
    """Two triangles per cell of a grid of vertices; `closed` joins the last column to the first."""
    row, column = np.mgrid[0 : rows - 1, 0 : columns if closed else columns - 1]
    a = (row * columns + column).ravel()
    b = (row * columns + (column + 1) % columns).ravel()
    c, d = a + columns, b + columns
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)


def fan_triangles(corners: int) -> np.ndarray:
    """Triangles from a hub (the last vertex) to each edge of a ring."""
    first = np.arange(corners)
    return np.stack([np.full(corners, corners), first, (first + 1) % corners], 1).astype(np.int32)
