"""ABC notation: the plain form, and lengths of bars, against counts by hand and against music21."""

from fractions import Fraction

import pytest

from labs.music.notation import METRES, NotationError, bar_lengths, metre_length, note_length, parse, pitches

JIG = """X:1
T:A title with | bars
C:Trad.
R:jig
M:6/8
L:1/8
K:Gmaj
"G"|:{c}d2B ~BAB | d2 B c2 A | (GFG) A2 B | G3 G2 z :|
"""


def with_body(body, metre="C", unit="1/8"):
    return f"X:1\nM:{metre}\nL:{unit}\nK:C\n{body}\n"


def test_what_is_not_played_is_dropped():
    tune = parse(JIG)
    assert (tune.kind, tune.metre, tune.unit, tune.key) == ("jig", "6/8", "1/8", "G")
    assert tune.body == "|:d2BBAB|d2Bc2A|GFGA2B|G3G2z:|"


def test_plain_form_stays_as_it_is():
    tune = parse(JIG)
    assert parse(tune.abc()) == tune


@pytest.mark.parametrize(
    ("text", "length"), [("", 1), ("3", 3), ("/", "1/2"), ("/2", "1/2"), ("3/2", "3/2"), ("//", "1/4"), ("/4", "1/4")]
)
def test_lengths_of_notes(text, length):
    assert note_length(text) == Fraction(length)


@pytest.mark.parametrize(
    ("body", "bars"),
    [
        ("CDEFGABc|c4C4|", ["1", "1"]),
        ("C2|CDEFGABc|", ["1/4", "1"]),  # a pick-up
        ("(3CDEF2G2A2|", ["1"]),  # a triplet takes the time of two
        ("C>DE<FGABc|", ["1"]),  # broken rhythm keeps the sum
        ("C/D/EFGABcd|", ["1"]),
        ("z8|", ["1"]),
        ("C2-C2G4|", ["1"]),
    ],
)
def test_bars_are_as_long_as_a_musician_counts(body, bars):
    assert bar_lengths(parse(with_body(body))) == [Fraction(length) for length in bars]


def test_each_metre_has_one_unit_of_length():
    eighths, sixteenths = parse(with_body("C2D2|E4|", "2/4", "1/8")), parse(with_body("C4D4|E8|", "2/4", "1/16"))
    assert eighths == sixteenths
    assert bar_lengths(eighths) == [Fraction(1, 2)] * 2


def test_bars_agree_with_music21():
    import music21

    tune = parse(JIG)
    score = music21.converter.parse(tune.abc(), format="abc", forceSource=True)
    measures = [measure for measure in score.recurse().getElementsByClass("Measure") if measure.notesAndRests]
    lengths = [Fraction(measure.duration.quarterLength) / 4 for measure in measures]
    assert bar_lengths(tune) == lengths == [metre_length("6/8")] * 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("X:1\nL:1/8\nK:C\nCDE|", "M: field"),
        ("X:1\nM:C\nCDE|", "K: field"),
        (with_body("CDE|", "5/4"), "metre"),
        (with_body("CDE|", "banana"), "metre"),
        (with_body("CDE|").replace("K:C", "K:banana"), "key"),
        (with_body("CDE§|"), "symbol"),
        (with_body("CDE|\nK:G\nFGA|"), "inside the tune"),
        (with_body("CDE|\nA: |\nFGA|"), "inside the tune"),  # a field, or a note and a sign
        (with_body("CDE|\nm:~n=ned\nFGA|"), "inside the tune"),
        (with_body("CDE|").replace("M:C", "M:C\nM:6/8"), "inside the tune"),
        (with_body("CDE|").replace("M:C", "M:C\nP:AAB"), "order of parts"),
        (with_body("CDE|[K:D] fafd|"), "field within a line"),
        (with_body("CDE|[V:2] fafd|"), "field within a line"),
        (with_body("CDE|[r:again]fafd|"), "field within a line"),
        (with_body("CDE|\n\nfrom a bad egg cafe\n"), "text behind"),
        (with_body("CDE|\nfrom a bad egg cafe\n"), "symbol"),
        (with_body("%%begintext\na bad egg\n%%endtext\nCDE|"), "block of text"),
        (with_body("(3:2:2G2A Bc dedB|"), "tuplet of three numbers"),
        (with_body("A99999|"), "absurd"),
        (with_body("A17|"), "absurd"),  # in 4/4: longer than two bars
        (with_body("A0|"), "absurd"),
        (with_body("A/0|"), "absurd"),
        (with_body("A/////|"), "absurd"),
        (with_body("A/99999|"), "absurd"),
        (with_body("CA:B|"), "bar lines"),
        (with_body("A[B|"), "bar lines"),
        (with_body("|::A::|"), "bar lines"),  # three times
        (with_body("|:A:|:|B|"), "bar lines"),
        (with_body("|:1A:|2B|"), "bar lines"),
        (with_body("|:A|1B:|3C|"), "symbol"),
        (with_body("(3AB|c"), "without its notes"),
        (with_body("A>|B"), "without its notes"),
        (with_body(">AB|"), "without its notes"),
        (with_body("|-AB|"), "without its notes"),
    ],
)
def test_broken_tunes_are_named_in_one_line(text, words):
    with pytest.raises(NotationError, match=words) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_pitches_are_notes_without_lengths():
    assert pitches("^F2G/a'|B,,z") == ["^F", "G", "a'", "B,,"]


def test_every_metre_has_a_length():
    lengths = {metre: metre_length(metre) for metre in METRES}
    assert lengths["C"] == lengths["C|"] == 1
    assert (lengths["6/8"], lengths["9/8"], lengths["2/4"]) == (Fraction(3, 4), Fraction(9, 8), Fraction(1, 2))


def test_a_byte_order_mark_is_no_part_of_a_tune():
    for mark in ("\ufeff", "\u00ef\u00bb\u00bf"):  # read as UTF-8, and as Latin-1
        assert parse(mark + JIG) == parse(JIG)


def test_remarks_may_hold_anything():
    assert parse(with_body('"[K:D] (3:2:2"CDE|% [V:2]\nFGA|')).body == "CDE|FGA|"


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("||:A:||", "|:A:|"),
        ("|:A:|\n|:B:|", "|:A::B:|"),
        ("A|[1B:|[2C|]", "A|1B:|2C||"),
        ("A|:|\nB", "A:|B"),
        ("A [1 B :| [2 C ||", "A|1B:|2C||"),
        ("[|A|]", "||A||".removeprefix("||")),
    ],
)
def test_each_bar_line_has_one_spelling(written, plain):
    assert parse(with_body(written)).body == plain
