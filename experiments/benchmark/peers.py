"""Where the peers are: installed aside, into a folder of the cache, and never part of this repository.

The course's loader is read from the archive of `mitdeeplearning`, PyTorch is installed by pip into a folder that only
the peer's own process looks into.
"""

import contextlib
import io
import shutil
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from debias.data import packages
from debias.data.sources.photographs import ARCHIVE, ARCHIVE_SHA256, REQUIREMENT
from debias.errors import InputError
from debias.files import make_folder

TORCH = "2.13.0"
_WHEELS = "https://download.pytorch.org/whl/cpu"  # PyPI's for Linux bring gigabytes of CUDA
_COURSE = "mitdeeplearning-0.7.5/mitdeeplearning/lab2.py"

T = TypeVar("T")


@dataclass(frozen=True)
class Peers:
    """What there is to compare with; None where it is not installed.

    Attributes:
        course: the course's module with its loader.
        torch: the folder that PyTorch is imported from.
    """

    course: Path | None = None
    torch: Path | None = None

    def versions(self) -> str:
        """Name and version of each that there is."""
        names = {REQUIREMENT.replace("==", " "): self.course, f"torch {TORCH}": self.torch}
        return "; ".join(name for name, there in names.items() if there)


def found(cache: Path) -> Peers:
    """Those that an earlier call has installed."""
    course, torch = _course_path(cache), _torch_folder(cache)
    return Peers(course if course.is_file() else None, torch if torch.is_dir() else None)


def installed(cache: Path) -> Peers:
    """All of them; one that cannot be had is left out with a line that says why."""
    return Peers(_unless_missing("the course's loader", _course, cache), _unless_missing("PyTorch", _torch, cache))


def _unless_missing(name: str, get: Callable[[Path], T], cache: Path) -> T | None:
    try:
        return get(cache)
    except InputError as error:
        print(f"Left out, {name}: {error}", file=sys.stderr)
        return None


def _course_path(cache: Path) -> Path:
    return cache / "peers" / _COURSE


def _torch_folder(cache: Path) -> Path:
    return cache / "peers" / f"torch-{TORCH}"


def _course(cache: Path) -> Path:
    """The module, unpacked from the package's archive."""
    path = _course_path(cache)
    if not path.is_file():
        options = ("--use-pep517", "--no-binary", REQUIREMENT.split("==")[0])
        archive = packages.fetch(REQUIREMENT, ARCHIVE, ARCHIVE_SHA256, cache, options)
        with tarfile.open(archive) as packed:
            packed.extract(_COURSE, cache / "peers", filter="data")
    return path


def _torch(cache: Path) -> Path:
    """The folder, filled by pip the first time: 200 MB to download."""
    folder = _torch_folder(cache)
    if not folder.is_dir():
        print(f"Installing PyTorch {TORCH} into {folder}, once", file=sys.stderr)
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        make_folder(part)
        options = ["--only-binary", ":all:", "--extra-index-url", _WHEELS, "--target", str(part)]
        packages.pip(
            "install", f"torch=={TORCH}{'' if sys.platform == 'darwin' else '+cpu'}", options, {"PIP_USER": "0"}
        )
        part.rename(folder)
    return folder


def quiet() -> contextlib.redirect_stdout:
    """Peers print what they do."""
    return contextlib.redirect_stdout(io.StringIO())
