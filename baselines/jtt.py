"""JTT: train, see which faces come out wrong, and train anew with these drawn more often.

Liu et al., 'Just train twice: improving group robustness without training group information', ICML 2021, section 4,
Algorithm 1: the first model is trained for a short time; each image that it gets wrong is then there `times` times.
Theirs stops a long training early; ours has its learning rate fall to 0 within `first_epochs`, as all trainings here.
Theirs repeats images of every class; here groups exist among faces alone, and a batch is half faces whatever is
repeated, so that faces are repeated, in as many steps as without. Both stages start from the same initial weights.
"""

import numpy as np

from baselines import cnn
from baselines.reweighted import outputs, stage
from debias.config import Config
from debias.data.dataset import Splits
from debias.detector import Classifier
from debias.training import fit


def train(splits: Splits, config: Config, first_epochs: int, times: float) -> Classifier:
    """Train the first model for `first_epochs`, the second on faces of which the first one's errors count `times`."""
    first = cnn.train(splits, stage(config, "first", epochs=first_epochs))
    counts = multiplicity(outputs(first, splits.train.positives(), config), times)
    model, batches = cnn.prepare(splits, config)
    batches.sampler.assign(counts / counts.sum())
    return fit(model, batches, splits.validation, config)


def multiplicity(logits: np.ndarray, times: float) -> np.ndarray:
    """How often each face is there, (N,): `times` where its logit (N,) says that it is none, else once."""
    return np.where(logits < 0, float(times), 1.0)
