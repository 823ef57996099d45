"""Faces in whole images: square windows of several sizes slide over each, which is detected if any of them passes.

This is the paper's protocol for its test portraits, which gives no numbers; sizes and stride are those of the evaluator
that came with MIT's lab in 2019. That one shrank windows by picking every n-th pixel. Here the whole image is shrunk
once for each size, averaged over areas, and windows are cut out of that: nothing is aliased, and a pixel is read once a
size however much windows overlap. `tf.image.crop_and_resize`, which does both at once on the device, cannot average.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit

from debias.backend import keras
from debias.data.images import resized
from debias.errors import InputError
from debias.metrics import OWN_THRESHOLD

SIDE = 64
BATCH = 512  # windows in one call of the model


@dataclasses.dataclass(frozen=True)
class Windows:
    """Where windows lie.

    Attributes:
        sizes: their sides, as shares of the image's shorter side (the lab: of its width; portraits are upright).
        stride: how far one lies from the next, as a share of their side.
    """

    sizes: tuple[float, ...] = (0.5, 0.625, 0.75, 0.875, 1.0)
    stride: float = 0.2

    def __post_init__(self):
        if not self.sizes or not all(0 < size <= 1 for size in self.sizes):
            raise InputError(
                f"window sizes are {self.sizes}: choose shares of the image's shorter side, above 0, up to 1"
            )
        if not 0 < self.stride <= 1:
            raise InputError(f"stride is {self.stride:g}: choose a share of the window's side, above 0, up to 1")

    def places(self, height: int, width: int) -> np.ndarray:
        """(n, 3) int64: top, left and side of each window in an image of this size, in pixels."""
        return np.concatenate(
            [self._places(max(1, int(size * min(height, width))), height, width) for size in self.sizes]
        )

    def _places(self, side: int, height: int, width: int) -> np.ndarray:
        step = max(1, int(self.stride * side))
        grid = np.meshgrid(np.arange(0, height - side + 1, step), np.arange(0, width - side + 1, step), indexing="ij")
        return np.stack([*(axis.ravel() for axis in grid), np.full(grid[0].size, side)], 1)


def cut(image: np.ndarray, places: np.ndarray, side: int = SIDE) -> np.ndarray:
    """The windows at `places` (n, 3) of an image (H, W, 3) uint8, resized: (n, side, side, 3) uint8.

    In the shrunken image a window lies at the nearest pixel, off by at most half of one.
    """
    windows = np.empty((len(places), side, side, image.shape[2]), np.uint8)
    for size in np.unique(places[:, 2]):
        chosen = places[:, 2] == size
        small = resized(image, *(max(side, round(length * side / size)) for length in image.shape[:2]))
        view = np.lib.stride_tricks.sliding_window_view(small, (side, side), axis=(0, 1))
        top, left = np.rint(places[chosen, :2].T * side / size).astype(int)
        rows, columns = np.minimum(top, view.shape[0] - 1), np.minimum(left, view.shape[1] - 1)
        windows[chosen] = np.moveaxis(view[rows, columns], 1, 3)
    return windows


def window_scores(
    model: keras.Model, images: Iterable[np.ndarray], windows: Windows | None = None, side: int = SIDE
) -> Iterator[np.ndarray]:
    """P(face) of every window of each image in turn: (n,) float64, in the order of `Windows.places`.

    The model is called on windows of several images at a time.

    Args:
        model: images (B, side, side, 3) in [0, 1] -> logits (B,) or (B, 1).
        images: each (H, W, 3) uint8.

    Raises:
        FloatingPointError: a logit is NaN.
    """
    windows = windows or Windows()
    waiting: list[np.ndarray] = []
    for image in images:
        waiting.append(cut(image, windows.places(*image.shape[:2]), side))
        if sum(map(len, waiting)) >= BATCH:
            yield from _scored(model, waiting)
            waiting = []
    yield from _scored(model, waiting)


def image_scores(
    model: keras.Model, images: Iterable[np.ndarray], windows: Windows | None = None, side: int = SIDE
) -> np.ndarray:
    """(N,) float64: the best window of each image; the image is detected where it reaches the threshold."""
    return np.array([scores.max() for scores in window_scores(model, images, windows, side)])


def heat_map(shape: Sequence[int], places: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(H, W) float64: the best score of all windows over each pixel, NaN where there is none.

    Where it reaches the threshold, a window passes: the image is detected where any of it does.

    Args:
        shape: of the image, (H, W, ...).
        places: (n, 3) of `Windows.places`; scores: (n,).
    """
    heat = np.full(shape[:2], np.nan)
    for (top, left, side), score in zip(places, scores, strict=True):
        covered = heat[top : top + side, left : left + side]
        np.fmax(covered, score, out=covered)
    return heat


def sensitivity(
    model: keras.Model,
    positives: Iterable[np.ndarray],
    negatives: Iterable[np.ndarray],
    strides: Sequence[float] = (0.1, 0.2, 0.4),
    thresholds: Sequence[float] = (OWN_THRESHOLD, 0.9, 0.99, 0.999),
    sizes: tuple[float, ...] = Windows.sizes,
    side: int = SIDE,
) -> pd.DataFrame:
    """What other strides and thresholds would give, one row each.

    Args:
        positives, negatives: images with and without a face, read anew for every stride.

    Returns:
        Columns stride, threshold, windows (mean number an image without a face), recall in %, false_positives (mean
        number of windows that pass on an image without a face) and false_images, the share in % of those with any.
    """
    rows = []
    for stride in strides:
        windows = Windows(sizes, stride)
        found, false = (list(window_scores(model, images, windows, side)) for images in (positives, negatives))
        count = np.mean([len(scores) for scores in false])
        rows += [(stride, threshold, count, *_rates(found, false, threshold)) for threshold in thresholds]
    return pd.DataFrame(rows, columns=["stride", "threshold", "windows", "recall", "false_positives", "false_images"])


def _rates(found: Sequence[np.ndarray], false: Sequence[np.ndarray], threshold: float) -> tuple[float, float, float]:
    recall = 100 * np.mean([scores.max() >= threshold for scores in found])
    passed = np.array([np.count_nonzero(scores >= threshold) for scores in false])
    return recall, passed.mean(), 100 * np.mean(passed > 0)


def _scored(model: keras.Model, waiting: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Scores of the windows of some images, image by image."""
    if not waiting:
        return
    logits = np.concatenate([_logits(model, batch) for batch in _batches(np.concatenate(waiting))])
    if np.any(np.isnan(logits)):
        raise FloatingPointError("logits are NaN: the model has diverged, lower the learning rate")
    yield from np.split(expit(logits), np.cumsum([len(windows) for windows in waiting])[:-1])


def _batches(windows: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(windows), BATCH):
        yield windows[start : start + BATCH]


def _logits(model: keras.Model, windows: np.ndarray) -> np.ndarray:
    return model.predict_on_batch(windows.astype(np.float32) / 255).reshape(-1).astype(np.float64)
