"""Bins of the latent histograms: the lab takes 10, the paper does not say."""

from experiments.ablation import BOTH_RULES, switch
from experiments.settings import FACES

EXPERIMENT = switch("bins", "Histogram bins", BOTH_RULES, "bins", FACES.bins, [5, 30], log=True, minutes=14)
