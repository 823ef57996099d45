"""Any experiment at toy size, so that none rots: the same code, a hundredth of the images, two steps an epoch."""

import dataclasses

from debias.config import Config
from experiments.experiment import Experiment, Setting

BASE = Config(preset="digits", epochs=2, steps_per_epoch=2, batch_size=8)
DATA = "parliament-smoke"
SEEDS = 1  # one is enough to see that everything runs
SHARE = 0.01  # of the pool's images


def toy(experiment: Experiment) -> Experiment:
    """The experiment with all its settings on the toy benchmark, with its first seed."""
    settings = tuple(_toy(setting) for setting in experiment.settings)
    return dataclasses.replace(experiment, settings=settings, seeds=experiment.seeds[:SEEDS], base=BASE, data=DATA)


def _toy(setting: Setting) -> Setting:
    draw = {name: max(2, round(count * SHARE)) for name, count in setting.draw.items()}
    return dataclasses.replace(setting, draw=draw, data=None)
