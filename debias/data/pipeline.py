"""Batches drawn, gathered and scaled inside the compiled step, from images that stay on the device."""

import dataclasses
import weakref

import numpy as np

from debias.backend import tf
from debias.data.dataset import Dataset
from debias.data.sampling import WeightedSampler
from debias.errors import InputError


class BalancedBatches(tf.Module):
    """Half positives, drawn by `sampler`, and half negatives, drawn uniformly, as in MIT's lab.

    Call it with a step number inside a `tf.function`: the same seed and step give the same batch, so that a resumed
    run sees what an undisturbed one sees.

    Attributes:
        sampler: weights over the positives, in the order of `dataset.positives()`.
    """

    def __init__(self, dataset: Dataset, batch_size: int, seed: int = 0, flip: bool = True, replacement: bool = True):
        super().__init__()
        if batch_size < 2 or batch_size % 2:
            raise InputError(f"batch_size must be even and at least 2, got {batch_size}")
        self.batch_size, self.seed, self.flip = batch_size, seed, flip
        self.positives = on_device(dataset.positives())
        self.negatives = on_device(dataset.negatives())
        half = batch_size // 2
        if not replacement and half > len(self.positives):
            raise InputError(f"{half} positives a batch without replacement need as many, got {len(self.positives)}")
        self.sampler = WeightedSampler(len(self.positives), replacement, half)
        self._uniform = WeightedSampler(len(self.negatives))

    @property
    def steps_per_epoch(self) -> int:
        """Steps after which as many positives were drawn as there are."""
        return max(1, len(self.positives) // (self.batch_size // 2))

    def __call__(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """images (B, H, W, C) float32 in [0, 1] and labels (B,) float32, positives first."""
        half = self.batch_size // 2
        faces = self._drawn(self.positives, self.sampler, self._stream(step, 0))
        others = self._drawn(self.negatives, self._uniform, self._stream(step, 1))
        return scale(tf.concat([faces, others], 0)), tf.concat([tf.ones(half), tf.zeros(half)], 0)

    def _drawn(self, images, sampler, seed):
        index = sampler.draw(self.batch_size // 2, seed)
        if not self.flip:
            return images.gather(index)
        if index.shape[0] % 2:  # every second one would not be half of them
            return self._mirrored_by_chance(images.gather(index), seed)
        # Draws are independent: to mirror every second one is to mirror each image with probability one half, and it
        # costs a tenth of a choice per image.
        mirrored = tf.reverse(images.gather(index[1::2]), [2])
        return tf.concat([images.gather(index[::2]), mirrored], 0)

    @staticmethod
    def _mirrored_by_chance(images, seed):
        seed = tf.random.experimental.stateless_fold_in(seed, 2)
        chance = tf.random.stateless_uniform([images.shape[0], 1, 1, 1], seed)
        return tf.where(chance < 0.5, tf.reverse(images, [2]), images)

    def _stream(self, step, stream: int) -> tf.Tensor:
        # Two draws a step need two independent streams; fold_in derives them without overlap.
        seed = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(step, tf.int64)])
        return tf.random.experimental.stateless_fold_in(seed, stream)


def scale(images: tf.Tensor) -> tf.Tensor:
    """uint8 0..255 to float32 0..1."""
    return tf.cast(images, tf.float32) / 255.0


@dataclasses.dataclass(frozen=True)
class DeviceImages:
    """Some of the images that lie on the device.

    Attributes:
        source: (M, H, W, C) uint8, shared by all splits, subsets and runs of a data set.
        rows: (N,) int64, the rows of `source` that are meant.
    """

    source: tf.Tensor
    rows: tf.Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def gather(self, index: tf.Tensor) -> tf.Tensor:
        """The images (n, H, W, C) uint8 at positions `index` (n,)."""
        return tf.gather(self.source, tf.gather(self.rows, index))


def on_device(dataset: Dataset) -> DeviceImages:
    """The images of a data set, on the device."""
    return DeviceImages(_resident(dataset.source), tf.constant(dataset.rows))


# TensorFlow never lets go of what a compiled step has captured: were each run to copy its images, a process that trains
# many runs would grow by a data set each time. So there is one copy, for as long as the array lives.
_RESIDENT: dict[int, tf.Tensor] = {}


def _resident(source: np.ndarray) -> tf.Tensor:
    key = id(source)
    if key not in _RESIDENT:
        weakref.finalize(source, _RESIDENT.pop, key, None)
        _RESIDENT[key] = tf.constant(source)
    return _RESIDENT[key]


def in_order(dataset: Dataset, batch_size: int = 256) -> tf.data.Dataset:
    """Scaled (images, labels) batches in the data set's order, for evaluation."""
    pairs = tf.data.Dataset.from_tensor_slices((np.arange(len(dataset)), dataset.labels.astype(np.float32)))
    images = on_device(dataset)
    batches = pairs.batch(batch_size)
    return untuned(batches.map(lambda index, labels: (scale(images.gather(index)), labels)))


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """`dataset` without tf.data's own tuning: a thread for which the end of `fit` waits for seconds on busy cores."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
