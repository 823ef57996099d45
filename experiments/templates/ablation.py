"""A new ablation: the learning rate, three settings of DB-VAE beside the CNN.

1. cp experiments/templates/ablation.py experiments/ablations/learning_rate.py
2. ./run_experiments.sh learning_rate
"""

from experiments.ablation import Point, ablation
from experiments.settings import changed, debiased

DEFAULT = debiased("max")  # learning rate 0.001; trained once, whichever experiment asks for it first


def setting(rate: float):
    """DB-VAE with another learning rate; `changed` takes any field of `debias.config.Config`."""
    return changed(DEFAULT, f"max-rate{rate:g}", f"max, learning rate {rate:g}", learning_rate=rate)


POINTS = [  # setting, its place on the horizontal axis, its line in the figure, what it is compared with
    Point(setting(0.0003), 0.0003, "max", DEFAULT.name),
    Point(DEFAULT, 0.001, "max", DEFAULT.name),
    Point(setting(0.003), 0.003, "max", DEFAULT.name),
]

EXPERIMENT = ablation("learning_rate", "Learning rate", POINTS, "learning_rate", log=True, seeds=range(3), minutes=5)
