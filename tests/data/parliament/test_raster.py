"""The rasteriser against half-plane tests in double precision."""

import numpy as np
import pytest

from debias.data.parliament import raster


def draw(points, triangles, two_sided=True, size=40):
    depth, ids, weights = raster.buffers(size, size)
    triangles = np.array(triangles, np.int32)
    raster.rasterise(np.array(points, np.float32), triangles, np.full(len(triangles), two_sided), depth, ids, weights)
    return depth, ids, weights


def brute_force_weights(points, size=40):
    """(size, size, 3) barycentric weights of every pixel centre for one triangle."""
    corners = np.concatenate([points[:, :2].T, np.ones((1, 3))])
    y, x = np.mgrid[0:size, 0:size] + 0.5
    return np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(corners).T


@pytest.mark.parametrize("seed", range(5))
def test_covers_the_pixels_whose_centres_lie_inside(seed):
    points = np.random.default_rng(seed).uniform(-5, 45, (3, 3))
    weights = brute_force_weights(points)
    _, ids, _ = draw(points, [[0, 1, 2]])
    clear = np.abs(weights).min(-1) > 1e-4  # rounding may decide either way on an edge
    np.testing.assert_array_equal((ids >= 0)[clear], (weights > 0).all(-1)[clear])
    assert (ids >= 0).any()


def test_interpolates_depth_and_attributes_linearly():
    points = np.array([[2, 3, 10.0], [35, 8, 20], [12, 37, 40]])
    depth, ids, weights = draw(points, [[0, 1, 2]])
    expected = brute_force_weights(points) @ points[:, 2]
    inside = ids >= 0
    np.testing.assert_allclose(depth[inside], expected[inside], rtol=1e-4)
    y, x = np.argwhere(inside)[50]
    column = np.array([[1.0], [2.0], [5.0]], np.float32)
    blended = raster.blend(column, np.array([0, 1, 2]), *weights[y, x], 0)
    assert blended == pytest.approx(brute_force_weights(points)[y, x] @ column[:, 0], rel=1e-4)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_triangle_wins_in_any_order(order):
    points = [[0, 0, 5.0], [40, 0, 5], [0, 40, 5], [0, 0, 3], [20, 0, 3], [0, 20, 3]]
    triangles = [[[0, 1, 2], [3, 4, 5]][i] for i in order]
    depth, ids, _ = draw(points, triangles)
    assert depth[2, 2] == 3 and triangles[ids[2, 2]] == [3, 4, 5]
    assert depth[2, 30] == 5 and triangles[ids[2, 30]] == [0, 1, 2]


def test_drops_the_backs_of_one_sided_triangles():
    points = [[5, 5, 1.0], [30, 5, 1], [5, 30, 1]]
    front, back = [[0, 2, 1]], [[0, 1, 2]]  # counter-clockwise as seen, with y pointing down
    assert (draw(points, front, two_sided=False)[1] >= 0).any()
    assert not (draw(points, back, two_sided=False)[1] >= 0).any()
    assert (draw(points, back, two_sided=True)[1] >= 0).any()


def test_depth_alone_agrees_with_the_full_pass():
    points = np.random.default_rng(0).uniform(0, 40, (30, 3)).astype(np.float32)
    triangles = np.arange(30, dtype=np.int32).reshape(10, 3)
    depth = np.full((40, 40), raster.FAR, np.float32)
    raster.rasterise_depth(points, triangles, depth)
    np.testing.assert_array_equal(depth, draw(points, triangles)[0])


def test_triangles_outside_the_image_draw_nothing():
    assert not (draw([[-9, -9, 1.0], [-2, -9, 1], [-9, -2, 1]], [[0, 1, 2]])[1] >= 0).any()
