"""From ABC to what can be heard and seen, with packages from pip alone: MIDI, WAV and a printed score.

What sounds is decided in `labs.music.performance`; pretty_midi writes it as MIDI and makes sound of it, with FluidSynth
where that and a sound font are installed. music21 reads the notation and writes MusicXML, which verovio draws.
"""

import dataclasses
import re
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from debias.errors import InputError
from debias.files import replacing, write_text
from labs.music import performance
from labs.music.notation import parse

RATE = 16_000  # samples a second: enough for four overtones of the highest note
PEAK = 0.9  # of full scale
FADE = 0.75  # seconds at the end in which the sound dies away


@dataclasses.dataclass(frozen=True)
class Sound:
    """Measurements of a tune's sound.

    Attributes:
        seconds: duration.
        lowest, highest: pitch in Hz of the notes.
        peak: largest amplitude, 1 is full scale.
        loudness: root mean square amplitude.
    """

    seconds: float
    lowest: float
    highest: float
    peak: float
    loudness: float

    def __str__(self) -> str:
        return f"{self.seconds:.0f} seconds, notes from {self.lowest:.0f} to {self.highest:.0f} Hz"


def score(abc: str):
    """A tune in ABC as a music21 stream.

    Raises:
        InputError: music21 cannot read it, or finds no note in it.
    """
    import music21  # takes a second to import

    # It takes a letter before '::' for the name of a field, and drops what follows.
    apart = re.sub("([A-Za-z])::", r"\1 ::", abc)
    try:
        read = music21.converter.parse(apart, format="abc", forceSource=True)
        notes = len(read.recurse().notes)
    except Exception as error:  # of many types, depending on what is broken
        raise InputError(f"not a tune in ABC ({type(error).__name__}): look at its bars and its K: line") from error
    if not notes:
        raise InputError("a tune without notes: write some after its K: line")
    return read


def save_midi(abc: str, path: Path) -> None:
    """Write a tune as MIDI, at the pace of its kind or of its Q: field; InputError where it cannot be played."""
    import pretty_midi

    tune = parse(abc)
    found = performance.notes(tune)
    if not found:
        raise InputError("a tune without notes: write some after its K: line")
    beat, pace = _tempo(abc) or performance.tempo(tune)
    whole = float(60 / (pace * beat))  # seconds of a whole note
    played = pretty_midi.PrettyMIDI(initial_tempo=240 / whole)
    played.instruments.append(pretty_midi.Instrument(program=0))
    played.instruments[0].notes = [
        pretty_midi.Note(100, note.pitch, whole * float(note.start), whole * float(note.start + note.length))
        for note in found
    ]
    with replacing(path) as temporary:
        played.write(str(temporary))


def save_wav(midi: Path, path: Path) -> Sound:
    """Write a MIDI file as WAV, mono, 16 bits, with a fade at its end; returns what is measured of it."""
    import pretty_midi

    tune = pretty_midi.PrettyMIDI(str(midi))
    wave = waveform(tune)[: round(tune.get_end_time() * RATE)]
    faded = min(len(wave), round(FADE * RATE))
    wave[len(wave) - faded :] *= np.linspace(1, 0, faded)
    with replacing(path) as temporary:
        wavfile.write(temporary, RATE, np.round(wave * np.iinfo(np.int16).max).astype(np.int16))
    pitches = [note.pitch for part in tune.instruments for note in part.notes]
    lowest, highest = (float(pretty_midi.note_number_to_hz(pitch)) for pitch in (min(pitches), max(pitches)))
    return Sound(len(wave) / RATE, lowest, highest, float(np.abs(wave).max()), float(np.sqrt(np.mean(wave**2))))


def waveform(tune) -> np.ndarray:
    """(T,) float64 in [-0.9, 0.9]: the sound of a PrettyMIDI object."""
    try:
        wave = tune.fluidsynth(RATE)
    except Exception:  # not installed, or no sound font: which error that is depends on its version
        wave = tune.synthesize(RATE, wave=_string)
    return PEAK * wave / max(np.abs(wave).max(), 1e-9)


def as_svg(abc: str) -> str:
    """The printed score of a tune, one page, as SVG; InputError where it cannot be read."""
    import verovio

    written = performance.with_accidentals(parse(abc)).abc(_title(abc))
    with tempfile.TemporaryDirectory() as folder:
        path = score(written).write("musicxml", Path(folder) / "tune.musicxml")
        toolkit = verovio.toolkit()
        toolkit.setOptions({"pageWidth": 1600, "adjustPageHeight": True, "scale": 40, "footer": "none"})
        toolkit.loadFile(str(path))  # verovio's own reader of ABC can abort the whole process
        return toolkit.renderToSVG(1)


def save(abc: str, folder: Path, name: str) -> Sound:
    """Write a tune as `<name>.abc`, `.mid`, `.wav` and `.svg`."""
    beat, pace = _tempo(abc) or performance.tempo(parse(abc))
    write_text(folder / f"{name}.abc", abc if _tempo(abc) else abc.replace("\nK:", f"\nQ:{beat}={pace}\nK:", 1))
    save_midi(abc, folder / f"{name}.mid")
    write_text(folder / f"{name}.svg", as_svg(abc))
    return save_wav(folder / f"{name}.mid", folder / f"{name}.wav")


def _title(abc: str) -> str:
    found = re.search(r"^T:(.+)$", abc, re.MULTILINE)
    return found[1].strip() if found else ""


def _tempo(abc: str) -> tuple[Fraction, int] | None:
    """Beat and beats a minute of the Q: field, such as Q:3/8=115, if there is one."""
    found = re.search(r"^Q:\s*(\d+/[1-9]\d*)\s*=\s*([1-9]\d{0,2})\b", abc, re.MULTILINE)
    return (Fraction(found[1]), int(found[2])) if found and Fraction(found[1]) else None


def _string(phase: np.ndarray) -> np.ndarray:
    """A tone with overtones, softer than pretty_midi's plain sine is dull."""
    return sum(np.sin(n * phase) / n**2 for n in (1, 2, 3, 4))
