"""Handwritten digits, even against odd, six twos among 363 even ones in training: DB-VAE, JTT and our rule as on faces.

./run_experiments.sh digits

Nothing is retuned: rules, sizes and length of training are those of `--data digits`. Ten paired seeds, one split.
"""

from experiments.engine.experiment import DIGITS, Experiment
from experiments.settings import resampled

EXPERIMENT = Experiment(
    name="digits",
    title="Digits: one even digit nearly absent",
    settings=resampled(),
    seeds=tuple(range(10)),
    base=DIGITS,
    data="digits",
    rare=("2",),
    minutes=14,
)
