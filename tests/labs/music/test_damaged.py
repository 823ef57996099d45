"""Damaged tunes by the hundred: each is refused with a reason of one line, or read as what is written there."""

import random
import re

import pytest

from labs.music.form import unfold
from labs.music.notation import NotationError, Tune, parse
from labs.music.performance import notes

HEADER = "X:1\nT:A tune\nR:reel\nM:C\nL:1/8\nK:G\n"
NOTES = "GABcdefg"
COUNT = 12  # of each kind
HARMLESS = ("% from a bad egg\n", '"Am7"', "!trill!", "{cd}", "~", " \\\n", "\nw:la la bad\n", "\n%%scale 2\n", "y")
REFUSED = (
    "[K:D]",
    "[V:2]",
    "[r:bad egg]",
    "\n%%begintext\nbad egg\n%%endtext\n",
    "(3:2:2",
    "\nK:D\n",
    "\nV:2\n",
    "\n\nfrom a bad egg cafe\n",
    "\nfrom a bad egg cafe\n",
    "A99999",
    "c0",
    "§",
    "&",
    "{cd",
    '"Am',
    ":1",
    "|3",
)


def lines(rng, bars=8):
    """The bars of a tune, each of eight notes."""
    return ["".join(rng.choices(NOTES, k=8)) for _ in range(bars)]


def written(bars):
    return f"|:{'|'.join(bars[:4])}:|\n|:{'|'.join(bars[4:])}:|\n"


def melody(tune):
    return [note.pitch for note in notes(tune)]


def inserted(text, piece, rng):
    """The piece between two notes of the text."""
    places = [found.start() for found in re.finditer(r"(?<=[A-Ga-g])(?=[A-Ga-g])", text)]
    place = rng.choice(places)
    return text[:place] + piece + text[place:]


@pytest.mark.parametrize("seed", range(COUNT))
def test_what_does_not_sound_changes_nothing(seed):
    rng = random.Random(seed)
    bars = lines(rng)
    text = written(bars)
    for piece in HARMLESS:
        assert melody(parse(HEADER + inserted(text, piece, rng))) == melody(parse(HEADER + text)), piece


@pytest.mark.parametrize("seed", range(COUNT))
def test_what_is_outside_the_plain_form_is_refused(seed):
    rng = random.Random(seed)
    for piece in REFUSED:
        with pytest.raises(NotationError) as caught:
            unfold(parse(HEADER + inserted(written(lines(rng)), piece, rng)).body)
        assert str(caught.value) and "\n" not in str(caught.value), piece


def naive(body: str) -> list[str]:
    """The letters that sound, read by somebody who knows nothing of this lab."""
    for hidden in (r"%.*", r'"[^"\n]*"', r"!\w+!", r"\{[^}\n]*\}", r"(?m)^[H-Zh-z]:.*$"):
        body = re.sub(hidden, "", body)
    return re.findall("[A-Ga-g]", re.sub(r"\[[A-Ga-g]*([A-Ga-g])\]", r"\1", body))


def damaged(text: str, rng: random.Random) -> str:
    """The text with some characters gone, doubled, exchanged, replaced or cut off."""
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(text))
        other = chr(rng.choice([*range(32, 127), 10, 0xE9, 0x20AC]))
        text = rng.choice(
            [
                text[:place] + text[place + 1 :],
                text[:place] + other + text[place + 1 :],
                text[:place] + other + text[place:],
                text[:place] + text[place:][:9][::-1] + text[place + 9 :],
                text[:place] + text[rng.randrange(len(text)) :],
            ]
        )
    return text


@pytest.mark.slow
def test_a_damaged_tune_is_refused_with_a_reason_or_holds_the_notes_that_are_written():
    rng, read, refused = random.Random(0), 0, 0
    for _ in range(1000):
        body = damaged(written(lines(rng)), rng)
        try:
            tune = parse(HEADER + body)
            sounding = notes(tune)
        except NotationError as error:
            refused += 1
            assert str(error) and "\n" not in str(error)
            continue
        read += 1
        assert isinstance(tune, Tune) and parse(tune.abc()) == tune
        assert re.findall("[A-Ga-g]", tune.body) == naive(body), body
        assert all(0 < note.length <= 4 and 0 <= note.pitch < 128 for note in sounding), body
    assert read > 300 and refused > 300
