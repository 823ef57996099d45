"""Who is near whom among latents, how rare each place is, and draws that prefer what scores high: for any latents.

For example:

    near = Neighbourhoods(latents, count=100)
    p = tempered(standardised(near.rarity) + standardised(near.mean(losses)), share=0.1)
"""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from debias.errors import InputError
from debias.resampling import effective_sample_size

_SHARPEST = 1e3  # of scores with a deviation of 1: beyond, all mass is on the highest
_HALVINGS = 50


class Neighbourhoods:
    """The nearest others of each sample.

    Attributes:
        others: (N, count) int, the positions of each sample's nearest others.
        rarity: (N,) log of the distance to the farthest of them: up to a factor and a constant, minus the log of the
            density there (Loftsgaarden and Quesenberry 1965).
    """

    def __init__(self, latents: np.ndarray, count: int):
        """Of latents (N, k), with `count` others for each, at most N - 1.

        Raises:
            InputError: there are no others.
        """
        if len(latents) < 2 or count < 1:
            raise InputError(f"neighbours: {count} of {len(latents)} samples: there must be another one, and one asked")
        found = NearestNeighbors(n_neighbors=min(count, len(latents) - 1)).fit(latents)
        distances, self.others = found.kneighbors()  # of a sample's neighbours it is not one itself
        self.rarity = np.log(np.maximum(distances[:, -1], 1e-12))

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The mean of values (N,) over each sample's nearest others: (N,)."""
        return values[self.others].mean(1)


def whitened(features: np.ndarray, dimensions: int) -> np.ndarray:
    """The first principal components of features (N, F), each of variance 1: (N, at most `dimensions`)."""
    wanted = min(dimensions, features.shape[1], len(features) - 1)
    components = PCA(wanted, whiten=True, svd_solver="full").fit(features)
    told = components.explained_variance_ > 1e-9 * components.explained_variance_[0]  # the others are rounding errors
    return components.transform(features)[:, told]


def standardised(scores: np.ndarray) -> np.ndarray:
    """Scores (N,) with mean 0 and variance 1; all 0 where they are alike."""
    return (scores - scores.mean()) / max(scores.std(), 1e-12)


def tempered(scores: np.ndarray, share: float) -> np.ndarray:
    """Probabilities in proportion to exp(t * score), with t >= 0 such that the ESS is `share` of the samples.

    Args:
        scores: (N,) finite.
        share: 0 to 1; with 1 all are drawn alike.

    Returns:
        (N,) float64 that sums to 1; where too many share the highest score for so small an ESS, the sharpest possible.
    """
    if not 0 < share <= 1:
        raise InputError(f"share must be above 0 and at most 1, got {share}")
    below = standardised(scores) - standardised(scores).max()
    low, high = 0.0, _SHARPEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        spread = effective_sample_size(np.exp(middle * below)) >= share * len(scores)
        low, high = (middle, high) if spread else (low, middle)
    weights = np.exp(low * below)
    return weights / weights.sum()
