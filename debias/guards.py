"""Checks that only stop: each raises InputError, or lets everything go on as it is.

So they decide no result, and rows stay valid when one is added: digests of code (`experiments.engine.digests`) leave
out this file, statements `guards.name(...)` and decorators `@guards.name`. They are called in no other way.
"""

import functools
import math
import numbers
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from debias.errors import InputError

_ROWS_COMPARED = 16
_OVERSHOOT = 0.5  # of bicubic resizing; images in 0..255 or -1..1 go further


def arrays_of_images(model: type) -> type:
    """Class decorator of a Detector: its parent's `fit`, `evaluate` and `predict` look at what they are given first.

    Of NumPy arrays they see the values, of a `tf.data.Dataset` the shape of the labels.
    """
    for name in ("fit", "evaluate", "predict"):
        setattr(model, name, _looking_first(model, name))
    return model


def whole(**values: int) -> None:
    """Each value is a whole number."""
    for name, value in values.items():
        if not isinstance(value, numbers.Integral) or isinstance(value, bool):
            raise InputError(f"{name} must be a whole number, got {value!r}")


def whole_or_none(**values: int | None) -> None:
    """Each value is a whole number or None."""
    whole(**{name: value for name, value in values.items() if value is not None})


def seed(value: int) -> None:
    """A seed fits into the 31 bits that TensorFlow's generators take."""
    if not 0 <= value < 1 << 31:
        raise InputError(f"seed must be from 0 to {(1 << 31) - 1:,}, got {value:,}")


def finite(**values: float) -> None:
    """Each value is a number, neither NaN nor infinite."""
    for name, value in values.items():
        if not isinstance(value, numbers.Real) or not math.isfinite(value):
            raise InputError(f"{name} must be a finite number, got {value!r}")


def no_nan(**values: float) -> None:
    """No value is NaN."""
    for name, value in values.items():
        if math.isnan(value):
            raise InputError(f"{name} must be a number, got {value}")


def a_path(**values: Path | None) -> None:
    """Each value is None or a Path, not a text."""
    for name, value in values.items():
        if not isinstance(value, Path | None):
            raise InputError(f"{name} must be a pathlib.Path or None, got {value!r}: write Path({value!r})")


def readable(path: Path) -> None:
    """The user may read the file."""
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: you may not read it: change its permissions, or copy it")


def no_array(value, what: str) -> None:
    """An attribute of an HDF5 file that is to be text is no array of several entries, which compare one by one."""
    if isinstance(value, np.ndarray) and value.size != 1:
        raise InputError(f"{what} must be text, found an array of shape {value.shape}: build the file again")


def fits(values: np.ndarray, dtype: np.dtype, name: str) -> None:
    """A column of whole numbers or of text is not changed by `dtype`."""
    values = np.asarray(values)
    if dtype.kind == "S" and values.dtype.kind == "U":
        raise InputError(f"{name} must be bytes, found text: encode it, for example by np.char.encode")
    if dtype.kind in "iuS" and not np.array_equal(values.astype(dtype), values):
        raise InputError(f"{name} must fit into {dtype}: HDF5 would cut them off without a word")


def copy_of(copied: np.ndarray, images, copy: Path) -> None:
    """Some rows of a copy are those of the file; its time does not tell where an older file took the place.

    A copy of another shape is left to the caller, who makes it anew.
    """
    if (copied.shape, copied.dtype) != (images.shape, images.dtype):
        return
    for row in range(0, len(copied), max(1, len(copied) // _ROWS_COMPARED)):
        if not np.array_equal(copied[row], images[row]):
            raise InputError(f"{copy}: is of another file, which had the same name: delete it")


def indices(**columns: np.ndarray) -> None:
    """Each column holds whole numbers."""
    for name, values in columns.items():
        if values.dtype.kind not in "iu":
            raise InputError(f"{name} must be whole numbers, found {values.dtype}: convert them with .astype(int)")


def _looking_first(model: type, name: str) -> Callable:
    @functools.wraps(getattr(model, name))
    def looking_first(self, x=None, *arguments, **options):
        learns = name != "predict"
        if not (name == "fit" and self.batches):  # whose steps draw their own images: x counts them
            _look_at_images(x, scaled=learns)
            _look_at_labels(arguments[0] if arguments and learns else options.get("y"))
            _look_at_batches(getattr(x, "element_spec", None) if learns else None)
        return getattr(super(model, self), name)(x, *arguments, **options)

    return looking_first


def _look_at_images(images, scaled: bool) -> None:
    """An array of images is uint8, where such are scaled, or floats in [0, 1] but for what resizing overshoots."""
    if not isinstance(images, np.ndarray) or images.dtype == np.uint8 and scaled:
        return
    if images.dtype.kind in "iu":
        raise InputError(f"images are {images.dtype}, expected floats in [0, 1]: divide them by 255")
    # Not `min() < ...`, which NaN would pass.
    if (
        images.dtype.kind == "f"
        and images.size
        and not (images.min() >= -_OVERSHOOT and images.max() <= 1 + _OVERSHOOT)
    ):
        found = f"{images.min():g}..{images.max():g}"
        raise InputError(f"images lie in {found}, expected [0, 1] without NaN: divide those in 0..255 by 255")


def _look_at_labels(labels) -> None:
    """An array of labels is (N,) zeros and ones."""
    if not isinstance(labels, np.ndarray):
        return
    if labels.ndim != 1:
        raise InputError(f"labels have shape {labels.shape}, expected (N,): pass labels.ravel()")
    if not np.all((labels == 0) | (labels == 1)):
        raise InputError(f"labels must be 0 or 1, found {labels[(labels != 0) & (labels != 1)][0]}: recode them")


def _look_at_batches(spec) -> None:
    """Labels of batches are (B,): with logits (B,), labels (B, 1) would give losses (B, B) without a word."""
    shape = getattr(spec[1], "shape", None) if isinstance(spec, tuple) and len(spec) > 1 else None
    if shape is not None and shape.rank not in (1, None):
        raise InputError(f"batches have labels of shape {shape}, expected (B,): flatten them")
