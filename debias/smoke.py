"""The toy size of everything, for --smoke: a hundredth of the images, two steps an epoch. Does all still work?"""

import dataclasses
from collections.abc import Mapping

from debias.config import Config

CONFIG = Config(preset="digits", epochs=2, steps_per_epoch=2, batch_size=8)
DATA = "parliament-smoke"
SIZES = {  # a data set -> its toy size, where that is not DATA; two are small as they are
    "digits": "digits",
    "tumours": "tumours",
    "parliament-small-pose": "parliament-smoke-pose",
    "parliament-camera": "parliament-camera-smoke",
    "parliament-camera-pose": "parliament-camera-smoke-pose",
}
_SHARE = 0.01  # of the pool's images


def config(data: str) -> Config:
    """The toy training on a data set, with the network that its shape needs."""
    return dataclasses.replace(CONFIG, preset="table") if data == "tumours" else CONFIG


def draw(counts: Mapping[str, int]) -> dict[str, int]:
    """A hundredth of each group's count, at least five: of fewer, none would be left for validation."""
    return {name: max(5, round(count * _SHARE)) for name, count in counts.items()}
