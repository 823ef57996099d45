"""Every kind of data set by its name or path, and what is none."""

import h5py
import numpy as np
import pytest

from debias.data import prepared
from debias.data.catalog import load
from debias.data.dataset import NO_GROUP
from debias.errors import InputError

LABELS = np.arange(60, dtype=np.uint8) % 2


@pytest.fixture
def here(tmp_path, monkeypatch, dataset_path, write_image):
    """The folder that names are relative to, with something of each kind; an embedded benchmark is a small file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("debias.data.parliament.build.ensure", lambda preset, cache: cache / f"{preset.name}.h5")
    for path in ("ours.h5", "cache/small.h5"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).symlink_to(dataset_path)
    for name, columns in {"train_face": ("images", "labels"), "unknown": ("images", "labels", "split")}.items():
        with h5py.File(f"{name}.h5", "w", libver="latest") as file:  # older ones are tried in another process first
            for column in columns:
                file[column] = np.full((60, 64, 64, 3), 9, np.uint8) if column == "images" else LABELS
    about = {"source": "made", "group_names": []}
    images, nothing = np.full((60, 8, 8, 3), 9, np.uint8), np.full(60, NO_GROUP)
    prepared.write(tmp_path / "source.h5", [images], list(map(str, range(60))), LABELS, nothing, {}, about)
    for number in range(60):
        write_image(tmp_path / "photos" / f"{number}.jpg", number)
    lines = [f"{number}.jpg,{label}" for number, label in enumerate(LABELS)]
    (tmp_path / "photos" / "labels.csv").write_text("\n".join(["file,label", *lines]))


@pytest.mark.parametrize(
    ("name", "called", "shape", "groups"),
    [
        ("parliament-small", "parliament-small", (8, 8, 1), ("left", "right")),
        ("digits", "digits", (8, 8, 1), ("0", "2", "4", "6", "8")),
        ("tumours", "tumours", (2, 2, 8), ("small", "large")),
        ("ours.h5", "ours", (8, 8, 1), ("left", "right")),
        ("train_face.h5", "train_face", (64, 64, 3), ()),
        ("photos", "photos", (64, 64, 3), ()),
    ],
)
def test_each_kind_of_name_opens_as_what_it_is(here, tmp_path, name, called, shape, groups):
    splits = load(name, tmp_path / "cache")
    assert (splits.name, splits.train.image_shape, splits.train.group_names) == (called, shape, groups)
    assert all(len(part) for part in (splits.train, splits.validation, splits.test))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("source.h5", "source.h5: one source alone: python -m debias.data merge joins faces and non-faces"),
        ("unknown.h5", "unknown.h5: not a debias-1 file"),
        ("nowhere.h5", "nowhere.h5: no such file: check the path"),
        ("parliament-large", "parliament-large: no such file: check the path"),
    ],
)
def test_what_is_no_data_set_is_one_line(here, tmp_path, name, shown):
    with pytest.raises(InputError) as caught:
        load(name, tmp_path / "cache")
    assert str(caught.value).startswith(shown) and "\n" not in str(caught.value)
