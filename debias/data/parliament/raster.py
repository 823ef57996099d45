"""Depth-buffered triangle rasteriser for one processor core.

Screen points are (x right, y down, depth) in pixels and decimetres; smaller depth is nearer. Attributes are
interpolated linearly on the screen: with a few thousand triangles per face the perspective error is far below a pixel.
"""

import numba
import numpy as np

FAR = np.float32(1e9)
HALF = np.float32(0.5)  # pixel centres; float32 keeps the kernels in single precision
LEAST_AREA = np.float32(1e-7)


def buffers(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Empty depth (h, w) float32, triangle ids (h, w) int32 of -1, and barycentric weights (h, w, 2) float32."""
    depth = np.full((height, width), FAR, np.float32)
    return depth, np.full((height, width), -1, np.int32), np.zeros((height, width, 2), np.float32)


@numba.njit(cache=True, fastmath=True)
def rasterise(points, triangles, two_sided, depth, ids, weights):
    """Draw triangles into the buffers, which must share one shape.

    points (n, 3) float32; triangles (m, 3) int32; two_sided (m,) bool, False drops the triangle where its back shows.
    ids receives the triangle's index; weights those of its second and third corner (the first's is the rest to 1).
    """
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        area = _area(points, a, b, c)
        # Screen y points down, so a front face turns clockwise and its area is negative.
        if abs(area) < LEAST_AREA or (area > 0.0 and not two_sided[t]):
            continue
        left, right, top, bottom = _box(points, a, b, c, depth.shape)
        b_x, b_y, c_x, c_y = _gradients(points, a, b, c, area)
        for y in range(top, bottom):
            dy = y + HALF - points[a, 1]
            for x in range(left, right):
                dx = x + HALF - points[a, 0]
                wb, wc = b_x * dx + b_y * dy, c_x * dx + c_y * dy
                if wb >= 0.0 and wc >= 0.0 and wb + wc <= 1.0:
                    z = points[a, 2] + wb * (points[b, 2] - points[a, 2]) + wc * (points[c, 2] - points[a, 2])
                    if z < depth[y, x]:
                        depth[y, x] = z
                        ids[y, x] = t
                        weights[y, x, 0] = wb
                        weights[y, x, 1] = wc


@numba.njit(cache=True, fastmath=True)
def rasterise_depth(points, triangles, depth):
    """Depth only, both sides of every triangle: the shadow map's pass. Arguments as for `rasterise`."""
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        area = _area(points, a, b, c)
        if abs(area) < LEAST_AREA:
            continue
        left, right, top, bottom = _box(points, a, b, c, depth.shape)
        b_x, b_y, c_x, c_y = _gradients(points, a, b, c, area)
        for y in range(top, bottom):
            dy = y + HALF - points[a, 1]
            for x in range(left, right):
                dx = x + HALF - points[a, 0]
                wb, wc = b_x * dx + b_y * dy, c_x * dx + c_y * dy
                if wb >= 0.0 and wc >= 0.0 and wb + wc <= 1.0:
                    z = points[a, 2] + wb * (points[b, 2] - points[a, 2]) + wc * (points[c, 2] - points[a, 2])
                    depth[y, x] = min(depth[y, x], z)


@numba.njit(cache=True, fastmath=True)
def blend(attributes, triangle, wb, wc, column):
    """One attribute column (of an (n, k) array) at barycentric weights wb, wc of a triangle's corners."""
    wa = np.float32(1.0) - wb - wc
    return (
        wa * attributes[triangle[0], column]
        + wb * attributes[triangle[1], column]
        + wc * attributes[triangle[2], column]
    )


@numba.njit(cache=True, fastmath=True)
def _area(points, a, b, c):
    """Twice the signed area of a triangle on the screen."""
    first = (points[b, 0] - points[a, 0]) * (points[c, 1] - points[a, 1])
    return first - (points[c, 0] - points[a, 0]) * (points[b, 1] - points[a, 1])


@numba.njit(cache=True, fastmath=True)
def _gradients(points, a, b, c, area):
    """How the weights of corners b and c change per pixel in x and y; both are 0 at corner a."""
    b_x, b_y = (points[c, 1] - points[a, 1]) / area, (points[a, 0] - points[c, 0]) / area
    c_x, c_y = (points[a, 1] - points[b, 1]) / area, (points[b, 0] - points[a, 0]) / area
    return b_x, b_y, c_x, c_y


@numba.njit(cache=True, fastmath=True)
def _box(points, a, b, c, shape):
    """Half-open ranges (left, right, top, bottom) of the pixels whose centres the triangle can cover."""
    left, right = _span(points[a, 0], points[b, 0], points[c, 0], shape[1])
    top, bottom = _span(points[a, 1], points[b, 1], points[c, 1], shape[0])
    return left, right, top, bottom


@numba.njit(cache=True, fastmath=True)
def _span(first, second, third, size):
    low, high = min(first, second, third), max(first, second, third)
    return max(0, int(np.ceil(low - HALF))), min(size, int(np.floor(high - HALF)) + 1)
