"""Class-balanced loss: a class counts by the effective number of its images, not by their number.

Cui et al., 'Class-balanced loss based on effective number of samples', CVPR 2019, sections 3 (Eq. 2) and 4: n images
are worth E(n) = (1 - beta^n) / (1 - beta), and a class of n is weighed by 1 / E(n). Their batches are drawn from all
images alike, so a class counts n / E(n) in the mean. Batches here are half faces, so that n / E(n) itself is the
weight: beta near 1 gives the CNN, beta = 0 the classes as often as they are. It knows no groups within a class.
"""

from baselines.cnn import prepare
from baselines.reweighted import Reweighted, fit_plain
from debias.backend import tf
from debias.config import Config
from debias.data.dataset import Splits
from debias.detector import Classifier


class ClassBalanced(Reweighted):
    """The CNN with a weight for faces and one for the others."""

    def __init__(self, encoder, face: float, other: float):
        super().__init__(encoder)
        self.face, self.other = face, other

    def objective(self, losses, labels):
        return tf.reduce_mean(tf.where(labels > 0.5, self.face, self.other) * losses)


def train(splits: Splits, config: Config, beta: float) -> Classifier:
    """Train with the class-balanced cross-entropy."""
    model, batches = prepare(splits, config)
    weights = class_weights(len(batches.positives), len(batches.negatives), beta)
    return fit_plain(ClassBalanced(model.encoder, *weights), batches, splits, config)


def class_weights(faces: int, others: int, beta: float) -> tuple[float, float]:
    """Weights of the two classes in batches that hold half of each; their mean is 1."""
    face, other = (count / ((1 - beta**count) / (1 - beta)) for count in (faces, others))
    return 2 * face / (face + other), 2 * other / (face + other)
