"""Data sets by name or path."""

import os
from pathlib import Path

from debias.data import hdf5
from debias.data.dataset import Splits, open_splits
from debias.data.names import BY_POSE, DIGITS, EMBEDDED, TUMOURS, is_embedded
from debias.data.poses import by_pose
from debias.data.sources.digits import digits
from debias.data.sources.folder import open_folder
from debias.data.sources.mit import open_mit
from debias.data.sources.tumours import tumours
from debias.errors import InputError


def load(name: str, cache: Path) -> Splits:
    """Splits of an embedded benchmark (built on first use), of 'digits' or 'tumours', of a file in our or in MIT's
    layout, or of a folder of images with labels.csv.

    'parliament-small-pose' is 'parliament-small' with its faces grouped by pose, and so with every embedded benchmark.

    Raises:
        InputError: the name is none of these, or the file or folder is missing or damaged.
    """
    if is_embedded(name):
        return _embedded(name, cache)
    if name == DIGITS:
        return digits()
    if name == TUMOURS:
        return tumours()
    path = Path(name)
    if os.path.isdir(path):
        return open_folder(path, cache)
    kind = hdf5.kind_of(path)
    if kind == hdf5.SOURCE:
        raise InputError(f"{path}: one source alone: python -m debias.data merge joins faces and non-faces")
    return open_splits(path) if kind == hdf5.DATASET or not _is_mit(path) else open_mit(path)


def _embedded(name: str, cache: Path) -> Splits:
    from debias.data.parliament import build  # the renderer compiles on import of numba: only when needed

    preset = build.PRESETS[EMBEDDED[name.removesuffix(BY_POSE)]]
    splits = open_splits(build.ensure(preset, cache), name)
    return by_pose(splits) if name.endswith(BY_POSE) else splits


def _is_mit(path: Path) -> bool:
    with hdf5.readable(path) as file:
        return "images" in file and "labels" in file and "split" not in file
