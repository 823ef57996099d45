"""Command lines from dataclasses whose `__call__` does the work, with every mistake reported in one line."""

import contextlib
import functools
import io
import itertools
import os
import sys
from collections.abc import Callable, Mapping, Sequence

import tyro

from debias.errors import InputError


def parse(commands: Mapping[str, type], prog: str, description: str, words: Sequence[str]) -> Callable[[], int]:
    """The command that `words` name, with its options, ready to be called; --help prints and exits.

    Raises:
        InputError: a word is not understood; what tyro says about it, a framed page, becomes one line.
    """
    page = io.StringIO()
    try:
        with contextlib.redirect_stderr(page):
            return tyro.extras.subcommand_cli_from_dict(dict(commands), prog=prog, description=description, args=words)
    except SystemExit as stop:
        if not stop.code:  # --help
            raise
        raise InputError(f"{_first_paragraph(page.getvalue())}: see {prog} --help") from None


def later(function: Callable) -> Callable:
    """A command for `parse` from a function, which runs when the result is called."""

    @functools.wraps(function)
    def prepared(*arguments, **options):
        return functools.partial(function, *arguments, **options)

    return prepared


def exit_code(command: Callable[[], int], interrupted: str = "the same command continues where it stopped") -> int:
    """What `command` returns; bad input becomes one line and 2, Ctrl-C one line and 130, a reader that left 141.

    What the terminal's encoding lacks is written as \\u1234.

    Args:
        command: it also imports what takes long to load: an interrupt meanwhile is no error.
        interrupted: what becomes of the work.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = command()
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or it is flushed once more at the end
        return 141
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\ninterrupted: {interrupted}", file=sys.stderr)
        return 130


def _first_paragraph(page: str) -> str:
    """The text of a framed page between its title and its first rule, in one line."""
    lines = [line.strip("│ ") for line in page.splitlines()[1:]]
    return " ".join(itertools.takewhile(lambda line: line and not line.startswith(("─", "╰")), lines))
