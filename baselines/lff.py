"""LfF: of two networks one is made to trust what is easy, and the other learns from the images that this one fails at.

Nam et al., 'Learning from failure: de-biasing classifier from biased classifier', NeurIPS 2020, section 3,
Algorithm 1: the biased network minimises the generalised cross-entropy (Eq. 1), the other a cross-entropy weighed by
the relative difficulty (Eq. 2), b / (b + d) of their two losses b and d. As in the authors' code these losses are
moving averages of each image, divided by the largest of its class. The classes are faces and others; an image that a
batch holds twice moves its average once, by the mean.
"""

from baselines.cnn import prepare
from baselines.reweighted import Reweighted, check_one_device, fit_plain
from debias.backend import tf
from debias.config import Config
from debias.data.dataset import Splits
from debias.data.pipeline import BalancedBatches
from debias.detector import Classifier, cross_entropies
from debias.networks import build_encoder
from debias.presets import network


class LfF(Reweighted):
    """The CNN, the biased one beside it, and the moving average of every image's loss in either.

    Args:
        draws: whose images they are, in its order.
        q: of the generalised cross-entropy, above 0: near 0 it is the cross-entropy, the larger the more the biased
            network trusts what it finds likely already.
        decay: what an average keeps of itself.
    """

    def __init__(self, encoder, biased: Classifier, draws: BalancedBatches, q: float, decay: float):
        super().__init__(encoder)
        self.biased, self.draws, self.q, self.decay = biased, draws, q, decay
        sizes = len(draws.positives), len(draws.negatives)
        self.averages = [self.add_weight(shape=(2, n), initializer="zeros", trainable=False) for n in sizes]

    def loss_terms(self, images, labels, training):
        losses = cross_entropies(labels, self(images, training=training))  # (B,)
        if not training:
            return {"loss": tf.reduce_mean(losses)}
        easy = cross_entropies(labels, self.biased(images, training=True))
        weights = tf.stop_gradient(self._relative_difficulty(easy, losses))
        trusted = tf.stop_gradient(self.q * tf.exp(-self.q * easy))  # q p(label)^q, as the authors have it
        return {"loss": tf.reduce_mean(weights * losses) + tf.reduce_mean(trusted * easy)}

    def _relative_difficulty(self, easy, losses) -> tf.Tensor:
        """(B,) weights, faces first as they come in a batch."""
        pairs = tf.split(tf.stack([easy, losses]), 2, axis=1)  # of faces and of others: (2, B/2)
        kinds = zip(self.averages, self.draws.positions(self.optimizer.iterations), pairs, strict=True)
        weights = []
        for table, index, pair in kinds:
            table.assign(averaged(table.value, index, pair, self.decay))
            relative = tf.gather(table.value, index, axis=1) / tf.reduce_max(table.value, 1, keepdims=True)
            weights.append(relative[0] / (relative[0] + relative[1] + 1e-8))
        return tf.concat(weights, 0)


def train(splits: Splits, config: Config, q: float, decay: float) -> Classifier:
    """Train both networks, and keep the one that is not biased."""
    check_one_device(config, "LfF")
    model, batches = prepare(splits, config)
    biased = Classifier(build_encoder(network(config), splits.train.image_shape))
    return fit_plain(LfF(model.encoder, biased, batches, q, decay), batches, splits, config)


def averaged(table: tf.Tensor, index: tf.Tensor, values: tf.Tensor, decay: float) -> tf.Tensor:
    """Moving averages (2, N) after `values` (2, n) of the images at `index` (n,); the first value is taken whole."""
    images = table.shape[1]
    counts = tf.math.unsorted_segment_sum(tf.ones_like(values[0]), index, images)  # (N,)
    sums = tf.transpose(tf.math.unsorted_segment_sum(tf.transpose(values), index, images))  # (2, N)
    new = sums / tf.maximum(counts, 1)
    moved = tf.where(table == 0, new, decay * table + (1 - decay) * new)  # a cross-entropy is never 0
    return tf.where(counts > 0, moved, table)
