"""What the histograms are made of: the posterior's mean, as in the lab, or a sample of it, as in Algorithm 1."""

from experiments.ablation import BOTH_RULES, switch

EXPERIMENT = switch("latents", "Mean or sample of z", BOTH_RULES, "latents", "mean", ["sample"], minutes=10)
