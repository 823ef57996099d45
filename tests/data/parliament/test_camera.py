"""Perspective against its definition, and development of the picture."""

from dataclasses import replace

import numpy as np
import pytest

from debias.data.parliament import camera
from debias.data.parliament.camera import Camera, View
from debias.data.parliament.people import Pose

PERFECT = Camera(0.4, (0.0, 0.0), 10.0, exposure=1.0, contrast=1.0, blur=0.0, noise=0.0, quality=100)


def develop(linear, settings=PERFECT, seed=0, size=16):
    return camera.develop(linear.astype(np.float32), settings, np.random.default_rng(seed), size)


@pytest.mark.parametrize("pose", [Pose(0.4, 0, 0), Pose(0, 0.4, 0), Pose(0, 0, 0.4), Pose(-0.7, 0.2, -0.1)])
def test_poses_are_rotations(pose):
    matrix = camera.rotation_of(pose)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(matrix) == pytest.approx(1, abs=1e-6)


def test_the_signs_of_yaw_and_pitch():
    nose = np.array([0.0, 0.0, 1.0])
    assert (camera.rotation_of(Pose(0.3, 0, 0)) @ nose)[0] == pytest.approx(np.sin(0.3), abs=1e-6)  # image's right
    assert (camera.rotation_of(Pose(0, 0.3, 0)) @ nose)[1] == pytest.approx(-np.sin(0.3), abs=1e-6)  # down


def test_projects_like_a_pinhole():
    view = View(np.eye(3, dtype=np.float32), np.zeros(3, np.float32), 20.0, (32.0, 30.0), 10.0)
    points = view.project(view.place(np.array([[0, 0, 0], [1, 1, 0], [1, 1, 5], [1, 1, -10]], np.float32)))
    np.testing.assert_allclose(points[:, 0], [32, 52, 72, 42])
    np.testing.assert_allclose(points[:, 1], [30, 10, -10, 20])
    np.testing.assert_allclose(points[:, 2], [10, 10, 5, 20])


def test_a_grey_card_stays_even_and_brighter_light_is_brighter():
    levels = [develop(np.full((24, 24, 3), value)) for value in (0.02, 0.1, 0.18, 0.4, 0.8)]
    assert all(np.ptp(level) == 0 for level in levels)
    values = [int(level[0, 0, 0]) for level in levels]
    assert values == sorted(set(values))


def test_a_correctly_exposed_picture_keeps_its_encoding():
    picture = np.full((24, 24, 3), camera.METERED_GREY)
    expected = 255 * (1.055 * camera.METERED_GREY ** (1 / 2.4) - 0.055)
    assert int(develop(picture)[0, 0, 0]) == pytest.approx(expected, abs=1)


def test_contrast_spreads_and_exposure_brightens():
    ramp = np.tile(np.linspace(0.05, 0.5, 24)[:, None, None], (1, 24, 3))
    plain = develop(ramp).astype(float)
    assert develop(ramp, replace(PERFECT, contrast=1.4)).std() > 1.2 * plain.std()
    assert develop(ramp, replace(PERFECT, exposure=1.5)).mean() > plain.mean() + 10


def test_blur_smooths_and_noise_roughens():
    stripes = np.zeros((32, 32, 3)) + 0.4 * (np.arange(32) // 2 % 2)[None, :, None]
    assert develop(stripes, replace(PERFECT, blur=1.0), size=32).std() < 0.5 * develop(stripes, size=32).std()
    card = np.full((64, 64, 3), 0.18)
    noisy = develop(card, replace(PERFECT, noise=0.02), size=64)
    assert noisy.std() == pytest.approx(0.02 * 255, rel=0.1)


def test_compression_changes_little_and_is_reproducible():
    scene = np.random.default_rng(0).uniform(0, 0.6, (8, 8, 3)).repeat(6, axis=0).repeat(6, axis=1)
    plain, pressed = develop(scene, size=32), develop(scene, replace(PERFECT, quality=80), size=32)
    difference = np.abs(plain.astype(int) - pressed)
    assert 0 < difference.mean() < 12
    np.testing.assert_array_equal(pressed, develop(scene, replace(PERFECT, quality=80), size=32))


def test_sampled_cameras_frame_tightly():
    cameras = [camera.sample_camera(np.random.default_rng(i)) for i in range(300)]
    zooms = np.array([sample.zoom for sample in cameras])
    assert zooms.min() >= 0.29 and zooms.max() <= 0.45 and 0.34 < zooms.mean() < 0.39
    underexposed = np.mean([sample.exposure < 0.6 for sample in cameras])
    assert 0.01 < underexposed < 0.15
