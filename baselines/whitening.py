"""Features as few whitened numbers, in which distances mean something."""

import numpy as np
from sklearn.decomposition import PCA


def whitened(features: np.ndarray, dimensions: int) -> np.ndarray:
    """The first principal components of features (N, F), each of variance 1: (N, at most `dimensions`)."""
    wanted = min(dimensions, features.shape[1], len(features) - 1)
    components = PCA(wanted, whiten=True, svd_solver="full").fit(features)
    told = components.explained_variance_ > 1e-9 * components.explained_variance_[0]  # the others are rounding errors
    return components.transform(features)[:, told]
