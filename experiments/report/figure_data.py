"""What figures need beside the rows: small tables as CSV and images as lossless PNG, committed with them.

A figure is drawn from rows and these alone, so that it can be drawn again without the trained models.
"""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from debias.errors import InputError
from debias.files import replacing
from experiments.report.rows import read_table

FigureData = Mapping[str, pd.DataFrame | np.ndarray]

FOLDER = "figure_data"
_READING = {"keep_default_na": False, "na_values": ["nan"]}
_COUNT = "images"  # the PNG's note of how many images its strip holds
_REMEDY = "restore it from git, or delete the folder and run the experiment again"


def save(folder: Path, data: FigureData) -> None:
    """Write `folder`/figure_data/<name>.csv or .png for every entry, each file atomically; others there are removed.

    Args:
        folder: an experiment's folder in results.
        data: name -> table with a plain index, or images (n, H, W, C) uint8 with C 1 or 3, which become a strip
            (n * H, W).

    Raises:
        InputError: an entry that would not come back from its file exactly as it is.
    """
    files = dict(_encoded(name, value) for name, value in data.items())
    for name, content in files.items():
        with replacing(folder / FOLDER / name) as temporary:
            temporary.write_bytes(content)
    for path in _files(folder):
        if path.name not in files:
            path.unlink(missing_ok=True)  # another process may have been faster


def load(folder: Path) -> FigureData:
    """What `save` wrote to `folder`, exactly, in the order of its names; empty where there is none.

    Raises:
        InputError: a file is damaged.
    """
    read = {".csv": _read_table, ".png": _read_images}
    return {path.stem: read[path.suffix](path) for path in _files(folder)}


def merged(old: FigureData, new: FigureData) -> FigureData:
    """`new` on top of `old`: tables keep the old rows of those settings (and seeds, where given) that `new` lacks."""
    return {**old, **{name: _joined(old.get(name), value) for name, value in new.items()}}


def of_rows(data: FigureData, rows: pd.DataFrame) -> FigureData:
    """`data` without lines of settings, or of their seeds, of which there are no `rows`; without empty tables."""
    found = {name: _with_rows(value, rows) for name, value in data.items()}
    return {name: value for name, value in found.items() if len(value)}


def _with_rows(value, rows):
    keys = [name for name in ("setting", "seed") if isinstance(value, pd.DataFrame) and name in value]
    if not keys:
        return value
    known = pd.MultiIndex.from_frame(value[keys]).isin(pd.MultiIndex.from_frame(rows[keys]))
    return value[known].reset_index(drop=True)


def _joined(old, new):
    if not all(isinstance(table, pd.DataFrame) and "setting" in table for table in (old, new)):
        return new
    keys = [name for name in ("setting", "seed") if name in old and name in new]
    kept = ~pd.MultiIndex.from_frame(old[keys]).isin(pd.MultiIndex.from_frame(new[keys]))
    return pd.concat([old[kept], new], ignore_index=True) if kept.any() else new


def _files(folder: Path) -> list[Path]:
    return sorted(path for kind in ("[!.]*.csv", "[!.]*.png") for path in (folder / FOLDER).glob(kind))


def _encoded(name: str, value: pd.DataFrame | np.ndarray) -> tuple[str, bytes]:
    """File name and content."""
    if not name or name[0] == "." or set(name) & set("/\\"):
        raise InputError(f"figure data {name!r}: not a file name: choose another")
    if isinstance(value, pd.DataFrame):
        return f"{name}.csv", _csv(name, value)
    return f"{name}.png", _png(name, value)


def _csv(name, table) -> bytes:
    text = table.to_csv(index=False, lineterminator="\n", na_rep="nan")
    if table.columns.empty or not table.equals(pd.read_csv(io.StringIO(text), **_READING)):
        raise InputError(f"figure data {name}: CSV would change it: use a plain index, int64, float64, bool and text")
    return text.encode()


def _png(name, images) -> bytes:
    if images.ndim != 4 or 0 in images.shape or images.shape[3] not in (1, 3) or images.dtype != np.uint8:
        found = f"{images.shape} {images.dtype}"
        raise InputError(f"figure data {name}: images are {found}, expected (n, H, W, 1 or 3) uint8")
    count, height, width, channels = images.shape
    strip = images.reshape(count * height, width, channels)
    buffer, note = io.BytesIO(), PngInfo()
    note.add_text(_COUNT, str(count))
    Image.fromarray(strip[..., 0] if channels == 1 else strip).save(buffer, "PNG", optimize=True, pnginfo=note)
    return buffer.getvalue()


def _read_table(path: Path) -> pd.DataFrame:
    return read_table(path, _REMEDY, **_READING)


def _read_images(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as image:
            strip = np.asarray(image)
            count = int(image.text[_COUNT])
        return strip.reshape(count, len(strip) // count, strip.shape[1], -1)
    except (OSError, SyntaxError, ValueError, KeyError, AttributeError, ZeroDivisionError) as error:
        raise InputError(f"{path}: damaged image: {_REMEDY}") from error
