"""Tables as Markdown, in which no text can be taken for anything but text."""

from collections.abc import Sequence


def markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table that also reads well as plain text, first column left-aligned, the others right-aligned."""
    header, *lines = ([plain(cell) for cell in line] for line in (header, *lines))
    widths = [max(3, *map(len, column)) for column in zip(header, *lines, strict=True)]
    rule = [":" + "-" * (widths[0] - 1)] + ["-" * (width - 1) + ":" for width in widths[1:]]
    return "\n".join(_line(cells, widths) for cells in (header, rule, *lines))


def plain(text: str) -> str:
    """`text`, such as a group's name from a file, on one line and without cells, tags, links and images."""
    text = " ".join(text.splitlines())
    for mark in ("\\", "|", "<", "!["):  # the backslash first
        text = text.replace(mark, f"\\{mark}")
    return text.replace("](", "]\\(")


def _line(cells, widths) -> str:
    padded = [cells[0].ljust(widths[0])] + [cell.rjust(n) for cell, n in zip(cells[1:], widths[1:], strict=True)]
    return f"| {' | '.join(padded)} |"
