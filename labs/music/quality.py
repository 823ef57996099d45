"""How good generated tunes are: whether they can be read, keep their metre, and are not copies."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from debias.errors import InputError
from labs.music import performance
from labs.music.notation import NotationError, Tune, bar_lengths, metre_length, parse
from labs.music.playing import score


@dataclasses.dataclass(frozen=True)
class Quality:
    """Measurements over a set of tunes; none is filtered out before.

    Attributes:
        tunes: how many.
        parse_rate: share that can be read and played, by our reader and by music21's.
        ended: share that the model ended by itself.
        full_bars: share of bars that are as long as the metre says; those of unreadable tunes count as wrong. Pick-ups
            and endings are short in real tunes too.
        exact_copies: tunes whose body is that of a training tune.
        longest_common_run: characters of the longest passage that stands in a training tune, the longest of all tunes.
        median_common_run: the same for the tune in the middle.
    """

    tunes: int
    parse_rate: float
    ended: float
    full_bars: float
    exact_copies: int
    longest_common_run: int
    median_common_run: int


def measure(texts: Sequence[str], training: Sequence[Tune], longest: int) -> Quality:
    """Quality of tunes, each a text of header and body, against the training tunes.

    Args:
        longest: characters at which generation is cut off.
    """
    bodies = [text.split("\n", 4)[-1] for text in texts]
    known = {tune.body for tune in training}
    runs = common_runs(bodies, [tune.body for tune in training])
    return Quality(
        tunes=len(texts),
        parse_rate=float(np.mean([is_readable(text) for text in texts])),
        ended=float(np.mean([len(text) < longest - 1 for text in texts])),
        full_bars=full_bars(texts),
        exact_copies=sum(body in known for body in bodies),
        longest_common_run=int(runs.max()),
        median_common_run=int(np.median(runs)),
    )


def is_readable(text: str) -> bool:
    """Whether it can be played: our reader finds its way through repeats and endings, and music21 finds notes too."""
    try:
        return bool(performance.notes(parse(f"X:1\n{text}\n")) and score(f"X:1\n{text}\n"))
    except InputError:
        return False


def full_bars(texts: Sequence[str]) -> float:
    """Share of all bars that are as long as the metre says."""
    counts = np.array([_bars(text) for text in texts])  # (N, 2): full, all
    return float(counts[:, 0].sum() / max(counts[:, 1].sum(), 1))


def common_runs(texts: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """(N,) int: characters of the longest passage of each text that stands somewhere in one of the others."""
    joined = "\n".join(others)
    return np.array([_longest_run(text, joined) for text in texts])


def _bars(text: str) -> tuple[int, int]:
    """Full bars and all bars of a tune."""
    try:
        tune = parse(f"X:1\n{text}")
        lengths, full = bar_lengths(tune), metre_length(tune.metre)
    except NotationError:
        return 0, max(1, text.count("|"))
    return sum(_rounded(length) == _rounded(full) for length in lengths), len(lengths)


def _rounded(length: Fraction) -> Fraction:
    return length.limit_denominator(1000)


def _longest_run(text: str, joined: str) -> int:
    longest = 0
    for start in range(len(text)):
        while start + longest < len(text) and text[start : start + longest + 1] in joined:
            longest += 1
    return longest
