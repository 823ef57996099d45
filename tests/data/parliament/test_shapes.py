import dataclasses

import numpy as np
import pytest

from debias.data.parliament import shapes

SKIN = (0.5, 0.3, 0.2)


def ellipse(**changes) -> shapes.Shape:
    plain = shapes.Shape(centre=(0.5, 0.5), radii=(0.4, 0.2), angle=0.0, exponent=2.0, albedo=SKIN)
    return dataclasses.replace(plain, **changes)


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0])
def test_an_ellipse_covers_pi_a_b(angle):
    mask, normals, albedo = shapes.surface(ellipse(angle=angle), 400)
    assert mask.mean() == pytest.approx(np.pi * 0.4 * 0.2, rel=0.01)
    assert normals.shape == albedo.shape == (mask.sum(), 3)


def test_a_boxy_shape_fills_its_box():
    mask, _, _ = shapes.surface(ellipse(exponent=60.0), 400)
    assert mask.mean() == pytest.approx(0.8 * 0.4, rel=0.03)


@pytest.mark.parametrize("angle", [0.0, 0.5, 1.5])
def test_normals_point_outwards_and_to_the_viewer(angle):
    mask, normals, _ = shapes.surface(ellipse(angle=angle), 64)
    rows, columns = np.nonzero(mask)
    outward = np.stack([columns - 31.5, 31.5 - rows], -1)
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    assert (normals[:, 2] > 0).all()
    assert ((normals[:, :2] * outward).sum(1) >= -1e-3).all()


def test_dots_darken_only_their_place():
    dotted = ellipse(radii=(0.4, 0.4), dots=((0.5, 0.5, 0.1, 0.1),))
    mask, _, albedo = shapes.surface(dotted, 100)
    image = np.zeros((100, 100))
    image[mask] = albedo[:, 0]
    assert image[30, 70] < 0.2 * SKIN[0]  # up and to the right
    assert image[70, 30] == pytest.approx(SKIN[0], rel=1e-3)


def test_the_cap_covers_the_top():
    mask, _, albedo = shapes.surface(ellipse(radii=(0.4, 0.4), cap=0.5, cap_albedo=(0.01, 0.01, 0.01)), 100)
    rows = np.nonzero(mask)[0]
    assert (albedo[rows < 20, 0] < 0.02).all()
    assert np.allclose(albedo[rows > 50, 0], SKIN[0])


def test_face_like_shapes_have_dots_or_a_cap():
    rng = np.random.default_rng(0)
    drawn = [shapes.sample_shape(rng, SKIN, face_like=True) for _ in range(50)]
    assert all(shape.dots or shape.cap < 1 for shape in drawn)
    assert any(shape.dots and shape.cap < 1 for shape in drawn)
