"""The images in a folder or a tar file, none of which can lead out of it."""

import os
import posixpath
import tarfile
from collections.abc import Iterator
from pathlib import Path

from debias.data.prepare import Item
from debias.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
OUTSIDE = "lies outside of its folder"


def check_folder(path: Path, how: str) -> Path:
    """`path`, resolved; InputError with `how` to get the data when it is not a folder."""
    path = Path(path)
    if not path.is_dir():
        raise InputError(f"{path}: no such folder: {how}")
    return path.resolve()


def image_at(folder: Path, name: str, **more) -> Item:
    """The image that a list calls `name`; names and links that lead out of the (resolved) folder are its problem."""
    path = folder / name
    clean = posixpath.normpath(name)
    if clean.startswith(("/", "../")) or clean in ("..", ".") or "\0" in name:
        return Item(name, folder, problem=OUTSIDE, **more)
    return Item(clean, path, problem=_problem(path, folder), **more)


def images_in(folder: Path, **more) -> list[Item]:
    """Every image file below a (resolved) folder, by name; links to folders are not followed."""
    found = []
    for place, folders, files in os.walk(folder):
        folders.sort()
        names = (name for name in sorted(files) if name.lower().endswith(SUFFIXES))
        found += [image_at(folder, os.path.relpath(os.path.join(place, name), folder), **more) for name in names]
    return found


def images_in_tar(path: Path) -> Iterator[Item]:
    """Every image of a plain tar file, read where it lies and never unpacked, and those of the tars within it.

    Names and links that lead out of the archive, and whatever is not a plain file, are noted as problems.

    Raises:
        InputError: the archive is compressed, damaged or cut short.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            yield from _members(archive, path, "", 0)
    except (tarfile.TarError, OSError, ValueError) as error:
        raise InputError(
            f"{path}: not a whole, plain tar file ({error}): download it again, or unpack a compressed one first"
        ) from error


def _members(archive: tarfile.TarFile, path: Path, prefix: str, offset: int) -> Iterator[Item]:
    for member in archive:
        name, start = prefix + member.name, offset + member.offset_data
        if member.isreg() and name.lower().endswith(".tar") and not prefix:
            with tarfile.open(fileobj=archive.extractfile(member), mode="r:") as inner:
                yield from _members(inner, path, f"{posixpath.basename(name).removesuffix('.tar')}/", start)
        elif not member.isdir() and name.lower().endswith(SUFFIXES):
            yield Item(posixpath.normpath(name), path, start, member.size, problem=_member_problem(member))


def _member_problem(member: tarfile.TarInfo) -> str:
    clean = posixpath.normpath(member.name)
    if clean.startswith(("/", "../")) or clean == "..":
        return OUTSIDE
    return "" if member.isreg() and not member.issparse() else "not a plain file"


def _problem(path: Path, folder: Path) -> str:
    real = os.path.realpath(path)
    if not os.path.lexists(real):
        return "no such file"
    if os.path.commonpath([real, folder]) != str(folder):
        return f"a link that {OUTSIDE}"
    return "" if os.path.isfile(real) else "not a file"
