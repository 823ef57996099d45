"""The network, by preset: the lab's, the paper's, and any other of the same size of images that is registered."""

from debias.presets import PRESETS
from experiments.ablation import CNN_AND_MAX, switch
from experiments.settings import FACES

OTHERS = [name for name in PRESETS if name not in (FACES.preset, "digits", "table")]

EXPERIMENT = switch("encoder", "Network", CNN_AND_MAX, "preset", FACES.preset, OTHERS, minutes=10)
