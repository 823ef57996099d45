"""Subsampling: of every group of faces as many are kept as the smallest one has. It sees the group labels.

Idrissi et al., 'Simple data balancing achieves competitive worst-group-accuracy', CLeaR 2022, section 3.1 (SUBG). The
groups are those of the faces; of the others all are kept, since a batch is half faces in any case. It takes as many
steps as the other methods, and sees the faces that it keeps the more often.
"""

import numpy as np

from baselines.cnn import prepare
from debias.config import Config
from debias.data.dataset import Splits
from debias.detector import Classifier
from debias.training import fit


def train(splits: Splits, config: Config) -> Classifier:
    """Train the CNN on the faces that are kept."""
    model, batches = prepare(splits, config)
    kept = balanced_subset(splits.train.positives().groups, np.random.default_rng(config.seed))
    batches.sampler.assign(kept / kept.sum())
    return fit(model, batches, splits.validation, config)


def balanced_subset(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mask (N,) of images that are drawn at random, from each group of `groups` (N,) as many as the smallest has."""
    index, counts = np.unique(groups, return_inverse=True, return_counts=True)[1:]
    kept = np.zeros(len(groups), bool)
    for group in range(len(counts)):
        kept[rng.choice(np.flatnonzero(index == group), counts.min(), replace=False)] = True
    return kept
