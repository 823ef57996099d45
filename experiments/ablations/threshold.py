"""The threshold on the score above which an image counts as a face: nothing is trained for it alone."""

from experiments.ablation import SEEDS
from experiments.engine.experiment import Experiment
from experiments.settings import CNN, DATA, FACES, K_THAT_WORKS, ORACLE, RARE, debiased, vae

EXPERIMENT = Experiment(
    name="threshold",
    title="Label threshold",
    settings=(CNN, vae(), debiased("max"), debiased("product", K_THAT_WORKS), ORACLE),
    seeds=SEEDS,
    base=FACES,
    data=DATA,
    folder="ablations/threshold",
    rare=RARE,
    minutes=18,
)
