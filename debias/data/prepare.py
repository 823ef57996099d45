"""A source of real images -> one HDF5 file, on all cores, in constant memory; killed, it goes on where it was.

Images are converted in chunks, each of which becomes a file of its own in a folder beside the output. When all are
there they are joined, in order, into the output, and the folder goes away: the same source gives the same file, byte
for byte, however often it was interrupted.
"""

import contextlib
import dataclasses
import glob
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console

from debias.data import dataset, equal, prepared
from debias.data.dataset import NO_GROUP
from debias.data.hdf5 import check_group_names
from debias.data.images import BadImage, read_bytes, square, whole
from debias.data.lists import readable
from debias.data.packages import digest
from debias.data.workers import check_processes, on_all_cores
from debias.errors import InputError
from debias.files import check_output, make_folder, replacing, shortened, write_text
from debias.locks import alone, in_turn
from debias.progress import progress_bar, say

REVISION = 1  # raise it whenever the same source gives other pixels
_ENDINGS = (".h5", ".hdf5")  # that a list of skipped images does not keep of its file's name
CHUNK = 512  # images converted between two writes: 6 MB at 64 x 64
ALLOWED_BAD = 0.01


class Item(NamedTuple):
    """One image of a source.

    Attributes:
        name: unique within the source; in the file and the report.
        path: the file that holds it, an image or an archive.
        start: byte at which it begins in an archive.
        length: its bytes in an archive; None for a file of its own.
        box: left, top, width and height of the face, in pixels; None takes the middle.
        problem: why it cannot be used, where that is known before it is opened.
        where: where the source lists it, for messages.
    """

    name: str
    path: Path
    start: int = 0
    length: int | None = None
    box: tuple[float, float, float, float] | None = None
    problem: str = ""
    where: str = ""


@dataclasses.dataclass(frozen=True)
class Source:
    """What a reader finds in a data set, before any image is opened.

    Attributes:
        kind: 'celeba', ...
        items: its images (N).
        labels: (N,) 1 for a face.
        columns: factor name -> (N,) numbers or bytes, as the source has them; 'identity' tells persons apart.
        groups: (N,) index into `group_names`, NO_GROUP for none; None where the source knows none.
        group_names: names of the groups.
        lists: the files it was read from, whose SHA-256 is kept.
        splits: (N,) index in dataset.SPLITS where the source is a whole data set by itself, else None.
        drawn: the splits were drawn by name, so that equal images are moved into one of them.
        whole: keep the images as they are, for windows.
        notes: further attributes of the output.
        remarks: lines for who prepares it, such as on what was not read.
    """

    kind: str
    items: Sequence[Item]
    labels: np.ndarray
    columns: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    groups: np.ndarray | None = None
    group_names: tuple[str, ...] = ()
    lists: Sequence[Path] = ()
    splits: np.ndarray | None = None
    drawn: bool = False
    whole: bool = False
    notes: Mapping[str, object] = dataclasses.field(default_factory=dict)
    remarks: Sequence[str] = ()


def prepare(
    source: Source,
    out: Path,
    size: int = 64,
    allow_bad: float = ALLOWED_BAD,
    processes: int | None = None,
    overwrite: bool = False,
    keep_conflicts: bool = False,
) -> pd.DataFrame:
    """Convert every image of `source` into the file `out`, which appears only when it is whole.

    A source with splits becomes a data set (`debias.data.dataset`), any other a prepared one (`debias.data.prepared`).
    Images that are equal byte for byte are counted, and stay in one split. Where they differ in label, group or a split
    that their list gives, something is wrong with all of them: they are skipped.

    Args:
        size: side of the images in pixels; ignored where they are kept whole.
        allow_bad: largest share of images that may be skipped.
        processes: None uses every core. The file does not depend on it.
        overwrite: replace an `out` that exists.
        keep_conflicts: keep equal images whose labels, groups or splits differ.

    Returns:
        The images that were skipped, columns file and reason; also written to `report_path(out)`, if any.

    Raises:
        InputError: `out` exists, another call is preparing it, there is no space for it, too many images are bad, or
            none are there.
    """
    out, source = Path(out), dataclasses.replace(source, items=mark_duplicates(source.items))
    _check(source, out, size, allow_bad, processes, overwrite)
    say(*source.remarks)
    with _parts_folder(source, out, size) as parts:
        _convert_all(source, parts, size, processes)
        chunks = [_load(path) for path in _chunk_paths(parts, len(source.items))]
        reasons = np.concatenate([chunk.reasons for chunk in chunks])
        first = equal.others(_keys(source, chunks, reasons))
        conflicts = equal.conflicting(first, _facts(source))
        say(equal.count_line(first), equal.conflict_line(conflicts))
        conflicts &= not keep_conflicts
        try:
            skipped = _report(source, reasons, conflicts, first, out, allow_bad)
        except InputError:  # the source has to change: its chunks are of no more use
            shutil.rmtree(parts, ignore_errors=True)
            raise
        source = _moved_together(source, first)
        _join(source, chunks, (reasons == "") & ~conflicts, out, size)
    return skipped


def report_path(out: Path) -> Path:
    """Where the images that were skipped are listed."""
    out = Path(out)  # of another ending than these all is the name: faces.64 and faces.128 have a list each
    return out.with_name(f"{out.stem if out.suffix in _ENDINGS else out.name}.skipped.csv")


def mark_duplicates(items: Sequence[Item]) -> list[Item]:
    """The items with a problem noted at every name that occurred before."""
    seen, marked = set(), []
    for item in items:
        twice = item.name in seen
        seen.add(item.name)
        marked.append(item._replace(problem=item.problem or "name occurs twice") if twice else item)
    return marked


# --- before the work ---------------------------------------------------------------------------------------------


def _check(source: Source, out: Path, size: int, allow_bad: float, processes: int | None, overwrite: bool) -> None:
    check_processes(processes)
    check_output(out, overwrite)
    if not 8 <= size <= 1024:
        raise InputError(f"--size is {size}: choose 8 to 1024 pixels")
    if not 0 <= allow_bad < 1:
        raise InputError(f"--allow-bad is {allow_bad:g}: choose a share from 0 up to but not including 1")
    if not source.items:
        raise InputError(f"{source.kind}: no images found: check the path")
    check_group_names(source.group_names, source.kind)
    _check_space(source, out, size)
    known = np.array([item.problem for item in source.items])
    if np.mean(known != "") > allow_bad or np.all(known != ""):  # they need not be opened
        none = np.zeros(len(known), bool)
        _report(source, known, none, np.arange(len(known)), out, allow_bad)


def _check_space(source: Source, out: Path, size: int) -> None:
    """The chunks and the output are on disk at the same time."""
    each = 0 if source.whole else size * size * 3
    needed = 2 * each * len(source.items)
    folder = next(parent for parent in out.absolute().parents if parent.exists())
    chunks = out.parent.glob(f"{glob.escape(_parts_prefix(out))}*/*.npz")
    free = shutil.disk_usage(folder).free + sum(map(_bytes, chunks))  # begun before
    if free < needed:
        raise InputError(
            f"cannot write {out}: {needed / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free: free some space"
        )


def _bytes(path: Path) -> int:
    """The size of a file, which another call may have removed meanwhile."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextlib.contextmanager
def _parts_folder(source: Source, out: Path, size: int) -> Iterator[Path]:
    """Where the chunks are kept, for this call alone; it stays only where the work was interrupted."""
    begin = _parts_prefix(out)
    parts = out.with_name(begin + _parts_digest(source, size))
    make_folder(out.parent)
    with contextlib.ExitStack() as held:
        with in_turn(out.parent):  # or another call might take a folder for an old one before it is held
            for old in set(out.parent.glob(f"{glob.escape(begin)}*")) - {parts}:
                with alone(old) as is_alone:  # begun from other input or with other options
                    if is_alone:
                        shutil.rmtree(old, ignore_errors=True)
            make_folder(parts)
            is_alone = held.enter_context(alone(parts))
        if not is_alone:
            raise InputError(f"{out}: another call is preparing it: wait until it has ended")
        yield parts
        shutil.rmtree(parts, ignore_errors=True)


def _parts_prefix(out: Path) -> str:
    return f".{shortened(out.name, 160)}.parts-"


def _parts_digest(source: Source, size: int) -> str:
    """Twelve hexadecimal digits that follow from all that decides the chunks' content."""
    found = hashlib.sha256(f"{REVISION} {CHUNK} {size} {source.whole}\n".encode())
    stamps = {}
    for item in source.items:
        if not item.problem and item.path not in stamps:
            stamps[item.path] = _stamp(item.path)
        told = (item.name, *item[2:6], stamps.get(item.path))
        found.update(repr(told).encode("utf-8", "surrogateescape"))
    return found.hexdigest()[:12]


def _stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of a file; None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


# --- the chunks --------------------------------------------------------------------------------------------------


class Chunk(NamedTuple):
    """Where converted images lie, and what became of those that are not there.

    Attributes:
        path: an .npz with `pixels`, all good images one after the other (bytes,) uint8, and `sizes`, bytes of each.
        reasons: (n,) text, empty for a good image.
        digests: (n,) SHA-256 of each image's bytes, 32 bytes each; zeros for a bad one.
    """

    path: Path
    reasons: np.ndarray
    digests: np.ndarray


def _convert_all(source: Source, parts: Path, size: int, processes: int | None) -> None:
    paths = _chunk_paths(parts, len(source.items))
    starts = range(0, len(source.items), CHUNK)
    todo = [(path, start) for path, start in zip(paths, starts, strict=True) if _load(path) is None]
    tasks = ((path, source.items[start : start + CHUNK], size, source.whole) for path, start in todo)
    done = len(source.items) - sum(len(source.items[start : start + CHUNK]) for _, start in todo)
    processes = 1 if len(todo) == 1 else processes  # one chunk is not worth a process
    with progress_bar(Console(stderr=True)) as progress:
        task = progress.add_task(f"reading {source.kind}", total=len(source.items), completed=done)
        for count in on_all_cores(convert_chunk, tasks, processes):
            progress.advance(task, count)


def _chunk_paths(parts: Path, count: int) -> list[Path]:
    return [parts / f"{start:09}.npz" for start in range(0, count, CHUNK)]


def convert_chunk(path: Path, items: Sequence[Item], size: int, keep_whole: bool) -> int:
    """Convert `items` into the file `path`, see `Chunk`; returns how many they were. Called in the workers."""
    converted = [_convert(item, size, keep_whole) for item in items]
    images = [image for image, _, _ in converted if image is not None]
    reasons = [reason for _, reason, _ in converted]
    digests = [found for _, _, found in converted]
    with replacing(path) as temporary:
        np.savez(
            temporary,
            pixels=np.concatenate([image.ravel() for image in images]) if images else np.zeros(0, np.uint8),
            sizes=np.array([image.size for image in images], np.int64),
            reasons=np.array(reasons),
            digests=np.array(digests, "V32"),
        )
    return len(items)


def _convert(item: Item, size: int, keep_whole: bool) -> tuple[np.ndarray | None, str, bytes]:
    """Pixels or bytes, reason for their absence, SHA-256."""
    try:
        if item.problem:
            raise BadImage(item.problem)
        data = read_bytes(item.path, item.start, item.length)
        if keep_whole:
            whole(data)  # or it could not be decoded later either
        kept = np.frombuffer(data, np.uint8) if keep_whole else square(data, size, item.box)
    except BadImage as error:
        return None, str(error), bytes(32)
    return kept, "", hashlib.sha256(data).digest()


def _load(path: Path) -> Chunk | None:
    """What is known of a chunk; None where it is absent or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return Chunk(path, file["reasons"], file["digests"])
    except Exception:  # NumPy and zipfile raise many kinds; whatever it is, the chunk is made again
        return None


def _images(chunk: Chunk, size: int, kept_whole: bool, kept: np.ndarray) -> np.ndarray | list[np.ndarray]:
    """The good images of a chunk that are `kept` (a mask over all): (n, size, size, 3) uint8, or a list of bytes."""
    with np.load(chunk.path, allow_pickle=False) as file:
        pixels, sizes = file["pixels"], file["sizes"]
    kept = kept[chunk.reasons == ""]
    if not kept_whole:
        images = pixels.reshape(-1, size, size, 3)
        return images if kept.all() else images[kept]
    images = np.split(pixels, np.cumsum(sizes)[:-1]) if len(sizes) else []
    return [image for image, is_kept in zip(images, kept, strict=True) if is_kept]


# --- the output --------------------------------------------------------------------------------------------------


def _keys(source: Source, chunks: Sequence[Chunk], reasons: np.ndarray) -> list[tuple]:
    """What is the same for equal images: their SHA-256 and box; a bad one equals no other."""
    digests = [digest.tobytes() for chunk in chunks for digest in chunk.digests]
    every = zip(source.items, digests, reasons.tolist(), strict=True)
    return [(number, reason) if reason else (digest, item.box) for number, (item, digest, reason) in enumerate(every)]


def _facts(source: Source) -> list[np.ndarray]:
    """In what equal images must not differ."""
    groups = [] if source.groups is None else [np.asarray(source.groups)]
    splits = [] if source.splits is None or source.drawn else [np.asarray(source.splits)]
    return [np.asarray(source.labels), *groups, *splits]


def _moved_together(source: Source, first: np.ndarray) -> Source:
    """The source with equal images in one split, that of the first, where splits were drawn."""
    return dataclasses.replace(source, splits=source.splits[first]) if source.drawn else source


def _report(
    source: Source, reasons: np.ndarray, conflicts: np.ndarray, first: np.ndarray, out: Path, allow_bad: float
) -> pd.DataFrame:
    """List the images that are skipped; raise InputError when those that are bad in themselves are too many."""
    reasons = [
        f"same image as another with other labels, such as {_other(source, first, number)!r}" if conflict else reason
        for number, (reason, conflict) in enumerate(zip(reasons.tolist(), conflicts.tolist(), strict=True))
    ]
    bad = [(item, reason) for item, reason in zip(source.items, reasons, strict=True) if reason]
    skipped = pd.DataFrame([(readable(item.name), reason) for item, reason in bad], columns=["file", "reason"])
    if not bad:
        report_path(out).unlink(missing_ok=True)
        return skipped
    write_text(report_path(out), skipped.to_csv(index=False, lineterminator="\n"))
    if not allow_bad:
        item, reason = bad[0]
        raise InputError(f"{item.where}{item.name!r}: {reason}: replace it or take it off the list")
    bad = [each for each, conflict in zip(bad, conflicts[[bool(r) for r in reasons]], strict=True) if not conflict]
    _check_share(source, bad, out, allow_bad)
    if len(skipped) == len(source.items):
        listed = f"no image is left, see {report_path(out)}"
        raise InputError(f"{source.kind}: {listed}: correct the labels, or pass --keep-conflicts")
    return skipped


def _other(source: Source, first: np.ndarray, number: int) -> str:
    """The name of another image that equals image `number`."""
    equals = np.flatnonzero(first == first[number])
    return source.items[equals[equals != number][0]].name


def _check_share(source: Source, bad: Sequence[tuple[Item, str]], out: Path, allow_bad: float) -> None:
    share = len(bad) / len(source.items)
    if share > allow_bad or len(bad) == len(source.items):
        item, reason = bad[0]
        raise InputError(
            f"{source.kind}: {len(bad):,} of {len(source.items):,} images are bad ({share:.1%}, at most {allow_bad:.1%}"
            f" may be), such as {item.where}{item.name!r}: {reason}: repair those listed in {report_path(out)} "
            "or pass --allow-bad SHARE"
        )


def _join(source: Source, chunks: Sequence[Chunk], good: np.ndarray, out: Path, size: int) -> None:
    kept = (good[start : start + CHUNK] for start in range(0, len(good), CHUNK))
    images = (_images(chunk, size, source.whole, rows) for chunk, rows in zip(chunks, kept, strict=True))
    labels = np.asarray(source.labels, np.uint8)[good]
    groups = np.full(len(labels), NO_GROUP, np.int8) if source.groups is None else source.groups[good]
    columns = {name: column[good] for name, column in source.columns.items()}
    digests = np.concatenate([chunk.digests for chunk in chunks])[good]
    attributes = _attributes(source, good, digests, size)
    if source.splits is None:
        names = [item.name for item, kept in zip(source.items, good, strict=True) if kept]
        attributes["group_names"] = list(source.group_names)
        sha256 = [found.tobytes().hex() for found in digests]
        prepared.write(out, images, names, labels, groups, columns, attributes, sha256)
        return
    dtypes = {name: column.dtype.str for name, column in columns.items()}
    with dataset.create(out, len(labels), (size, size, 3), dtypes, source.group_names, attributes) as writer:
        for start, chunk in _numbered(images):
            rows = slice(start, start + len(chunk))
            part = {name: column[rows] for name, column in columns.items()}
            writer.write(start, chunk, labels[rows], source.splits[good][rows], groups[rows], part)


def _numbered(chunks) -> Iterator[tuple[int, np.ndarray]]:
    """Chunks with the row that each begins at."""
    start = 0
    for chunk in chunks:
        yield start, chunk
        start += len(chunk)


def _attributes(source: Source, good: np.ndarray, digests: np.ndarray, size: int) -> dict[str, object]:
    return {
        "source": source.kind,
        "revision": REVISION,
        "size": size,
        "skipped": int(np.count_nonzero(~good)),
        "lists_sha256": json.dumps({path.name: digest(path) for path in source.lists}),
        "images_sha256": hashlib.sha256(digests.tobytes()).hexdigest(),
        **source.notes,
    }
