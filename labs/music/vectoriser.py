"""Characters to numbers and back."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from debias.errors import InputError
from debias.files import write_text
from labs.music.notation import Tune

PADDING, MARK = 0, 1  # the mark stands before a tune, where it says 'begin', and after it, where it says 'end'
_FIRST = 2  # number of the first character


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """All characters of a corpus, in alphabetical order; the numbers 0 and 1 are padding and the mark."""

    characters: str

    def __post_init__(self):
        if not self.characters:
            raise InputError("empty corpus: a vocabulary needs at least one tune")

    def __len__(self) -> int:
        return len(self.characters) + _FIRST

    def encode(self, text: str) -> np.ndarray:
        """Numbers (T,) int32 of a text of T characters.

        Raises:
            InputError: a character that no training tune has.
        """
        unknown = sorted(set(text) - set(self.characters))
        if unknown:
            known = self.characters.replace("\n", "")
            raise InputError(f"unknown characters {''.join(unknown)!r} in {_short(text)!r}: use only {known}")
        return np.array([self.characters.index(character) for character in text], np.int32) + _FIRST

    def decode(self, numbers: Iterable[int]) -> str:
        """The text up to its closing mark; padding and a mark at the beginning are left out."""
        numbers = np.asarray(numbers)
        numbers = numbers[1:] if len(numbers) and numbers[0] == MARK else numbers
        ends = np.flatnonzero(numbers == MARK)
        numbers = numbers[: ends[0]] if len(ends) else numbers
        return "".join(self.characters[number - _FIRST] for number in numbers if number != PADDING)

    def sequence(self, tune: Tune) -> np.ndarray:
        """Numbers (T,) int32 of a whole tune between its two marks."""
        return np.concatenate([[MARK], self.encode(tune.text), [MARK]]).astype(np.int32)


def vocabulary_of(tunes: Sequence[Tune]) -> Vocabulary:
    """All characters of these tunes; InputError when there are none."""
    return Vocabulary("".join(sorted(set().union(*(tune.text for tune in tunes)))))


def save(vocabulary: Vocabulary, path: Path) -> None:
    """Write a vocabulary."""
    write_text(path, vocabulary.characters)


def load(path: Path) -> Vocabulary:
    """A vocabulary that `save` wrote; InputError when it is missing."""
    try:
        return Vocabulary(path.read_bytes().decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no vocabulary: train the model again") from error


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
