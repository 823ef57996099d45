"""A random camera: each image of a batch as another camera would have taken it, inside the compiled step.

Zoom, shift, contrast and exposure are linear in the pixels, so an image goes through two small matrices, one for its
rows and one for its columns, which cost a fifth of cropping and resizing. How far each change goes was chosen once, by
what amateur photographs differ in, and never tuned on a test.
"""

import dataclasses
from typing import NamedTuple

from debias.backend import tf
from debias.devices import part

ZOOM = 0.35  # log of the strongest enlargement, and of the strongest reduction
SHIFT = 0.06  # of the image's side, either way
CONTRAST = (-0.6, 0.3)  # change of the slope about the image's mean
EXPOSURE = (-0.6, 0.3)  # log of the factor on pixels: a quarter to nearly twice the light, at a display's gamma of 2.2
NOISE = 0.03  # largest standard deviation, on the scale 0..1


class View(NamedTuple):
    """What a camera does to each of B images, all float32."""

    zoom: tf.Tensor  # (B,), 2 shows the inner half of each side
    shift: tf.Tensor  # (2, B), down and right, in sides of the image
    contrast: tf.Tensor  # (B,), slope about the image's mean
    exposure: tf.Tensor  # (B,), factor on pixels
    noise: tf.Tensor  # (B,), standard deviation


@dataclasses.dataclass(frozen=True)
class RandomCamera:
    """Images (B, H, W, C) float32 in [0, 1] and a step's number -> the same, each by a camera of its own.

    The same seed and step give the same cameras, so that a resumed run sees what an undisturbed one sees.

    Attributes:
        strength: 0 changes nothing, 1 draws from the whole of each range above.
        seed: of the cameras and their noise.
    """

    strength: float
    seed: int = 0

    def __call__(self, images: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        which, parts = part()
        number = tf.cast(step, tf.int64) * parts + tf.cast(which, tf.int64)  # another for each replica
        seed = tf.stack([tf.constant(self.seed, tf.int64), number])
        return photographed(images, draw_views(tf.shape(images)[0], seed, self.strength), seed)


def draw_views(count: tf.Tensor | int, seed: tf.Tensor, strength: float = 1.0) -> View:
    """Random views of `count` images; `seed`, a (2,) integer tensor, decides them."""

    def uniform(stream, low, high, *shape):
        return _uniform([*shape, count], _stream(seed, stream), strength * low, strength * high)

    return View(
        zoom=tf.exp(uniform(2, -ZOOM, ZOOM)),
        shift=uniform(3, -SHIFT, SHIFT, 2),
        contrast=1 + uniform(4, *CONTRAST),
        exposure=tf.exp(uniform(5, *EXPOSURE)),
        noise=uniform(6, 0, NOISE),
    )


def photographed(images: tf.Tensor, view: View, seed: tf.Tensor) -> tf.Tensor:
    """The images (B, H, W, C) as `view` shows them, in [0, 1]; `seed`, a (2,) integer tensor, is that of the noise."""
    mean = tf.reduce_mean(images, [1, 2, 3])
    slope, offset = view.exposure * view.contrast, view.exposure * (1 - view.contrast) * mean
    ways = zip(images.shape[1:3], tf.unstack(view.shift), strict=True)
    rows, columns = (_resampling(size, view.zoom, way) for size, way in ways)
    images = _columns_first(_along_first(images, slope[:, None, None] * rows))
    images = _columns_first(_along_first(images, columns))
    noise = _uniform(tf.shape(images), _stream(seed, 7), -(3**0.5), 3**0.5)  # of variance 1
    return tf.clip_by_value(images + _each(offset) + _each(view.noise) * noise, 0.0, 1.0)


def _resampling(size: int, zoom: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """(B, size, size): row i says which pixels are mixed into pixel i; beyond the edge the image is mirrored."""
    centres = (tf.range(size, dtype=tf.float32) + 0.5) / size - 0.5  # (size,), of pixels, from the middle
    place = (centres / zoom[:, None] + shift[:, None] + 0.5) * size - 0.5  # (B, size), in pixels of the original
    place = tf.abs(place + 0.5) - 0.5
    place = size - 0.5 - tf.abs(size - 0.5 - place)
    place = tf.clip_by_value(place, 0.0, size - 1.0)
    return tf.nn.relu(1 - tf.abs(place[:, :, None] - tf.range(size, dtype=tf.float32)))


def _along_first(images: tf.Tensor, matrices: tf.Tensor) -> tf.Tensor:
    """Images (B, H, W, C) whose first axis goes through matrices (B, H, H)."""
    flat = tf.reshape(images, [-1, images.shape[1], images.shape[2] * images.shape[3]])
    return tf.reshape(matrices @ flat, [-1, *images.shape[1:]])


def _columns_first(images: tf.Tensor) -> tf.Tensor:
    return tf.transpose(images, [0, 2, 1, 3])


def _each(values: tf.Tensor) -> tf.Tensor:
    """(B,) -> (B, 1, 1, 1), to meet images."""
    return values[:, None, None, None]


def _uniform(shape, seed: tf.Tensor, low: float, high: float) -> tf.Tensor:
    """float32 in [low, high): made from bits, because XLA has other floats for the same seed."""
    bits = tf.random.stateless_uniform(shape, seed, None, None, tf.uint32, alg="philox")
    whole = tf.cast(tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32)), tf.int32)  # exact in float32, and on a GPU
    return tf.cast(whole, tf.float32) * ((high - low) * 2.0**-24) + low


def _stream(seed: tf.Tensor, which: int) -> tf.Tensor:
    """One of a step's independent seeds: batches take 0 and 1. Never of a stream's own: XLA folds that otherwise."""
    return tf.random.experimental.stateless_fold_in(seed, which)
