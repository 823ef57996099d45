"""What helps on another camera: four settings, two paired seeds; table, figures and rows in results/quick.

./run_experiments.sh                 # the embedded benchmark: 16 minutes on two cores, with all it needs
./run_experiments.sh --data digits   # the same job on handwritten digits

They are settings of `transfer`, which has ten seeds. A method of your own joins them by its line in the registry; those
that `methods` compares stay there.
"""

import dataclasses

from baselines import METHODS
from experiments import transfer
from experiments.engine.experiment import Setting
from experiments.methods import ALL
from experiments.settings import CAMERA, FEW

NAMES = ("cnn", "cnn-camera", "max-camera", "oracle-camera")
ELSEWHERE = {compared.method for compared in ALL} | {line.method for line in transfer.LINES}
OWN = tuple(Setting(name, name, CAMERA, FEW) for name in METHODS if name not in ELSEWHERE)

EXPERIMENT = dataclasses.replace(
    transfer.EXPERIMENT,
    name="quick",
    title="A random camera, and resampling on top of it",
    settings=(*(each for each in transfer.EXPERIMENT.settings if each.name in NAMES), *OWN),
    seeds=(0, 1),
    folder="",
    minutes=10,
)
