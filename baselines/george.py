"""GEORGE: the groups of group DRO are clusters of what a first CNN has learned of the faces.

Sohoni et al., 'No subclass left behind: fine-grained robustness in coarse-grained classification problems', NeurIPS
2020, section 4 and appendix B: features of a network trained as usual are reduced and clustered within each class by a
Gaussian mixture of up to ten components, whose number has the best silhouette, averaged over clusters; group DRO then
takes the clusters for groups. Theirs is UMAP, a measure of hardness or no reduction; we take principal components,
whitened. On some data they split clusters further; we do not. Groups exist among faces alone here, so that only these
are clustered, and the others are one more group.
"""

import numpy as np
from sklearn.metrics import silhouette_samples
from sklearn.mixture import GaussianMixture

from baselines import cnn, group_dro
from baselines.reweighted import outputs, stage
from debias.config import Config
from debias.data.dataset import Splits
from debias.detector import Classifier
from debias.neighbourhoods import whitened

MOST_CLUSTERS = 10
_SAMPLED = 5000  # faces that the silhouette is taken of: its cost grows with their square


def train(splits: Splits, config: Config, step_size: float, dimensions: int) -> Classifier:
    """Train a CNN, cluster the faces by its features, and train anew by group DRO."""
    first = cnn.train(splits, stage(config, "first"))
    features = outputs(first.encoder, splits.train.positives(), config)
    found = clusters(whitened(features, dimensions), config.seed)
    return group_dro.train_on(found, splits, config, step_size, adjustment=0.0)


def clusters(points: np.ndarray, seed: int) -> np.ndarray:
    """(N,) cluster of each point (N, k), by the mixture of 2 to 10 Gaussians with the best silhouette."""
    tried = [_clustered(points, count, seed) for count in range(2, min(MOST_CLUSTERS, len(points) // 2) + 1)]
    return max(tried, key=lambda labels: silhouette(points, labels, seed))


def silhouette(points: np.ndarray, labels: np.ndarray, seed: int) -> float:
    """Mean over clusters (labels (N,)) of the mean silhouette of their points (N, k): a rare cluster counts as much."""
    kept = np.random.default_rng(seed).permutation(len(points))[:_SAMPLED]
    found, clusters_of = np.unique(labels[kept], return_inverse=True)
    if len(found) < 2:  # a component may stay empty
        return -1.0
    values = silhouette_samples(points[kept], clusters_of)
    return float(np.mean(np.bincount(clusters_of, values) / np.bincount(clusters_of)))


def _clustered(points, count, seed) -> np.ndarray:
    return GaussianMixture(count, n_init=3, random_state=seed, reg_covar=1e-3).fit_predict(points)
