"""Faces by pose against a count of each face's own yaw."""

import math

import numpy as np
import pytest

from debias.data import catalog
from debias.data.dataset import Dataset, Splits
from debias.data.names import is_public, label
from debias.data.poses import by_pose
from debias.errors import InputError

YAW = {"train": (0.0, 19.9, -19.9, 20.0, -20.0, 40.0), "validation": (-35.0, 3.0, 25.0), "test": (-21.0, 21.0, 5.0)}


def half_of(yaw, **changes) -> Dataset:
    """Faces of skin tones, and a last image that is none."""
    count = len(yaw)
    labels, groups = np.arange(count) < count - 1, np.arange(count) % 2
    facts = {"groups": groups.astype(np.int8), "group_names": ("lighter", "darker"), "factors": {"yaw": np.array(yaw)}}
    images = np.arange(count, dtype=np.uint8)[:, None, None, None]
    return Dataset(images, np.arange(count), labels.astype(np.uint8), **facts | changes)


@pytest.fixture
def splits():
    return Splits("faces", *(half_of(yaw) for yaw in YAW.values()))


def test_a_face_is_turned_from_twenty_degrees_on_to_either_side(splits):
    found = by_pose(splits)
    for name, yaw in YAW.items():
        half = getattr(found, name)
        told = [half.group_names[group] for group in half.groups[half.labels == 1]]
        assert told == ["frontal" if math.floor(abs(each)) < 20 else "turned" for each in yaw[:-1]]
        assert half.groups[-1] == -1


def test_images_labels_and_factors_stay(splits):
    found = by_pose(splits)
    for name in YAW:
        old, new = getattr(splits, name), getattr(found, name)
        assert np.array_equal(new.images(), old.images()) and np.array_equal(new.labels, old.labels)
        assert new.factors is old.factors
    assert found.training_digest() != splits.training_digest()


def test_by_name_it_is_the_same_file(monkeypatch, splits, tmp_path):
    monkeypatch.setattr("debias.data.parliament.build.ensure", lambda preset, cache: cache / preset.name)
    monkeypatch.setattr(catalog, "open_splits", lambda path, name: Splits(f"{path.name}: {name}", *_halves(splits)))
    found = catalog.load("parliament-small-pose", tmp_path)
    assert found.name == "small: parliament-small-pose" and found.test.group_names == ("frontal", "turned")
    assert catalog.load("parliament-small", tmp_path).test.group_names == ("lighter", "darker")
    assert is_public("parliament-camera-pose") and not is_public("mine-pose")
    assert [label(f"parliament-camera{end}") for end in ("-pose", "-smoke-pose")] == ["camera"] * 2


def test_without_the_factor_it_is_one_line(splits):
    plain = Splits("plain", *(half.without_factors() for half in _halves(splits)))
    with pytest.raises(InputError, match="plain has no factor 'yaw'") as caught:
        by_pose(plain)
    assert "\n" not in str(caught.value)


def _halves(splits):
    return splits.train, splits.validation, splits.test
