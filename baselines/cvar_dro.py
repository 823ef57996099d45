"""CVaR-DRO: only the worst share of each batch is learned from.

Levy et al., 'Large-scale methods for distributionally robust optimization', NeurIPS 2020, sections 2 and 3, Eq. 2:
the conditional value at risk is the mean of the largest `share` of the losses, estimated within each batch. As there,
the batch is one: faces and others compete for the share.
"""

from baselines.cnn import prepare
from baselines.reweighted import Reweighted, fit_plain
from debias.backend import tf
from debias.config import Config
from debias.data.dataset import Splits
from debias.detector import Classifier
from debias.errors import InputError


class CVaR(Reweighted):
    """The CNN, trained on the worst of each batch."""

    def __init__(self, encoder, share: float):
        super().__init__(encoder)
        self.share = share

    def objective(self, losses, labels):
        return conditional_value_at_risk(losses, self.share)


def train(splits: Splits, config: Config, share: float) -> Classifier:
    """Train on the worst `share` of each batch; 1 is the mean.

    Raises:
        InputError: the share is not in (0, 1].
    """
    if not 0 < share <= 1:
        raise InputError(f"CVaR-DRO: share must be above 0 and at most 1, got {share}")
    model, batches = prepare(splits, config)
    return fit_plain(CVaR(model.encoder, share), batches, splits, config)


def conditional_value_at_risk(losses: tf.Tensor, share: float) -> tf.Tensor:
    """Mean of the largest `share` of losses (B,); where that is no whole number of them, the last counts in part."""
    count = tf.cast(tf.size(losses), tf.float32)
    rank = tf.argsort(tf.argsort(losses, direction="DESCENDING", stable=True))  # 0 for the largest
    weights = tf.clip_by_value(share * count - tf.cast(rank, tf.float32), 0, 1)
    return tf.reduce_sum(tf.stop_gradient(weights / (share * count)) * losses)
