"""The reconstruction error: L1 as in the lab, or L2 as in the paper."""

from experiments.ablations.base import switch
from experiments.common import K_WORKS, K, debiased

DEFAULTS = [debiased("max", K), debiased("product", K_WORKS)]

EXPERIMENT = switch("reconstruction", "L1 or L2 reconstruction", DEFAULTS, "reconstruction", "l1", ["l2"], minutes=10)
