"""The length of training, in epochs of 48 batches: the better a model fits, the less resampling acts."""

from experiments.ablation import CNN_AND_MAX, switch
from experiments.settings import FACES, ORACLE

EXPERIMENT = switch(
    "epochs",
    "Length of training",
    {**CNN_AND_MAX, "oracle": ORACLE},
    "epochs",
    FACES.epochs,
    [2, 8, 16],
    log=True,
    baseline=None,
    minutes=40,
)
