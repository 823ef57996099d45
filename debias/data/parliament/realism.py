"""How close the benchmark comes to photographs: a face detector trained on real faces, pixel statistics, and pictures.

The detector is scikit-image's frontal-face cascade (local binary patterns, trained by OpenCV on photographs). Crops as
tight as ours leave it no room around the face, so each image is first extended by repeating its border.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import skimage.data
from skimage.feature import Cascade

from debias.data.dataset import Dataset
from debias.errors import InputError
from debias.files import replacing

FRONTAL_YAW = 15.0  # degrees to either side
FRONTAL_PITCH = 15.0
BORDER = 0.25  # of the image's side, added on each side
SMALLEST_FACE = 0.5  # of the image's side
ZOOM_STEP = 1.1
LEAST_DETECTED = 0.9  # of frontal faces, in every group
MOST_FALSE_DETECTIONS = 0.02  # of images without a face
LABEL_HEIGHT = 16  # pixels


def report(images: Dataset) -> pd.DataFrame:
    """One row per group and one for the images without a face.

    Columns: images, frontal (how many the cascade saw), detected (their share, 0..1), mean and deviation over all
    pixels, contrast (mean over images of the deviation of lightness within an image), each on the scale 0..255. Of
    faces with known pose only frontal ones are shown to the cascade.
    """
    rows = {name: _describe(part) for name, part in _parts(images).items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def failures(table: pd.DataFrame) -> list[str]:
    """What in a `report` misses the target: one line per group, none if all is well."""
    faces, others = table.drop(index="no face", errors="ignore"), table.reindex(["no face"]).dropna()
    rare = faces[faces.detected < LEAST_DETECTED]
    frequent = others[others.detected > MOST_FALSE_DETECTIONS]
    lines = [f"{name}: {row.detected:.1%} found, target >= {LEAST_DETECTED:.0%}" for name, row in rare.iterrows()]
    return lines + [
        f"{name}: {row.detected:.1%} found, target <= {MOST_FALSE_DETECTIONS:.0%}" for name, row in frequent.iterrows()
    ]


def detection_rate(images: np.ndarray) -> float:
    """Share of images (n, size, size, 3) uint8 in which the frontal-face cascade finds at least one face."""
    cascade = Cascade(skimage.data.lbp_frontal_face_cascade_filename())
    return float(np.mean([_detects(cascade, image) for image in images]))


def is_frontal(images: Dataset) -> np.ndarray:
    """(N,) bool: yaw and pitch are both small; all True for data without these factors."""
    if "yaw" not in images.factors:
        return np.ones(len(images), bool)
    yaw, pitch = (np.nan_to_num(np.abs(images.factors[name])) for name in ("yaw", "pitch"))
    return (yaw <= FRONTAL_YAW) & (pitch <= FRONTAL_PITCH)


def pixel_statistics(images: np.ndarray) -> dict[str, float]:
    """Mean and deviation of all pixels, and the mean deviation of lightness within an image, on the scale 0..255."""
    pixels = images.astype(np.float64)
    contrast = pixels.mean(-1).std(axis=(1, 2)).mean()  # mean over RGB: (n, size, size)
    return {"mean": pixels.mean(), "deviation": pixels.std(), "contrast": contrast}


def contact_sheet(rows: Mapping[str, np.ndarray], columns: int, zoom: int = 1) -> np.ndarray:
    """A picture of image rows: label -> images (n, size, size, 3) uint8; returns (height, width, 3) uint8 RGB.

    Each label stands above its images, which are broken into lines of `columns`; `zoom` enlarges pixels.
    """
    if not rows:
        raise InputError("contact sheet: no images to show: give at least one row")
    return np.concatenate([_labelled(name, images, columns, zoom) for name, images in rows.items()])


def save_png(path: Path, picture: np.ndarray) -> None:
    """Write a (height, width, 3) uint8 RGB picture; InputError when the place cannot be written."""
    encoded = cv2.imencode(".png", picture[..., ::-1])[1]
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(encoded.tobytes())


def sample_rows(images: Dataset, count: int) -> dict[str, np.ndarray]:
    """`count` random images of every group and of the negatives (fewer where there are fewer)."""
    rng = np.random.default_rng(0)
    return {name: _sample(part, count, rng).images() for name, part in _parts(images).items()}


def _parts(images: Dataset) -> dict[str, Dataset]:
    """Faces by group, then the images without a face, leaving out what is empty."""
    faces, others = images.positives(), images.negatives()
    parts = {name: faces.take(faces.groups == index) for index, name in enumerate(images.group_names)}
    parts |= {"no face": others} if images.group_names else {"face": faces, "no face": others}
    return {name: part for name, part in parts.items() if len(part)}


def _describe(part: Dataset) -> dict[str, float]:
    pixels, frontal = part.images(), is_frontal(part)
    detected = detection_rate(pixels[frontal]) if frontal.any() else np.nan
    return {"images": len(part), "frontal": int(frontal.sum()), "detected": detected, **pixel_statistics(pixels)}


def _detects(cascade: Cascade, image: np.ndarray) -> bool:
    side = image.shape[0]
    border = round(BORDER * side)
    wide = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)
    smallest = round(SMALLEST_FACE * side)
    found = cascade.detect_multi_scale(
        img=wide, scale_factor=ZOOM_STEP, step_ratio=1, min_size=(smallest, smallest), max_size=wide.shape[:2]
    )
    return bool(found)


def _sample(part: Dataset, count: int, rng: np.random.Generator) -> Dataset:
    return part.take(np.sort(rng.choice(len(part), min(count, len(part)), replace=False)))


def _labelled(name: str, images: np.ndarray, columns: int, zoom: int) -> np.ndarray:
    grid = _grid(images, columns).repeat(zoom, axis=0).repeat(zoom, axis=1)
    label = np.full((LABEL_HEIGHT, grid.shape[1], 3), 255, np.uint8)
    cv2.putText(label, name, (3, LABEL_HEIGHT - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([label, grid])


def _grid(images: np.ndarray, columns: int) -> np.ndarray:
    """(n, h, w, 3) -> (lines * h, columns * w, 3), the last line filled up with white."""
    lines = -(-len(images) // columns)
    filled = np.full((lines * columns, *images.shape[1:]), 255, np.uint8)
    filled[: len(images)] = images
    height, width = images.shape[1:3]
    table = filled.reshape(lines, columns, height, width, 3).transpose(0, 2, 1, 3, 4)
    return table.reshape(lines * height, columns * width, 3)
