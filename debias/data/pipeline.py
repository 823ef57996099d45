"""Batches of images: drawn, gathered and scaled inside the compiled step from images that stay on the device, or drawn
and read from a file ahead of it where there are too many.

Both give the same batches, bit for bit: a draw is a function of the seed, the number of the step and the weights of
the epoch.
"""

import dataclasses
import os
import weakref
from collections.abc import Callable, Iterator

import numpy as np

from debias.backend import tf
from debias.config import IMAGES, Config
from debias.data.dataset import Dataset
from debias.data.reading import Reader
from debias.data.sampling import WeightedSampler, uniform
from debias.devices import distributed, own_device, part
from debias.errors import InputError

RESIDENT_BYTES = 2 << 30  # images of a data set up to this size are resident, unless asked for otherwise
_AHEAD = 4  # batches that are read while a step runs
_READERS = 2


class BalancedBatches(tf.Module):
    """Half positives, drawn by `sampler`, and half negatives, drawn uniformly, as in MIT's lab.

    Call it with a step number inside a `tf.function`: the same seed and step give the same batch, so that a resumed
    run sees what an undisturbed one sees. Where several replicas share a step, each gets its own part of this batch.

    Args:
        images: 'resident', 'streamed' or 'auto', see `images_of`.

    Attributes:
        sampler: weights over the positives, in the order of `dataset.positives()`.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        seed: int = 0,
        flip: bool = True,
        replacement: bool = True,
        images: str = "auto",
    ):
        super().__init__()
        if batch_size < 2 or batch_size % 2:
            raise InputError(f"batch_size must be even and at least 2, got {batch_size}")
        self.batch_size, self.seed, self.flip = batch_size, seed, flip
        self.positives = images_of(dataset.positives(), images)
        self.negatives = images_of(dataset.negatives(), images)
        half = batch_size // 2
        if not (len(self.positives) and len(self.negatives)):
            raise InputError(f"{len(self.positives)} positives and {len(self.negatives)} negatives: both are needed")
        if not replacement and half > len(self.positives):
            raise InputError(f"{half} positives a batch without replacement need as many, got {len(self.positives)}")
        self.sampler = WeightedSampler(len(self.positives), replacement, half)
        self._uniform = WeightedSampler(len(self.negatives))

    @property
    def streamed(self) -> bool:
        """Whether the images are read from their file."""
        return isinstance(self.positives, StreamedImages)

    @property
    def steps_per_epoch(self) -> int:
        """Steps after which as many positives were drawn as there are."""
        return max(1, len(self.positives) // (self.batch_size // 2))

    def __call__(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """images (B, H, W, C) float32 in [0, 1] and labels (B,) float32, positives first."""
        images, labels = self._drawn(step, *self._tables(), *part())
        return scale(images), labels

    def positions(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Where the images of a step's batch stand among `positives` and among `negatives`: two of (B/2,) int32.

        In the order of the batch that a call with this step gives; of a replica's own part of it.
        """
        which, parts = part()
        share = self._half // parts
        mirrored = self.flip and share % 2 == 0  # every second one then, and these come last
        found = []
        for stream, sampler in enumerate((self.sampler, self._uniform)):
            index = tf.slice(sampler.draw(self._half, self._stream(step, stream)), [which * share], [share])
            found.append(tf.concat([index[::2], index[1::2]], 0) if mirrored else index)
        return tuple(found)

    def ahead(self, steps: int, first: Callable[[], int]) -> tf.data.Dataset:
        """Batches of `steps` steps, images as uint8, made while earlier ones are trained on.

        What the draws of an epoch depend on is read when its iteration begins, which is after the callbacks of its
        start: the weights, and the number of the first step.

        Args:
            first: gives this number.
        """
        if self._half % tf.distribute.get_strategy().num_replicas_in_sync:
            raise InputError(self._indivisible())
        return distributed(steps, lambda parts, total: self._ahead(steps, first, parts, total))

    def _ahead(self, steps, first, parts, total) -> tf.data.Dataset:
        def beginning(_):
            read = tf.numpy_function(lambda: (np.int64(first()), *(t.numpy() for t in self._tables())), [], _BEGINNING)
            return [tf.ensure_shape(value, [None] * rank) for value, rank in zip(read, (0, 1, 1), strict=True)]

        def batches(step, faces, others):
            one = lambda i: self._drawn(step + i // len(parts), faces, others, parts[0] + i % len(parts), total)  # noqa: E731
            count = steps * len(parts)
            return tf.data.Dataset.range(count).map(one, num_parallel_calls=_READERS, deterministic=True)

        epoch = tf.data.Dataset.range(1).map(beginning).flat_map(batches)
        counted = epoch.apply(tf.data.experimental.assert_cardinality(steps * len(parts)))
        return in_background(counted)

    def _tables(self) -> tuple[tf.Variable, tf.Variable]:
        return self.sampler.table, self._uniform.table

    @property
    def _half(self) -> int:
        return self.batch_size // 2

    def _drawn(self, step, faces, others, which, parts):
        """uint8 images and labels of one part of a step's batch, drawn by the tables of faces and others."""
        share = self._half // parts
        if self._half % parts:
            raise InputError(self._indivisible())
        kinds = (self.positives, self.sampler, faces), (self.negatives, self._uniform, others)
        images = []
        for stream, (kind, sampler, table) in enumerate(kinds):
            seed = self._stream(step, stream)
            index = sampler.draw(self._half, seed, table)
            if parts > 1:
                index = tf.slice(index, [tf.cast(which, tf.int32) * share], [share])
            images.append(self._gathered(kind, index, seed))
        return tf.concat(images, 0), tf.concat([tf.ones(share), tf.zeros(share)], 0)

    def _gathered(self, images, index, seed):
        if not self.flip:
            return images.gather(index)
        if index.shape[0] % 2:  # every second one would not be half of them
            return self._mirrored_by_chance(images.gather(index), seed)
        # Draws are independent: to mirror every second one is to mirror each image with probability one half, and it
        # costs a tenth of a choice per image.
        kept, mirrored = index[::2], index[1::2]
        if self.streamed:  # read at once: the way into Python costs more than the images
            found = tf.split(images.gather(tf.concat([kept, mirrored], 0)), [kept.shape[0], mirrored.shape[0]])
        else:
            found = images.gather(kept), images.gather(mirrored)
        return tf.concat([found[0], tf.reverse(found[1], [2])], 0)

    @staticmethod
    def _mirrored_by_chance(images, seed):
        seed = tf.random.experimental.stateless_fold_in(seed, 2)
        chance = uniform(images.shape[0], seed)[:, None, None, None]
        return tf.where(chance < 0.5, tf.reverse(images, [2]), images)

    def _stream(self, step, stream: int) -> tf.Tensor:
        # Two draws a step need two independent streams; fold_in derives them without overlap.
        seed = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(step, tf.int64)])
        return tf.random.experimental.stateless_fold_in(seed, stream)

    def _indivisible(self) -> str:
        devices = tf.distribute.get_strategy().num_replicas_in_sync
        return (
            f"a batch of {self.batch_size} has two halves, which {devices} devices cannot share: "
            f"use a multiple of {2 * devices}"
        )


_BEGINNING = (tf.int64, tf.float64, tf.float64)


def batches_of(dataset: Dataset, config: Config) -> BalancedBatches:
    """The batches that a config asks for, with uniform sampling weights."""
    drawing = config.batch_size, config.seed, config.flip, config.replacement
    return BalancedBatches(dataset, *drawing, config.images)


def scale(images: tf.Tensor) -> tf.Tensor:
    """uint8 0..255 to float32 0..1."""
    return tf.cast(images, tf.float32) / 255.0


def images_of(dataset: Dataset, where: str = "auto") -> "DeviceImages | StreamedImages":
    """The images of a data set, to gather from and to go through in order.

    Args:
        where: 'resident' on the device, 'streamed' from the file, or 'auto': streamed where the images that the data
            set shares with its other splits take more than `RESIDENT_BYTES`.

    Raises:
        InputError: they are to be resident and this machine has less memory than they take.
    """
    if where not in IMAGES:
        raise InputError(f"unknown place of images {where!r}: use one of {', '.join(IMAGES)}")
    if where == "streamed" or (where == "auto" and dataset.source.nbytes > RESIDENT_BYTES):
        return StreamedImages(dataset)
    return on_device(dataset)


@dataclasses.dataclass(frozen=True)
class DeviceImages:
    """Some of the images that lie on the device, and on each where several train together.

    Attributes:
        array: (M, H, W, C) uint8, shared by all splits, subsets and runs of a data set.
        rows: (N,) int64, the rows of `array` that are meant.
    """

    array: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, C)."""
        return tuple(self.array.shape[1:])

    @property
    def source(self) -> tf.Tensor:
        """All of `array` on the device that asks."""
        return _resident(self.array)

    def gather(self, index: tf.Tensor) -> tf.Tensor:
        """The images (n, H, W, C) uint8 at positions `index` (n,)."""
        return tf.gather(self.source, tf.gather(_resident(self.rows), index))

    def blocks(self, size: int) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """Position of the first, and images of every `size` in order."""
        starts = range(0, len(self), size)
        return ((tf.constant(s), self.gather(tf.range(s, min(s + size, len(self))))) for s in starts)


class StreamedImages:
    """Some images that are read from their file when they are asked for; otherwise as `DeviceImages`."""

    def __init__(self, dataset: Dataset):
        self.rows, self.shape = dataset.rows, dataset.image_shape
        self._read = Reader(dataset.source)

    def __len__(self) -> int:
        return len(self.rows)

    def gather(self, index: tf.Tensor) -> tf.Tensor:
        """The images (n, H, W, C) uint8 at positions `index` (n,)."""
        images = tf.numpy_function(lambda i: self._read(self.rows[i]), [index], tf.uint8, stateful=False)
        return tf.ensure_shape(images, [index.shape[0], *self.shape])

    def blocks(self, size: int) -> tf.data.Dataset:
        """Position of the first, and images of every `size` in order, the next ones read meanwhile."""
        starts = tf.data.Dataset.range(0, len(self), size, output_type=tf.int32)
        return in_background(starts.map(lambda s: (s, self.gather(tf.range(s, tf.minimum(s + size, len(self)))))))


def on_device(dataset: Dataset) -> DeviceImages:
    """The images of a data set, on the device.

    Raises:
        InputError: this machine has less memory than all of them take.
    """
    size, memory = dataset.source.nbytes, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if size > memory:
        raise InputError(
            f"images of {size / 1e9:.1f} GB cannot be resident in {memory / 1e9:.1f} GB of memory: stream them"
        )
    return DeviceImages(dataset.source, dataset.rows)


# TensorFlow never lets go of what a compiled step has captured: were each run to copy its images, a process that trains
# many runs would grow by a data set each time. So there is one copy a device, for as long as the array lives.
_RESIDENT: dict[tuple[int, str | None], tf.Tensor] = {}


def _resident(array: np.ndarray) -> tf.Tensor:
    device = own_device()
    key = id(array), device
    if key not in _RESIDENT:
        weakref.finalize(array, _RESIDENT.pop, key, None)
        with tf.init_scope(), tf.device(device):
            _RESIDENT[key] = tf.constant(array)
    return _RESIDENT[key]


def in_order(dataset: Dataset, batch_size: int = 256, images: str = "auto", parts: int = 1) -> tf.data.Dataset:
    """Scaled (images, labels) batches in the data set's order, for evaluation.

    Args:
        images: see `images_of`.
        parts: replicas that share each batch; the last images that they cannot share evenly are left out.
    """
    count = len(dataset) // parts * parts
    pairs = tf.data.Dataset.from_tensor_slices((np.arange(count), dataset.labels[:count].astype(np.float32)))
    found = images_of(dataset, images)
    batches = pairs.batch(batch_size).map(lambda index, labels: (scale(found.gather(index)), labels))
    return in_background(batches) if isinstance(found, StreamedImages) else untuned(batches)


def in_background(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """`dataset` some elements ahead of who asks for them, by threads of its own: those of the step stay free."""
    options = tf.data.Options()
    options.threading.private_threadpool_size = _READERS
    options.threading.max_intra_op_parallelism = 1
    return untuned(dataset.prefetch(_AHEAD).with_options(options))


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """`dataset` without tf.data's own tuning: a thread for which the end of `fit` waits for seconds on busy cores."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
