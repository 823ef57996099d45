"""Data sets by name or path."""

from pathlib import Path

import h5py

from debias.data import prepared
from debias.data.dataset import FORMAT, Splits, open_hdf5, open_splits
from debias.data.names import DIGITS, EMBEDDED
from debias.data.sources.digits import digits
from debias.data.sources.folder import open_folder
from debias.data.sources.mit import open_mit
from debias.errors import InputError


def load(name: str, cache: Path) -> Splits:
    """Splits of an embedded benchmark (built on first use), of 'digits', of a file in our or in MIT's layout, or of a
    folder of images with labels.csv.

    Raises:
        InputError: the name is none of these, or the file or folder is missing or damaged.
    """
    if name in EMBEDDED:
        from debias.data.parliament import build  # the renderer compiles on import of numba: only when needed

        return open_splits(build.ensure(build.PRESETS[EMBEDDED[name]], cache), name)
    if name == DIGITS:
        return digits()
    path = Path(name)
    if path.is_dir():
        return open_folder(path, cache)
    with open_hdf5(path) as file:
        ours = file.attrs.get("format") == FORMAT
        if file.attrs.get("format") == prepared.FORMAT:
            raise InputError(f"{path}: one source alone: python -m debias.data merge joins faces and non-faces")
    return open_splits(path) if ours or not _is_mit(path) else open_mit(path)


def _is_mit(path: Path) -> bool:
    with h5py.File(path, "r") as file:
        return "images" in file and "labels" in file and "split" not in file
