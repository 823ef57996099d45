"""The paper's baseline: the standard CNN, cross-entropy only, faces drawn uniformly."""

from debias.config import Config
from debias.data.dataset import Splits
from debias.data.pipeline import BalancedBatches, batches_of
from debias.detector import Classifier
from debias.devices import uses_xla
from debias.networks import build_encoder
from debias.presets import network
from debias.training import fit, seed_everything


def train(splits: Splits, config: Config) -> Classifier:
    """Train the encoder with one logit on uniformly drawn batches."""
    model, batches = prepare(splits, config)
    return fit(model, batches, splits.validation, config)


def prepare(splits: Splits, config: Config) -> tuple[Classifier, BalancedBatches]:
    """The untrained CNN of the config's preset, and its batches with uniform sampling weights."""
    seed_everything(config.seed, repeatable=not uses_xla(config))
    model = Classifier(build_encoder(network(config), splits.train.image_shape))
    return model, batches_of(splits.train, config)
