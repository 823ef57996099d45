"""The commands behind python -m labs."""

import dataclasses
import sys
from typing import Annotated, Literal

import tyro

from debias.commandline import parse
from debias.errors import InputError
from labs import build, colab, drawings, execute, leaderboard


@dataclasses.dataclass(frozen=True)
class Build:
    """Make both notebooks of every lab, the student's and the solution, from its source; drawings and leaderboards too.

    Examples:
        python -m labs build
        python -m labs build --check
    """

    check: bool = False
    """Write nothing; fail when a notebook or a drawing is not what its source gives."""

    def __call__(self) -> int:
        others = drawings.texts() | leaderboard.texts(build.ROOT)
        stale = build.stale(build.sources()) | build.outdated(others)
        if self.check:
            for path in stale:
                print(f"stale: {path.relative_to(build.ROOT)}: run python -m labs build", file=sys.stderr)
            return int(bool(stale))
        build.write(stale)
        total = 2 * len(build.sources()) + len(others)
        print(f"{len(stale)} notebooks, drawings and leaderboards written, {total - len(stale)} were up to date")
        return 0


@dataclasses.dataclass(frozen=True)
class Run:
    """Run solution notebooks from start to end, each in a clean kernel, and keep what they make in results/labs/.

    Examples:
        python -m labs run
        python -m labs run music
        python -m labs run --smoke
        python -m labs run --smoke --stack colab
    """

    names: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Labs (python -m labs list); all of them by default."""
    smoke: bool = False
    """Toy size, in the cache folder: does every cell still work?"""
    stack: Literal["own", "colab"] = "own"
    """The versions that they run with: this repository's own, or Colab's, in an environment in the cache folder."""

    def __call__(self) -> int:
        known = build.sources()
        if unknown := [name for name in self.names if name not in known]:
            raise InputError(f"unknown lab {unknown[0]!r}: use some of {', '.join(known)}")
        if self.stack == "colab":
            return self._on_colab()
        failures = [execute.run(name, self.smoke) for name in self.names or known]
        return int(any(failures))

    def _on_colab(self) -> int:
        if not self.smoke:
            raise InputError("--stack colab shows whether the labs run there, at toy size: give --smoke as well")
        return colab.run(self.names)


@dataclasses.dataclass(frozen=True)
class List:
    """Every lab and what it is about.

    Example:
        python -m labs list
    """

    def __call__(self) -> int:
        for name, source in build.sources().items():
            print(f"{name:<12}{build.title(source)}")
        return 0


COMMANDS = {"build": Build, "run": Run, "list": List}


def run(arguments: list[str]) -> int:
    """Parse and run one command; returns the exit code."""
    return parse(COMMANDS, "python -m labs", __doc__, arguments)()
