"""Prepared faces and prepared non-faces -> one training file with train, validation and test."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from debias.data import dataset
from debias.data.dataset import NO_GROUP
from debias.data.lists import assigned
from debias.data.prepared import Prepared, open_prepared
from debias.errors import InputError
from debias.progress import progress_bar

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
) -> None:
    """Join prepared files into the data set `out`: 80 % train, 10 % validation, 10 % test.

    A hash of `seed`, of the source and of the person, or of the file's name where persons are not told apart, decides:
    nobody is in two splits, and adding images moves none of the others. Groups are kept where all positives have the
    same ones, factors where a source has them; what another lacks is NaN or empty there.

    Args:
        groups: keep groups; False leaves them out, as factors keep what they were made of.

    Raises:
        InputError: `out` exists, a file is not prepared, holds whole images or the other class, sizes differ, or a
            split lacks a class or a group.
    """
    out = Path(out)
    if out.exists() and not overwrite:
        raise InputError(f"{out}: exists already: choose another --out or pass --overwrite")
    sources = [_opened(path, label) for label, paths in ((1, positives), (0, negatives)) for path in paths]
    _check(sources, positives, negatives)
    names = _group_names(sources) if groups else ()
    dtypes = _dtypes(sources)
    shape, count = sources[0].images.shape[1:], sum(map(len, sources))
    with (
        dataset.create(out, count, shape, dtypes, names, _attributes(sources, seed)) as writer,
        progress_bar(Console(stderr=True)) as progress,
    ):
        task, start = progress.add_task("merging", total=count), 0
        for source in sources:
            for rows, part in _parts(source, seed, dtypes, grouped=bool(names)):
                writer.write(start, *part)
                start += rows
                progress.advance(task, rows)


def split_of(source: Prepared, seed: int) -> np.ndarray:
    """(N,) uint8 index in dataset.SPLITS; equal persons, or names where those are not known, fall together."""
    persons = source.factors.get(IDENTITY)
    keys = source.files if persons is None else [person.decode() for person in persons.tolist()]
    return assigned([f"{source.attributes['source']}/{key}" for key in keys], SHARES, seed)


def _parts(source: Prepared, seed: int, dtypes: dict[str, str], grouped: bool) -> Iterator[tuple[int, tuple]]:
    """Images of a source in chunks: how many, and what the writer takes of them."""
    columns, split = _columns(source, dtypes), split_of(source, seed)
    groups = source.groups if grouped else np.full(len(source), NO_GROUP, np.int8)
    for first in range(0, len(source), CHUNK):
        rows = slice(first, first + CHUNK)
        part = {name: column[rows] for name, column in columns.items()}
        yield len(split[rows]), (source.images[rows], source.labels[rows], split[rows], groups[rows], part)


def _opened(path: Path, label: int) -> Prepared:
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
    """Those of the positives where they are the same for all, else none."""
    names = {source.group_names for source in sources if source.labels.any()}
    return names.pop() if len(names) == 1 else ()


def _dtypes(sources: Sequence[Prepared]) -> dict[str, str]:
    """Factor name -> the dtype that holds it for all sources, with room for NaN where one lacks it."""
    every = {name: [] for source in sources for name in source.factors}
    for source in sources:
        for name, column in source.factors.items():
            every[name].append(column.dtype)
    return {name: _joint(name, dtypes, len(dtypes) < len(sources)) for name, dtypes in every.items()}


def _joint(name: str, dtypes: Sequence[np.dtype], lacking: bool) -> str:
    if len({dtype.kind == "S" for dtype in dtypes}) > 1:
        raise InputError(f"factor {name!r} is a number in one file and text in another: rename it in one of them")
    joint = np.result_type(*dtypes)
    return (np.result_type(joint, np.float32) if lacking and joint.kind != "S" else joint).str


def _columns(source: Prepared, dtypes: dict[str, str]) -> dict[str, np.ndarray]:
    absent = {name: b"" if np.dtype(dtype).kind == "S" else np.nan for name, dtype in dtypes.items()}
    return {
        name: source.factors[name] if name in source.factors else np.full(len(source), absent[name], dtype)
        for name, dtype in dtypes.items()
    }


def _attributes(sources: Sequence[Prepared], seed: int) -> dict[str, object]:
    kept = ("source", "revision", "skipped", "lists_sha256", "images_sha256")
    told = [{name: _plain(source.attributes[name]) for name in kept} for source in sources]
    return {"seed": seed, "sources": json.dumps(told)}


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value
