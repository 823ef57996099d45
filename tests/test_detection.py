"""Sliding windows against the loops of the lab's evaluator, exact crops and models whose answer is known."""

import cv2
import numpy as np
import pytest

from debias import detection
from debias.backend import keras, tf
from debias.detection import Windows, cut, heat_map, image_scores, sensitivity, window_scores
from debias.errors import InputError


def lab_windows(height, width, low, high, count, stride):
    """(top, left, side) as in `slide_square` of MIT's lab (2019)."""
    places = []
    for side in np.linspace(low, high, count, dtype=np.int32):
        step = int(stride * side)
        for top in range(0, int(height - side + 1), step):
            for left in range(0, int(width - side + 1), step):
                places.append((top, left, side))
    return places


class Brightness(keras.Model):
    """Logit 40 (mean of the window - 0.5), which does not depend on where in it the light is."""

    def call(self, images, training=False):
        return 40 * (tf.reduce_mean(images, [1, 2, 3]) - 0.5)


@pytest.fixture
def photograph():
    """(300, 240, 3) smooth, with fine stripes on its right half."""
    y, x = np.mgrid[:300, :240]
    smooth = np.stack([y * 0.8, x, 120 + 100 * np.sin(x / 30)], 2)
    smooth[:, 120:] += np.where(x % 3 == 0, 60, -30)[:, 120:, None]
    return np.clip(smooth, 0, 255).astype(np.uint8)


def dark(height=128, width=128, **light):
    """A dark image with a bright square: top, left, side."""
    image = np.zeros((height, width, 3), np.uint8)
    if light:
        top, left, side = light["top"], light["left"], light["side"]
        image[top : top + side, left : left + side] = 255
    return image


@pytest.mark.parametrize(("height", "width"), [(300, 240), (240, 240), (97, 83), (64, 64), (700, 20)])
@pytest.mark.parametrize("stride", [0.1, 0.2, 0.5])
def test_windows_lie_where_the_lab_has_them(height, width, stride):
    ours = Windows(stride=stride).places(height, width)
    assert ours.tolist() == [list(map(int, place)) for place in lab_windows(height, width, width / 2, width, 5, stride)]


def test_windows_of_a_wide_image_fit_its_height():
    places = Windows().places(100, 400)
    assert places[:, 2].max() == 100 and (places[:, 0] + places[:, 2]).max() <= 100
    assert (places[:, 1] + places[:, 2]).max() > 380


def test_the_smallest_images_have_a_window():
    assert Windows((0.5, 1.0)).places(1, 1).tolist() == [[0, 0, 1]] * 2


@pytest.mark.parametrize(
    "options", [{"sizes": ()}, {"sizes": (0.0,)}, {"sizes": (1.2,)}, {"stride": 0}, {"stride": 1.5}]
)
def test_bad_options_are_refused(options):
    with pytest.raises(InputError, match="choose a share|choose shares"):
        Windows(**options)


def exact(image, places, side):
    """Each window cut out and averaged by itself."""
    windows = [image[top : top + size, left : left + size] for top, left, size in places]
    return np.stack([cv2.resize(window, (side, side), interpolation=cv2.INTER_AREA) for window in windows])


def test_windows_are_those_cut_out_one_by_one(photograph):
    places = Windows().places(*photograph.shape[:2])
    error = np.abs(cut(photograph, places).astype(int) - exact(photograph, places, 64))
    assert error.mean() < 6  # half a pixel is seen at the stripes alone
    assert error[(places[:, 1] + places[:, 2] <= 120)].mean() < 1


def test_where_windows_lie_on_whole_pixels_they_are_exact(photograph):
    image = photograph[:256, :128]
    places = np.array([(top, left, 128) for top in (0, 64, 128) for left in (0,)])
    assert np.abs(cut(image, places).astype(int) - exact(image, places, 64)).max() <= 1


def test_nothing_is_aliased_as_the_device_s_own_operation_would():
    """Stripes of one pixel are grey from afar."""
    image = np.zeros((512, 512, 3), np.uint8)
    image[:, ::2] = 255
    places = np.array([[0, 0, 500], [3, 5, 448]])
    ours = cut(image, places).astype(float)
    boxes = [[y / 511, x / 511, (y + n - 1) / 511, (x + n - 1) / 511] for y, x, n in places]
    theirs = tf.image.crop_and_resize(image[None].astype(np.float32), boxes, [0, 0], (64, 64)).numpy()
    assert ours.std() < 12 < 60 < theirs.std()


def test_small_images_are_enlarged():
    windows = cut(np.full((20, 30, 3), 9, np.uint8), Windows().places(20, 30))
    assert windows.shape[1:] == (64, 64, 3) and np.all(windows == 9)


def test_scores_come_image_by_image_whatever_the_batch(monkeypatch):
    images = [dark(80 + n, 100, top=n, left=n, side=40) for n in range(9)]
    whole = list(window_scores(Brightness(), iter(images)))
    monkeypatch.setattr(detection, "BATCH", 7)
    parts = list(window_scores(Brightness(), iter(images)))
    assert len(whole) == len(parts) == 9
    for image, one, other in zip(images, whole, parts, strict=True):
        places = Windows().places(*image.shape[:2])
        means = [image[y : y + n, x : x + n].mean() / 255 for y, x, n in places]
        assert one == pytest.approx(1 / (1 + np.exp(-40 * (np.array(means) - 0.5))), abs=0.15)
        assert one == pytest.approx(other, abs=1e-6)


def test_an_image_is_detected_if_any_window_passes():
    images = [dark(), dark(top=60, left=60, side=64), dark(top=0, left=0, side=30)]
    assert (image_scores(Brightness(), images) >= 0.5).tolist() == [False, True, False]
    assert len(image_scores(Brightness(), [])) == 0


def test_any_keras_model_will_do():
    inputs = keras.Input((32, 32, 3))
    outputs = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(outputs))
    scores = image_scores(model, [np.full((50, 40, 3), 255, np.uint8)], side=32)
    assert scores == pytest.approx([1 / (1 + np.exp(-3))], abs=1e-6)


def test_a_diverged_model_is_reported():
    class Diverged(keras.Model):
        def call(self, images, training=False):
            return tf.reduce_mean(images, [1, 2, 3]) * np.nan

    with pytest.raises(FloatingPointError, match="NaN"):
        image_scores(Diverged(), [dark()])


def test_the_heat_map_is_the_best_window_over_a_pixel():
    places = np.array([[0, 0, 4], [2, 1, 2]])
    heat = heat_map((5, 4, 3), places, np.array([0.25, 0.75]))
    expected = np.full((5, 4), 0.25)
    expected[2:4, 1:3] = 0.75
    expected[4] = np.nan
    np.testing.assert_array_equal(heat, expected)


def test_the_heat_is_where_the_light_is():
    image = dark(200, 160, top=100, left=80, side=80)
    places = Windows().places(200, 160)
    (scores,) = window_scores(Brightness(), [image])
    heat = heat_map(image.shape, places, scores)
    assert np.nanmean(heat[100:180, 80:]) > 3 * np.nanmean(heat[:80, :80])


def test_sensitivity_counts_by_hand():
    faces = [dark(top=56, left=56, side=64), dark(top=0, left=0, side=64), dark(top=8, left=8, side=30)]
    others = [dark(), dark(top=0, left=0, side=64)]
    table = sensitivity(Brightness(), faces, others, strides=(0.25, 0.5), thresholds=(0.5, 0.999999), sizes=(0.5,))
    # A window of 64 pixels has nine places at half a stride, of which one lies on the light; half of it lies under two
    # more, which score 0.5 exactly.
    half = table[table["stride"] == 0.5].set_index("threshold")
    assert half["windows"].tolist() == [9, 9]
    assert half["recall"].tolist() == pytest.approx([200 / 3, 100 / 3])
    assert half.loc[0.999999, "false_positives"] == pytest.approx(0.5)
    assert half["false_images"].tolist() == [50, 50]
    quarter = table[table["stride"] == 0.25]
    assert quarter["windows"].tolist() == [25, 25]
    assert quarter["false_positives"].iloc[0] > half["false_positives"].iloc[0]
