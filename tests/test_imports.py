"""The arrows between the packages, and what importing costs and says."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ABOVE = {
    "debias": {"baselines", "experiments", "labs", "tests"},
    "baselines": {"experiments", "labs", "tests"},
    "experiments": {"labs", "tests"},
    "labs": {"tests"},
}
WITHOUT = """
import sys
import debias, debias.errors, debias.files, debias.resampling, debias.metrics
import debias.data.dataset, debias.data.catalog, debias.data.parliament.build
print(sorted({"tensorflow", "keras", "torch"} & set(sys.modules)))
"""
MODULES = sorted(path for package in ABOVE for path in (ROOT / package).rglob("*.py"))


def imported(path):
    """Top-level packages that a file imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(ROOT)) for path in MODULES])
def test_arrows_point_one_way(path):
    assert not imported(path) & ABOVE[path.relative_to(ROOT).parts[0]]


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(ROOT)) for path in MODULES])
def test_tensorflow_comes_through_the_quiet_module(path):
    if path != ROOT / "debias" / "backend.py":
        assert not imported(path) & {"tensorflow", "keras", "tensorflow_probability", "tf_keras"}


def test_data_modules_need_no_tensorflow():
    done = subprocess.run([sys.executable, "-c", WITHOUT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
