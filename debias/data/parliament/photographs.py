"""Photographs bundled with scikit-image and scikit-learn, in three disjoint pools, and the backgrounds made from them.

Only photographs without people and with a stated free licence are used; nothing is downloaded. A background of a
training image therefore never shows up behind a validation or a test image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from debias.data.parliament.colour import decode_srgb
from debias.data.parliament.mesh import NOISE_SIZE, fractal_noise
from debias.errors import InputError

Backdrop = Callable[[np.random.Generator, int], np.ndarray]


@dataclass(frozen=True)
class Photograph:
    """A photograph inside an installed package, its licence, and the share of each side to leave out."""

    package: str
    path: str
    licence: str
    margin: float = 0.0


POOLS: dict[str, tuple[Photograph, ...]] = {
    "train": (
        Photograph("skimage", "data/coffee.png", "CC0 (Rachel Michetti)"),
        Photograph("skimage", "data/chelsea.png", "CC0 (Stefan van der Walt)"),
        Photograph("sklearn", "datasets/images/china.jpg", "CC BY 2.0 (danielbuechele)"),
        Photograph("skimage", "data/hubble_deep_field.jpg", "public domain (NASA)"),
        Photograph("skimage", "data/grass.png", "CC0 (linolafett)"),
        Photograph("skimage", "data/cell.png", "CC0 (Paul Müller et al.)"),
    ),
    "validation": (
        Photograph("skimage", "data/retina.jpg", "CC0 (Mikael Häggström)", margin=0.15),
        Photograph("skimage", "data/rocket.jpg", "public domain (SpaceX)"),
        Photograph("skimage", "data/gravel.png", "CC0 (cc0textures.com)"),
        Photograph("skimage", "data/text.png", "public domain (Wikipedia, Corner.png)"),
        Photograph("skimage", "data/microaneurysms.png", "CC0 (Andreas Maier)"),
    ),
    "test": (
        Photograph("sklearn", "datasets/images/flower.jpg", "CC BY 2.0 (vultilion)"),
        Photograph("skimage", "data/ihc.png", "no known copyright restrictions (CMMI)"),
        Photograph("skimage", "data/brick.png", "CC0 (cc0textures.com)"),
        Photograph("skimage", "data/clock_motion.png", "public domain (Stefan van der Walt)"),
    ),
}

NOISE_SLOPES = (0.6, 1.0, 1.4, 1.8)
BACKDROP_KINDS = ("photograph", "gradient", "noise")
BACKDROP_SHARES = (0.55, 0.25, 0.2)


@dataclass(frozen=True)
class Pool:
    """The pictures one split may use: photographs (height, width, 3) and noise (256, 256), float32, linear light."""

    name: str
    photographs: tuple[np.ndarray, ...]
    noise: tuple[np.ndarray, ...]


def load_pool(name: str) -> Pool:
    """The photographs and noise textures of split `name` ('train', 'validation' or 'test'), read in 0.3 s.

    Raises InputError for an unknown name or a photograph missing from its package.
    """
    if name not in POOLS:
        raise InputError(f"pool: unknown name {name!r}; choose one of {', '.join(POOLS)}")
    rng = np.random.default_rng([list(POOLS).index(name), NOISE_SIZE])
    noise = tuple(fractal_noise(rng, slope) for slope in NOISE_SLOPES)
    return Pool(name, tuple(read_photograph(photograph) for photograph in POOLS[name]), noise)


def backdrop(pool: Pool) -> Backdrop:
    """A function (rng, size) -> (size, size, 3) float32 linear RGB in [0, 1] that draws backgrounds from `pool`."""
    return partial(draw_backdrop, pool)


def draw_backdrop(pool: Pool, rng: np.random.Generator, size: int) -> np.ndarray:
    """A blurred photograph, a gradient or a noise texture, (size, size, 3) float32 linear RGB in [0, 1]."""
    draw = {"photograph": _blurred_photograph, "gradient": _gradient, "noise": coloured_noise}
    return draw[rng.choice(BACKDROP_KINDS, p=BACKDROP_SHARES)](pool, rng, size)


def crop_photograph(pool: Pool, rng: np.random.Generator, size: int, smallest: int = 48) -> np.ndarray:
    """A random square of a random photograph, mirrored and tinted, (size, size, 3) float32 linear RGB in [0, 1].

    `smallest` is the shortest side of the square in pixels of the photograph.
    """
    photograph = pool.photographs[rng.integers(len(pool.photographs))]
    crop = cv2.resize(_random_square(photograph, rng, smallest), (size, size), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        crop = cv2.flip(crop, 1)
    return _tint(crop, rng)


def coloured_noise(pool: Pool, rng: np.random.Generator, size: int) -> np.ndarray:
    """Two random colours mixed by a fractal texture, (size, size, 3) float32 linear RGB in [0, 1]."""
    share = 1 / (1 + np.exp(-rng.uniform(0.7, 3) * crop_noise(pool, rng, size)))[..., None]
    return _mix(random_colour(rng), random_colour(rng), share)


def crop_noise(pool: Pool, rng: np.random.Generator, size: int) -> np.ndarray:
    """A random square of a random noise texture, (size, size) float32 of about mean 0 and deviation 1."""
    texture = pool.noise[rng.integers(len(pool.noise))]
    return cv2.resize(_random_square(texture, rng, NOISE_SIZE // 10), (size, size), interpolation=cv2.INTER_LINEAR)


def random_colour(rng: np.random.Generator, spread: float = 0.3) -> np.ndarray:
    """A linear RGB colour (3,) float32 of uniform lightness; `spread` is the deviation of the channels."""
    value = rng.uniform(0.05, 0.95) ** 2.2  # uniform on the display, hence the power in linear light
    return np.clip(value * np.exp(rng.normal(0, spread, 3)), 0, 1).astype(np.float32)


def read_photograph(photograph: Photograph) -> np.ndarray:
    """The photograph without its margin as (height, width, 3) float32 linear RGB in [0, 1]."""
    spec = find_spec(photograph.package)
    path = Path(spec.origin).parent / photograph.path if spec else Path(photograph.path)
    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if image is None:
        raise InputError(f"photograph {path}: missing or unreadable; reinstall the package {photograph.package}")
    top, left = (round(photograph.margin * side) for side in image.shape[:2])
    image = image[top : image.shape[0] - top, left : image.shape[1] - left, ::-1]
    return np.ascontiguousarray(decode_srgb(image.astype(np.float32) / 255))


def _blurred_photograph(pool: Pool, rng: np.random.Generator, size: int) -> np.ndarray:
    """A photograph out of focus: shrinking and enlarging again costs far less than a wide Gaussian filter."""
    coarse = int(size / rng.uniform(1, 8))
    crop = crop_photograph(pool, rng, coarse, smallest=40) * np.float32(rng.uniform(0.3, 1.1))
    return np.clip(cv2.resize(crop, (size, size), interpolation=cv2.INTER_LINEAR), 0, 1)


def _gradient(pool: Pool, rng: np.random.Generator, size: int) -> np.ndarray:
    """Two similar colours blended in a random direction, like an evenly lit wall."""
    first, second = random_colour(rng, 0.2), random_colour(rng, 0.2)
    corners = np.clip(0.5 + rng.uniform(-0.6, 0.6, (2, 2, 1)), 0, 1).astype(np.float32)
    share = cv2.resize(corners, (size, size), interpolation=cv2.INTER_LINEAR)[..., None]
    return _mix(first, second, share)


def _random_square(image: np.ndarray, rng: np.random.Generator, smallest: int) -> np.ndarray:
    """A square of `image` with a side between `smallest` and 90 % of the shorter side."""
    largest = 0.9 * min(image.shape[:2])
    side = int(rng.uniform(min(smallest, largest), largest))
    top, left = (rng.integers(length - side + 1) for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def _tint(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random exposure and white balance; photographs without colour get a strong tint, others a slight one."""
    grey = np.ptp(image.reshape(-1, 3).mean(0)) < 0.01
    gains = np.exp(rng.normal(0, 0.25) + rng.normal(0, 0.3 if grey else 0.1, 3))
    return np.clip(image * gains.astype(np.float32), 0, 1)


def _mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    return (first * (1 - share) + second * share).astype(np.float32)
