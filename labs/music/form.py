"""The form of a tune: which bars are repeated, which endings they have, and the order in which all of it sounds.

Where the standard leaves it open: a repeat that ends without having begun goes back to the last double bar, the end of
the repeat before it, or the beginning of the tune, whichever is latest (ABC 2.1, section 4.8); one that begins and
never ends is played once.
"""

import dataclasses

from labs.music.notation import NotationError, tokens


def unfold(body: str) -> str:
    """A body in the plain form as it sounds, without repeats: `A|B:|C||` becomes `A|B|A|B|C|`.

    Raises:
        NotationError: repeats or endings that nobody could follow.
    """
    played = _Played()
    for sign, notes in _bars(body):
        played.sign(sign)
        played.bar(notes)
    return "".join(f"{bar}|" for bar in played.all())


def written_bars(body: str) -> list[str]:
    """The notes of each bar as written; what stands between two bar lines without a note is none."""
    return [notes for _, notes in _bars(body) if notes]


@dataclasses.dataclass
class _Played:
    """Bars in the order in which they sound; the section that is open is kept apart, in three parts.

    Attributes:
        before: bars of all sections that are over.
        common: bars of this section before its endings.
        first, second: bars of its endings; None as long as there is none.
        begun: whether a sign has begun this section.
    """

    before: list[str] = dataclasses.field(default_factory=list)
    common: list[str] = dataclasses.field(default_factory=list)
    first: list[str] | None = None
    second: list[str] | None = None
    begun: bool = False

    def bar(self, notes: str) -> None:
        """The notes up to the next sign."""
        if notes:
            part = self.common if self.first is None else self.first if self.second is None else self.second
            part.append(notes)

    def sign(self, sign: str) -> None:
        """What a bar line does; `::` ends one repeat and begins another."""
        if sign in (":|", "::"):
            self._end_repeat()
        if sign in ("|:", "::"):
            self._close(begun=True)
        elif sign == "||" and (self.first is not None or not self.begun):
            self._close(begun=False)
        elif sign == "|1":
            self._begin_first()
        elif sign in ("|2", ":|2"):
            self._begin_second()

    def all(self) -> list[str]:
        """All bars, once the tune has ended."""
        self._close(begun=False)
        return self.before

    def _end_repeat(self) -> None:
        if self.second is not None:  # `:|` behind a second ending says only that it is over
            if len(self.second) > len(self.first):
                raise NotationError("a repeat that begins within an ending")
        elif self.first is not None:
            raise NotationError("a first ending without a second")
        elif not self.common:
            raise NotationError("a repeat of nothing")
        else:
            self.before += self.common
        self._close(begun=False)

    def _begin_first(self) -> None:
        if self.first is not None or not self.common:
            raise NotationError("a first ending of nothing")
        self.first = []

    def _begin_second(self) -> None:
        if not self.first or self.second is not None:
            raise NotationError("a second ending without a first")
        self.second = []

    def _close(self, begun: bool) -> None:
        """The section is over: what is left of it sounds, and another begins."""
        if self.first is not None and not self.second:
            raise NotationError("a first ending without a second")
        endings = [*self.first, *self.common, *self.second] if self.second else []
        self.before += self.common + endings
        self.common, self.first, self.second, self.begun = [], None, None, begun


def _bars(body: str) -> list[tuple[str, str]]:
    """(bar line before, notes) of each bar."""
    bars = [["|", ""]]
    for token in tokens(body):
        if token["bar"]:
            bars.append([token[0], ""])
        else:
            bars[-1][1] += token[0]
    return [tuple(bar) for bar in bars]
