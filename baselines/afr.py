"""AFR: the last layer is fitted anew to images that the network has not seen, most to those that it gets wrong.

Qiu et al., 'Simple and fast group robustness by automatic feature reweighting', ICML 2023, section 4: four fifths of
the images train the CNN; on the last fifth the head minimises a cross-entropy weighed by exp(-gamma * p(label)), with
classes balanced and the weights' sum 1 (Eq. 2 and 3), plus penalty * |head - first head|^2, the bias included as in the
authors' code. They stop gradient descent early; we go to the optimum, which the penalty makes unique. Their head has a
row for each class, so that the same penalty is half as strong there; gamma and penalty are ours, within their ranges.
The CNN takes as many steps as with all images, and so sees its four fifths the more often.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from baselines.cnn import prepare
from baselines.reweighted import check_some, outputs, set_head
from debias.config import Config
from debias.data.dataset import Dataset, Splits
from debias.data.pipeline import batches_of
from debias.detector import Classifier
from debias.errors import InputError
from debias.training import fit

HELD_OUT = 0.2
FEWEST = 2  # held-out images of each class


def train(splits: Splits, config: Config, gamma: float, penalty: float) -> Classifier:
    """Train the CNN on four fifths, then its head on the last.

    Raises:
        InputError: the penalty is not above 0, or too few images are held out.
    """
    if not penalty > 0:
        raise InputError(f"AFR: penalty must be > 0, got {penalty}")
    seen, held_out = divided(splits.train, np.random.default_rng(config.seed))
    model = prepare(splits, config)[0]
    # The sampler keeps a weight for every face, as rows of results expect; those held out are never drawn.
    faces = seen[splits.train.labels == 1]
    batches = batches_of(splits.train.take(seen | (splits.train.labels == 1)), config)
    batches.sampler.assign(faces / faces.sum())
    fit(model, batches, splits.validation, config)
    features, logits = outputs(model.encoder, held_out, config), outputs(model, held_out, config)
    weights = error_weights(logits, held_out.labels, gamma)
    head = [values.numpy().ravel().astype(np.float64) for values in model.head.trainable_variables]
    return set_head(model, *fitted(features, held_out.labels, weights, *head, penalty))


def divided(train: Dataset, rng: np.random.Generator) -> tuple[np.ndarray, Dataset]:
    """Mask (N,) of the images that train the network, and the others: a fifth of each class."""
    held_out = np.zeros(len(train), bool)
    for label in (0, 1):
        members = np.flatnonzero(train.labels == label)
        held_out[rng.choice(members, round(HELD_OUT * len(members)), replace=False)] = True
    rest = train.take(held_out)
    counts = np.bincount(rest.labels, minlength=2)
    check_some(counts, ("held-out others", "held-out faces"), FEWEST, "AFR")
    return ~held_out, rest


def error_weights(logits: np.ndarray, labels: np.ndarray, gamma: float) -> np.ndarray:
    """(N,) weights: exp(-gamma * p(label)) over the number of images of the class, their sum 1."""
    p = expit(np.where(labels == 1, logits, -logits))
    weights = np.exp(-gamma * p) / np.bincount(labels)[labels]
    return weights / weights.sum()


def fitted(features, labels, weights, first: np.ndarray, first_bias: np.ndarray, penalty: float):
    """Weights (F,) and bias of the head that minimises the weighted cross-entropy plus the penalty.

    Args:
        features: (N, F); labels, weights: (N,).
        first: (F,) weights and (1,) bias that the penalty pulls to.
    """
    extended = np.hstack([features, np.ones((len(features), 1))])  # (N, F + 1)
    start, signs = np.concatenate([first, first_bias]), np.where(labels == 1, 1.0, -1.0)

    def objective(head):
        margins = signs * (extended @ head)
        slopes = -weights * signs * expit(-margins)
        loss = weights @ np.logaddexp(0, -margins) + penalty * np.sum((head - start) ** 2)
        return loss, extended.T @ slopes + 2 * penalty * (head - start)

    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "ftol": 1e-12}).x
    return found[:-1], found[-1]
