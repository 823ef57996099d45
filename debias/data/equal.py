"""Images that occur more than once: which they are, whether their labels agree, and what has to stay together."""

import hashlib
from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def digests(images: np.ndarray) -> list[bytes]:
    """A digest of the pixels of each image (N, H, W, C) uint8."""
    return [hashlib.blake2b(np.ascontiguousarray(image), digest_size=16).digest() for image in images]


def rough_digests(images: np.ndarray) -> list[bytes]:
    """Eight bytes of each image that seldom change when it is compressed or resized: which way it brightens, 8 x 8."""
    return [_brightens(image) for image in images]


def others(keys: Sequence) -> np.ndarray:
    """(N,) index of the first image with the same key; of itself for the first one."""
    codes = _codes(keys)
    first = np.unique(codes, return_index=True)[1]
    return first[codes]


def conflicting(first: np.ndarray, facts: Sequence[np.ndarray]) -> np.ndarray:
    """(N,) whether an image equals one with other facts, such as its label; `first` is of `others`, facts are (N,)."""
    differs = np.any([fact != fact[first] for fact in facts], axis=0)
    return np.isin(first, first[differs])


def count_line(first: np.ndarray) -> str:
    """How many images occur more than once, in words; empty when none does."""
    sizes = np.bincount(first, minlength=len(first))
    again = sizes[sizes > 1]
    return f"{again.sum():,} images are {len(again):,} that occur more than once" if len(again) else ""


def conflict_line(conflicts: np.ndarray) -> str:
    """How many images are in conflict, in words; empty when none is."""
    count = np.count_nonzero(conflicts)
    return f"{count:,} equal images have different labels (kept with --keep-conflicts alone)" if count else ""


def joined(keys: Sequence[str], *more: Sequence) -> list[str]:
    """For each of N images the key of all that it hangs together with: by its own key, or by one of `more` (N,).

    Where a key hangs together with no other it stays as it is, else the first in the alphabet stands for all.
    """
    codes = [_codes(each) for each in (keys, *more)]
    starts = len(keys) + np.cumsum([0, *(each.max(initial=-1) + 1 for each in codes)])
    rows = np.tile(np.arange(len(keys)), len(codes))
    columns = np.concatenate([each + start for each, start in zip(codes, starts, strict=False)])
    graph = coo_matrix((np.ones(len(rows), bool), (rows, columns)), (starts[-1], starts[-1]))
    parts = connected_components(graph, directed=False)[1][: len(keys)]
    return pd.Series(list(keys), dtype=object).groupby(parts).transform("min").tolist()


def _brightens(image: np.ndarray) -> bytes:
    grey = cv2.resize(np.ascontiguousarray(image).mean(2), (9, 8), interpolation=cv2.INTER_AREA)
    return np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes()


def _codes(keys: Sequence) -> np.ndarray:
    """(N,) whole numbers, the same for equal keys."""
    return pd.factorize(np.fromiter(keys, object, len(keys)))[0]
