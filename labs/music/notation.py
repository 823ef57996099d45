"""ABC notation of one-voice tunes: from what people write to one plain form, and how long its bars are.

The plain form keeps what is played (notes, rests, lengths, ties, tuplets, broken rhythm, bars, repeats) and drops
what is not: titles, comments, chord symbols, slurs, ornaments, grace notes, fingering, spaces and line breaks. Of a
chord, the last note is kept. Standard: https://abcnotation.com/wiki/abc:standard:v2.1
"""

import dataclasses
import re
from collections.abc import Iterator
from fractions import Fraction

from debias.errors import InputError

_NOTE = r"(?:\^\^|\^|__|_|=)?[A-Ga-g][,']*"
_LENGTH = r"\d*(?:/\d*)*"
TOKEN = re.compile(
    rf"(?P<bar>\|:|\|\||:\|2|:\||::|\|1|\|2|\|)|(?P<tuplet>\([2-9])"
    rf"|(?P<note>{_NOTE}|z)(?P<length>{_LENGTH})|(?P<tie>-)|(?P<broken>>{{1,3}}|<{{1,3}})"
)
KINDS = (
    "slip jig",
    "jig",
    "reel",
    "hornpipe",
    "strathspey",
    "waltz",
    "march",
    "polka",
    "slide",
    "clog",
    "fling",
    "air",
)
UNKNOWN_KIND = "tune"
METRES = ("C", "C|", "2/4", "3/4", "3/8", "6/8", "9/8")
UNITS = dict.fromkeys(METRES, "1/8") | {"2/4": "1/16"}  # one spelling of a metre: what is rare is learned badly
_METRES = {"C": Fraction(1), "C|": Fraction(1)}
_SAME_METRE = {"4/4": "C", "2/2": "C|"}
_MODES = {"": "", "maj": "", "ion": "", "m": "m", "min": "m", "aeo": "m"} | {x: x for x in ("dor", "mix", "lyd", "phr")}


class NotationError(InputError):
    """A tune that is broken, or that says more than the plain form can: why, in a few words."""


@dataclasses.dataclass(frozen=True)
class Tune:
    """A tune in the plain form.

    Attributes:
        kind: one of `KINDS`, or `UNKNOWN_KIND`.
        metre: one of `METRES`.
        unit: the length of a note without a number, '1/8' or '1/16', which follows from the metre.
        key: tonic and mode, such as 'G', 'Em' or 'Ador'.
        body: the notes.
    """

    kind: str
    metre: str
    unit: str
    key: str
    body: str

    @property
    def header(self) -> str:
        """Four lines, the condition under which the body is read or written."""
        return f"R:{self.kind}\nM:{self.metre}\nL:{self.unit}\nK:{self.key}\n"

    @property
    def text(self) -> str:
        """Header and body: what the model learns."""
        return self.header + self.body

    def abc(self, title: str = "", number: int = 1) -> str:
        """A complete ABC file, four bars a line, for any program that reads ABC."""
        bars = re.findall(r".*?(?:\|:|\|\||:\|2?|::|\|[12]?|$)", self.body)
        lines = ["".join(bars[start : start + 4]) for start in range(0, len(bars), 4)]
        heading = f"X:{number}\nT:{title or f'{self.kind.capitalize()} in {self.key}'}\n"
        return heading + self.header + "\n".join(filter(None, lines)) + "\n"


def parse(text: str) -> Tune:
    """The plain form of one tune in ABC.

    Raises:
        NotationError: the tune lacks a field, or has something outside the plain form.
    """
    fields, lines = _split(text)
    for name in "MK":
        if name not in fields:
            raise NotationError(f"no {name}: field")
    metre = _SAME_METRE.get(fields["M"], fields["M"])
    whole = metre_length(metre)
    unit = fields.get("L", "1/8" if whole >= Fraction(3, 4) else "1/16")  # the standard's default
    if unit not in ("1/4", "1/8", "1/16"):
        raise NotationError("unit of length other than 1/4, 1/8, 1/16")
    if metre not in UNITS:
        raise NotationError(f"metre other than {', '.join(METRES)}")
    scale = Fraction(unit) / Fraction(UNITS[metre])
    return Tune(_kind(fields), metre, UNITS[metre], _key(fields["K"]), plain_body("\n".join(lines), scale))


def plain_body(body: str, scale: Fraction = Fraction(1)) -> str:
    """The notes of a tune in the plain form.

    Args:
        scale: by which all lengths are multiplied.

    Raises:
        NotationError: a symbol outside the plain form.
    """
    for pattern, substitute in _CLEANING:
        body = pattern.sub(substitute, body)
    body = re.sub(r"\s+", "", _BARS.sub(lambda bars: _plain_bar(bars[0]), body))
    plain = "".join(_plain_token(token, scale) for token in tokens(body))
    return re.sub(r"^\|{1,2}(?![:12])", "", plain)  # a bar line at the very beginning says nothing


def tokens(body: str) -> Iterator[re.Match]:
    """The tokens of a body in the plain form; their named groups say what they are.

    Raises:
        NotationError: a symbol that is none.
    """
    position = 0
    while position < len(body):
        token = TOKEN.match(body, position)
        if not token:
            raise NotationError(f"symbol {body[position]!r} outside the plain form")
        yield token
        position = token.end()


def bar_lengths(tune: Tune) -> list[Fraction]:
    """How long each bar is, in whole notes; bars that hold no note are left out.

    Raises:
        NotationError: a symbol outside the plain form.
    """
    return [length * Fraction(tune.unit) for length in _bars(tune) if length]


def metre_length(metre: str) -> Fraction:
    """How long a full bar is, in whole notes.

    Raises:
        NotationError: no such metre.
    """
    if metre in _METRES:
        return _METRES[metre]
    if not re.fullmatch(r"[1-9]\d?/(2|4|8|16)", metre):
        raise NotationError("metre unknown")
    return Fraction(metre)


def note_length(length: str) -> Fraction:
    """The number that '', '3', '/', '3/2', '//' or '/4' after a note stands for."""
    numerator, *halvings = length.split("/")
    value = Fraction(int(numerator or 1))
    for divisor in halvings:
        value /= int(divisor or 2) or 1
    return value


def pitches(body: str) -> list[str]:
    """The notes of a body without their lengths, rests and bars, such as ['^F', 'G', "a'"]."""
    return re.findall(_NOTE, body)


_CLEANING = [
    (re.compile(pattern, re.MULTILINE), substitute)
    for pattern, substitute in (
        (r"(?<!\\)%.*$", ""),  # comments
        (r"\\\s*$", ""),  # a line that goes on
        (r'"[^"\n]*"', ""),  # chord symbols and remarks
        (r"![A-Za-z.()<>+]+!", ""),  # ornaments by name
        (r"[!*$]\s*$", ""),  # old signs for the end of a line
        (r"\{[^}\n]*\}", ""),  # grace notes
        (r"\[[P]:[^\]\n]*\]", ""),  # names of parts
        (rf"\[((?:{_NOTE}{_LENGTH}-?)*?)({_NOTE}{_LENGTH}-?)\]({_LENGTH})", r"\2\3"),  # chords
        (r"\((?![2-9])", ""),  # slurs
        (r"\)", ""),
        (r"x", "z"),  # a hidden rest
        (r"[~.`yH-Yh-w]", ""),  # ornaments of one letter, space
    )
]
_BARS = re.compile(r"\s*(?:[|:\[\]]\s*)+(?:(?<![|:\[\]]\s)[12](?![\d,.-]))?")


def _split(text: str) -> tuple[dict[str, str], list[str]]:
    """Fields up to K:, the first of each name, and the lines of the body."""
    fields: dict[str, str] = {}
    body: list[str] = []
    for line in text.splitlines():
        field = re.match(r"([A-Za-z]):(?![|:])(.*)", line)
        if not field:
            if "K" in fields:
                body.append(line)
        elif "K" not in fields:
            fields.setdefault(field[1], field[2].split("%")[0].strip())
        elif field[1] in "KLMV":
            raise NotationError(f"changes {field[1]}: inside the tune")
    return fields, body


def _kind(fields: dict[str, str]) -> str:
    said = " ".join(fields.get(name, "") for name in "RZT").lower().replace("slipjig", "slip jig")
    return next((kind for kind in KINDS if re.search(rf"\b{kind}s?\b", said)), UNKNOWN_KIND)


def _key(text: str) -> str:
    found = re.fullmatch(r"([A-G][#b]?)\s*([A-Za-z]*)", text)
    if not found or (mode := "" if found[2] == "M" else found[2][:3].lower()) not in _MODES:
        raise NotationError("key unknown")
    return found[1] + _MODES[mode]


def _plain_bar(bars: str) -> str:
    """One bar line for a run of them, which line breaks and habits bring about."""
    signs = re.sub(r"\s", "", bars)
    ending, lines = re.sub(r"\D", "", signs), re.sub(r"[\d\[]", "", signs)
    if ":" in lines:
        ends, begins = lines.startswith(":"), lines.endswith(":")
        return "::" if ends and begins else "|:" if begins else ":|" + ending.replace("1", "")
    if ending:
        return "|" + ending
    return "||" if re.search(r"\|\||\]", bars) else "|"


def _plain_token(token: re.Match, scale: Fraction) -> str:
    if not token["note"]:
        return token[0]
    length = note_length(token["length"]) * scale
    number = "" if length.numerator == 1 else str(length.numerator)
    divisor = {1: "", 2: "/"}.get(length.denominator, f"/{length.denominator}")
    return token["note"] + number + divisor


def _bars(tune: Tune) -> list[Fraction]:
    """Sums of note lengths between bar lines, in units."""
    bars, factor = [Fraction(0)], Fraction(1)  # factor: of a broken rhythm, for the next note
    in_tuplet, tuplet = 0, Fraction(1)
    last = Fraction(0)
    for token in tokens(tune.body):
        if token["bar"]:
            bars.append(Fraction(0))
        elif token["tuplet"]:
            in_tuplet = int(token[0][1])
            tuplet = Fraction(_TUPLET_TIME.get(in_tuplet) or (3 if _is_compound(tune.metre) else 2), in_tuplet)
        elif token["broken"]:
            short = Fraction(1, 2 ** len(token[0]))
            change, factor = (2 - short, short) if token[0][0] == ">" else (short, 2 - short)
            bars[-1] += last * (change - 1)
        elif token["note"]:
            last = note_length(token["length"]) * factor * (tuplet if in_tuplet else 1)
            bars[-1] += last
            factor, in_tuplet = Fraction(1), max(0, in_tuplet - 1)
    return bars


_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # so many notes are played in the time of


def _is_compound(metre: str) -> bool:
    return metre in ("6/8", "9/8", "12/8")
