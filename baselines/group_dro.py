"""Group DRO: the group that fares worst gets the most weight. It sees the group labels.

Sagawa et al., 'Distributionally robust neural networks for group shifts', ICLR 2020, Algorithm 1 and, for the
adjustment, section 3.3: each step multiplies a group's weight by exp(step_size * (loss + adjustment / sqrt(images)))
and minimises the weighted sum of the groups' mean losses. Groups are drawn alike, as in their experiments. Here these
are the groups of the faces; the others, which have none, are one more.
"""

import numpy as np

from baselines.cnn import prepare
from baselines.oracle import equal_shares
from baselines.reweighted import Reweighted, check_one_device, fit_plain
from debias.backend import tf
from debias.config import Config
from debias.data.dataset import Splits
from debias.data.pipeline import BalancedBatches
from debias.detector import Classifier


class GroupDRO(Reweighted):
    """The CNN with a weight for each group, which training keeps.

    Args:
        groups: (N,) of the training faces, from 0.
        draws: whose faces they are, in its order.
    """

    def __init__(self, encoder, groups: np.ndarray, draws: BalancedBatches, step_size: float, adjustment: float):
        super().__init__(encoder)
        counts = [*np.bincount(groups), len(draws.negatives)]
        self.groups, self.draws, self.step_size = tf.constant(groups, tf.int32), draws, step_size
        self.margins = tf.constant(adjustment / np.sqrt(counts), tf.float32)  # (G + 1,)
        start = np.full(len(counts), 1 / len(counts))
        self.shares = self.add_weight(shape=(len(counts),), initializer=_constant(start), trainable=False)

    def objective(self, losses, labels):
        faces, others = self.draws.positions(self.optimizer.iterations)
        group = tf.concat([tf.gather(self.groups, faces), tf.fill(tf.shape(others), len(self.margins) - 1)], 0)  # (B,)
        means = means_by_group(losses, group, len(self.margins))
        self.shares.assign(updated(self.shares.value, tf.stop_gradient(means) + self.margins, self.step_size))
        return tf.reduce_sum(self.shares.value * means)


def train(splits: Splits, config: Config, step_size: float, adjustment: float) -> Classifier:
    """Train by the groups of the faces."""
    return train_on(splits.train.positives().groups, splits, config, step_size, adjustment)


def train_on(groups: np.ndarray, splits: Splits, config: Config, step_size: float, adjustment: float) -> Classifier:
    """The same by groups (N,) of the training faces, wherever they are from."""
    check_one_device(config, "group DRO")
    model, batches = prepare(splits, config)
    batches.sampler.assign(equal_shares(groups))
    groups = np.unique(groups, return_inverse=True)[1]
    return fit_plain(GroupDRO(model.encoder, groups, batches, step_size, adjustment), batches, splits, config)


def means_by_group(losses: tf.Tensor, group: tf.Tensor, count: int) -> tf.Tensor:
    """(count,) mean of the losses (B,) of each group; 0 where the batch has none of it, as in the authors' code."""
    members = tf.one_hot(group, count, dtype=losses.dtype)  # (B, count)
    return tf.linalg.matvec(members, losses, transpose_a=True) / tf.maximum(tf.reduce_sum(members, 0), 1)


def updated(shares: tf.Tensor, losses: tf.Tensor, step_size: float) -> tf.Tensor:
    """The groups' weights (G,) after a step with these losses (G,): one of exponentiated gradient ascent."""
    raised = shares * tf.exp(step_size * losses)
    return raised / tf.reduce_sum(raised)


def _constant(values: np.ndarray):
    return lambda shape, dtype: tf.constant(values, dtype)
