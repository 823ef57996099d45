"""ABC notation of one-voice tunes: from what people write to one plain form, and how long its bars are.

The plain form keeps what is played (notes, rests, lengths, ties, tuplets, broken rhythm, bars, repeats) and drops
what is not: titles, comments, chord symbols, slurs, ornaments, grace notes, fingering, spaces and line breaks. Of a
chord, the last note is kept. What would sound otherwise than it is written there is refused: fields and notes that
change on the way, several voices, texts. Standard: https://abcnotation.com/wiki/abc:standard:v2.1
"""

import dataclasses
import math
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
LONGEST_NOTE, SHORTEST_NOTE = Fraction(2), Fraction(1, 128)  # in whole notes; others are slips of the pen
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

    def abc(self, title: str = "") -> str:
        """A complete ABC file, four bars a line, for any program that reads ABC."""
        bars = re.findall(r".*?(?:\|:|\|\||:\|2?|::|\|[12]?|$)", self.body)
        lines = ["".join(bars[start : start + 4]) for start in range(0, len(bars), 4)]
        heading = f"X:1\nT:{title or f'{self.kind.capitalize()} in {self.key}'}\n"
        return heading + self.header + "\n".join(filter(None, lines)) + "\n"


def parse(text: str) -> Tune:
    """The plain form of one tune in ABC.

    Raises:
        NotationError: the tune lacks a field, or has something outside the plain form.
    """
    fields, lines = _split(without_mark(text))
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
    body = plain_body("\n".join(lines), scale)
    _check(body, Fraction(UNITS[metre]))
    return Tune(_kind(fields), metre, UNITS[metre], _key(fields["K"]), body)


def without_mark(text: str) -> str:
    """The text without a byte-order mark, read as UTF-8 or as Latin-1."""
    return text.removeprefix("\ufeff").removeprefix("\u00ef\u00bb\u00bf")


def plain_body(body: str, scale: Fraction = Fraction(1)) -> str:
    """The notes of a tune in the plain form.

    Args:
        scale: by which all lengths are multiplied.

    Raises:
        NotationError: a symbol outside the plain form.
    """
    body = _REMARK.sub("", body)
    for pattern, reason in _REFUSED.items():
        if pattern.search(body):
            raise NotationError(reason)
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
    bars = [Fraction(0)]
    for token, length in timed(tune):
        bars = [*bars, Fraction(0)] if token["bar"] else [*bars[:-1], bars[-1] + length]
    return [length for length in bars if length]


def timed(tune: Tune) -> list[tuple[re.Match, Fraction]]:
    """Each token of the body with the time that it takes, in whole notes: tuplets and broken rhythm are counted in.

    Raises:
        NotationError: a symbol outside the plain form.
    """
    found, last = [], None  # place of the note before
    factor = Fraction(1)  # of a broken rhythm, for the next note
    left, tuplet = 0, Fraction(1)  # notes that belong to a tuplet
    for token in tokens(tune.body):
        length = Fraction(0)
        if token["tuplet"]:
            left = int(token[0][1])
            tuplet = Fraction(_TUPLET_TIME.get(left) or (3 if _is_compound(tune.metre) else 2), left)
        elif token["broken"] and last is not None:
            short = Fraction(1, 2 ** len(token[0]))
            change, factor = (2 - short, short) if token[0][0] == ">" else (short, 2 - short)
            found[last] = (found[last][0], found[last][1] * change)
        elif token["note"]:
            length = note_length(token["length"]) * Fraction(tune.unit) * factor * (tuplet if left else 1)
            last, factor, left = len(found), Fraction(1), max(0, left - 1)
        found.append((token, length))
    return found


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
    """The number that '', '3', '/', '3/2', '//' or '/4' after a note stands for.

    Raises:
        NotationError: it is 0, or longer than anybody writes it.
    """
    numerator, *divisors = (int(part) if part else None for part in length[:_LONGEST_LENGTH].split("/"))
    numbers = [1 if numerator is None else numerator, *(2 if divisor is None else divisor for divisor in divisors)]
    if len(length) > _LONGEST_LENGTH or 0 in numbers:
        raise NotationError("a note of no length, or of an absurd one")
    return Fraction(numbers[0], math.prod(numbers[1:]))


def pitches(body: str) -> list[str]:
    """The notes of a body without their lengths, rests and bars, such as ['^F', 'G', "a'"]."""
    return re.findall(_NOTE, body)


_REMARK = re.compile(r'"[^"\n]*"|(?<!\\)%.*')  # chord symbols, remarks, comments: what stands there is not played
_REFUSED = {
    re.compile(r"\[[A-OQ-Za-z]:"): "a field within a line",
    re.compile(r"\([2-9]:"): "a tuplet of three numbers",
}
_CLEANING = [
    (re.compile(pattern, re.MULTILINE), substitute)
    for pattern, substitute in (
        (r"\\\s*$", ""),  # a line that goes on
        (r"![A-Za-z.()<>+]+!", ""),  # ornaments by name
        (r"[!*$]\s*$", ""),  # old signs for the end of a line
        (r"\{[^}\n]*\}", ""),  # grace notes
        (r"\[[P]:[^\]\n]*\]", ""),  # names of parts
        (r"[~.`HLMOPSTuvky]", ""),  # ornaments of one letter, space; in a text there would be others
        (rf"\[((?:{_NOTE}{_LENGTH}-?)*?)({_NOTE}{_LENGTH}-?)\]({_LENGTH})", r"\2\3"),  # chords
        (r"\((?![2-9])", ""),  # slurs
        (r"\)", ""),
        (r"x", "z"),  # a hidden rest
    )
]
_BARS = re.compile(r"\s*(?:[|:\[\]]\s*)+(?:(?<![|:\[\]]\s)[12](?![\d,.-]))?")
_BAR = re.compile(r"(?P<ends>[|\[\]]*:)?(?=\S*\|)(?P<lines>[|\[\]]+?)(?P<begins>:)?\[?(?P<ending>[12]?)")
_LONGEST_LENGTH = 8  # characters


def _split(text: str) -> tuple[dict[str, str], list[str]]:
    """Fields up to K:, the first of each name, and the lines of the body, which an empty line ends."""
    if re.search(r"(?m)^%%\s*begin", text):
        raise NotationError("a block of text")
    fields: dict[str, str] = {}
    body: list[str] = []
    over = False
    for line in text.splitlines():
        if "K" in fields and not line.strip():
            over = True
        elif over and not line.startswith("%"):
            raise NotationError("text behind the empty line that ends the tune")
        elif field := re.match(r"([A-Za-z]):(?![|:])(.*)", line):
            _check_field(field[1], fields)
            fields.setdefault(field[1], field[2].split("%")[0].strip())
        elif "K" in fields:
            body.append(line)
    return fields, body


def _check_field(name: str, before: dict[str, str]) -> None:
    """Refuse a field that changes what is played; one that is a note's letter may be music."""
    if name == "m" or name in "LM" and name in before or "K" in before and name in "KLMVABCDEFGabcdefg":
        raise NotationError(f"changes {name}: inside the tune")
    if name == "P" and "K" not in before:
        raise NotationError("an order of parts")


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
    if signs == "::" or re.fullmatch(r"\[[12]", signs):
        return signs.replace("[", "|")
    found = _BAR.fullmatch(signs)
    if not found or (found["ending"] and (found["begins"] or found["ends"] and found["ending"] == "1")):
        raise NotationError("bar lines outside the plain form")
    if found["begins"]:
        return "::" if found["ends"] else "|:"
    if found["ends"] or found["ending"]:
        return (":|" if found["ends"] else "|") + found["ending"]
    return "||" if re.search(r"\|\||\]", bars) else "|"


def _plain_token(token: re.Match, scale: Fraction) -> str:
    if not token["note"]:
        return token[0]
    length = note_length(token["length"]) * scale
    number = "" if length.numerator == 1 else str(length.numerator)
    divisor = {1: "", 2: "/"}.get(length.denominator, f"/{length.denominator}")
    return token["note"] + number + divisor


_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # so many notes are played in the time of


def _check(body: str, unit: Fraction) -> None:
    """Refuse notes of absurd length, and signs that have no note to act on."""
    kinds = ""
    for token in tokens(body):
        if token["note"] and not SHORTEST_NOTE <= note_length(token["length"]) * unit <= LONGEST_NOTE:
            raise NotationError("a note of no length, or of an absurd one")
        kinds += token[0][1] if token["tuplet"] else "n" if token["note"] else "|" if token["bar"] else token[0][0]
    if _DANGLING.search(kinds):
        raise NotationError("a tie, tuplet or dot without its notes")


_DANGLING = re.compile(
    r"(?<![n<>])-|(?<![n-])[<>]|[<>](?!-?\d?n)|"  # no note before it, or behind it
    + "|".join(rf"{count}(?!(?:n[-<>]*){{{count}}})" for count in range(2, 10))  # too few notes of a tuplet
)


def _is_compound(metre: str) -> bool:
    return metre in ("6/8", "9/8")
