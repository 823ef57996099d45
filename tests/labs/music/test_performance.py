"""What sounds, against lists of notes that were written down by hand."""

from fractions import Fraction

import pytest

from labs.music.notation import METRES, Tune, parse
from labs.music.performance import key_signature, notes, tempo, with_accidentals

PITCHES = dict(zip("CDEFGABcdefg", (60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79), strict=True))


def played(body, metre="C", key="C", unit="1/8"):
    """[(start, length, pitch)] in units, of a body as people write it."""
    found = notes(parse(f"X:1\nM:{metre}\nL:{unit}\nK:{key}\n{body}\n"))
    return [(note.start / Fraction(unit), note.length / Fraction(unit), note.pitch) for note in found]


def in_a_row(*notes):
    """The same from names with lengths, such as 'A2', one after the other; z is a rest."""
    row, now = [], Fraction(0)
    for name, length in ((note[0], Fraction(note[1:] or 1)) for note in notes):
        if name != "z":
            row.append((now, length, PITCHES[name]))
        now += length
    return row


def test_two_parts_without_signs_at_their_beginnings_sound_aabb():
    a, b = ["G"] * 6 + ["A"] * 6, ["B"] * 6 + ["c"] * 6
    assert played("GGGGGG|AAAAAA:|BBBBBB|cccccc:|", "6/8") == in_a_row(*a, *a, *b, *b)


def test_a_double_sign_ends_one_part_and_begins_the_next():
    a, b = ["d", "c2", "A", "B3", "G2"], ["g", "f2", "e", "d3", "c2"]
    assert played("d|c2AB3|G2::g|f2ed3|c2:|", "6/8") == in_a_row(*a, *a, *b, *b)


def test_two_endings():
    common, first, second = ["C4", "D4"], ["E8"], ["F4", "G4"]
    assert played("|:C4D4|1E8:|2F4G4|]") == in_a_row(*common, *first, *common, *second)


def test_rests_ties_tuplets_and_dots():
    third = Fraction(2, 3)
    assert played("A2-A2 z2 B2-|B4 (3ccc d>e|") == [
        (0, 4, 69),
        (6, 6, 71),
        *((12 + n * third, third, 72) for n in range(3)),
        (14, Fraction(3, 2), 74),
        (15 + Fraction(1, 2), Fraction(1, 2), 76),
    ]


def test_a_tie_needs_the_same_note():
    assert played("A-B A-^A|") == [(0, 1, 69), (1, 1, 71), (2, 1, 69), (3, 1, 70)]


def test_an_accidental_holds_to_the_end_of_its_bar_and_a_tie_takes_it_along():
    assert [pitch for *_, pitch in played("^FFf=FF2|F2_B2B4|B8|", key="G")] == [66, 66, 78, 65, 65, 66, 70, 70, 71]
    assert played("^c8-|c4c4|") == [(0, 12, 73), (12, 4, 72)]


def test_octaves():
    assert [pitch for *_, pitch in played("C,Cc c'B,,|")] == [48, 60, 72, 84, 47]


@pytest.mark.parametrize(
    ("key", "signs"),
    [
        ("C", ""),
        ("G", "F#"),
        ("A", "C# F# G#"),
        ("F", "Bb"),
        ("Bb", "Bb Eb"),
        ("Em", "F#"),
        ("Ador", "F#"),
        ("Amix", "C# F#"),
        ("F#m", "C# F# G#"),
        ("Gm", "Bb Eb"),
        ("Gdor", "Bb"),
        ("Flyd", ""),
        ("Ephr", ""),
        ("C#", "A# B# C# D# E# F# G#"),
        ("Cb", "Ab Bb Cb Db Eb Fb Gb"),
    ],
)
def test_signatures_of_keys(key, signs):
    found = {letter: {1: "#", -1: "b"}[sign] for letter, sign in key_signature(key).items() if sign}
    assert " ".join(sorted(letter + sign for letter, sign in found.items())) == signs


def test_accidentals_are_written_out_for_readers_that_forget_them():
    tune = parse("X:1\nM:C\nL:1/8\nK:G\n^c2cC f=fF2|c4f4|\n")
    assert with_accidentals(tune).body == "^c2^c^Cf=f=F2|c4f4|"


def test_pitches_and_times_agree_with_music21():
    import music21

    tune = parse("X:1\nM:6/8\nL:1/8\nK:Edor\nB|^cBA (3ABc d>e|g,2^G F/E/D_B,|=c3-c2z|e'3 =f2:|\n")
    once = with_accidentals(Tune(tune.kind, tune.metre, tune.unit, tune.key, tune.body.replace(":|", "|")))
    read = music21.converter.parse(once.abc(), format="abc", forceSource=True).stripTies().flatten().notes
    theirs = [(Fraction(n.offset) / 4, Fraction(n.quarterLength) / 4, n.pitch.midi) for n in read]
    assert [(start, length, pitch) for start, length, pitch in notes(once)] == theirs


def test_each_kind_has_its_pace():
    assert tempo(Tune("jig", "6/8", "1/8", "G", "")) == (Fraction(3, 8), 115)
    assert tempo(Tune("reel", "C|", "1/8", "G", "")) == (Fraction(1, 2), 110)
    assert tempo(Tune("reel", "2/4", "1/16", "G", "")) == (Fraction(1, 4), 110)  # notated in half the values
    assert all(tempo(Tune("tune", metre, "1/8", "G", ""))[1] > 0 for metre in METRES)
