"""Digests of code: they change with what decides a result, and with nothing else.

The code behind a result is what its module imports, and what that imports in turn, within this repository. Comments and
docstrings do not count, nor do the checks of `debias.guards`, which stop a run or leave it as it is. Of two files, the
registries of methods and of presets, the tables do not count either: a new line there changes nothing for the others,
so instead of the table the entry that a run uses counts.
"""

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from debias.presets import network
from debias.provenance import ROOT
from experiments.engine.experiment import Run

GUARDS = "guards"  # debias.guards, always imported under this name
LOOKING_UP = {"get", "items", "vars", "endswith"}  # functions that arguments of a guard may call
REGISTRIES = ("baselines", "debias.presets")
OWN_TEST, OTHER_TEST = "experiments.engine.measures", "experiments.engine.cross_dataset"


def training_digest(run: Run, root: Path = ROOT) -> str:
    """Eight hexadecimal digits that change with the code that trains a run, as it was when this process began."""
    trained, sizes = run.setting.trained, network(run.config)
    entries = (trained.module, trained.labels, sorted(trained.arguments.items()), sizes)
    return _digest((trained.module, sizes.trunk, "baselines"), root, repr(entries))


def evaluation_digest(run: Run, root: Path = ROOT) -> str:
    """Eight hexadecimal digits that change with the code that measures a run's model."""
    return _digest((OTHER_TEST if run.test else OWN_TEST,), root)


def imported(modules: Iterable[str], root: Path = ROOT) -> dict[str, Path]:
    """The modules of this repository that `modules` are made of, themselves and all that they import: name -> file."""
    found, waiting = {}, list(modules)
    while waiting:
        name = waiting.pop()
        path = _file(name, root)
        if path and name not in found:
            found[name] = path
            waiting += _read(path, name in REGISTRIES)[1]
    return dict(sorted(found.items()))


def _digest(modules: tuple[str, ...], root: Path, entries: str = "") -> str:
    return hashlib.sha256(f"{entries} {_code(modules, root)}".encode()).hexdigest()[:8]


# Both keep what they first found: a process goes on with the code that it has loaded, whatever becomes of the files.
@functools.lru_cache(maxsize=256)
def _code(modules: tuple[str, ...], root: Path) -> str:
    digest = hashlib.sha256()
    for name, path in imported(modules, root).items():
        digest.update(_read(path, name in REGISTRIES)[0].encode())
    return digest.hexdigest()


@functools.lru_cache(maxsize=1024)
def _read(path: Path, is_registry: bool) -> tuple[str, tuple[str, ...]]:
    """The code in a file, without comments, docstrings, guards and a registry's tables, and what it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if _has_guards(tree):
        tree = _Unguarded().visit(tree)
    names = tuple(_imports(tree))
    if is_registry:
        tree.body = [statement for statement in tree.body if not isinstance(statement, ast.Assign)]
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            del body[0]
    return repr(_plain(tree)), names


class _Unguarded(ast.NodeTransformer):
    """Takes out `from debias import guards`, statements `guards.name(...)` and decorators `@guards.name`."""

    def visit_ImportFrom(self, node):
        node.names = [name for name in node.names if (node.module, name.name) != ("debias", GUARDS)]
        return node if node.names else None

    def visit_Expr(self, node):
        is_guard = isinstance(node.value, ast.Call) and _is_guard(node.value.func) and _is_plain(node.value)
        return None if is_guard else self.generic_visit(node)

    def visit_ClassDef(self, node):
        node.decorator_list = [each for each in node.decorator_list if not _is_guard(each)]
        return self.generic_visit(node)


def _has_guards(tree: ast.Module) -> bool:
    """Whether `guards` is debias.guards in this file, and nothing else anywhere in it."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == GUARDS]
    given = {name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in _bound(node)}
    is_other = any(not isinstance(node.ctx, ast.Load) for node in names)
    return ("debias", GUARDS) in given and not is_other and not any(m != "debias" and n == GUARDS for m, n in given)


def _bound(node: ast.ImportFrom) -> Iterator[tuple[str | None, str]]:
    """Module and name in this file, of what an import binds."""
    return ((node.module, alias.asname or alias.name) for alias in node.names)


def _is_plain(call: ast.Call) -> bool:
    """Whether what is handed over has no effect of its own; of functions, only those that look something up."""
    parts = [part for argument in (*call.args, *call.keywords) for part in ast.walk(argument)]
    called = {ast.unparse(part.func).rpartition(".")[2] for part in parts if isinstance(part, ast.Call)}
    return called <= LOOKING_UP and not any(isinstance(part, ast.NamedExpr | ast.Yield | ast.Await) for part in parts)


def _is_guard(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == GUARDS


def _plain(node):
    """A syntax tree as nested tuples without empty fields, which are not the same in all versions of Python."""
    if isinstance(node, ast.AST):
        filled = [(name, _plain(value)) for name, value in ast.iter_fields(node) if value not in (None, [])]
        return type(node).__name__, *filled
    return tuple(map(_plain, node)) if isinstance(node, list) else repr(node)


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
