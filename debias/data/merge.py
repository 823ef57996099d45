"""Prepared faces and prepared non-faces -> one training file with train, validation and test."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from debias.data import dataset, equal, hdf5
from debias.data.dataset import NO_GROUP
from debias.data.lists import assigned
from debias.data.prepared import Prepared, open_prepared
from debias.errors import InputError
from debias.files import check_output
from debias.progress import progress_bar, say

SHARES = (0.8, 0.1, 0.1)  # the paper trains on 80 %; the rest is held out, half to select by and half to test on
IDENTITY = "identity"  # the factor that tells persons apart
CHUNK = 4096  # images copied at a time: 50 MB


def merge(
    positives: Sequence[Path],
    negatives: Sequence[Path],
    out: Path,
    seed: int = 0,
    groups: bool = True,
    overwrite: bool = False,
    near: bool = False,
    keep_conflicts: bool = False,
) -> None:
    """Join prepared files into the data set `out`: 80 % train, 10 % validation, 10 % test.

    A hash of `seed`, of the source and of the person, or of the file's name where persons are not told apart, decides:
    nobody is in two splits, neither is an image that occurs more than once, and adding others moves none. Equal images
    with different labels or groups are left out. Factors are kept where a source has them; what another lacks is NaN or
    empty there.

    Args:
        groups: keep groups; False leaves them out, as factors keep what they were made of.
        near: keep images in one split that look alike from afar, too.
        keep_conflicts: keep equal images whose labels or groups differ.

    Raises:
        InputError: `out` exists, a file is not prepared, holds whole images or the other class, sizes or groups differ,
            or a split lacks a class or a group.
    """
    out = Path(out)
    check_output(out, overwrite)
    if out.resolve() in {Path(path).resolve() for path in (*positives, *negatives)}:
        raise InputError(f"{out}: is one of the files to merge: choose another --out")
    sources = [_opened(path, label) for label, paths in ((1, positives), (0, negatives)) for path in paths]
    _check(sources, positives, negatives)
    names = _group_names(sources) if groups else ()
    sources = [_regrouped(source, names) for source in sources]
    pixels = [digest for source in sources for digest in equal.digests(source.images)]
    kept = _agreeing(sources, pixels) | keep_conflicts
    split = split_of(sources, pixels, seed, near)
    dtypes, shape = _dtypes(sources), sources[0].images.shape[1:]
    with (
        dataset.create(out, kept.sum(), shape, dtypes, names, _attributes(sources, seed)) as writer,
        progress_bar(Console(stderr=True)) as progress,
    ):
        task, start = progress.add_task("merging", total=kept.sum()), 0
        for source, *of_it in zip(sources, *(_by_source(each, sources) for each in (split, kept)), strict=True):
            for rows, part in _parts(source, *of_it, dtypes):
                writer.write(start, *part)
                start += rows
                progress.advance(task, rows)


def split_of(sources: Sequence[Prepared], pixels: Sequence[bytes], seed: int, near: bool = False) -> np.ndarray:
    """(N,) uint8 index in dataset.SPLITS of all images of all sources, one source after the other.

    Equal persons, or names where those are not known, fall together, and so do images with equal `pixels` (digests).
    """
    alike = [[look for source in sources for look in equal.rough_digests(source.images)]] if near else []
    return assigned(equal.joined([key for source in sources for key in _keys(source)], pixels, *alike), SHARES, seed)


def _keys(source: Prepared) -> list[str]:
    """Of each image, the source and its person, or its name where persons are not known."""
    persons = source.factors.get(IDENTITY)
    keys = source.files if persons is None else [person.decode() for person in persons.tolist()]
    return [f"{source.attributes['source']}/{key}" for key in keys]


def _agreeing(sources: Sequence[Prepared], pixels: Sequence[bytes]) -> np.ndarray:
    """(N,) whether an image equals none with another label or group; says how many do."""
    first = equal.others(pixels)
    facts = [np.concatenate([getattr(source, name) for source in sources]) for name in ("labels", "groups")]
    conflicts = equal.conflicting(first, facts)
    say(equal.count_line(first), equal.conflict_line(conflicts))
    return ~conflicts


def _by_source(column: np.ndarray, sources: Sequence[Prepared]) -> list[np.ndarray]:
    return np.split(column, np.cumsum([len(source) for source in sources])[:-1])


def _parts(source: Prepared, split: np.ndarray, kept: np.ndarray, dtypes: dict) -> Iterator[tuple[int, tuple]]:
    """The images of a source that are kept, in chunks: how many, and what the writer takes of them."""
    columns, every = _columns(source, dtypes), np.flatnonzero(kept)
    for first in range(0, len(every), CHUNK):
        rows = every[first : first + CHUNK]
        part = {name: column[rows] for name, column in columns.items()}
        yield len(rows), (source.images[rows], source.labels[rows], split[rows], source.groups[rows], part)


def _opened(path: Path, label: int) -> Prepared:
    if hdf5.kind_of(path) == hdf5.DATASET:
        raise InputError(f"{path}: a data set with splits already: train on it as it is, with --train")
    source = open_prepared(path)
    source.dataset()  # refuses whole images
    if np.any(source.labels != label):
        wanted, other = ("positives", "negatives")[:: 1 if label else -1]
        raise InputError(f"{path}: not all of it are {wanted}: pass it to --{other}")
    return source


def _check(sources: Sequence[Prepared], positives, negatives) -> None:
    if not positives or not negatives:
        raise InputError("two classes are needed: give at least one file each to --positives and --negatives")
    first = sources[0]
    for other in sources:
        if other.images.shape[1:] != first.images.shape[1:]:
            raise InputError(
                f"{other.path} holds images of {other.images.shape[1:]}, {first.path} of {first.images.shape[1:]}: "
                "prepare both with the same --size"
            )
    names = [str(source.path.resolve()) for source in sources]
    if len(set(names)) < len(names):
        raise InputError("a file is given twice: leave one out")


def _group_names(sources: Sequence[Prepared]) -> tuple[str, ...]:
    """Of the positives: those of the file that has most, among which all others' must be."""
    positives = [source for source in sources if source.labels.any()]
    most = max(positives, key=lambda source: len(source.group_names))
    for source in positives:
        if not set(source.group_names) <= set(most.group_names) or bool(source.group_names) != bool(most.group_names):
            raise InputError(
                f"{source.path} has {_listed(source.group_names)}, {most.path} {_listed(most.group_names)}: "
                "merge files with the same groups, or leave them out with --no-groups"
            )
    return most.group_names


def _listed(names: Sequence[str]) -> str:
    return f"the groups {', '.join(names)}" if names else "no groups"


def _regrouped(source: Prepared, names: tuple[str, ...]) -> Prepared:
    """The source with its groups among `names`; with none where it has no such groups."""
    index = np.array([names.index(name) if name in names else NO_GROUP for name in source.group_names] + [NO_GROUP])
    return dataclasses.replace(source, groups=index[source.groups].astype(np.int8), group_names=names)


def _dtypes(sources: Sequence[Prepared]) -> dict[str, str]:
    """Factor name -> the dtype that holds it for all sources, with room for NaN where one lacks it."""
    every = {name: [] for source in sources for name in source.factors}
    for source in sources:
        for name, column in source.factors.items():
            every[name].append(column.dtype)
    return {name: _joint(name, dtypes, len(dtypes) < len(sources)) for name, dtypes in every.items()}


def _joint(name: str, dtypes: Sequence[np.dtype], lacking: bool) -> str:
    if len({dtype.kind == "S" for dtype in dtypes}) > 1:  # as the age is, of UTKFace and of FairFace: text for all
        dtypes = [dtype if dtype.kind == "S" else np.zeros(0, dtype).astype("S").dtype for dtype in dtypes]
    joint = np.result_type(*dtypes)
    return (np.result_type(joint, np.float32) if lacking and joint.kind != "S" else joint).str


def _columns(source: Prepared, dtypes: dict[str, str]) -> dict[str, np.ndarray]:
    absent = {name: b"" if np.dtype(dtype).kind == "S" else np.nan for name, dtype in dtypes.items()}
    return {
        name: source.factors[name].astype(dtype)
        if name in source.factors
        else np.full(len(source), absent[name], dtype)
        for name, dtype in dtypes.items()
    }


def _attributes(sources: Sequence[Prepared], seed: int) -> dict[str, object]:
    kept = ("source", "revision", "skipped", "lists_sha256", "images_sha256")
    told = [{n: _plain(source.attributes[n]) for n in kept if n in source.attributes} for source in sources]
    return {"seed": seed, "sources": json.dumps(told)}


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value
