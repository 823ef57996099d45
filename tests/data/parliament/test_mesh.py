"""Figures, normals, noise and occlusion against closed forms."""

import numpy as np
import pytest

from debias.data.parliament import mesh


def make_figure():
    rest = np.arange(12, dtype=np.float32).reshape(4, 3)
    return mesh.Figure(
        rest=rest,
        target_index={"up": 0, "right": 1},
        target_offsets=np.array([0, 2, 3], np.int32),
        target_indices=np.array([1, 3, 3], np.int32),
        target_deltas=np.array([[0, 1, 0], [0, 2, 0], [5, 0, 0]], np.float32),
        parts={},
        occlusion=np.ones(4, np.float32),
        mouth_interior=np.zeros(4, np.float32),
    )


def test_morphs_add_weighted_displacements():
    figure = make_figure()
    moved = figure.morphed({"up": 0.5, "right": -1.0}) - figure.rest
    np.testing.assert_allclose(moved, [[0, 0, 0], [0, 0.5, 0], [0, 0, 0], [-5, 1, 0]])
    np.testing.assert_array_equal(figure.rest, np.arange(12).reshape(4, 3))


def test_an_unknown_target_is_an_error():
    with pytest.raises(KeyError, match="sideways"):
        make_figure().morphed({"sideways": 1.0})


def test_a_restricted_figure_morphs_like_the_whole_one():
    figure, used = make_figure(), np.array([0, 3])
    small = mesh._restricted(figure, used, {"edge": np.array([[0, 3, 0]])})
    weights = {"up": 0.7, "right": 0.2}
    np.testing.assert_allclose(small.morphed(weights), figure.morphed(weights)[used])
    np.testing.assert_array_equal(small.parts["edge"].vertices, [0, 1])


def test_compact_keeps_the_surface():
    triangles = np.array([[7, 2, 9], [9, 2, 4]])
    part = mesh.compact(triangles)
    np.testing.assert_array_equal(part.vertices[part.triangles], triangles)
    np.testing.assert_array_equal(part.vertices, [2, 4, 7, 9])


def test_normals_of_an_octahedron_point_outwards():
    corners = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float32)
    upper = [(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4)]
    lower = [(b, a, 5) for a, b, _ in upper]
    np.testing.assert_allclose(mesh.vertex_normals(corners, np.array(upper + lower, np.int32)), corners, atol=1e-6)


def test_noise_is_standardised_tileable_and_smoother_for_steeper_slopes():
    rough, smooth = (mesh.fractal_noise(np.random.default_rng(0), slope, 64) for slope in (0.3, 1.8))
    for noise in (rough, smooth):
        assert noise.mean() == pytest.approx(0, abs=1e-5) and noise.std() == pytest.approx(1, abs=1e-4)
    steps = [np.abs(noise - np.roll(noise, 1, axis=1)) for noise in (rough, smooth)]  # the last wraps round
    assert steps[1].mean() < steps[0].mean() / 2
    assert steps[1][:, 0].mean() < 3 * steps[1].mean()


def test_a_wall_hides_half_the_sky():
    """A point at the foot of a huge wall sees half of the cosine-weighted hemisphere."""
    far = 50.0
    wall = np.array([[0.02, -far, -far], [0.02, far, -far], [0.02, far, far], [0.02, -far, far]], np.float32)
    vertices = np.concatenate([wall, [[0.0, 0.0, 0.0]]]).astype(np.float32)
    normals = np.tile(np.array([[0, 1, 0]], np.float32), (5, 1))
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    directions = np.random.default_rng(0).normal(size=(4000, 3)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    seen = mesh._visibility(vertices, normals, np.array([4]), triangles, directions, 1000.0)
    assert seen[0] == pytest.approx(0.5, abs=0.03)


def test_the_model_is_a_head(model):
    rest, parts = model.face.rest, model.face.parts
    left, right = (rest[parts[f"{side} eye"].vertices].mean(0) for side in ("left", "right"))
    assert left[0] == pytest.approx(-right[0], abs=0.01) and 0.5 < left[0] - right[0] < 0.8  # decimetres
    lips = rest[parts["lips"].vertices].mean(0)
    assert left[1] - 1.0 < lips[1] < left[1] - 0.5
    assert len(model.face.rest) < len(model.body.rest) / 2
    assert model.face.mouth_interior.sum() > 100


def test_occlusion_is_dark_in_the_mouth_and_open_on_the_forehead(model):
    figure = model.face
    forehead = (figure.rest[:, 1] > 7.7) & (figure.rest[:, 1] < 7.9) & (figure.rest[:, 2] > 1.2)
    assert figure.occlusion[forehead].min() > 0.9
    assert np.median(figure.occlusion[figure.mouth_interior > 0]) < 0.2


def test_spheres_around_triangles_hide_no_hit():
    """Against the same rays and triangles with spheres that every line meets."""
    rng = np.random.default_rng(1)
    corners = rng.normal(size=(60, 1, 3)) + rng.normal(scale=0.2, size=(60, 3, 3))
    vertices, triangles = corners.reshape(-1, 3).astype(np.float32), np.arange(180, dtype=np.int32).reshape(60, 3)
    directions = rng.normal(size=(500, 3)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    nearby, origin = np.arange(60), np.zeros(3, np.float32)
    spheres, everywhere = np.empty((60, 5)), np.tile([0.0, 0.0, 0.0, 0.0, np.inf], (60, 1))
    mesh._bounding_spheres(vertices, triangles, nearby, origin, spheres)
    assert np.mean(spheres[:, 4] < spheres[:, 3]) > 0.5  # they leave something out
    ours, expected = (
        [mesh._blocked(vertices, triangles, nearby, each, origin, ray, 10.0) for ray in directions]
        for each in (spheres, everywhere)
    )
    assert ours == expected and 0.1 < np.mean(ours) < 0.9
