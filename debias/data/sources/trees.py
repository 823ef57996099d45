"""The images in a folder, in a tar file or on a list, none of which can lead out of it; and what else lies there."""

import functools
import os
import posixpath
import re
import tarfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from debias.data.prepare import Item
from debias.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
ARCHIVES = (".tar", ".gz", ".tgz", ".bz2", ".xz", ".zip", ".7z", ".rar", ".zst")
OUTSIDE = "lies outside of its folder"
MISSING = "no such file"
LINKS = "links to folders (--follow-links reads them)"


class Unread:
    """What lies among the images and is not read: how many of each kind, and the name of the first."""

    def __init__(self):
        self._found: dict[str, tuple[int, str]] = {}

    def add(self, name: str, kind: str = "") -> None:
        """Count a file by its name, or as one of `kind`."""
        kind = kind or _kind(name)
        count, first = self._found.get(kind, (0, name))
        self._found[kind] = (count + 1, first)

    def remarks(self) -> tuple[str, ...]:
        """All of it in one line, or no line."""
        kinds = [f"{count:,} {kind} such as {first!r}" for kind, (count, first) in self._found.items()]
        return (f"not read: {', '.join(kinds)}",) if kinds else ()


class Listed:
    """The images that a list names within a (resolved) folder, also those that it spells in another way.

    Lists come from systems on which `Ä.JPG` and `ä.jpg` are the same file, letters are composed otherwise, or folders
    are set off by backslashes.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def image(self, name: str, **more) -> Item:
        """The image called `name`; what is wrong with it is its problem."""
        if re.match(r"[A-Za-z]:[\\/]", name):
            return Item(name, self._folder, problem="a path of another machine: write it from this folder on", **more)
        item = image_at(self._folder, name, **more)
        other = self._spellings.get(_spelling(name)) if item.problem == MISSING else None
        return item if other is None else item._replace(path=other.path, problem=other.problem)

    @functools.cached_property
    def _spellings(self) -> dict[str, Item | None]:
        """Every image in the folder by its spelling; None where two share one."""
        found = {}
        for item in images_in(self._folder, Unread()):
            key = _spelling(item.name)
            found[key] = None if key in found else item
        return found


def check_folder(path: Path, how: str) -> Path:
    """`path`, resolved; InputError with `how` to get the data when it is not a folder that can be read."""
    path = Path(path)
    if not os.path.isdir(path):  # unlike Path.is_dir it takes any name
        raise InputError(f"{path}: no such folder: {how}")
    if not os.access(path, os.R_OK | os.X_OK):
        raise InputError(f"{path}: permission denied: choose a folder that you may read")
    return path.resolve()


def image_at(folder: Path, name: str, within: Path | None = None, **more) -> Item:
    """The image called `name` in a (resolved) folder; names and links that lead out of `within` are its problem."""
    path = folder / name
    clean = posixpath.normpath(name)
    if clean.startswith(("/", "../")) or clean in ("..", ".") or "\0" in name:
        return Item(name, folder, problem=OUTSIDE, **more)
    return Item(clean, path, problem=_problem(path, within or folder), **more)


def images_in(folder: Path, unread: Unread, follow_links: bool = False, tars: bool = False) -> Iterator[Item]:
    """Every image file below a (resolved) folder, by name.

    Args:
        unread: takes up whatever else is there.
        follow_links: also those below links to folders, wherever they lead; each folder is read once.
        tars: also those in tar files, which are called by them.
    """
    for place, names in _walk(folder, unread, follow_links):
        within = Path(os.path.realpath(place)) if follow_links else folder
        for name in names:
            below = os.path.relpath(os.path.join(place, name), folder)
            if is_leftover(name) or not name.lower().endswith((*SUFFIXES, ".tar") if tars else SUFFIXES):
                unread.add(below)
            elif not name.lower().endswith(".tar"):
                yield image_at(folder, below, within)
            elif image_at(folder, below, within).problem:  # a link out of the folder
                unread.add(below)
            else:
                prefix = os.path.splitext(below)[0]
                yield from (
                    item._replace(name=f"{prefix}/{item.name}") for item in images_in_tar(folder / below, unread)
                )


def images_in_tar(path: Path, unread: Unread) -> Iterator[Item]:
    """Every image of a plain tar file, read where it lies and never unpacked, and those of the tars within it.

    Names and links that lead out of the archive, and whatever is not a plain file, are noted as problems.

    Raises:
        InputError: the archive is compressed, damaged or cut short.
    """
    try:
        if not path.is_file():
            raise OSError("not a plain file")
        with tarfile.open(path, "r:") as archive:
            yield from _members(archive, path, "", 0, unread)
    except (tarfile.TarError, OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not a whole, plain tar file ({error}): download it again, or unpack a compressed one first"
        ) from error


def is_leftover(name: str) -> bool:
    """Whether a path is what a Mac leaves beside files: ._x.jpg, .DS_Store, and all within __MACOSX."""
    *folders, last = name.split("/")
    return last.startswith("._") or last == ".DS_Store" or "__MACOSX" in folders


def _walk(folder: Path, unread: Unread, follow_links: bool) -> Iterator[tuple[str, list[str]]]:
    """Folders and the files in each, by name."""
    seen = {os.path.realpath(folder)}
    for place, folders, files in os.walk(folder, onerror=_unreadable, followlinks=follow_links):
        kept = []
        for path in sorted(os.path.join(place, name) for name in folders):
            real, below = os.path.realpath(path), os.path.relpath(path, folder)
            if os.path.islink(path) and (not follow_links or real in seen):
                unread.add(below, LINKS if real not in seen else "links to folders that are read already")
            elif os.path.basename(path) == "__MACOSX":
                unread.add(below, _kind("._"))
            elif real not in seen:
                kept.append(os.path.basename(path))
                seen |= {real} if follow_links else set()
        folders[:] = kept
        yield place, sorted(files)


def _unreadable(error: OSError) -> None:
    """os.walk would leave such a folder out without a word."""
    raise InputError(f"{error.filename}: {error.strerror}: make it a folder that you may read") from error


def _members(archive: tarfile.TarFile, path: Path, prefix: str, offset: int, unread: Unread) -> Iterator[Item]:
    for member in archive:
        name, start = prefix + member.name, offset + member.offset_data
        if member.isdir():
            continue
        if member.isreg() and name.lower().endswith(".tar") and not prefix and not is_leftover(name):
            with tarfile.open(fileobj=archive.extractfile(member), mode="r:") as inner:
                yield from _members(inner, path, f"{posixpath.basename(name)[:-4]}/", start, unread)
        elif is_leftover(name) or not name.lower().endswith(SUFFIXES):
            unread.add(name)
        else:
            yield Item(posixpath.normpath(name), path, start, member.size, problem=_member_problem(member))
    # tarfile takes a damaged header, or one that is cut short, for the end of the archive.
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError(f"damaged or cut short at byte {offset + archive.offset:,}")


def _member_problem(member: tarfile.TarInfo) -> str:
    clean = posixpath.normpath(member.name)
    if clean.startswith(("/", "../")) or clean == "..":
        return OUTSIDE
    return "" if member.isreg() and not member.issparse() else "not a plain file"


def _problem(path: Path, folder: Path) -> str:
    real = os.path.realpath(path)
    if not os.path.lexists(real):
        return MISSING
    if os.path.commonpath([real, folder]) != str(folder):
        return f"a link that {OUTSIDE}"
    return "" if os.path.isfile(real) else "not a file"


def _kind(name: str) -> str:
    if is_leftover(name):
        return "leftovers of a Mac"
    suffix = posixpath.splitext(name)[1].lower()
    if suffix in ARCHIVES:
        return "archives (unpack them first)"
    return f"{suffix} files" if suffix else "files without a suffix"


def _spelling(name: str) -> str:
    """What stays the same of a path on any system."""
    return unicodedata.normalize("NFC", posixpath.normpath(name.replace("\\", "/"))).casefold()
