"""The upper bound: the standard CNN, faces drawn so that every group is equally likely. It sees the group labels."""

import numpy as np

from baselines.cnn import prepare
from debias.config import Config
from debias.data.dataset import Splits
from debias.detector import Classifier
from debias.training import fit


def train(splits: Splits, config: Config) -> Classifier:
    """Train the CNN on batches in which each group has the same share of the faces."""
    model, batches = prepare(splits, config)
    batches.sampler.assign(equal_shares(splits.train.positives().groups))
    return fit(model, batches, splits.validation, config)


def equal_shares(groups: np.ndarray) -> np.ndarray:
    """(N,) probabilities that give each group in `groups` (N,) the same mass."""
    _, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return 1 / (counts[index] * len(counts))
