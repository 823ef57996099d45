"""Rare where few others are near: faces are drawn by the distance to their neighbours among the latents.

Algorithm 1 of the paper with another density than its histograms, which see each latent alone: that of the k nearest
neighbours (Loftsgaarden and Quesenberry 1965) in the first principal components of the posterior means, whitened. At a
distance r of the k-th neighbour the density is proportional to r^-d in d dimensions, and a face is drawn in proportion
to density^-power.
"""

from functools import partial

import numpy as np

from debias import dbvae
from debias.callbacks import Resample
from debias.config import Config
from debias.data.dataset import Splits
from debias.data.pipeline import batches_of
from debias.devices import uses_xla
from debias.neighbourhoods import Neighbourhoods, whitened
from debias.training import fit, seed_everything

NEIGHBOURS = 10


def train(splits: Splits, config: Config, dimensions: int, power: float) -> dbvae.DBVAE:
    """Train a DB-VAE whose faces are drawn by the density around them, anew in every epoch."""
    seed_everything(config.seed, repeatable=not uses_xla(config))
    model = dbvae.build(config, splits.train.image_shape)
    batches = batches_of(splits.train, config)
    rule = partial(rarity, dimensions=dimensions, power=power)
    refresh = Resample(rule, batches, config.refresh_every, sample=config.latents == "sample")
    return fit(model, batches, splits.validation, config, [refresh])


def rarity(latents: np.ndarray, dimensions: int, power: float) -> np.ndarray:
    """(N,) weights of latents (N, k): density^-power, up to a factor."""
    points = whitened(latents, dimensions)
    logs = power * points.shape[1] * Neighbourhoods(points, NEIGHBOURS).rarity
    return np.exp(logs - logs.max())
