"""The functions, classes and answers that a lab defines, without its training."""

import ast
from collections.abc import Iterable

import jupytext
import pytest

from labs import build

_DEFINED = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


@pytest.fixture(scope="module")
def solution(request):
    """Name -> what the imports, functions and classes define of the lab that the test's folder is named after."""
    return _defined(jupytext.read(build.sources()[request.path.parent.name]).cells)


@pytest.fixture(scope="session")
def defined():
    """A function: the cells of a notebook -> name -> what their imports, functions and classes define."""
    return _defined


def _defined(cells: Iterable) -> dict:
    names = {}
    for cell in cells:
        if cell.cell_type == "code":
            exec(compile(_definitions(cell.source), "lab", "exec"), names)
    return names


def _definitions(source: str) -> ast.Module:
    """A cell without what loads, trains, checks or shows."""
    tree = ast.parse("\n".join(line for line in source.splitlines() if not line.startswith("%")))
    tree.body = [node for node in tree.body if isinstance(node, _DEFINED) or _assigns(node, "answers")]
    return tree


def _assigns(node, name) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
