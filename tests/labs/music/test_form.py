"""The order in which bars sound, against orders written down by hand."""

import pytest

from labs.music.form import unfold
from labs.music.notation import NotationError


@pytest.mark.parametrize(
    ("body", "bars"),
    [
        ("A|B", "AB"),
        ("A|B|", "AB"),
        ("A|B:|C||", "ABABC"),
        ("A|B:|C|D:|", "ABABCDCD"),  # AABB, with no sign at the beginnings
        ("|:A|B::C|D:|", "ABABCDCD"),
        ("A|B::C|D::E|F:|", "ABABCDCDEFEF"),
        ("A||B|C:|", "ABCBC"),  # from the latest double bar
        ("|:A||B:|", "ABAB"),  # a double bar within a repeat that has begun changes nothing
        ("A|:B:|C", "ABBC"),
        ("|:A|B", "AB"),  # never ended: played once
        ("|:A|B|:C:|", "ABCC"),
        ("|:A|1B:|2C||", "ABAC"),
        ("A|1B:|2C", "ABAC"),
        ("|:A|1B|2C|", "ABAC"),
        ("|:A|1B:|2C|:D|1E:|2F||", "ABACDEDF"),
        ("|:A|1B:|2C||D:|", "ABACDD"),
        ("|:A|1B:|2C::D:|", "ABACDD"),
        ("|:A|1B:|2C:|", "ABAC"),  # the sign behind a second ending says only that it is over
        ("|:A|1B|C:|2D|E||", "ABCADE"),
        ("A|1B:|2C||D|E:|", "ABACDEDE"),
    ],
)
def test_bars_sound_in_the_order_of_a_player(body, bars):
    assert unfold(body) == "".join(f"{bar}|" for bar in bars)


def test_a_pick_up_is_repeated_with_its_part():
    assert unfold("d|GAB|c2:|e|fga|g2:|") == "d|GAB|c2|d|GAB|c2|e|fga|g2|e|fga|g2|"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("|1A2A2:|2B2B2:|2c2c2|", "first ending of nothing"),
        ("|:A|1B:|C|", "first ending without a second"),
        ("|:A|1B", "first ending without a second"),
        ("|:A|1B||C|", "first ending without a second"),
        ("|:A|1B:|2|", "first ending without a second"),
        ("|:A:|2B|", "second ending without a first"),
        ("A|2B|", "second ending without a first"),
        ("|:A|1B:|2C:|2D|", "second ending without a first"),
        ("|:A|1B:|2C|1D:|2E|", "first ending of nothing"),
        ("|:A|1B:|2C|D:|", "begins within an ending"),
        ("::A:|", "repeat of nothing"),
        ("|::|A|", "repeat of nothing"),
    ],
)
def test_what_nobody_could_follow_is_refused(body, words):
    with pytest.raises(NotationError, match=words) as caught:
        unfold(body)
    assert "\n" not in str(caught.value)
