"""Focal loss: images that are told apart well already count less.

Lin et al., 'Focal loss for dense object detection', ICCV 2017, section 3.2, Eq. 4: (1 - p)^gamma * -log p. Their alpha,
which weighs the classes, is 1/2 here: each batch is half faces.
"""

from baselines.cnn import prepare
from baselines.reweighted import Reweighted, fit_plain
from debias.backend import tf
from debias.config import Config
from debias.data.dataset import Splits
from debias.detector import Classifier


class Focal(Reweighted):
    """The CNN with the focal loss."""

    def __init__(self, encoder, gamma: float):
        super().__init__(encoder)
        self.gamma = gamma

    def objective(self, losses, labels):
        return tf.reduce_mean((1 - tf.exp(-losses)) ** self.gamma * losses)  # exp(-loss) is p(label)


def train(splits: Splits, config: Config, gamma: float) -> Classifier:
    """Train with the focal loss; gamma = 0 is the cross-entropy."""
    model, batches = prepare(splits, config)
    return fit_plain(Focal(model.encoder, gamma), batches, splits, config)
