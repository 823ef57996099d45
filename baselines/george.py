"""GEORGE: the groups of group DRO are clusters of what a first CNN has learned of the faces.

Sohoni et al., 'No subclass left behind: fine-grained robustness in coarse-grained classification problems', NeurIPS
2020, section 4 and appendix B: features of a network trained as usual are reduced and clustered within each class by a
Gaussian mixture, whose number of components has the best silhouette; group DRO then takes the clusters for groups.
Theirs is UMAP, a measure of hardness or no reduction; we take principal components, whitened. They average the
silhouette over clusters, try up to ten, and on some data split clusters further; we average over faces and try up to
eight. Groups exist among faces alone here, so that only these are clustered, and the others are one more group.
"""

import numpy as np
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture

from baselines import cnn, group_dro
from baselines.reweighted import outputs, stage
from debias.config import Config
from debias.data.dataset import Splits
from debias.detector import Classifier
from debias.neighbourhoods import whitened

MOST_CLUSTERS = 8
_SAMPLED = 2000  # faces that the silhouette is taken of: its cost grows with their square


def train(splits: Splits, config: Config, step_size: float, dimensions: int) -> Classifier:
    """Train a CNN, cluster the faces by its features, and train anew by group DRO."""
    first = cnn.train(splits, stage(config, "first"))
    features = outputs(first.encoder, splits.train.positives(), config)
    found = clusters(whitened(features, dimensions), config.seed)
    return group_dro.train_on(found, splits, config, step_size, adjustment=0.0)


def clusters(points: np.ndarray, seed: int) -> np.ndarray:
    """(N,) cluster of each point (N, k), by the mixture of 2 to 8 Gaussians with the best silhouette."""
    tried = [_clustered(points, count, seed) for count in range(2, min(MOST_CLUSTERS, len(points) // 2) + 1)]
    return max(tried, key=lambda labels: _silhouette(points, labels, seed))


def _clustered(points, count, seed) -> np.ndarray:
    return GaussianMixture(count, random_state=seed, reg_covar=1e-3).fit_predict(points)


def _silhouette(points, labels, seed) -> float:
    if len(np.unique(labels)) < 2:  # a component may stay empty
        return -1.0
    return silhouette_score(points, labels, sample_size=min(_SAMPLED, len(points)), random_state=seed)
