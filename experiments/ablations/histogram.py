"""Histograms of density, as in the lab, or of mass, as Eq. 4 may be read: alpha means something else in each."""

from experiments.ablations.base import switch
from experiments.common import K_WORKS, K, debiased

DEFAULTS = [debiased("max", K), debiased("product", K_WORKS)]

EXPERIMENT = switch(
    "histogram", "Histograms of density or mass", DEFAULTS, "histogram", "density", ["mass"], minutes=10
)
