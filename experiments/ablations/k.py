"""The number of latents k, which the paper does not state: with many, the product of Eq. 4 falls on a single face."""

from experiments.ablation import Point, ablation
from experiments.settings import CNN, K, debiased

POINTS = [Point(debiased(rule, k), k, rule, CNN.name) for rule in ("product", "max") for k in (2, 4, 8, 32, K)]

EXPERIMENT = ablation("k", "Number of latents", POINTS, "k", log=True, minutes=20)
