"""Quality and sound, against tunes whose answer is known."""

import numpy as np
import pytest
from scipy.io import wavfile

from debias.errors import InputError
from labs.build import ROOT
from labs.music import corpus, performance, playing, quality
from labs.music.notation import Tune, parse

HEADER = "R:jig\nM:6/8\nL:1/8\nK:G\n"
GOOD = HEADER + "d2BBAB|d2Bc2A|GFGA2B|G3G3|"
SHORT = HEADER + "d2BBAB|d2Bc2|GFGA2B|G3G3|"  # one of four bars is short
ABC = f"X:1\nT:test\n{GOOD}\n"


def test_share_of_full_bars():
    assert quality.full_bars([GOOD]) == 1
    assert quality.full_bars([SHORT]) == 3 / 4
    assert quality.full_bars([GOOD, SHORT]) == 7 / 8
    assert quality.full_bars([GOOD, HEADER + "d2^|B|9|"]) == pytest.approx(4 / 7)  # unreadable: its bars are wrong


def test_readable_is_what_music21_finds_notes_in():
    assert quality.is_readable(GOOD)
    assert not quality.is_readable(HEADER)
    assert not quality.is_readable("no header\nat all")
    assert not quality.is_readable(GOOD + "|2c6|")  # an ending that nobody can play


def test_all_parts_are_played(tmp_path):
    import pretty_midi

    playing.save_midi("X:1\nR:jig\nM:6/8\nL:1/8\nK:C\nGGGGGG|AAAAAA:|BBBBBB|cccccc:|\n", tmp_path / "a.mid")
    played = pretty_midi.PrettyMIDI(str(tmp_path / "a.mid")).instruments[0].notes
    assert [note.pitch for note in played] == [67] * 6 + [69] * 6 + [67] * 6 + [69] * 6 + 2 * ([71] * 6 + [72] * 6)
    starts = [note.start for note in played]
    assert starts == pytest.approx([number * 60 / 115 / 3 for number in range(48)], abs=2e-3)


def test_a_tempo_that_is_written_is_kept(tmp_path):
    import pretty_midi

    playing.save_midi("X:1\nR:jig\nM:6/8\nL:1/8\nQ:3/8=60\nK:C\nc3c3|\n", tmp_path / "a.mid")
    played = pretty_midi.PrettyMIDI(str(tmp_path / "a.mid")).instruments[0].notes
    assert [note.start for note in played] == pytest.approx([0, 1], abs=2e-3)


@pytest.mark.parametrize("letter", "ABCDEFGabcdefg")
def test_notes_before_a_sign_of_repeat_are_printed(letter):
    """music21 takes 'A:' in 'A::' for a field, and would drop the rest."""
    read = playing.score(f"X:1\nR:jig\nM:6/8\nL:1/8\nK:C\nBAGB2{letter}::dedd2{letter}:|\n").recurse().notes
    assert [note.name for note in read] == [*"BAGB", letter.upper(), *"DEDD", letter.upper()]


def test_committed_tunes_are_read_and_played_or_refused_with_a_reason():
    """Of the 200 tunes of the last run eleven cannot be played, most for a repeat or an ending out of place."""
    pieces = corpus.pieces_of((ROOT / "results" / "labs" / "music" / "tunes.abc").read_text("utf-8"))
    refused = []
    for number, piece in enumerate(pieces, 1):
        try:
            assert performance.notes(parse(piece)), number
        except InputError as error:
            refused.append(number)
            assert "\n" not in str(error)
            assert not quality.is_readable(piece.split("\n", 1)[1])
    assert len(refused) < 0.1 * len(pieces)


def test_common_runs_against_brute_force():
    rng = np.random.default_rng(0)
    texts, others = (["".join(rng.choice(list("ab|"), 40)) for _ in range(6)] for _ in range(2))

    def longest(text):
        passages = {text[i:j] for i in range(len(text)) for j in range(i, len(text) + 1)}
        return max(len(passage) for passage in passages if any(passage in other for other in others))

    assert quality.common_runs(texts, others).tolist() == [longest(text) for text in texts]


def test_copies_and_unfinished_tunes_are_counted():
    body = GOOD.removeprefix(HEADER)
    found = quality.measure([GOOD, SHORT], [Tune("jig", "6/8", "1/8", "G", body)], longest=len(GOOD) + 1)
    assert (found.tunes, found.exact_copies, found.longest_common_run) == (2, 1, len(body))
    assert found.ended == 0.5 and found.parse_rate == 1


def test_a_tune_as_files_can_be_heard_and_seen(tmp_path):
    sound = playing.save(ABC, tmp_path, "jig")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jig.abc", "jig.mid", "jig.svg", "jig.wav"]
    rate, wave = wavfile.read(tmp_path / "jig.wav")
    assert (rate, wave.dtype, wave.ndim) == (playing.RATE, np.int16, 1)
    assert sound.seconds == pytest.approx(len(wave) / rate)
    assert sound.seconds == pytest.approx(8 * 60 / 115, abs=0.1)  # all four bars, each of two beats
    loudness = np.abs(wave.reshape(-1).astype(float))
    assert loudness[-100:].max() < 0.02 * loudness.max()  # it dies away
    assert "\nQ:3/8=115\nK:G\n" in (tmp_path / "jig.abc").read_text()
    assert np.abs(wave.astype(float)).max() < 2**15 - 1  # no clipping
    assert sound.loudness > 0.05  # not silent
    assert str(sound) == "4 seconds, notes from 370 to 587 Hz"
    assert (sound.lowest, sound.highest) == (pytest.approx(369.99, 1e-3), pytest.approx(587.33, 1e-3))  # F#4 to D5
    svg = (tmp_path / "jig.svg").read_text()
    assert svg.startswith("<svg") and svg.count('class="note"') == 16


def test_the_first_note_sounds_at_its_pitch(tmp_path):
    playing.save_midi("X:1\nM:C\nL:1/4\nQ:1/4=60\nK:C\nA4|\n", tmp_path / "a.mid")
    playing.save_wav(tmp_path / "a.mid", tmp_path / "a.wav")
    rate, wave = wavfile.read(tmp_path / "a.wav")
    spectrum = np.abs(np.fft.rfft(wave[: 2 * rate]))
    assert spectrum.argmax() / 2 == pytest.approx(440, abs=1)  # Hz


@pytest.mark.parametrize("abc", ["", "X:1\nK:C\n", "not a tune"])
def test_what_is_no_tune_is_one_line_and_leaves_no_file(abc, tmp_path):
    with pytest.raises(InputError) as caught:
        playing.save(abc, tmp_path / "sub", "tune")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.mid"))
