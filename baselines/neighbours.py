"""Ours: drawn more often where a face has few others around it and the model errs on those, judged without labels.

DB-VAE draws what is rare, and most of what is rare costs no recall. JTT draws what comes out wrong, and most of that is
single faces that are hard in themselves. We ask both of neighbourhoods: which faces look alike is known from a few
principal components of thumbnails, where a rare group lies together though nobody has named it.

In each of the first epochs we ask how much the CNN errs around every face: the mean log loss over random views of the
face's nearest others. A young model errs now here, now there, and on what is common it does so seldom; so the worst
epoch counts. The sum of this and of the rarity, both standardised, decides the draws, as sharply as leaves an effective
sample size of `share` of the faces. Once found, they stay: what is drawn often is learned, and would be lost again.
"""

import numpy as np

from baselines import cnn
from baselines.reweighted import outputs
from debias.augmentation import RandomCamera
from debias.backend import keras, tf
from debias.config import Config
from debias.data.dataset import Dataset, Splits
from debias.data.pipeline import BalancedBatches
from debias.detector import Classifier, cross_entropies
from debias.neighbourhoods import Neighbourhoods, standardised, tempered, whitened
from debias.training import fit

SIDE = 8  # of a thumbnail, in pixels
PART = 50  # one of so many faces is a neighbour
VIEWS = 2  # of each face, an epoch


def train(splits: Splits, config: Config, dimensions: int, share: float, search: float) -> Classifier:
    """Train the CNN, and find in the first `search` of its epochs whom to draw more often."""
    model, batches = cnn.prepare(splits, config)
    faces = splits.train.positives()
    near = Neighbourhoods(whitened(thumbnails(faces, config), dimensions), max(1, len(faces) // PART))
    found = DrawCostly(faces, near, batches, config, share, until=max(1, round(search * config.epochs)))
    return fit(model, batches, splits.validation, config, [found])


def thumbnails(dataset: Dataset, config: Config) -> np.ndarray:
    """(N, F) float64, the pixels of each image's thumbnail."""
    return outputs(lambda images, training: shrunk(images), dataset, config)


def shrunk(images: tf.Tensor) -> tf.Tensor:
    """Images (B, H, W, C) as the means of 8 x 8 parts, fewer where a side has fewer pixels: (B, F)."""
    height, width, channels = images.shape[1:]
    size = min(SIDE, height), min(SIDE, width)
    return tf.reshape(tf.image.resize(images, size, "area"), [-1, size[0] * size[1] * channels])


class DrawCostly(keras.callbacks.Callback):
    """Watches where a model errs as each of the first epochs begins, and lets that decide the draws from then on.

    Args:
        faces: what is drawn.
        near: their neighbourhoods.
        batches: whose sampler is assigned.
        config: of the random camera.
        share: the ESS that is left, as a share of the faces.
        until: the last of these epochs.
    """

    def __init__(
        self, faces: Dataset, near: Neighbourhoods, batches: BalancedBatches, config: Config, share: float, until: int
    ):
        super().__init__()
        self.faces, self.near, self.sampler, self.config = faces, near, batches.sampler, config
        self.share, self.until = share, until
        # What hangs on the sampler is in the checkpoint: a killed run goes on with it.
        self.worst = self.sampler.worst = tf.Variable(np.full(len(faces), -np.inf), trainable=False)

    def on_epoch_begin(self, epoch, logs=None):
        if not 1 <= epoch <= self.until:  # before the first epoch all losses are alike
            return
        around = self.near.mean(view_losses(self.model, self.faces, self.config, epoch))
        self.worst.assign(np.maximum(self.worst.numpy(), standardised(around)))
        scores = standardised(self.near.rarity) + self.worst.numpy()
        self.sampler.assign(tempered(scores, self.share))


def view_losses(model: Classifier, faces: Dataset, config: Config, epoch: int) -> np.ndarray:
    """(N,) float64: the log loss of each face, a mean over random views of it."""
    camera = RandomCamera(config.augment, config.seed)

    def mean_log(images, training):
        # Steps below zero: training has none of these cameras.
        views = [camera(images, tf.constant(-1 - VIEWS * epoch - view, tf.int64)) for view in range(VIEWS)]
        logits = tf.stack([model(view, training=training) for view in views])  # (VIEWS, B)
        losses = cross_entropies(tf.ones_like(logits), logits)
        return tf.reduce_mean(tf.math.log(losses + 1e-4), 0)  # without it the surest would decide

    return outputs(mean_log, faces, config)
