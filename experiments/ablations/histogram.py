"""Histograms of density, as in the lab, or of mass, as Eq. 4 may be read: alpha means something else in each."""

from experiments.ablation import BOTH_RULES, switch

TITLE = "Histograms of density or mass"
EXPERIMENT = switch("histogram", TITLE, BOTH_RULES, "histogram", "density", ["mass"], minutes=10)
