"""Digests of code: they change with what decides a result, and with nothing else.

The code behind a result is what its module imports, and what that imports in turn, within this repository. Comments and
docstrings do not count. Two files only list what there is, the registries of methods and of presets: a new line in one
of them changes nothing for the others, so instead of the file the entry that a run uses counts.
"""

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from baselines import method
from debias.presets import network
from debias.provenance import ROOT
from experiments.engine.experiment import Run

REGISTRIES = ("baselines", "debias.presets")
OWN_TEST, OTHER_TEST = "experiments.engine.measures", "experiments.engine.cross_dataset"


def training_digest(run: Run, root: Path = ROOT) -> str:
    """Eight hexadecimal digits that change with the code that trains a run."""
    trained, sizes = method(run.setting.method), network(run.config)
    entries = (trained.module, trained.labels, sorted(trained.arguments.items()), sizes)
    return _digest((trained.module, sizes.trunk), root, repr(entries))


def evaluation_digest(run: Run, root: Path = ROOT) -> str:
    """Eight hexadecimal digits that change with the code that measures a run's model."""
    return _digest((OTHER_TEST if run.test else OWN_TEST,), root)


def imported(modules: Iterable[str], root: Path = ROOT) -> list[Path]:
    """The files of this repository that `modules` are made of: themselves and all that they import, in order."""
    found, waiting = {}, list(modules)
    while waiting:
        name = waiting.pop()
        path = _file(name, root)
        if path and name not in found and name not in REGISTRIES:
            found[name] = path
            waiting += _read(path, path.stat().st_mtime_ns)[1]
    return [found[name] for name in sorted(found)]


def _digest(modules, root: Path, entries: str = "") -> str:
    digest = hashlib.sha256(entries.encode())
    for path in imported(modules, root):
        digest.update(_read(path, path.stat().st_mtime_ns)[0].encode())
    return digest.hexdigest()[:8]


@functools.lru_cache(maxsize=256)
def _read(path: Path, changed: int) -> tuple[str, tuple[str, ...]]:
    """The code in a file without comments and docstrings, and what it imports; `changed` is when it was."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = tuple(_imports(tree))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            del body[0]
    return ast.dump(tree), names


def _imports(tree: ast.AST) -> Iterator[str]:
    """Names of the modules that a file imports, wherever in it; 'a.b' and 'a.b.c' for `from a.b import c`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file(name: str, root: Path) -> Path | None:
    """Where a module of this repository is, None for others."""
    path = root.joinpath(*name.split("."))
    candidates = path.with_suffix(".py"), path / "__init__.py"
    return next((candidate for candidate in candidates if candidate.is_file()), None)
