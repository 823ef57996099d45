"""Hints and examples of an exercise: comments in the source, which unfold below the exercise in the notebooks.

In a lab's source they stand under a TODO, above its solution, each as long as it needs to be:

    # TODO: what is to be done
    # NUDGE: a question that points the way
    # IDEA: what to use
    # CODE: the lines, with gaps
    # EXAMPLE: an expression -> what it gives, or a sentence
"""

import re

import nbformat
from nbformat.notebooknode import NotebookNode

from debias.errors import InputError

_COMMENT = re.compile(r"^ *# (NUDGE|IDEA|CODE|EXAMPLE):(?: (.*))?\n", re.MULTILINE)
TITLES = {"NUDGE": "Hint 1: a nudge", "IDEA": "Hint 2: an idea", "CODE": "Hint 3: code"}


def unfold(cell: NotebookNode) -> list[NotebookNode]:
    """A cell without these comments and, if it had some, a Markdown cell of them."""
    parts = _parts(cell.source)
    if cell.cell_type != "code" or not parts:
        return [cell]
    if "EXAMPLE" not in parts:
        raise InputError(f"the cell that begins with {cell.source.splitlines()[0]!r} has hints but no EXAMPLE: add one")
    cell.source = _COMMENT.sub("", cell.source)
    return [cell, nbformat.v4.new_markdown_cell(_markdown(parts))]


def example(source: str) -> tuple[str, str] | None:
    """Expression and what it gives, of the example in a code cell's source; None where it is a sentence or missing."""
    expression, arrow, value = _parts(source).get("EXAMPLE", "").partition(" -> ")
    return (expression, value) if arrow else None


def _parts(source: str) -> dict[str, str]:
    """Kind -> text; the lines of code stay lines, all others run on."""
    lines = {}
    for kind, line in _COMMENT.findall(source):
        lines.setdefault(kind, []).append(line)
    return {kind: ("\n" if kind == "CODE" else " ").join(each) for kind, each in lines.items()}


def _markdown(parts: dict[str, str]) -> str:
    expression, arrow, value = parts["EXAMPLE"].partition(" -> ")
    shown = [f"**Example:** `{expression}` gives `{value}`" if arrow else f"**Example:** {expression}"]
    for kind, title in TITLES.items():
        text = f"```python\n{parts[kind]}\n```" if kind == "CODE" else parts[kind]
        shown.append(f"<details><summary>{title}</summary>\n\n{text}\n\n</details>")
    return "\n\n".join(shown)
