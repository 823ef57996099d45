"""The arrows between packages and modules, and what importing costs and says."""

import ast
import graphlib
import json
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
DRAWLESS = [
    f"experiments.report.{name}" for name in ("rows", "tables", "comparisons", "deviations", "figure_data", "readme")
]
REPORTS = [f"experiments.report.{path.stem}" for path in (ROOT / "experiments" / "report").glob("[a-z]*.py")]
OF_MODELS = ("models", "course_faces")  # imported when there are some
TENSORFLOW = {"tensorflow", "keras", "tensorflow_probability", "tf_keras"}
# Each line of modules is imported after those above it, so what it must not load includes what they must not.
LIGHT = {
    "baselines, debias.presets, debias.resampling, debias.smoke, debias.provenance": "rich pandas",
    "experiments.registry": "numba matplotlib ray pandas sklearn",
    "experiments.engine.sweep, experiments.engine.digests": "numba matplotlib ray",
    "experiments.commands": "numba matplotlib ray",
    ", ".join(DRAWLESS): "numba matplotlib ray",
    ", ".join(name for name in REPORTS if not name.endswith(OF_MODELS)): "numba ray",
    "debias.data.dataset, debias.data.catalog, debias.data.parliament.build, debias.metrics": "",
}
LOADING = """
import importlib, json, sys
loaded = []
for modules in json.loads(sys.argv[1]):
    for name in modules.split(", "):
        importlib.import_module(name)
    loaded.append(sorted(name for name in sys.modules if "." not in name))
print(json.dumps(loaded))
"""


def name_of(path):
    """'a.b' of a/b.py and of a/b/__init__.py."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree):
    """Names that a part of a file imports, wherever in it: 'a.b' and 'a.b.c' for `from a.b import c`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"a relative import of {node.module}"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parts_that_run(tree):
    """A file's statements but for `if TYPE_CHECKING:`."""
    return [node for node in tree.body if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")]


def loads_tensorflow(tree):
    """Whether a part of a file imports it, or what brings it."""
    return any(name.split(".")[0] in TENSORFLOW for name in imports_of(tree))


@pytest.fixture(scope="module")
def trees():
    """Module of the repository -> its syntax tree."""
    paths = [path for package in ABOVE for path in (ROOT / package).rglob("*.py")]
    return {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


@pytest.fixture(scope="module")
def imports(trees):
    """Module of the repository -> all that it imports, late or for type checkers alone as well."""
    return {module: set(imports_of(tree)) for module, tree in trees.items()}


def test_arrows_between_packages_point_one_way(imports):
    upwards = [
        f"{module} imports {name}"
        for module, names in imports.items()
        for name in names
        if name.split(".")[0] in ABOVE[module.split(".")[0]]
    ]
    assert not upwards and len(imports) > 100


def test_no_module_is_imported_by_what_it_imports(imports):
    within = {module: names & set(imports) - {module} for module, names in imports.items()}
    graphlib.TopologicalSorter(within).prepare()  # CycleError names the circle


def test_tensorflow_comes_through_the_quiet_module(trees):
    loud = {module for module, tree in trees.items() if any(map(loads_tensorflow, parts_that_run(tree)))}
    assert loud == {"debias.backend"}


def test_to_know_what_there_is_loads_nothing_that_takes_seconds():
    command = [sys.executable, "-c", LOADING, json.dumps(list(LIGHT))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    for (modules, heavy), loaded in zip(LIGHT.items(), json.loads(done.stdout), strict=True):
        assert not {*heavy.split(), *TENSORFLOW, "torch"} & set(loaded), modules
