"""Downloads and assets that the tests of several data sets share."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def cache() -> Path:
    """The repository's cache, so that the tests download nothing that a run has downloaded already."""
    return Path(__file__).parents[2] / ".cache"


@pytest.fixture(scope="session")
def model(cache):
    """The figures that every face and limb of the benchmark is made of."""
    from debias.data.parliament import assets

    return assets.load_model(cache)


@pytest.fixture(scope="session")
def write_image():
    """A function (path, number, height, width) that writes a JPEG of one colour; `number_of` knows its number."""

    def write(path: Path, number: int, height: int = 24, width: int = 20) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        colour = np.array([number // 16 * 16 + 8, number % 16 * 16 + 8, 100], np.uint8)
        Image.fromarray(np.broadcast_to(colour, (height, width, 3)).copy()).save(path, "JPEG", quality=95)

    return write


@pytest.fixture(scope="session")
def number_of():
    """The inverse of `write_image`: images (N, H, W, 3) -> their numbers, 0..255."""

    def numbers(images) -> list[int]:
        means = np.asarray(images, float).mean((1, 2)).astype(int)
        return (means[:, 0] // 16 * 16 + means[:, 1] // 16).tolist()

    return numbers
