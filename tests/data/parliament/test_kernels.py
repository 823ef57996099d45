"""Compiled kernels are thrown away exactly when a kernel's source has changed."""

import os
import subprocess
import sys

import pytest

from debias.data.parliament import kernels
from debias.provenance import ROOT

CALLED = "import numba\n\n@numba.njit(cache=True)\ndef called(x):\n    return x * {}\n"
CALLER = (
    "import numba\nfrom {0}.inner import called\n\n@numba.njit(cache=True)\ndef caller(x):\n    return called(x) + 1\n"
)
RUN = """
from pathlib import Path
from debias.data.parliament import kernels
from shaders import outer
kernels.discard_stale(Path(outer.caller.stats.cache_path), Path(outer.__file__).parent)
print(outer.caller(1.0))
"""


@pytest.fixture
def package(tmp_path):
    (tmp_path / "shader.py").write_text("@numba.njit\ndef shade(): ...\n")
    (tmp_path / "plain.py").write_text("x = 1\n")
    discard(tmp_path)
    for ending in ("nbi", "nbc", "pyc"):
        (tmp_path / "compiled" / f"shader.{ending}").write_text("compiled")
    return tmp_path


def discard(package):
    kernels.discard_stale(package / "compiled", package)


def compiled(package):
    return {path.suffix for path in (package / "compiled").glob("shader.*")}


def test_unchanged_kernels_stay(package):
    discard(package)
    assert compiled(package) == {".nbi", ".nbc", ".pyc"}


def test_other_modules_may_change(package):
    (package / "plain.py").write_text("x = 2\n")
    discard(package)
    assert compiled(package) == {".nbi", ".nbc", ".pyc"}


def test_changed_kernels_go(package):
    (package / "shader.py").write_text("@numba.njit\ndef shade(): return 1\n")
    discard(package)
    assert compiled(package) == {".pyc"}
    discard(package)
    assert (package / "compiled" / kernels.RECORD).read_text() == kernels._source_digest(package)


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["", "numba"])
def test_a_kernel_follows_one_that_it_calls_wherever_numba_keeps_it(tmp_path, folder):
    """With the variable that the script sets, and without: Numba itself would go on with the old one."""
    package = tmp_path / "shaders"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "outer.py").write_text(CALLER.format("shaders"))
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("NUMBA_CACHE_DIR", None)
    environment |= {"NUMBA_CACHE_DIR": str(tmp_path / folder)} if folder else {}
    found = []
    for factor in (1, 5):
        (package / "inner.py").write_text(CALLED.format(factor))
        ran = subprocess.run([sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=True)
        found.append(float(ran.stdout))
    assert found == [2.0, 6.0]
    assert list(tmp_path.rglob("*.nbc"))  # it was kept on disk at all
