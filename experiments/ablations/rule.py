"""The rule that turns histograms into probabilities: none, Eq. 4's product, or the lab's maximum; and the oracle."""

from experiments.ablation import Point, ablation
from experiments.settings import CNN, K_THAT_WORKS, ORACLE, K, debiased, vae

POINTS = [
    Point(setting, rule, f"k = {k}", vae(k).name)
    for k in (K, K_THAT_WORKS)
    for rule, setting in (("uniform", vae(k)), ("product", debiased("product", k)), ("max", debiased("max", k)))
] + [Point(ORACLE, "oracle", "Oracle (groups)", CNN.name)]

EXPERIMENT = ablation("rule", "Rule", POINTS, "rule", seeds=range(10), minutes=30)
