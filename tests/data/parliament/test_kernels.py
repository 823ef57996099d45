"""Compiled kernels are thrown away exactly when a kernel's source has changed."""

import pytest

from debias.data.parliament import kernels


@pytest.fixture
def package(tmp_path):
    (tmp_path / "shader.py").write_text("@numba.njit\ndef shade(): ...\n")
    (tmp_path / "plain.py").write_text("x = 1\n")
    kernels.discard_stale(tmp_path)
    for ending in ("nbi", "nbc", "pyc"):
        (tmp_path / "__pycache__" / f"shader.{ending}").write_text("compiled")
    return tmp_path


def compiled(package):
    return {path.suffix for path in (package / "__pycache__").glob("shader.*")}


def test_unchanged_kernels_stay(package):
    kernels.discard_stale(package)
    assert compiled(package) == {".nbi", ".nbc", ".pyc"}


def test_other_modules_may_change(package):
    (package / "plain.py").write_text("x = 2\n")
    kernels.discard_stale(package)
    assert compiled(package) == {".nbi", ".nbc", ".pyc"}


def test_changed_kernels_go(package):
    (package / "shader.py").write_text("@numba.njit\ndef shade(): return 1\n")
    kernels.discard_stale(package)
    assert compiled(package) == {".pyc"}
    kernels.discard_stale(package)
    assert (package / "__pycache__" / kernels.RECORD).read_text() == kernels._source_digest(package)
