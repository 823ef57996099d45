"""The network, by preset: the lab's, the paper's, and any other of the same size of images that is registered."""

from debias.networks import PRESETS
from experiments.ablations.base import switch
from experiments.common import CNN, FACES, K, debiased

DEFAULTS = [CNN, debiased("max", K)]
OTHERS = [name for name in PRESETS if name not in (FACES.preset, "digits")]

EXPERIMENT = switch("encoder", "Network", DEFAULTS, "preset", FACES.preset, OTHERS, minutes=10)
