"""A wider CNN: no debiasing, more weights.

It takes a share of the CNN's steps, so that both train for about the same time.
"""

import dataclasses

from debias.config import Config
from debias.data.dataset import Splits
from debias.data.pipeline import batches_of
from debias.detector import Classifier
from debias.devices import uses_xla
from debias.networks import build_encoder
from debias.presets import Preset, network
from debias.training import fit, seed_everything


def train(splits: Splits, config: Config, times: float, share: float) -> Classifier:
    """Train the preset's CNN with `times` its filters and units for a `share` of its steps."""
    sizes = network(config)
    filters = tuple(round(times * count) for count in sizes.filters)
    return train_as(
        dataclasses.replace(sizes, filters=filters, dense=round(times * sizes.dense)), share, splits, config
    )


def train_as(sizes: Preset, share: float, splits: Splits, config: Config) -> Classifier:
    """Train a CNN of these sizes for a `share` of the steps."""
    seed_everything(config.seed, repeatable=not uses_xla(config))
    model, batches = Classifier(build_encoder(sizes, splits.train.image_shape)), batches_of(splits.train, config)
    steps = max(1, round(share * (config.steps_per_epoch or batches.steps_per_epoch)))
    return fit(model, batches, splits.validation, dataclasses.replace(config, steps_per_epoch=steps))
