"""Alpha, the paper's strength of debiasing: the smaller, the more a rare latent counts."""

from experiments.ablations.base import Point, ablation
from experiments.common import ALPHAS, CNN, K_WORKS, K, debiased

LINES = [(rule, k) for k in (K, K_WORKS) for rule in ("product", "max")]
POINTS = [Point(debiased(rule, k, alpha), alpha, f"{rule}, k = {k}", CNN.name) for rule, k in LINES for alpha in ALPHAS]

EXPERIMENT = ablation("alpha", "Alpha", POINTS, "alpha", log=True, seeds=range(10), minutes=65)
