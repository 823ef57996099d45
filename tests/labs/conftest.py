"""The functions, classes and answers that a lab's solution defines, without its training."""

import ast

import jupytext
import pytest

from labs import build

_DEFINED = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


@pytest.fixture(scope="module")
def solution(request):
    """Name -> what the imports, functions and classes define of the lab that the test's folder is named after."""
    source = build.sources()[request.path.parent.name]
    names = {}
    for cell in jupytext.read(source).cells:
        if cell.cell_type == "code":
            exec(compile(_definitions(cell.source), str(source), "exec"), names)
    return names


def _definitions(source: str) -> ast.Module:
    """The cell without what loads, trains, checks or shows."""
    tree = ast.parse("\n".join(line for line in source.splitlines() if not line.startswith("%")))
    tree.body = [node for node in tree.body if isinstance(node, _DEFINED) or _assigns(node, "answers")]
    return tree


def _assigns(node, name) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
