"""Irish and Scottish dance tunes from three collections, without duplicates, split by tune."""

import collections
import dataclasses
import json
import re
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from debias.data import packages
from debias.data.sources.photographs import ARCHIVE, ARCHIVE_SHA256, REQUIREMENT
from debias.errors import InputError
from debias.files import write_text
from labs.music.form import unfold
from labs.music.notation import NotationError, Tune, parse, pitches, without_mark

_SOURCE_PACKAGE = ("--use-pep517", "--no-binary", "mitdeeplearning")
COURSE = "MIT 6.S191"  # the collection that has to be downloaded
FORMAT = 3  # of the cached file: raise it when what is kept of a tune changes
_SHINGLE = 8  # steps of melody that are compared at once
_NEAR = 0.5  # share of the shorter melody's shingles that make two tunes near-identical
_SHORTEST = 40  # characters of body
_HELD_OUT = 0.08  # of the tunes, for validation and again for the test


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Tunes in the plain form, split by tune, and what was left out.

    Attributes:
        train, validation, test: tunes; no melody is in two of them.
        found: tunes per collection before anything was left out.
        skipped: tunes left out per reason.
    """

    train: tuple[Tune, ...]
    validation: tuple[Tune, ...]
    test: tuple[Tune, ...]
    found: dict[str, int]
    skipped: dict[str, int]
    parts = ("train", "validation", "test")

    def __str__(self) -> str:
        sizes = ", ".join(f"{name} {len(getattr(self, name)):,}" for name in self.parts)
        return f"{sum(self.found.values()):,} tunes found, {sum(self.skipped.values()):,} left out; {sizes}"


def load(cache: Path, seed: int = 0) -> Corpus:
    """The corpus, from `cache` when it has been read before.

    Raises:
        InputError: no tune is left.
    """
    path = Path(cache) / f"music-{FORMAT}.json"
    if not path.is_file():
        texts = collections_of_abc(cache)
        if COURSE not in texts:  # a name of its own, so that a call with a network reads all of them
            path = path.with_stem(f"{path.stem}-without-course")
        if not path.is_file():
            tunes, found, skipped = read(texts)
            write_text(path, json.dumps([[dataclasses.astuple(tune) for tune in tunes], found, skipped]))
    tunes, found, skipped = json.loads(path.read_text(encoding="utf-8"))
    return split([Tune(*tune) for tune in tunes], found, skipped, seed)


def split(tunes: Sequence[Tune], found: dict[str, int], skipped: dict[str, int], seed: int = 0) -> Corpus:
    """Deal the tunes at random: 84 % for training, 8 % each for validation and test.

    Raises:
        InputError: fewer than three tunes.
    """
    if len(tunes) < 3:
        raise InputError(f"corpus of {len(tunes)} tunes: at least three are needed, check the ABC files")
    order = np.random.default_rng(seed).permutation(len(tunes))
    held_out = max(1, round(_HELD_OUT * len(tunes)))
    parts = np.split(order, [held_out, 2 * held_out])
    test, validation, train = (tuple(tunes[index] for index in part) for part in parts)
    return Corpus(train, validation, test, found, skipped)


def read(texts: dict[str, str]) -> tuple[list[Tune], dict[str, int], dict[str, int]]:
    """Parse collections of ABC text by name: tunes, number found per collection, number skipped per reason."""
    tunes, skipped = [], collections.Counter()
    found = {}
    for name, text in texts.items():
        pieces = pieces_of(text)
        found[name] = len(pieces)
        for piece in pieces:
            try:
                tunes.append(_playable(parse(piece)))
            except NotationError as error:
                skipped[str(error)] += 1
    kept = without_duplicates(tunes)
    skipped["same melody as another tune, or nearly"] = len(tunes) - len(kept)
    return kept, found, dict(skipped.most_common())


def pieces_of(text: str) -> list[str]:
    """The tunes of an ABC file: each begins with its X: field."""
    pieces = re.split(r"^(?=X:)", without_mark(text), flags=re.MULTILINE)
    return [piece for piece in pieces if piece.startswith("X:")]


def without_duplicates(tunes: Iterable[Tune]) -> list[Tune]:
    """The tunes whose melody does not occur before in the list, in any key.

    Two melodies are the same if one half of the shorter one's runs of eight steps (from note to note of the scale,
    lengths and accidentals ignored) are in the other.
    """
    kept: list[Tune] = []
    sizes: list[int] = []
    owners: dict[tuple, list[int]] = collections.defaultdict(list)
    for tune in tunes:
        shingles = melody_shingles(tune)
        shared = collections.Counter(owner for shingle in shingles for owner in owners.get(shingle, ()))
        if any(count >= _NEAR * min(len(shingles), sizes[owner]) for owner, count in shared.items()):
            continue
        for shingle in shingles:
            owners[shingle].append(len(kept))
        sizes.append(len(shingles))
        kept.append(tune)
    return kept


def melody_shingles(tune: Tune) -> set[tuple[int, ...]]:
    """All runs of eight steps of the melody; a step is the distance of two notes on the scale."""
    heights = np.array([_height(pitch) for pitch in pitches(tune.body)])
    steps = np.diff(heights)
    return {tuple(run) for run in np.lib.stride_tricks.sliding_window_view(steps, _SHINGLE).tolist()}


def collections_of_abc(cache: Path) -> dict[str, str]:
    """ABC text by collection: O'Neill's and Ryan's come with music21, the course's tunes are downloaded if possible."""
    texts = {
        "O'Neill's Music of Ireland": _music21_folder("oneills1850"),
        "Ryan's Mammoth Collection": _music21_folder("ryansMammoth"),
    }
    try:
        texts[COURSE] = _course_tunes(cache)
    except InputError as error:
        print(f"without the course's tunes: {error}")
    return texts


def _music21_folder(name: str) -> str:
    import music21  # takes a second to import

    folder = Path(music21.__file__).parent / "corpus" / name
    files = sorted(folder.glob("*.abc"))
    if not files:
        raise InputError(f"{folder}: no ABC files: install the pinned music21 again")
    return "\n".join(path.read_text(encoding="latin-1") for path in files)


def _course_tunes(cache: Path) -> str:
    archive = packages.fetch(REQUIREMENT, ARCHIVE, ARCHIVE_SHA256, cache, _SOURCE_PACKAGE)
    with tarfile.open(archive) as files:
        return files.extractfile(f"{ARCHIVE.removesuffix('.tar.gz')}/mitdeeplearning/data/irish.abc").read().decode()


def _playable(tune: Tune) -> Tune:
    unfold(tune.body)  # refuses repeats that nobody could follow
    if len(tune.body) < _SHORTEST or len(pitches(tune.body)) <= _SHINGLE:
        raise NotationError("hardly any notes")
    return tune


def _height(pitch: str) -> int:
    letter = pitch.lstrip("^_=")
    return "CDEFGABcdefgab".index(letter[0]) + 7 * (letter.count("'") - letter.count(","))
