"""What sounds when a tune is played: notes in time, repeats and endings carried out, at the pace of its kind."""

import dataclasses
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from labs.music.form import unfold
from labs.music.notation import Tune, timed

_SEMITONES = dict(zip("CDEFGAB", (60, 62, 64, 65, 67, 69, 71), strict=True))  # MIDI: C, is one octave below, c above
_SIGNS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
_SHARPS = "FCGDAEB"  # in the order in which keys get them
_MODES = {"": 0, "m": -3, "dor": -2, "mix": -1, "lyd": 1, "phr": -4}  # sharps more than the major key of this tonic
# Beats a minute as dancers want them, and how long a beat is, in whole notes.
_PACES = {
    "jig": 115,
    "slip jig": 115,
    "slide": 125,
    "reel": 110,
    "polka": 125,
    "hornpipe": 80,
    "clog": 75,
    "fling": 80,
    "strathspey": 66,
    "march": 96,
    "waltz": 140,
    "air": 60,
}
_USUAL_PACE = 100
_BEATS = {"C": "1/2", "C|": "1/2", "2/4": "1/4", "3/4": "1/4", "3/8": "1/8", "6/8": "3/8", "9/8": "3/8"}


class Note(NamedTuple):
    """A note that sounds.

    Attributes:
        start, length: in whole notes.
        pitch: MIDI number, 60 is the middle C.
    """

    start: Fraction
    length: Fraction
    pitch: int


def notes(tune: Tune) -> list[Note]:
    """All notes of a tune in the order in which they sound.

    An accidental holds to the end of its bar, for this letter in all octaves (ABC 2.1's default); tied notes are one.

    Raises:
        NotationError: repeats or endings that nobody could follow.
    """
    found: list[Note] = []
    now, before, tied = Fraction(0), "", False
    for token, length, pitch in _sounding(dataclasses.replace(tune, body=unfold(tune.body))):
        if token["tie"]:
            tied = True
        elif token["note"]:
            name = token["note"].lstrip("^_=")
            if tied and name == before and (token["note"] == name or pitch == found[-1].pitch):
                found[-1] = found[-1]._replace(length=found[-1].length + length)
            elif pitch is not None:
                found.append(Note(now, length, pitch))
            now, before, tied = now + length, name, False
    return found


def with_accidentals(tune: Tune) -> Tune:
    """The tune with every accidental written out: music21 forgets within a bar what an earlier note says."""
    signature, body = key_signature(tune.key), []
    for token, _, pitch in _sounding(tune):
        name = token["note"].lstrip("^_=") if token["note"] else ""
        if pitch is None or pitch == _natural(name) + signature[name[0].upper()]:
            body.append(token[0])
        else:
            sign = next(sign for sign, steps in _SIGNS.items() if steps == pitch - _natural(name))
            body.append(sign + name + token["length"])
    return dataclasses.replace(tune, body="".join(body))


def tempo(tune: Tune) -> tuple[Fraction, int]:
    """How long a beat is, in whole notes, and how many there are in a minute: a jig has 115 dotted crotchets."""
    return Fraction(_BEATS[tune.metre]), _PACES.get(tune.kind, _USUAL_PACE)


def key_signature(key: str) -> dict[str, int]:
    """Letter -> 1 where the key sharpens it, -1 where it flattens it."""
    tonic, accidental, mode = re.fullmatch("([A-G])([#b]?)(.*)", key).groups()
    sharps = _SHARPS.index(tonic) - 1 + {"#": 7, "b": -7, "": 0}[accidental] + _MODES[mode]
    return {letter: (_SHARPS.index(letter) < sharps) - (6 - _SHARPS.index(letter) < -sharps) for letter in _SHARPS}


def keynote(key: str) -> int:
    """Semitones of a key's first note above C, 0 to 11."""
    letter, accidental = re.match("([A-G])([#b]?)", key).groups()
    return (_SEMITONES[letter] + {"#": 1, "b": -1, "": 0}[accidental]) % 12


def _sounding(tune: Tune) -> Iterator[tuple[re.Match, Fraction, int | None]]:
    """Token, length and pitch as written, from bar to bar; the pitch of what does not sound is None."""
    signature = key_signature(tune.key)
    altered = dict(signature)
    for token, length in timed(tune):
        if token["bar"]:
            altered = dict(signature)
        sounds = token["note"] and token["note"] != "z"
        yield token, length, _pitch(token["note"], altered) if sounds else None


def _pitch(note: str, altered: dict[str, int]) -> int:
    """MIDI number; a note's own accidental is kept in `altered`."""
    name = note.lstrip("^_=")
    if sign := note.removesuffix(name):
        altered[name[0].upper()] = _SIGNS[sign]
    return _natural(name) + altered[name[0].upper()]


def _natural(name: str) -> int:
    """MIDI number of a note without any accidental, such as `C,` or `g'`."""
    return _SEMITONES[name[0].upper()] + 12 * (name[0].islower() + name.count("'") - name.count(","))
