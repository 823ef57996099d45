"""What form tunes have, in numbers: sections, repeats, the last note, bars that come again, and how far notes reach.

Each measure is an array (N, 2): for each tune a numerator and a denominator, so that tunes can be resampled. Where a
tune cannot be read as far as a measure needs it, it counts as one that does not have what is measured.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from debias.metrics import wilson
from labs.music import performance
from labs.music.form import written_bars
from labs.music.notation import NotationError, Tune, metre_length, parse, timed

USUAL = (4, 8, 16)  # bars of a section to which people dance
RUN = 4  # equal bars in a row
RESAMPLES = 10_000
_ENDS = (":|", "::", "|:", "||")  # bar lines at which a section is over


@dataclasses.dataclass(frozen=True)
class Section:
    """What stands between two double bars or signs of repeat; a second ending does not make it longer.

    Attributes:
        bars: how long it is. A pick-up and the short bar that it is taken from are one bar together.
        repeated: whether it is played twice.
    """

    bars: Fraction
    repeated: bool


@dataclasses.dataclass(frozen=True)
class Measure:
    """A measure over tunes, and its 95 % interval: Wilson's for a share of tunes, else by resampling tunes."""

    value: float
    low: float
    high: float


def measure(texts: Sequence[str], seed: int = 0) -> dict[str, Measure]:
    """Name of each of `MEASURES` -> what it is for these tunes, each a text of header and body."""
    return {name: interval(of_tunes(texts, of_tune), seed) for name, of_tune in MEASURES.items()}


def distance(found: Mapping[str, Measure], wanted: Mapping[str, Measure]) -> float:
    """How far measures are from those that are wanted: the mean difference of all that are shares, 0 to 1."""
    return float(np.mean([abs(found[name].value - wanted[name].value) for name in MEASURES if name != "reach"]))


def of_tunes(texts: Sequence[str], of_tune: Callable[[Tune], tuple[float, float]]) -> np.ndarray:
    """(N, 2) float64: numerator and denominator of each tune; 0 of 1 where it cannot be read."""
    return np.array([_readable(text, of_tune) for text in texts], np.float64)


def interval(parts: np.ndarray, seed: int = 0) -> Measure:
    """The sum of the numerators over that of the denominators, and its interval, of (N, 2) numbers of tunes.

    All three are NaN where there is nothing to measure.
    """
    if not parts[:, 1].any():
        return Measure(np.nan, np.nan, np.nan)
    value = parts[:, 0].sum() / parts[:, 1].sum()
    if np.all(parts[:, 1] == 1) and np.isin(parts[:, 0], (0, 1)).all():
        low, high = np.array(wilson(value, len(parts))) / 100
    else:
        drawn = np.random.default_rng(seed).multinomial(len(parts), np.full(len(parts), 1 / len(parts)), RESAMPLES)
        sums = drawn @ parts  # (R, 2): how often each tune is drawn, times its numbers
        low, high = np.percentile(sums[:, 0] / np.maximum(sums[:, 1], 1), (2.5, 97.5))
    return Measure(float(value), float(low), float(high))


def sections(tune: Tune) -> list[Section]:
    """The sections of a tune as it is written.

    Raises:
        NotationError: a symbol outside the plain form.
    """
    found, length, repeated, counted = [], Fraction(0), False, True
    for sign, time in [*((token[0] if token["bar"] else "", time) for token, time in timed(tune)), ("||", 0)]:
        repeated |= sign in (":|", "::", "|2", ":|2")
        counted &= sign not in ("|2", ":|2")
        length += time * counted
        if sign in _ENDS and length:
            found.append(Section(length / metre_length(tune.metre), repeated))
            length, repeated, counted = Fraction(0), False, True
    return found


def playable(tune: Tune) -> tuple[int, int]:
    """1 for a tune with notes, whose repeats and endings can be followed."""
    return int(bool(performance.notes(tune))), 1


def usual_sections(tune: Tune) -> tuple[int, int]:
    """Sections of 4, 8 or 16 bars, and all; what is left over by less than half a bar is not counted."""
    found = sections(tune)
    return sum(round(section.bars) in USUAL for section in found), len(found)


def two_parts(tune: Tune) -> tuple[int, int]:
    """1 for a tune of two parts, each played twice: AABB."""
    return int([section.repeated for section in sections(tune)] == [True, True]), 1


def cadence(tune: Tune) -> tuple[int, int]:
    """1 for a tune that ends on the keynote."""
    notes = performance.notes(tune)
    return int(bool(notes) and notes[-1].pitch % 12 == performance.keynote(tune.key)), 1


def equal_run(tune: Tune) -> tuple[int, int]:
    """1 for a tune that has four equal bars in a row."""
    bars = written_bars(tune.body)
    return int(any(len(set(bars[start : start + RUN])) == 1 for start in range(len(bars) - RUN + 1))), 1


def distinct_bars(tune: Tune) -> tuple[int, int]:
    """How many different bars it has, and how many bars."""
    bars = written_bars(tune.body)
    return len(set(bars)), len(bars)


def bars_again(tune: Tune) -> tuple[int, int]:
    """Bars that are equal to the one before, and bars that have one before."""
    bars = written_bars(tune.body)
    return sum(bar == before for before, bar in zip(bars, bars[1:], strict=False)), len(bars) - 1


def reach(tune: Tune) -> tuple[int, int]:
    """Semitones from the lowest to the highest note, of one tune."""
    pitches = [note.pitch for note in performance.notes(tune)]
    return max(pitches) - min(pitches) if pitches else 0, int(bool(pitches))


MEASURES = {
    "playable": playable,
    "usual_sections": usual_sections,
    "two_parts": two_parts,
    "cadence": cadence,
    "equal_run": equal_run,
    "bars_again": bars_again,
    "distinct_bars": distinct_bars,
    "reach": reach,
}


def _readable(text: str, of_tune: Callable[[Tune], tuple[float, float]]) -> tuple[float, float]:
    try:
        return of_tune(parse(f"X:1\n{text}\n"))
    except NotationError:
        return 0, int(of_tune is not reach)  # what cannot be played has none, not one of 0
