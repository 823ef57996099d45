"""DFR: the last layer is fitted anew to validation images of which every group has as many. It sees the group labels.

Kirichenko et al., 'Last layer re-training is sufficient for robustness to spurious correlations', ICLR 2023, section 6
and appendix B: logistic regression with an L1 penalty on features that are standardised by the training images, the
mean of the heads of ten random balanced subsets (their code: twenty). Groups are those of the faces; of the others,
which have none, a subset has as many as faces. Their inverse penalty, at most 1, is chosen by held-out validation
images; it multiplies a sum over images, so that with fewer it penalises more: with few images and a small one the head
learns nothing.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from baselines import cnn
from baselines.reweighted import check_some, outputs, set_head
from baselines.subsampling import balanced_subset
from debias.config import Config
from debias.data.dataset import Dataset, Splits
from debias.detector import Classifier

SUBSETS = 10


def train(splits: Splits, config: Config, inverse_penalty: float) -> Classifier:
    """Train the CNN on the training images, then its head on the validation images.

    Raises:
        InputError: a group has no validation faces, or there are fewer others than faces in a balanced subset.
    """
    check(splits.validation)
    model = cnn.train(splits, config)
    scaler = StandardScaler().fit(outputs(model.encoder, splits.train, config))
    rng, features = np.random.default_rng(config.seed), outputs(model.encoder, splits.validation, config)
    subsets = [balanced(splits.validation, rng) for _ in range(SUBSETS)]
    labels = splits.validation.labels
    heads = [head(scaler, features[rows], labels[rows], inverse_penalty) for rows in subsets]
    return set_head(model, *(np.mean(part, axis=0) for part in zip(*heads, strict=True)))


def check(validation: Dataset) -> None:
    """Raise InputError unless every group has validation faces, and there are as many others as a subset needs."""
    counts = np.bincount(validation.positives().groups, minlength=len(validation.group_names))
    check_some(counts, [f"validation faces '{name}'" for name in validation.group_names], 1, "DFR")
    check_some([len(validation.negatives())], ["validation others"], counts.min() * len(counts), "DFR")


def balanced(validation: Dataset, rng: np.random.Generator) -> np.ndarray:
    """Rows of a random subset: of each group as many faces, and as many others as faces."""
    faces, others = (np.flatnonzero(validation.labels == label) for label in (1, 0))
    kept = faces[balanced_subset(validation.groups[faces], rng)]
    return np.concatenate([kept, rng.choice(others, len(kept), replace=False)])


def head(
    scaler: StandardScaler, features: np.ndarray, labels: np.ndarray, inverse_penalty: float
) -> tuple[np.ndarray, float]:
    """Weights (F,) and bias for features (N, F) as they are, of the regression on those that `scaler` standardises."""
    model = LogisticRegression(C=inverse_penalty, l1_ratio=1, solver="liblinear", random_state=0)
    model.fit(scaler.transform(features), labels)
    weights = model.coef_[0] / scaler.scale_
    return weights, model.intercept_[0] - weights @ scaler.mean_
