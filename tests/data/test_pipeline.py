"""Batches against images that tell by their pixels which row they are."""

import gc
import weakref

import numpy as np
import pytest

from debias.backend import tf
from debias.data import pipeline
from debias.data.dataset import Dataset
from debias.data.pipeline import BalancedBatches, in_order, on_device, untuned
from debias.errors import InputError

COUNT = 60


@pytest.fixture(scope="module")
def numbered() -> Dataset:
    """Image i holds i in its left half and 255 - i in its right; every third is positive."""
    images = np.empty((COUNT, 4, 4, 3), np.uint8)
    images[:, :, :2] = np.arange(COUNT)[:, None, None, None]
    images[:, :, 2:] = 255 - images[:, :, :2]
    labels = (np.arange(COUNT) % 3 == 0).astype(np.uint8)
    return Dataset(images, np.arange(COUNT), labels)


def rows_and_mirrored(images):
    """The rows that a batch's images come from, and whether each is mirrored."""
    pixels = np.rint(np.asarray(images) * 255).astype(int)
    edges = pixels[:, 0, [0, -1], 0]
    return edges.min(1), edges[:, 0] > edges[:, 1]


def test_half_positive_half_negative_and_true_to_their_rows(numbered):
    images, labels = BalancedBatches(numbered, 20, flip=False)(tf.constant(0))
    rows, mirrored = rows_and_mirrored(images)
    np.testing.assert_array_equal(labels, [1] * 10 + [0] * 10)
    np.testing.assert_array_equal(numbered.labels[rows], labels)
    np.testing.assert_allclose(images, numbered.images(rows) / 255, atol=1e-7)
    assert images.dtype == tf.float32 and not mirrored.any()


def test_flips_are_mirror_images_of_half_of_the_draws(numbered):
    batches, flipped = BalancedBatches(numbered, 40, flip=True), []
    for step in range(25):
        images, labels = batches(tf.constant(step))
        rows, mirrored = rows_and_mirrored(images)
        expected = np.where(mirrored[:, None, None, None], numbered.images(rows)[:, :, ::-1], numbered.images(rows))
        np.testing.assert_allclose(images, expected / 255, atol=1e-7)
        np.testing.assert_array_equal(numbered.labels[rows], labels)
        flipped.append(mirrored.mean())
    assert np.mean(flipped) == pytest.approx(0.5, abs=0.06)  # 3.8 standard deviations


@pytest.mark.parametrize("batch_size", [2, 6, 8, 10])
def test_half_of_the_images_are_mirrored_whatever_the_batch(numbered, batch_size):
    batch, half = tf.function(BalancedBatches(numbered, batch_size, flip=True)), batch_size // 2
    mirrored = np.array([rows_and_mirrored(batch(tf.constant(step))[0])[1] for step in range(400)])
    for kind in (mirrored[:, :half], mirrored[:, half:]):
        assert kind.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(400))  # at most four standard deviations


@pytest.mark.parametrize(("batch_size", "flip"), [(16, True), (6, True), (16, False)])
def test_positions_are_those_of_the_batch_s_images(numbered, batch_size, flip):
    batches, step = BalancedBatches(numbered, batch_size, seed=3, flip=flip), tf.constant(5)
    batches.sampler.assign(np.arange(len(batches.positives)))
    rows, _ = rows_and_mirrored(batches(step)[0])
    expected = [
        kind.rows[index]
        for kind, index in zip((numbered.positives(), numbered.negatives()), batches.positions(step), strict=True)
    ]
    np.testing.assert_array_equal(rows, np.concatenate(expected))


def test_seed_and_step_decide_the_batch(numbered):
    compiled = {seed: tf.function(BalancedBatches(numbered, 20, seed)) for seed in (0, 1)}

    def batch(seed, step):
        return compiled[seed](tf.constant(step, tf.int64))[0].numpy()

    np.testing.assert_array_equal(batch(0, 5), batch(0, 5))
    np.testing.assert_allclose(batch(0, 5), BalancedBatches(numbered, 20, 0)(tf.constant(5))[0], atol=1e-7)
    assert not np.array_equal(batch(0, 5), batch(0, 6))
    assert not np.array_equal(batch(0, 5), batch(1, 5))


def test_positives_and_negatives_are_drawn_independently():
    """Were both halves drawn from one stream, equal pools would give equal positions."""
    images = np.repeat(np.arange(100, dtype=np.uint8), 2)[:, None, None, None]
    paired = Dataset(images, np.arange(200), np.tile([0, 1], 100).astype(np.uint8))
    drawn = BalancedBatches(paired, 100, flip=False)(tf.constant(0))[0].numpy().ravel()
    assert np.mean(drawn[:50] == drawn[50:]) < 0.2


def test_sampler_weighs_positives_only(numbered):
    batches = BalancedBatches(numbered, 20)
    batches.sampler.assign(np.eye(COUNT // 3)[4])
    rows, _ = rows_and_mirrored(batches(tf.constant(0))[0])
    assert set(rows[:10]) == {12}  # the fifth positive
    assert len(set(rows[10:])) > 3


def test_without_replacement_a_batch_has_no_face_twice(numbered):
    batches = BalancedBatches(numbered, 40, replacement=False)
    for step in range(3):
        rows, _ = rows_and_mirrored(batches(tf.constant(step))[0])
        assert len(set(rows[:20])) == 20


@pytest.mark.parametrize(("batch_size", "steps"), [(2, 20), (10, 4), (12, 3), (100, 1)])
def test_an_epoch_draws_as_many_positives_as_there_are(numbered, batch_size, steps):
    assert BalancedBatches(numbered, batch_size).steps_per_epoch == steps


@pytest.mark.parametrize(("batch_size", "replacement"), [(0, True), (-2, True), (7, True), (42, False)])
def test_bad_batch_size_is_one_line(numbered, batch_size, replacement):
    with pytest.raises(InputError) as caught:
        BalancedBatches(numbered, batch_size, replacement=replacement)
    assert "\n" not in str(caught.value)


def test_in_order_gives_every_image_once(numbered):
    batches = list(in_order(numbered, batch_size=25))
    assert [len(images) for images, _ in batches] == [25, 25, 10]
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), numbered.labels)
    np.testing.assert_allclose(np.concatenate([images for images, _ in batches]), numbered.images() / 255, atol=1e-7)


def test_runs_of_one_data_set_share_one_copy_of_its_images():
    data = Dataset(np.zeros((8, 2, 2, 1), np.uint8), np.arange(8), np.tile([0, 1], 4).astype(np.uint8))
    faces, others = on_device(data.positives()), on_device(data.take(np.array([0, 3])))
    assert faces.source is others.source and len(pipeline._RESIDENT) >= 1
    copy = weakref.ref(faces.source)
    del faces, others, data
    gc.collect()
    assert copy() is None  # it goes with the array


def test_device_images_are_those_of_the_subset():
    images = np.arange(10, dtype=np.uint8)[:, None, None, None]
    data = Dataset(images, np.arange(10), np.tile([0, 1], 5).astype(np.uint8)).positives().take(np.array([3, 0]))
    found = on_device(data)
    np.testing.assert_array_equal(found.gather(tf.constant([1, 0, 1]))[:, 0, 0, 0], [1, 7, 1])
    assert len(found) == 2


def test_no_tuning_thread_is_started(numbered):
    """A thread of tf.data, for which the end of `fit` would wait."""
    counted = untuned(tf.data.Dataset.range(3).prefetch(1))
    assert list(counted.as_numpy_iterator()) == [0, 1, 2]
    assert not counted.options().autotune.enabled and not in_order(numbered).options().autotune.enabled
