"""Alpha, the paper's strength of debiasing: the smaller, the more a rare latent counts."""

from experiments.ablation import Point, ablation
from experiments.settings import ALPHAS, CNN, K_THAT_WORKS, K, debiased

GRID = [(rule, k) for k in (K, K_THAT_WORKS) for rule in ("product", "max")]
POINTS = [Point(debiased(rule, k, alpha), alpha, f"{rule}, k = {k}", CNN.name) for rule, k in GRID for alpha in ALPHAS]

EXPERIMENT = ablation("alpha", "Alpha", POINTS, "alpha", log=True, seeds=range(10), minutes=65)
