"""Where in the form of a tune each character stands: what a reader who counts bars and notes would know.

All of it follows from the characters up to there. So the probability of a tune means the same with it and without, and
bits per character can be compared.
"""

import itertools

import numpy as np

from debias.backend import keras, tf
from labs.music.stepwise import Stepwise
from labs.music.vectoriser import PADDING, Vocabulary

COUNTS = {  # what is counted -> how many counts are told apart; what goes beyond is the last
    "bars of the section": 32,
    "plain notes of the section": 160,
    "quarters of a plain note in the bar": 64,
    "within a first ending": 2,
    "bars the same as one bar earlier": 4,
    "bars the same as two bars earlier": 4,
}
_BAR = 1 << 10  # a bar in a place's number: more than the characters of one
_TUPLETS = {"2": 4, "3": -4, "4": -4, "6": -16, "8": -20}  # quarters that a tuplet of plain notes is longer than these


@keras.saving.register_keras_serializable("labs.music")
class Places(Stepwise, keras.layers.Layer):
    """Characters (B, T) int32 -> eight numbers for each, (B, T, 8) int32; `names` says what they are.

    The first two are characters. Each count has numbers of its own behind theirs, so one table of `size` vectors holds
    a vector for all.

    Args:
        characters: of the vocabulary.
    """

    names = ("the character", "the keynote", *COUNTS)
    grows = True

    def __init__(self, characters: str, **options):
        super().__init__(**options)
        self.characters, self.pairs = characters, tf.constant(pairs(characters))
        sizes = [len(Vocabulary(characters)), *COUNTS.values()]
        self.size, self.firsts = sum(sizes), np.cumsum(sizes[:-1], dtype=np.int32)

    def get_config(self):
        return super().get_config() | {"characters": self.characters}

    def call(self, numbers):
        quarters, bars, sections, endings, keys = tf.unstack(tf.cumsum(self._added(numbers), 1), axis=-1)
        counts = [
            since(bars, sections),
            since(quarters, sections) // 4,
            since(quarters, bars),
            since(endings, sections),
            *(since(bars, tf.cumsum(differs(numbers, bars, ago), 1)) for ago in (1, 2)),
        ]
        counts = tf.clip_by_value(tf.stack(counts, -1), 0, np.array([*COUNTS.values()]) - 1) + self.firsts
        return tf.concat([numbers[..., None], following(numbers, keys)[..., None], counts], -1)

    def first_state(self, count: int) -> tf.Tensor:
        """What has been read before the first character, (B, 0) int32."""
        return tf.zeros((count, 0), tf.int32)

    def step(self, number: tf.Tensor, read: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The numbers (B, 8) of one more character (B,), and all that has been read by now."""
        read = tf.concat([read, number[:, None]], 1)
        return self(read)[:, -1], read

    def refused(self, read: tf.Tensor) -> tf.Tensor:
        """The character that would begin a fourth equal bar of a section behind what was read, or padding, (B,)."""
        begins = self._added(read)[..., 1]
        bars = tf.cumsum(begins, 1)
        lengths = tf.pad(offsets(bars), [[0, 0], [1, 0]])[:, :-1]  # at a bar line, of the bar that it ends
        unlike = differs(tf.where(begins == 1, -lengths, read), bars, 1)
        equal = since(bars - begins, tf.cumsum(unlike, 1))[:, -1]
        began = following(read, bars)[:, -2:][:, 0]  # the bar that is over, if one is
        return tf.where((begins[:, -1] == 1) & (equal >= 2), began, PADDING)

    def _added(self, numbers):
        """What each character adds behind the one before it, (B, T, 5)."""
        before = tf.pad(numbers, [[0, 0], [1, 0]])[:, :-1]
        return tf.gather_nd(self.pairs, tf.stack([before, numbers], -1))


def since(total: tf.Tensor, starts: tf.Tensor) -> tf.Tensor:
    """How much of a running total came since the last start, (B, T) int32.

    Args:
        total: (B, T) int32.
        starts: (B, T) int32, how many starts there were up to there.
    """
    return total - tf.gather(total, tf.searchsorted(starts, starts), batch_dims=1)


def following(numbers: tf.Tensor, starts: tf.Tensor) -> tf.Tensor:
    """The character behind the last start, (B, T) int32; at the start itself, the one that stands there."""
    here = tf.range(tf.shape(numbers)[1])
    return tf.gather(numbers, tf.minimum(tf.searchsorted(starts, starts) + 1, here), batch_dims=1)


def offsets(bars: tf.Tensor) -> tf.Tensor:
    """How many characters behind the beginning of its bar each one stands, (B, T) int32."""
    return since(tf.zeros_like(bars) + tf.range(tf.shape(bars)[1]), bars)


def differs(numbers: tf.Tensor, bars: tf.Tensor, ago: int) -> tf.Tensor:
    """(B, T) int32: 1 where the bar so many bars ago has another character at the same place, or there is no such bar.

    Args:
        bars: (B, T) int32, how many bars have begun up to there.
    """
    place = _BAR * bars + offsets(bars)  # never falls
    earlier = tf.gather(numbers, tf.searchsorted(place, place - _BAR * ago), batch_dims=1)
    return tf.cast((earlier != numbers) | (bars < ago), tf.int32)


def pairs(characters: str) -> np.ndarray:
    """(V, V, 5) int32: `pair` of every two numbers of a vocabulary; padding and the mark are no characters."""
    vocabulary = Vocabulary(characters)
    known = dict(zip(vocabulary.encode(characters).tolist(), characters, strict=True))
    table = np.zeros((len(vocabulary), len(vocabulary), 5), np.int32)
    for before, number in itertools.product(range(len(vocabulary)), known):
        table[before, number] = pair(known.get(before, ""), known[number])
    return table


def pair(before: str, character: str) -> tuple[int, ...]:
    """What a character adds behind another: quarters of a plain note, bars, sections, first endings, fields of the key.

    A double bar and each sign of repeat begin a section, and so does the end of a line of the header.
    """
    both = before + character
    section = character == "\n" or both in (":|", "||", "|:", "::")
    return _quarters(before, character), int(section or character == "|"), int(section), int(both == "|1"), both == "K:"


def _quarters(before: str, character: str) -> int:
    """A letter is a note, a number behind it makes it so many times as long, a slash halves it."""
    if character == "/":
        return -2 * int(before) if before.isdecimal() else -1 if before == "/" else -2
    if not character.isdecimal():
        return 4 * (character in "abcdefgABCDEFGz")
    if before.isdecimal():
        return 4 * (int(character) + 9 * int(before))
    return {"|": 0, "(": _TUPLETS.get(character, 0), "/": -int(character == "4")}.get(before, 4 * (int(character) - 1))
