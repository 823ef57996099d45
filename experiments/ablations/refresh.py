"""How often the sampling is refreshed: every epoch as in Algorithm 1, every second one, or only at the start."""

from experiments.ablations.base import switch
from experiments.common import FACES, K_WORKS, K, debiased

DEFAULTS = [debiased("max", K), debiased("product", K_WORKS)]

EXPERIMENT = switch("refresh", "Refresh period", DEFAULTS, "refresh_every", 1, [2, FACES.epochs], minutes=14)
