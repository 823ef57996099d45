"""The rule that turns histograms into probabilities: none, Eq. 4's product, or the lab's maximum; and the oracle."""

from experiments.ablations.base import Point, ablation
from experiments.common import CNN, K_WORKS, ORACLE, K, debiased, vae

POINTS = [
    Point(setting, rule, f"k = {k}", vae(k).name)
    for k in (K, K_WORKS)
    for rule, setting in (("uniform", vae(k)), ("product", debiased("product", k)), ("max", debiased("max", k)))
]

EXPERIMENT = ablation(
    "rule", "Rule", [*POINTS, Point(ORACLE, "oracle", "CNN, groups", CNN.name)], "rule", seeds=range(10), minutes=30
)
