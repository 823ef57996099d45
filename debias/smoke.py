"""The toy size of everything, for --smoke: a hundredth of the images, two steps an epoch. Does all still work?"""

from collections.abc import Mapping

from debias.config import Config

CONFIG = Config(preset="digits", epochs=2, steps_per_epoch=2, batch_size=8)
DATA = "parliament-smoke"
TESTS = {"parliament-camera": "parliament-camera-smoke"}  # a further test -> its toy size
_SHARE = 0.01  # of the pool's images


def draw(counts: Mapping[str, int]) -> dict[str, int]:
    """A hundredth of each group's count, at least five: of fewer, none would be left for validation."""
    return {name: max(5, round(count * _SHARE)) for name, count in counts.items()}
