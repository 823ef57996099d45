"""The reconstruction error: L1 as in the lab, or L2 as in the paper."""

from experiments.ablation import BOTH_RULES, switch

EXPERIMENT = switch("reconstruction", "L1 or L2 reconstruction", BOTH_RULES, "reconstruction", "l1", ["l2"], minutes=10)
