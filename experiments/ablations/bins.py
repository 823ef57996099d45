"""Bins of the latent histograms: the lab takes 10, the paper does not say."""

from experiments.ablations.base import Point, ablation
from experiments.common import FACES, K_WORKS, K, changed, debiased

DEFAULTS = [debiased("max", K), debiased("product", K_WORKS)]


def _point(default, bins: int) -> Point:
    if bins == FACES.bins:
        return Point(default, bins, default.title, default.name)
    name = default.name.replace("-a0.01", f"-b{bins}")
    return Point(changed(default, name, f"{default.title}, {bins} bins", bins=bins), bins, default.title, default.name)


POINTS = [_point(default, bins) for default in DEFAULTS for bins in (5, 10, 30)]

EXPERIMENT = ablation("bins", "Histogram bins", POINTS, "bins", log=True, minutes=14)
