"""A new method: label smoothing (Szegedy et al. 2016), which trains towards 95 % certainty instead of 100 %.

1. cp experiments/templates/method.py baselines/smoothed.py
2. In baselines/__init__.py, add to METHODS:
   ("smoothed", Method("Label smoothing", "baselines.smoothed")),
3. ./run_experiments.sh quick --reuse
"""

from baselines.cnn import prepare
from debias.backend import keras, tf
from debias.config import Config
from debias.data.dataset import Splits
from debias.detector import Classifier, cross_entropies
from debias.training import fit

WRONG = 0.05  # the probability that training leaves to the other label


@keras.saving.register_keras_serializable("baselines")
class Smoothed(Classifier):
    """The standard CNN with another loss."""

    def loss_terms(self, images, labels, training):
        logits = self(images, training=training)
        right, wrong = cross_entropies(labels, logits), cross_entropies(1 - labels, logits)  # (B,), in nats
        return {"loss": tf.reduce_mean((1 - WRONG) * right + WRONG * wrong)}


def train(splits: Splits, config: Config) -> Smoothed:
    """Train on uniformly drawn batches; `splits` holds no test images, and groups only if METHODS declares them."""
    model, batches = prepare(splits, config)
    return fit(Smoothed(model.encoder), batches, splits.validation, config)
