"""Handwritten digits that come with scikit-learn: the same job where nothing is a face and nothing is downloaded.

Even digits are the class to detect, groups are the even digits, and one of them is nearly absent from training.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from debias.data.dataset import NO_GROUP, Dataset, Splits
from debias.errors import InputError

EVEN = (0, 2, 4, 6, 8)
BRIGHTEST = 16  # the pixels of scikit-learn's digits are counts from 0 to 16


def digits(seed: int = 0, rare_digit: int = 2, rare_count: int = 6) -> Splits:
    """scikit-learn's 1,797 digits, even (1) against odd (0), 50 / 20 / 30 % train / validation / test by digit.

    Images are (8, 8, 1) uint8 in 0..255; groups index ("0", "2", "4", "6", "8") and are -1 for odd digits. Only the
    training split is thinned out. The default digit is the 2: left rare, it is the one that is taken for odd most
    often, and drawing it more often mends most of that. Do not mirror these images: that makes other digits of them.

    Args:
        seed: of the split.
        rare_digit: the even digit that is nearly absent from the training split.
        rare_count: how many images of it stay there (of about 88).

    Raises:
        InputError: `rare_digit` is not even, or `rare_count` is not between 1 and what there is.
    """
    if rare_digit not in EVEN:
        raise InputError(f"rare_digit must be one of {', '.join(map(str, EVEN))}, got {rare_digit}")
    images, digit = _load()
    train, validation, test = _stratified(digit, seed)
    train = _thinned(train, digit, rare_digit, rare_count)
    return Splits("digits", *(_dataset(images, digit, rows) for rows in (train, validation, test)))


def _load() -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 8, 8, 1) uint8 and the digit of each (N,)."""
    bunch = load_digits()
    images = np.rint(bunch.images * (255 / BRIGHTEST)).astype(np.uint8)
    return images[..., None], bunch.target


def _stratified(digit: np.ndarray, seed: int) -> Sequence[np.ndarray]:
    """Rows of train, validation and test, with the same share of every digit."""
    rest, test = train_test_split(np.arange(len(digit)), test_size=0.3, stratify=digit, random_state=seed)
    train, validation = train_test_split(rest, test_size=2 / 7, stratify=digit[rest], random_state=seed)
    return tuple(np.sort(rows) for rows in (train, validation, test))


def _thinned(rows: np.ndarray, digit: np.ndarray, rare_digit: int, rare_count: int) -> np.ndarray:
    """`rows` with only the first `rare_count` of the rare digit."""
    rare = rows[digit[rows] == rare_digit]
    if not 1 <= rare_count <= len(rare):
        raise InputError(f"rare_count must be 1..{len(rare)}, the images of digit {rare_digit}, got {rare_count}")
    return np.setdiff1d(rows, rare[rare_count:])


def _dataset(images: np.ndarray, digit: np.ndarray, rows: np.ndarray) -> Dataset:
    even = digit[rows] % 2 == 0
    return Dataset(
        source=images,
        rows=rows,
        labels=even.astype(np.uint8),
        groups=np.where(even, digit[rows] // 2, NO_GROUP).astype(np.int8),
        group_names=tuple(str(name) for name in EVEN),
        factors={"digit": digit[rows].astype(np.uint8)},
    )
