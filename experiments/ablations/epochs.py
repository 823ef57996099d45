"""The length of training, in epochs of 48 batches: the better a model fits, the less resampling acts."""

from experiments.ablations.base import switch
from experiments.common import CNN, FACES, ORACLE, K, debiased

DEFAULTS = [CNN, debiased("max", K), ORACLE]

EXPERIMENT = switch(
    "epochs", "Length of training", DEFAULTS, "epochs", FACES.epochs, [2, 8, 16], log=True, baseline=None, minutes=40
)
