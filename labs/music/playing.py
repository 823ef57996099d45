"""From ABC to what can be heard and seen, with packages from pip alone: MIDI, WAV and a printed score.

music21 reads the notation and writes MIDI and MusicXML; pretty_midi's own synthesiser makes sound of the one, verovio
draws the other. FluidSynth is used where it and a sound font are installed.
"""

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from debias.errors import InputError
from debias.files import replacing, write_text

RATE = 22_050  # samples a second
PEAK = 0.9  # of full scale
SECONDS = 12.0  # of a saved tune: its first part


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


def score(abc: str):
    """A tune in ABC as a music21 stream.

    Raises:
        InputError: music21 cannot read it, or finds no note in it.
    """
    import music21  # takes a second to import

    try:
        read = music21.converter.parse(abc, format="abc", forceSource=True)
        notes = len(read.recurse().notes)
    except Exception as error:  # of many types, depending on what is broken
        raise InputError(f"not a tune in ABC ({type(error).__name__}): look at its bars and its K: line") from error
    if not notes:
        raise InputError("a tune without notes: write some after its K: line")
    return read


def save_midi(abc: str, path: Path) -> None:
    """Write a tune as MIDI; InputError where music21 cannot read it."""
    read = score(abc)
    with replacing(path) as temporary:
        read.write("midi", temporary)


def save_wav(midi: Path, path: Path, seconds: float | None = SECONDS) -> Sound:
    """Write a MIDI file as WAV, mono, 16 bits; returns what is measured of it.

    Args:
        seconds: where to end; None plays all of it.
    """
    import pretty_midi

    tune = pretty_midi.PrettyMIDI(str(midi))
    wave = waveform(tune)[: None if seconds is None else round(seconds * RATE)]
    with replacing(path) as temporary:
        wavfile.write(temporary, RATE, np.round(wave * np.iinfo(np.int16).max).astype(np.int16))
    pitches = [
        note.pitch for part in tune.instruments for note in part.notes if seconds is None or note.start < seconds
    ]
    lowest, highest = (float(pretty_midi.note_number_to_hz(pitch)) for pitch in (min(pitches), max(pitches)))
    return Sound(len(wave) / RATE, lowest, highest, float(np.abs(wave).max()), float(np.sqrt(np.mean(wave**2))))


def waveform(tune) -> np.ndarray:
    """(T,) float64 in [-0.9, 0.9]: the sound of a PrettyMIDI object."""
    try:
        wave = tune.fluidsynth(RATE)
    except Exception:  # not installed, or no sound font: which error that is depends on its version
        wave = tune.synthesize(RATE, wave=_string)
    return PEAK * wave / max(np.abs(wave).max(), 1e-9)


def as_svg(abc: str, width: int = 1600) -> str:
    """The printed score of a tune, one page, as SVG; InputError where music21 cannot read it."""
    import verovio

    with tempfile.TemporaryDirectory() as folder:
        path = score(abc).write("musicxml", Path(folder) / "tune.musicxml")
        toolkit = verovio.toolkit()
        toolkit.setOptions({"pageWidth": width, "adjustPageHeight": True, "scale": 40, "footer": "none"})
        toolkit.loadFile(str(path))  # verovio's own reader of ABC can abort the whole process
        return toolkit.renderToSVG(1)


def save(abc: str, folder: Path, name: str) -> Sound:
    """Write a tune as `<name>.abc`, `.mid`, `.wav` and `.svg`."""
    write_text(folder / f"{name}.abc", abc)
    save_midi(abc, folder / f"{name}.mid")
    write_text(folder / f"{name}.svg", as_svg(abc))
    return save_wav(folder / f"{name}.mid", folder / f"{name}.wav")


def _string(phase: np.ndarray) -> np.ndarray:
    """A tone with overtones, softer than pretty_midi's plain sine is dull."""
    return sum(np.sin(n * phase) / n**2 for n in (1, 2, 3, 4))
