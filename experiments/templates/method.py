"""A new method: the focal loss (Lin et al. 2017), which cares less for images that are already told apart well.

1. cp experiments/templates/method.py baselines/focal.py
2. In baselines/__init__.py, add to METHODS:
   "focal": Method("Focal loss", "baselines.focal"),
3. ./run_experiments.sh quick --reuse
"""

from baselines.cnn import prepare
from debias.backend import keras, tf
from debias.config import Config
from debias.data.dataset import Splits
from debias.detector import Classifier
from debias.training import fit

GAMMA = 2.0


@keras.saving.register_keras_serializable("baselines")
class Focal(Classifier):
    """The standard CNN with another loss."""

    def loss_terms(self, images, labels, training):
        logits = self(images, training=training)
        losses = tf.nn.softplus((1 - 2 * labels) * logits)  # -log p(label), (B,)
        return {"loss": tf.reduce_mean((1 - tf.exp(-losses)) ** GAMMA * losses)}


def train(splits: Splits, config: Config) -> Focal:
    """Train on uniformly drawn batches; `splits` holds no test images, and groups only if METHODS declares them."""
    model, batches = prepare(splits, config)
    return fit(Focal(model.encoder), batches, splits.validation, config)
