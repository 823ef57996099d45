"""What the histograms are made of: the posterior's mean, as in the lab, or a sample of it, as in Algorithm 1."""

from experiments.ablations.base import switch
from experiments.common import K_WORKS, K, debiased

DEFAULTS = [debiased("max", K), debiased("product", K_WORKS)]

EXPERIMENT = switch("latents", "Mean or sample of z", DEFAULTS, "latents", "mean", ["sample"], minutes=10)
