"""The random camera against SciPy and NumPy, one change at a time."""

import numpy as np
from scipy import ndimage

from debias.augmentation import CONTRAST, EXPOSURE, NOISE, SHIFT, ZOOM, RandomCamera, View, draw_views, photographed
from debias.backend import tf

SEED = np.array([3, 4])
RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0.2, 0.6, (5, 12, 8, 3)).astype(np.float32)  # taller than wide
NOTHING = View(*(np.float32(value) for value in (np.ones(5), np.zeros((2, 5)), np.ones(5), np.ones(5), np.zeros(5))))


def seen(images=IMAGES, **changes):
    view = NOTHING._replace(**{name: np.float32(value) for name, value in changes.items()})
    return photographed(tf.constant(images), View(*map(tf.constant, view)), SEED).numpy()


def test_strength_0_changes_nothing_and_1_stays_in_range():
    np.testing.assert_allclose(RandomCamera(0.0)(tf.constant(IMAGES), 7).numpy(), IMAGES, atol=1e-6)
    changed = RandomCamera(1.0)(tf.constant(IMAGES), 7).numpy()
    assert changed.min() >= 0 and changed.max() <= 1 and np.all(np.abs(changed - IMAGES).mean((1, 2, 3)) > 0.01)


def test_zoom_and_shift_are_scipy_s_interpolation_in_the_mirrored_image():
    zoom, shift = np.array([1.4, 0.7, 1, 1, 0.5]), np.array([[0.05, -0.2, 0.125, 0, 0.3], [-0.06, 0.1, 0, 0.25, -0.3]])
    found = seen(zoom=zoom, shift=shift)
    for image, ours, z, way in zip(IMAGES, found, zoom, shift.T, strict=True):
        rows, columns = (
            ((np.arange(n) + 0.5 - n / 2) / z + n / 2 + s * n - 0.5) for n, s in zip(image.shape[:2], way, strict=True)
        )
        places = np.stack(np.meshgrid(rows, columns, indexing="ij"))
        theirs = [ndimage.map_coordinates(image[..., c], places, order=1, mode="reflect") for c in range(3)]
        np.testing.assert_allclose(ours, np.stack(theirs, -1), atol=1e-5)


def test_a_camera_that_points_lower_shows_what_lies_below():
    np.testing.assert_allclose(seen(shift=[[0.25] * 5, [0] * 5])[:, :9], IMAGES[:, 3:], atol=1e-6)


def test_contrast_turns_about_the_image_s_mean_and_exposure_multiplies():
    contrast, exposure = np.array([0.4, 1.3, 1, 0.8, 1]), np.array([1, 0.6, 1.8, 0.5, 1])
    means = IMAGES.mean((1, 2, 3), keepdims=True)
    each = np.s_[:, None, None, None]
    wanted = np.clip(exposure[each] * (means + contrast[each] * (IMAGES - means)), 0, 1)
    np.testing.assert_allclose(seen(contrast=contrast, exposure=exposure), wanted, atol=1e-6)


def test_noise_has_the_deviation_that_is_asked_for_and_no_mean():
    grey = np.full((5, 64, 64, 3), 0.5, np.float32)
    noise = seen(grey, noise=[0, 0.01, 0.02, 0.03, 0.03]) - grey
    np.testing.assert_allclose(noise.std((1, 2, 3)), [0, 0.01, 0.02, 0.03, 0.03], rtol=0.02)
    assert np.all(np.abs(noise.mean((1, 2, 3))) < 1e-3)
    assert abs(np.corrcoef(noise[3].ravel(), noise[4].ravel())[0, 1]) < 0.03


def test_views_fill_their_ranges_and_follow_from_the_seed():
    views = draw_views(4000, SEED, 0.5)
    inside = {
        "zoom": np.exp([-ZOOM / 2, ZOOM / 2]),
        "shift": [-SHIFT / 2, SHIFT / 2],
        "contrast": 1 + np.array(CONTRAST) / 2,
        "exposure": np.exp(np.array(EXPOSURE) / 2),
        "noise": [0, NOISE / 2],
    }
    for name, (low, high) in inside.items():
        values = getattr(views, name).numpy()
        assert low <= values.min() < low + 0.01 * (high - low) and high - 0.01 * (high - low) < values.max() <= high
    assert np.all(np.abs(np.corrcoef([v.numpy() for v in (views.zoom, *views.shift, *views[2:])]) - np.eye(6)) < 0.06)


def test_same_seed_and_step_same_cameras():
    first, again, later, other = (
        RandomCamera(1.0, seed)(tf.constant(IMAGES), step).numpy() for seed, step in ((0, 5), (0, 5), (0, 6), (1, 5))
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - later).mean() > 0.01 and np.abs(first - other).mean() > 0.01
