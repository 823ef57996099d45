"""The weight of the KL divergence, c3 of Eq. 2, which the paper does not state and the lab sets to 0.0005."""

from debias.presets import LAB
from experiments.ablation import BOTH_RULES, switch

USUAL = LAB.loss.kl_weight

EXPERIMENT = switch("kl", "KL weight", BOTH_RULES, "kl_weight", USUAL, [5e-5, 5e-3], log=True, minutes=14)
