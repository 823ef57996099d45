"""The file layout: what is written comes back, and nothing broken gets through."""

import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from debias.data import dataset
from debias.data.dataset import NO_GROUP, Dataset, Splits, create, open_splits, validate
from debias.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
COUNT = 24


def columns(seed=0):
    """images, labels, split, groups and factors of 24 images, 8 a split, half of them positives of two groups."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (COUNT, 6, 5, 3), np.uint8)
    labels = np.tile([1, 0], COUNT // 2)
    groups = np.where(labels == 1, np.arange(COUNT) // 2 % 2, NO_GROUP)
    factors = {
        "tone": np.where(labels == 1, rng.uniform(size=COUNT), np.nan).astype(np.float32),
        "hair": np.where(labels == 1, b"curly", b""),
    }
    return images, labels, np.repeat([0, 1, 2], COUNT // 3), groups, factors


def write(path, images, labels, split, groups, factors):
    kinds = {"tone": "float32", "hair": "S12"}
    with create(path, COUNT, images.shape[1:], kinds, ("light", "dark"), {"seed": 7, "maker": "tests"}) as writer:
        for start in (0, 10, 20):  # uneven blocks
            rows = slice(start, start + 10)
            block = {name: values[rows] for name, values in factors.items()}
            writer.write(start, images[rows], labels[rows], split[rows], groups[rows], block)
    return path


@pytest.fixture
def path(tmp_path):
    """A valid file."""
    return write(tmp_path / "faces.h5", *columns())


def test_round_trip(path):
    images, labels, split, groups, factors = columns()
    splits = open_splits(path)
    assert splits.name == "faces" and open_splits(path, "other").name == "other"
    for code, part in enumerate((splits.train, splits.validation, splits.test)):
        members = split == code
        np.testing.assert_array_equal(part.images(), images[members])
        np.testing.assert_array_equal(part.labels, labels[members])
        np.testing.assert_array_equal(part.groups, groups[members])
        np.testing.assert_array_equal(part.factors["tone"], factors["tone"][members])
        np.testing.assert_array_equal(part.factors["hair"], factors["hair"][members])
        assert (len(part), part.image_shape, part.group_names) == (8, (6, 5, 3), ("light", "dark"))


def test_attributes_carry_provenance(path):
    stored = dataset.attributes(path)
    assert (stored["seed"], stored["maker"]) == (7, "tests")


def test_images_are_mapped_not_copied(path):
    splits = open_splits(path)
    assert isinstance(splits.train.source, np.memmap)
    assert np.shares_memory(splits.train.source, splits.test.source)
    assert not splits.train.source.flags.writeable
    with h5py.File(path, "r+") as file:
        file["images"][0] = 99  # row 0 belongs to train
    assert np.all(splits.train.images(0) == 99)


def test_compressed_images_are_read(path):
    images = columns()[0]
    with h5py.File(path, "r+") as file:
        del file["images"]
        file.create_dataset("images", data=images, compression="gzip")
    np.testing.assert_array_equal(open_splits(path).train.images(), images[:8])


def test_subsets_keep_rows_together(path):
    splits = open_splits(path)
    dark = splits.test.take(splits.test.groups == 1)
    images, _, split, groups, factors = columns()
    members = np.flatnonzero((split == 2) & (groups == 1))
    np.testing.assert_array_equal(dark.images(), images[members])
    np.testing.assert_array_equal(dark.factors["tone"], factors["tone"][members])
    assert set(splits.train.positives().labels) == {1} and set(splits.train.negatives().labels) == {0}
    assert len(splits.train.positives()) + len(splits.train.negatives()) == len(splits.train)


def test_no_group_names_means_no_groups(path):
    with h5py.File(path, "r+") as file:
        file.attrs["group_names"] = []
        file["groups"][:] = NO_GROUP
    assert open_splits(path).test.groups is None


def test_invalid_content_never_appears_under_its_name(tmp_path):
    images, labels, split, groups, factors = columns()
    with pytest.raises(InputError) as caught:
        write(tmp_path / "faces.h5", images, np.zeros_like(labels), split, groups, factors)
    assert str(tmp_path / "faces.h5") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_interrupted_build_leaves_nothing(tmp_path, error):
    with pytest.raises(error), create(tmp_path / "faces.h5", 4, (2, 2, 1), {}, (), {}):
        raise error
    assert list(tmp_path.iterdir()) == []


def assert_refused(path, *words):
    for check in (validate, open_splits):
        with pytest.raises(InputError) as caught:
            check(path)
        message = str(caught.value)
        assert str(path) in message and "\n" not in message
        assert all(word in message for word in words), message


def test_missing_file(tmp_path):
    assert_refused(tmp_path / "none.h5", "no such file")


def test_folder_instead_of_a_file(tmp_path):
    assert_refused(tmp_path, "no such file")


@pytest.mark.parametrize("content", [b"", b"not an HDF5 file at all", b"\x89HDF\r\n\x1a\n"])
def test_not_hdf5(tmp_path, content):
    (tmp_path / "faces.h5").write_bytes(content)
    assert_refused(tmp_path / "faces.h5")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_truncated_file(path, share):
    os.truncate(path, int(share * path.stat().st_size))
    assert_refused(path, "cut short")


def _replace(name, values):
    def change(file):
        del file[name]
        file[name] = values

    return change


def _assign(name, rows, value):
    def change(file):
        file[name][rows] = value

    return change


def _delete(name):
    def change(file):
        del file[name]

    return change


def _set_attribute(name, value):
    def change(file):
        file.attrs[name] = value

    return change


def _delete_attribute(name):
    def change(file):
        del file.attrs[name]

    return change


FLOATS = np.tile([1.0, 0.0], COUNT // 2)
NAN = np.r_[np.nan, FLOATS[1:]]
FAULTS = {
    "other format": (_set_attribute("format", "debias-0"), "debias-1"),
    "no format": (_delete_attribute("format"), "debias-1"),
    "no group names": (_delete_attribute("group_names"), "group_names"),
    **{f"no {name}": (_delete(name), name) for name in ("images", "labels", "split", "groups", "factors")},
    "images are a group": (lambda file: (_delete("images")(file), file.create_group("images")), "images"),
    "factors are a data set": (_replace("factors", np.zeros(COUNT)), "factors"),
    "a factor is a group": (lambda file: file["factors"].create_group("pose"), "pose"),
    "images are floats": (_replace("images", np.zeros((COUNT, 6, 5, 3), np.float32)), "float32"),
    "images are flat": (_replace("images", np.zeros((COUNT, 90), np.uint8)), "(24, 90)"),
    "images are too few": (_replace("images", np.zeros((COUNT - 1, 6, 5, 3), np.uint8)), "(24,)"),
    "no image": (_replace("images", np.zeros((0, 6, 5, 3), np.uint8)), "(0,)"),
    "labels are (N, 1)": (_replace("labels", np.ones((COUNT, 1), np.uint8)), "labels", "(24, 1)"),
    "labels are 0 and 2": (_assign("labels", slice(0, COUNT, 2), 2), "0 or 1"),
    "labels are floats": (_replace("labels", FLOATS), "labels", "float64"),
    "labels hold NaN": (_replace("labels", NAN), "labels"),
    "labels are words": (_replace("labels", np.full(COUNT, b"yes")), "labels"),
    "one class in test": (_assign("labels", slice(16, COUNT), 1), "test split", "all labels are 1"),
    "split code 3": (_assign("split", 0, 3), "split codes"),
    "no validation": (_assign("split", slice(8, 16), 0), "validation split"),
    "group 2 of 2": (_assign("groups", 0, 2), "groups"),
    "group -2": (_assign("groups", 1, -2), "groups"),
    "groups are floats": (_replace("groups", FLOATS), "groups", "float64"),
    "a test group is empty": (_assign("groups", slice(16, COUNT, 2), 0), "no test faces in group dark"),
    "a face without a group": (_assign("groups", 0, NO_GROUP), "without a group"),
    "a short factor": (_replace("factors/tone", np.zeros(3)), "tone"),
}


@pytest.mark.parametrize(("change", "words"), [(fault[0], fault[1:]) for fault in FAULTS.values()], ids=FAULTS)
def test_fault_is_one_line_that_names_the_file(path, change, words):
    with h5py.File(path, "r+") as file:
        change(file)
    assert_refused(path, *words)


def reachable_arrays(thing, seen=None):
    """Every array that can be reached from `thing` by attributes, items, and the bases of views."""
    seen = {} if seen is None else seen
    if id(thing) in seen or thing is None:
        return []
    seen[id(thing)] = thing
    if isinstance(thing, np.ndarray):
        return [thing, *reachable_arrays(thing.base if isinstance(thing.base, np.ndarray) else None, seen)]
    parts = list(thing.values()) if isinstance(thing, dict) else []
    parts += list(thing) if isinstance(thing, (list, tuple)) else []
    parts += list(vars(thing).values()) if hasattr(thing, "__dict__") else []
    return [array for part in parts for array in reachable_arrays(part, seen)]


def test_class_labels_leave_no_way_to_groups_factors_and_test(path):
    splits = open_splits(path)
    secrets = [splits.train.groups, splits.validation.groups, *splits.train.factors.values()]
    seen = splits.visible_to("class")
    assert seen.test is None
    for part in (seen.train, seen.validation):
        assert (part.groups, part.group_names, dict(part.factors)) == (None, (), {})
    found = reachable_arrays(seen)
    assert any(array is seen.train.labels for array in found)  # the search does find arrays
    assert not any(np.shares_memory(array, secret) for array in found for secret in secrets)
    assert not any(array.dtype == np.int8 for array in found)


def test_group_labels_show_groups_but_neither_factors_nor_test(path):
    splits = open_splits(path)
    seen = splits.visible_to("group")
    np.testing.assert_array_equal(seen.train.groups, splits.train.groups)
    assert seen.test is None and dict(seen.train.factors) == {} and dict(seen.validation.factors) == {}


def test_groups_that_do_not_exist_are_refused_by_name():
    images = np.zeros((2, 4, 4, 1), np.uint8)
    part = Dataset(images, np.arange(2), np.array([0, 1], np.uint8))
    with pytest.raises(InputError, match="ungrouped has no groups"):
        Splits("ungrouped", part, part, part).visible_to("group")


def test_unknown_declaration_is_refused(path):
    with pytest.raises(InputError, match="'everything'"):
        open_splits(path).visible_to("everything")


def test_opening_leaves_the_file_unlocked(path):
    splits = open_splits(path)
    shutil.move(path, path.with_name("moved.h5"))
    assert len(splits.train.images()) == 8  # the map stays valid
    with h5py.File(path.with_name("moved.h5"), "r+") as file:
        file.attrs["maker"] = "someone else"


def drawn(path, counts, seed=3):
    """Rows of the training and validation images that a draw keeps."""
    splits = open_splits(path).draw(counts, seed)
    return [set(part.rows.tolist()) for part in (splits.train, splits.validation)]


def test_a_draw_keeps_so_many_of_a_group_and_everything_else(splits):
    thinned = splits.draw({"left": 12, "negatives": 20}, seed=0)
    train = thinned.train
    assert [np.sum(train.groups == group) for group in (0, 1, NO_GROUP)] == [12, 8, 20]
    assert np.all(np.diff(train.rows) > 0)  # in the order of the file
    assert len(thinned.validation) == len(splits.validation) - 6  # a quarter of its eight, all of its negatives
    assert thinned.test is splits.test


def test_a_smaller_draw_is_part_of_a_larger_one_and_the_seed_decides(dataset_path):
    few, many, others = (drawn(dataset_path, {"left": count}, seed)[0] for count, seed in ((6, 1), (24, 1), (24, 2)))
    assert few < many and others != many
    assert drawn(dataset_path, {"left": 24}, 1)[0] == many


def test_draws_hit_every_member_alike(splits):
    left = splits.train.rows[splits.train.groups == 0]
    found = [splits.draw({"left": 12}, seed).train for seed in range(400)]
    counts = np.array([[row in set(train.rows) for row in left] for train in found]).sum(0)
    assert counts.sum() == 400 * 12 and np.all(np.abs(counts - 100) < 5 * np.sqrt(75))  # binomial(400, 1 / 4)


@pytest.mark.parametrize(("counts", "named"), [({"left": 49}, "49 of 48"), ({"left": 0}, "0 of 48"), ({"up": 1}, "up")])
def test_impossible_draws_are_one_line(splits, counts, named):
    with pytest.raises(InputError, match=named) as caught:
        splits.draw(counts, seed=0)
    assert "\n" not in str(caught.value)
