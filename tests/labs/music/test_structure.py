"""Measures of form, against tunes whose form was counted by hand."""

from fractions import Fraction

import numpy as np
import pytest

from labs.music import report, structure
from labs.music.notation import Tune

EIGHT = "GABc|dedB|GABc|d2D2|GABc|dedB|cAFA|G2G2"  # eight bars of 2/4 in eighths


def tune(body, metre="2/4", key="G"):
    return Tune("polka", metre, "1/8", key, body)


def text(body):
    """As 2/4 is written in the plain form, in sixteenths: of this length no bar is full."""
    return f"R:polka\nM:2/4\nL:1/16\nK:G\n{body}"


@pytest.mark.parametrize(
    ("body", "bars", "repeated"),
    [
        (f"{EIGHT}:|{EIGHT}:|", [8, 8], [True, True]),
        (f"{EIGHT}::{EIGHT}||", [8, 8], [True, False]),
        (f"|:{EIGHT}:|{EIGHT}", [8, 8], [True, False]),
        ("GABc|d4||GABc||", [2, 1], [False, False]),
        ("D|GABc|d3:|", [2], [True]),  # a pick-up and the short bar that it is taken from
        ("D|GABc|d4:|", [Fraction(9, 4)], [True]),
        ("GABc|1d4:|2G4||GABc|d4||", [2, 2], [True, False]),  # the second ending is played in place of the first
        ("|:GABc|1d4|e4:|2G4|A4:|", [3], [True]),
        ("||G4||", [1], [False]),
    ],
)
def test_sections_and_which_of_them_are_played_twice(body, bars, repeated):
    found = structure.sections(tune(body))
    assert [section.bars for section in found] == bars
    assert [section.repeated for section in found] == repeated


def test_sections_of_four_eight_or_sixteen_bars():
    assert structure.usual_sections(tune(f"{EIGHT}:|GABc|d4:|")) == (1, 2)
    assert structure.usual_sections(tune(f"{EIGHT}|{EIGHT}||GABc|d4|GABc|d4||")) == (2, 2)
    assert structure.usual_sections(tune(f"D|{EIGHT}:|")) == (1, 1)  # one quarter of a bar too many does not count


def test_two_parts_played_twice():
    assert structure.two_parts(tune(f"{EIGHT}:|{EIGHT}:|")) == (1, 1)
    assert structure.two_parts(tune("GABc|1d4:|2G4::GABc|d4:|")) == (1, 1)
    assert structure.two_parts(tune(f"{EIGHT}:|{EIGHT}||")) == (0, 1)
    assert structure.two_parts(tune("G4:|A4:|B4:|")) == (0, 1)


@pytest.mark.parametrize(
    ("body", "key", "ends"),
    [
        ("GABc|d2g2|", "G", 1),
        ("GABc|d4|", "G", 0),
        ("ABcd|e2A2|", "Ador", 1),
        ("ABcd|e2B2|", "Bb", 1),  # the signature makes it B flat
        ("ABcd|e2=B2|", "Bb", 0),
        ("ABcd|1e2f2:|2e2A2|", "Am", 1),  # the last note that sounds
        ("A2F2|", "F#m", 1),
    ],
)
def test_a_cadence_ends_on_the_keynote(body, key, ends):
    assert structure.cadence(tune(body, key=key)) == (ends, 1)


def test_bars_that_come_again():
    body = "GABc|GABc|GABc|d4:|GABc|d4|d4|d4|d4||"
    assert structure.bars_again(tune(body)) == (5, 8)
    assert structure.distinct_bars(tune(body)) == (2, 9)
    assert structure.equal_run(tune(body)) == (1, 1)
    assert structure.equal_run(tune("GABc|GABc|GABc|d4:|GABc|")) == (0, 1)
    assert structure.equal_run(tune("GABc|GABc|:GABc|GABc:|")) == (1, 1)  # over a sign, too
    assert structure.bars_again(tune("G4")) == (0, 0)


def test_reach_in_semitones():
    assert structure.reach(tune("G,4|g4|", key="C")) == (24, 1)
    assert structure.reach(tune("F2G2|", key="G")) == (1, 1)  # F sharp


def test_measures_are_ratios_of_sums_and_what_cannot_be_played_ends_nowhere():
    texts = [text(f"{EIGHT}:|{EIGHT}:|"), text("GABc|1d4|"), text("G?")]  # nobody can play the ending of the second
    found = structure.measure(texts)
    assert structure.of_tunes(texts, structure.distinct_bars).tolist() == [[5, 16], [2, 2], [0, 1]]
    assert found["distinct_bars"].value == 7 / 19
    assert found["playable"].value == found["two_parts"].value == found["cadence"].value == 1 / 3
    assert found["reach"].value == 14  # from D to e, of the one that can be played


def test_intervals_are_wilsons_or_of_resampled_tunes():
    shares = np.array([[1, 1]] * 3 + [[0, 1]] * 197)
    assert structure.interval(shares) == structure.Measure(
        0.015, pytest.approx(0.0051, abs=1e-4), pytest.approx(0.0432, abs=1e-4)
    )
    rng = np.random.default_rng(1)
    counts = np.stack([rng.normal(20, 4, 200), np.ones(200)], 1)
    found = structure.interval(counts)
    error = counts[:, 0].std() / np.sqrt(200)
    assert (found.low, found.high) == pytest.approx((found.value - 1.96 * error, found.value + 1.96 * error), abs=0.1)


@pytest.mark.filterwarnings("error")
def test_a_measure_with_nothing_to_measure_has_no_number():
    nothing = structure.measure([text("G?")])["reach"]
    assert all(np.isnan([nothing.value, nothing.low, nothing.high]))
    some = structure.measure([text(f"{EIGHT}:|")])
    measures = {"generated": {**some, "reach": nothing}, "real": some}
    numbers = dict.fromkeys(report.ROWS, 1) | {"tunes": 1}
    costs = ("bits_per_char", "minutes", "chars_per_second")
    table = report.table(
        numbers, numbers, measures, {f"{whose}{cost}": 1 for cost in costs for whose in ("", "course_")}
    )
    assert "nothing to measure" in table and "nan" not in table


def test_distance_is_the_mean_difference_of_shares():
    zero, one = ({name: structure.Measure(value, value, value) for name in structure.MEASURES} for value in (0, 0.25))
    assert structure.distance(zero, one) == 0.25 and structure.distance(one, one) == 0
