"""The weight of the KL divergence, c3 of Eq. 2, which the paper does not state and the lab sets to 0.0005."""

from experiments.ablations.base import switch
from experiments.common import K_WORKS, K, debiased

DEFAULTS = [debiased("max", K), debiased("product", K_WORKS)]

EXPERIMENT = switch("kl", "KL weight", DEFAULTS, "kl_weight", 5e-4, [5e-5, 5e-3], log=True, minutes=14)
