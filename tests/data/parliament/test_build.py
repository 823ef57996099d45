import dataclasses
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from debias.data import dataset
from debias.data.parliament import build
from debias.errors import InputError

TINY = build.PRESETS["tiny"]


@pytest.fixture(scope="module")
def built(tmp_path_factory, cache) -> Path:
    """The tiny benchmark, rendered by this process, which compiles the renderer for all."""
    path = tmp_path_factory.mktemp("built") / "tiny.h5"
    build.build(TINY, path, cache, processes=1)
    return path


@pytest.fixture(scope="module")
def splits(built):
    return dataset.open_splits(built)


def counts(split) -> list[int]:
    """Images per group, then negatives."""
    return [int((split.groups == group).sum()) for group in range(4)] + [int((split.labels == 0).sum())]


def test_pixels_do_not_depend_on_the_number_of_processes(splits, tmp_path, cache):
    build.build(TINY, tmp_path / "two.h5", cache, processes=2)
    two = dataset.open_splits(tmp_path / "two.h5")
    for name in dataset.SPLITS:
        ours, theirs = getattr(splits, name), getattr(two, name)
        assert np.array_equal(ours.images(), theirs.images())
        assert np.array_equal(ours.groups, theirs.groups)
        for factor in ours.factors:
            np.testing.assert_array_equal(ours.factors[factor], theirs.factors[factor])


def test_splits_hold_what_the_config_says(splits):
    assert counts(splits.train) == [12, 12, 3, 3, 30]
    assert counts(splits.validation) == [4, 4, 1, 1, 20]
    assert counts(splits.test) == [4, 4, 4, 4, 16]


def test_the_default_is_large_enough_and_its_test_balanced():
    cells = build.cells(build.PRESETS["default"])
    test = [cell.count for cell in cells if dataset.SPLITS[cell.split] == "test"]
    assert min(test[:4]) >= 400
    assert len(set(test[:4])) == 1
    assert test[4] >= 2000


def test_darker_women_are_the_rarest_training_group():
    faces = build.group_counts(build.PRESETS["default"], 10_000, 160)
    assert min(faces) == faces[build.GROUPS.index("darker female")]
    assert sum(faces) == 10_160


def test_validation_faces_have_the_imbalance_of_training():
    config = dataclasses.replace(TINY, train_lighter=900, train_darker=100, validation_faces=200)
    validation = [cell.count for cell in build.cells(config) if dataset.SPLITS[cell.split] == "validation"]
    assert validation[2] + validation[3] == 20


def test_groups_agree_with_gender_and_tone(splits):
    for split in (splits.train, splits.test):
        faces = split.positives()
        assert np.array_equal(faces.factors["male"] == 1, np.isin(faces.groups, (0, 2)))
        assert np.array_equal(faces.factors["tone"] >= 4, faces.groups >= 2)


def test_negatives_have_a_kind_and_no_other_factor(splits):
    others = splits.test.negatives().factors
    assert set(others["kind"]).isdisjoint({b"", b"face"})
    assert np.isnan(others["age"]).all()
    assert set(others["hair"]) == {b""}
    assert set(splits.test.positives().factors["kind"]) == {b"face"}


def test_no_person_and_no_image_is_in_two_splits(splits):
    parts = [getattr(splits, name) for name in dataset.SPLITS]
    angles = np.concatenate([part.positives().factors["typology_angle"] for part in parts])
    images = np.concatenate([part.images() for part in parts])
    assert len(np.unique(angles)) == len(angles)
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_configurations_share_the_images_they_have_in_common(model, splits):
    larger = dataclasses.replace(TINY, train_lighter=100, test_negatives=50)
    cell = next(cell for cell in build.cells(larger) if cell.kind == 1 and cell.split == 0)
    image, factors = build.draw_image(model, build.photographs.load_pool("train"), larger, cell, 3)
    women = splits.train.take(splits.train.groups == 1)
    assert np.array_equal(image, women.images(3))
    assert factors["age"] == pytest.approx(women.factors["age"][3])


def test_another_seed_gives_other_people(model, splits):
    cell = build.cells(TINY)[0]
    other = dataclasses.replace(TINY, seed=1)
    image, _ = build.draw_image(model, build.photographs.load_pool("train"), other, cell, 0)
    assert not np.array_equal(image, splits.train.images(0))


def test_provenance_is_stored(built):
    stored = dataset.attributes(built)
    assert json.loads(stored["config"]) == json.loads(json.dumps(dataclasses.asdict(TINY)))
    assert stored["assets_sha256"] == build.assets.WHEEL_SHA256
    assert stored["seconds"] > 0


def test_ensure_builds_once_and_again_when_damaged(tmp_path, built, monkeypatch):
    calls = []

    def copy(config, path, cache, processes):
        calls.append(path)
        path.write_bytes(built.read_bytes())

    monkeypatch.setattr(build, "build", copy)
    path = build.ensure(TINY, tmp_path)
    assert build.ensure(TINY, tmp_path) == path
    assert calls == [path]
    path.write_bytes(built.read_bytes()[:5000])
    build.ensure(TINY, tmp_path)
    assert calls == [path, path]


def test_of_two_that_want_a_file_one_renders_it(tmp_path, built, monkeypatch, capsys):
    began, calls = threading.Event(), []

    def slow(config, path, cache, processes):
        calls.append(path)
        began.set()
        time.sleep(0.3)
        path.write_bytes(built.read_bytes())

    monkeypatch.setattr(build, "build", slow)
    first = threading.Thread(target=build.ensure, args=(TINY, tmp_path))
    first.start()
    began.wait()
    path = build.ensure(TINY, tmp_path)
    first.join()
    assert calls == [path] and "waiting for another process" in capsys.readouterr().err


@pytest.mark.parametrize("change", [{"seed": 1}, {"train_darker": 7}, {"darker_female_share": 0.5}, {"size": 32}])
def test_whatever_changes_pixels_changes_the_name(change):
    assert build.digest(dataclasses.replace(TINY, **change)) != build.digest(TINY)


def test_an_interrupted_build_leaves_nothing(tmp_path, cache, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "draw_image", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build.build(TINY, tmp_path / "tiny.h5", cache, processes=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test_negatives": 0}, "test_negatives is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"darker_female_share": 1.5}, "darker_female_share is 1.5"),
        ({"negative_tones": (1.0, 0.5, 0, 0, 0, 0)}, "negative_tones"),
        ({"darker_tones": (-0.5, 1.0, 0.5)}, "darker_tones"),
    ],
)
def test_bad_configs_are_refused_in_one_line(change, message):
    with pytest.raises(InputError, match=message) as caught:
        dataclasses.replace(TINY, **change)
    assert "\n" not in str(caught.value)


def test_a_build_needs_a_process(tmp_path, cache):
    with pytest.raises(InputError, match="processes is 0"):
        build.build(TINY, tmp_path / "tiny.h5", cache, processes=0)


def test_bad_input_on_the_command_line_ends_in_one_line_and_code_2(tmp_path):
    blocker = tmp_path / "file"
    blocker.touch()
    command = [sys.executable, "-m", "debias.data.parliament", "build", "--preset", "tiny", "--cache", str(blocker)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert str(blocker) in result.stderr
