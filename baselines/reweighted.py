"""What methods share that train the CNN on another mean of its images' losses, or on features that it has learned."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from baselines import STAGES
from debias.backend import keras, tf
from debias.config import Config
from debias.data.dataset import Dataset, Splits
from debias.data.pipeline import BalancedBatches, images_of, scale
from debias.data.reading import told
from debias.detector import Classifier, cross_entropies
from debias.errors import InputError
from debias.training import fit

_AT_ONCE = 512  # images


class Reweighted(Classifier):
    """The CNN with another training objective; validation keeps the mean cross-entropy."""

    def objective(self, losses: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """What a step minimises, from the cross-entropies (B,) and the labels (B,) of its batch."""
        raise NotImplementedError

    def loss_terms(self, images, labels, training):
        losses = cross_entropies(labels, self(images, training=training))
        return {"loss": self.objective(losses, labels) if training else tf.reduce_mean(losses)}


def fit_plain(model: Classifier, batches: BalancedBatches, splits: Splits, config: Config) -> Classifier:
    """Train, and keep a plain CNN: what only training needs is neither saved nor loaded with it."""
    fit(model, batches, splits.validation, config)
    plain = Classifier(model.encoder)
    plain.head.set_weights(model.head.get_weights())
    return plain


def stage(config: Config, name: str, **changes) -> Config:
    """The config of an earlier stage, which has a folder of its own, so that a killed run goes on within it."""
    return dataclasses.replace(config, folder=config.folder and config.folder / STAGES / name, **changes)


def outputs(model: keras.Model, dataset: Dataset, config: Config) -> np.ndarray:
    """What a model gives for clean images in order: logits (N,) of a CNN, features (N, F) of its encoder; float64.

    Raises:
        FloatingPointError: one of them is NaN or infinite.
    """
    images = images_of(dataset, config.images)
    block = tf.TensorSpec([None, *images.shape], tf.uint8)
    run = tf.function(lambda block: model(scale(block), training=False)).get_concrete_function(block)
    with told():
        found = np.concatenate([run(block).numpy() for _, block in images.blocks(_AT_ONCE)]).astype(np.float64)
    if not np.all(np.isfinite(found)):
        raise FloatingPointError("outputs are NaN or infinite: the run has diverged, lower the learning rate")
    return found


def set_head(model: Classifier, weights: np.ndarray, bias: float) -> Classifier:
    """The same model with other weights (F,) and bias of its last layer."""
    model.head.set_weights([weights[:, None].astype(np.float32), np.array([bias], np.float32)])
    return model


def check_one_device(config: Config, title: str) -> None:
    """Raise InputError where several devices train: each would have its own part of what a method keeps."""
    if config.replicas > 1:
        raise InputError(f"{title} keeps a state between steps that devices cannot share: leave out the strategy")


def check_some(counts: Sequence[int], names: Sequence[str], least: int, title: str) -> None:
    """Raise InputError where a method has fewer images of some kind than it needs.

    Args:
        counts: images of each kind.
        names: what they are, such as 'darker male validation faces'.
    """
    if few := [f"{count} {name}" for count, name in zip(counts, names, strict=True) if count < least]:
        raise InputError(f"{title} needs at least {least} of each, got {', '.join(few)}: give more or leave it out")
