"""Image files that nobody vouches for -> pixels: whole, right side up, RGB, eight bits; or a word on why not.

Pillow decodes: it knows the size of an image before it decodes it, which is what stops a decompression bomb, and reads
JPEG at a half, a quarter or an eighth of its size where no more is needed. OpenCV resizes: its mean over areas is exact
where the scale is no whole number, which Pillow's is not.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP")
MOST_PIXELS = 80_000_000  # 240 MB as RGB; below the size at which Pillow itself begins to warn
MOST_BYTES = 100_000_000
OVERLAP = 0.5  # of a box's area that must lie within the image


class BadImage(ValueError):
    """An image that cannot be used; its text says why in a few words."""


def read_bytes(path: Path, start: int = 0, length: int | None = None) -> bytes:
    """A file, or `length` bytes of it from `start`; BadImage when that is not there, empty or far too large."""
    try:
        length = path.stat().st_size - start if length is None else length
        if length > MOST_BYTES:
            raise BadImage(f"{length / 1e6:,.0f} MB, at most {MOST_BYTES / 1e6:,.0f} MB are read")
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(length)
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise error if isinstance(error, BadImage) else BadImage(_reason(error)) from None
    if not data or len(data) < length:
        raise BadImage("empty file" if not data else "archive cut short")
    return data


def square(data: bytes, size: int, box: tuple[float, float, float, float] | None = None) -> np.ndarray:
    """(size, size, 3) uint8: a square of the image, resized: around `box`, or the largest in the middle.

    The first frame of an animation is taken, transparency is ignored, 16-bit grey loses its low byte.

    Args:
        box: left, top, width and height in pixels as they are stored, before any rotation the file asks for.

    Raises:
        BadImage: not a whole image of a known format, too large, or the box does not lie in it.
    """
    with _decoding():
        image = _opened(data)
        left, top, side = square_around(box, *image.size) if box else _middle(*image.size)
        full = image.size
        _shrink_while_decoding(image, 2 * size / side)  # what is left is averaged
        scale = image.size[0] / full[0], image.size[1] / full[1]
        rows, columns = _span(top, side, scale[1]), _span(left, side, scale[0])
        return _upright(resized(np.asarray(_rgb(image))[rows, columns], size, size), image)


def whole(data: bytes) -> np.ndarray:
    """(H, W, 3) uint8: all of the image; raises BadImage as `square` does."""
    with _decoding():
        image = _opened(data)
        return _upright(np.asarray(_rgb(image)), image)


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """(height, width, 3) uint8: all of an image (H, W, 3) uint8; averaged over areas where it shrinks."""
    shrinks = height < image.shape[0] and width < image.shape[1]
    # The mean over areas would enlarge by repeating pixels.
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def square_around(box: tuple[float, float, float, float], width: int, height: int) -> tuple[float, float, float]:
    """Left, top and side of the square around a box's middle with the box's longer side, moved into the image.

    Raises:
        BadImage: the box has no area, or more than half of it lies outside of the image.
    """
    left, top, wide, high = box
    if not (wide > 0 and high > 0):
        raise BadImage(f"box of {wide:g} x {high:g} pixels")
    inside = max(0, min(left + wide, width) - max(left, 0)) * max(0, min(top + high, height) - max(top, 0))
    if inside < OVERLAP * wide * high:
        raise BadImage(f"box {left:g}, {top:g}, {wide:g} x {high:g} outside of an image of {width} x {height}")
    side = min(max(wide, high), width, height)
    middle = left + wide / 2, top + high / 2
    return *(min(max(m - side / 2, 0), end - side) for m, end in zip(middle, (width, height), strict=True)), side


def _span(start: float, side: float, scale: float) -> slice:
    """Whole pixels, at least one, of an interval in an image decoded at `scale`."""
    first = round(start * scale)
    return slice(first, max(first + 1, round((start + side) * scale)))


def _upright(pixels: np.ndarray, image: Image.Image) -> np.ndarray:
    """`pixels` of an image, turned and mirrored as its EXIF says."""
    stored = Image.fromarray(pixels)
    stored.info = image.info
    try:
        return np.asarray(ImageOps.exif_transpose(stored))
    except Exception:  # what it raises depends on the damage; the pixels are whole all the same
        return pixels


def _middle(width: int, height: int) -> tuple[int, int, int]:
    side = min(width, height)
    return (width - side) // 2, (height - side) // 2, side


@contextlib.contextmanager
def _decoding() -> Iterator[None]:
    """Silent; whatever a decoder trips over is a bad image, since what it raises depends on how a file is damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except BadImage:
        raise
    except Image.UnidentifiedImageError:
        raise BadImage("not an image of a known format") from None
    except Image.DecompressionBombError:
        raise BadImage(f"more than {MOST_PIXELS:,} pixels") from None
    except Exception as error:
        raise BadImage(f"not a whole image ({_reason(error)})") from None


def _opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    if image.width * image.height > MOST_PIXELS:
        raise BadImage(f"{image.width} x {image.height}, more than {MOST_PIXELS:,} pixels")
    return image


def _shrink_while_decoding(image: Image.Image, scale: float) -> None:
    """Of a JPEG decode only so much detail; other formats ignore it."""
    if scale < 1:
        image.draft("RGB", (round(image.width * scale), round(image.height * scale)))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # Pillow would clip to 0..255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise BadImage("32-bit pixels of unknown range")
    return image.convert("RGB")


def _reason(error: Exception) -> str:
    """Few words, in one line."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(words.split())[:120] or type(error).__name__
