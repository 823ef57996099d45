"""How often the sampling is refreshed: every epoch as in Algorithm 1, every second one, or only at the start."""

from experiments.ablation import BOTH_RULES, switch
from experiments.settings import FACES

EXPERIMENT = switch("refresh", "Refresh period", BOTH_RULES, "refresh_every", 1, [2, FACES.epochs], minutes=14)
