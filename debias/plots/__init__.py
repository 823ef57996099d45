"""Figures, drawn without a display: colour-blind safe, for print and for a phone.

Every function returns a `matplotlib.figure.Figure`; `save` writes it under the format of its name.
"""

from debias.plots.compared import compared
from debias.plots.curves import mass_ess, thresholds
from debias.plots.detection import heat_maps
from debias.plots.faces import grid, reconstructions, sampling_figure, traversals
from debias.plots.groups import group_points
from debias.plots.latents import latent_factors
from debias.plots.named import named_points
from debias.plots.settings import setting_points
from debias.plots.style import COLLAPSED, PALETTE, POINTS_NOTE, save

__all__ = [
    "COLLAPSED",
    "PALETTE",
    "POINTS_NOTE",
    "compared",
    "grid",
    "group_points",
    "heat_maps",
    "latent_factors",
    "mass_ess",
    "named_points",
    "reconstructions",
    "sampling_figure",
    "save",
    "setting_points",
    "thresholds",
    "traversals",
]
