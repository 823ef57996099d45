"""Where a row comes from: commit, training code, library versions, machine."""

import ast
import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import baselines
from experiments import evaluate

ROOT = Path(__file__).resolve().parents[1]
_NOT_TRAINING = ("__init__", "commandline", "detection", "errors", "files", "latents", "plots", "progress")
_LIBRARIES = ("tensorflow", "keras", "tensorflow-probability", "numpy", "scikit-learn", "fairlearn")


@functools.cache
def provenance() -> dict[str, str]:
    """Columns commit, versions and host, as they are at the first call."""
    versions = [f"python {platform.python_version()}"]
    versions += [f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES]
    host = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return {"commit": commit(), "versions": "; ".join(versions), "host": host}


def commit() -> str:
    """The checked-out commit, with '-dirty' if source files differ from it; 'unknown' outside git."""
    head = _git("rev-parse", "--short=12", "HEAD")
    # results/ is what runs write: changes there do not alter what the next run computes.
    changed = _git("status", "--porcelain", "--", ".", ":!results", ":!README.md")
    return (head or "unknown") + ("-dirty" if changed else "")


@functools.cache
def code(method: str) -> str:
    """Eight hexadecimal digits that change with the code behind a method's rows, but not with its comments.

    That code is training in `debias`, the method's own file with what it imports from `baselines`, and `evaluate`: a
    new method or figure changes no other method's digits.
    """
    trained = [path for path in sorted((ROOT / "debias").glob("*.py")) if path.stem not in _NOT_TRAINING]
    data = [ROOT / "debias" / "data" / f"{name}.py" for name in ("dataset", "pipeline", "sampling")]
    digest = hashlib.sha256()
    for path in (*trained, *data, *_files_of(baselines.method(method).run), Path(evaluate.__file__)):
        digest.update(ast.dump(_without_docstrings(ast.parse(path.read_text(encoding="utf-8")))).encode())
    return digest.hexdigest()[:8]


def _files_of(function: Callable) -> list[Path]:
    """The file that defines a function, and those of `baselines` that it imports."""
    if isinstance(function, functools.partial):
        function = function.func
    file = Path(sys.modules[function.__module__].__file__)
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    modules = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return [file, *(Path(sys.modules[name].__file__) for name in modules if name.startswith("baselines."))]


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            del body[0]
    return tree


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
