"""Prepared faces and non-faces into one training file."""

import json

import cv2
import h5py
import numpy as np
import pytest

from debias.data import prepared
from debias.data.dataset import NO_GROUP, attributes, open_splits
from debias.data.merge import merge
from debias.errors import InputError

FACES, OTHERS = 300, 200
GROUPS = ("many", "few")


def write(path, count, label, first=0, factors=None, group_names=(), size=8, kind="made", images=None):
    """A prepared file of `images`, or whose image i has the value first + i but in a corner, which tells all apart."""
    images = plain(count, label, first, size, kind) if images is None else images
    groups = np.arange(count) % 5 // 4 % len(group_names) if group_names else np.full(count, NO_GROUP)
    about = {"source": kind, "revision": 1, "skipped": 0, "lists_sha256": "{}", "images_sha256": str(first)}
    about["group_names"] = list(group_names)
    names = [f"{path.stem} {number}.jpg" for number in range(count)]
    prepared.write(path, [images[:100], images[100:]], names, np.full(count, label), groups, factors or {}, about)
    return path


def plain(count, label, first, size, kind):
    images = np.empty((count, size, size, 3), np.uint8)
    images[:] = (first + np.arange(count)).astype(np.uint8)[:, None, None, None]
    images[:, -1, -1] = np.stack(
        [np.arange(count) // 256, np.full(count, label), np.full(count, sum(kind.encode()) % 256)], -1
    )
    return images


@pytest.fixture
def faces(tmp_path):
    """300 faces of 100 persons in two groups."""
    persons = np.array([f"person {number % 100}".encode() for number in range(FACES)])
    factors = {"identity": persons, "age": np.arange(FACES, dtype=np.int16)}
    return write(tmp_path / "faces.h5", FACES, 1, 0, factors, GROUPS)


@pytest.fixture
def others(tmp_path):
    return write(tmp_path / "others.h5", OTHERS, 0, 0, {"wnid": np.full(OTHERS, b"n01440764")})


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.h5"


def parts(path):
    splits = open_splits(path)
    return splits.train, splits.validation, splits.test


def test_nobody_is_in_two_splits_and_everybody_in_one(faces, others, out):
    merge([faces], [others], out)
    persons = [set(part.positives().factors["identity"]) for part in parts(out)]
    assert sum(map(len, persons)) == len(set.union(*persons)) == 100
    assert sum(len(part) for part in parts(out)) == FACES + OTHERS
    shares = np.array([len(part) for part in parts(out)]) / (FACES + OTHERS)
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.06)


def test_images_keep_their_labels_groups_and_factors(faces, others, out):
    merge([faces], [others], out)
    for part in parts(out):
        positive, negative = part.positives(), part.negatives()
        ages = positive.factors["age"].astype(int)
        assert np.all(positive.images()[:, 0, 0, 0] == ages % 256)
        assert positive.groups.tolist() == (ages % 5 // 4).tolist()
        assert positive.factors["identity"].tolist() == [f"person {age % 100}".encode() for age in ages]
        assert np.all(np.isnan(negative.factors["age"])) and set(negative.factors["identity"]) == {b""}
        assert set(negative.factors["wnid"]) == {b"n01440764"} and set(positive.factors["wnid"]) == {b""}
        assert np.all(negative.groups == NO_GROUP) and part.group_names == GROUPS


def test_more_images_move_none_of_the_others(faces, others, out, tmp_path):
    merge([faces], [others], out)
    more = write(tmp_path / "more.h5", 150, 0, 50, kind="other")
    merge([faces], [others, more], tmp_path / "both.h5")
    for before, after in zip(parts(out), parts(tmp_path / "both.h5"), strict=True):
        assert before.positives().factors["age"].tolist() == after.positives().factors["age"].tolist()
        assert len(after.negatives()) > len(before.negatives())


def test_the_seed_decides_and_the_same_call_gives_the_same_bytes(faces, others, out, tmp_path):
    for name, seed in (("again.h5", 0), ("other.h5", 1)):
        merge([faces], [others], tmp_path / name, seed)
    merge([faces], [others], out)
    assert out.read_bytes() == (tmp_path / "again.h5").read_bytes()
    assert open_splits(out).training_digest() != open_splits(tmp_path / "other.h5").training_digest()


def test_where_it_comes_from_is_kept(faces, others, out):
    merge([faces], [others], out, seed=3)
    about = attributes(out)
    assert about["seed"] == 3
    assert [source["images_sha256"] for source in json.loads(about["sources"])] == ["0", "0"]


def test_what_a_file_does_not_say_of_itself_is_left_out(faces, others, out):
    with h5py.File(faces, "r+") as file:
        del file.attrs["revision"]
    merge([faces], [others], out)
    mine, theirs = json.loads(attributes(out)["sources"])
    assert "revision" not in mine and theirs["revision"] == 1


def test_groups_go_where_nobody_wants_them(faces, others, out, tmp_path):
    plain = write(tmp_path / "more.h5", 50, 1, kind="more")
    assert_refused(
        [faces, plain], [others], out, "more.h5 has no groups", "faces.h5 the groups many, few", "--no-groups"
    )
    merge([faces, plain], [others], out, groups=False)
    assert open_splits(out).train.groups is None


def test_some_of_the_groups_are_enough_and_others_are_refused(faces, others, out, tmp_path):
    some = write(tmp_path / "some.h5", 50, 1, 20, group_names=("few",), kind="more")
    merge([some, faces], [others], out)
    found = np.concatenate([part.groups[part.labels == 1] for part in parts(out)])
    assert parts(out)[0].group_names == GROUPS
    assert np.bincount(found).tolist() == [FACES * 4 // 5, FACES // 5 + 50]
    new = write(tmp_path / "new.h5", 50, 1, 40, group_names=("few", "other"), kind="newer")
    assert_refused([faces, new], [others], tmp_path / "none.h5", "new.h5 has the groups few, other", "--no-groups")


def test_equal_images_stay_in_one_split_across_files_and_persons(others, out, tmp_path, capsys):
    """Images of `more` are those of `faces` under other names; one of them joins two persons."""
    persons = {"identity": np.array([f"person {number}".encode() for number in range(120)])}
    faces = write(tmp_path / "faces.h5", 120, 1, 0, persons)
    more = write(tmp_path / "more.h5", 120, 1, 0)
    merge([faces, more], [others], out)
    seen = [{image.tobytes() for image in part.positives().images()} for part in parts(out)]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 120
    assert sum(len(part.positives()) for part in parts(out)) == 240
    assert "240 images are 120 that occur more than once" in capsys.readouterr().err


@pytest.mark.parametrize("near", [False, True])
def test_a_recompressed_copy_is_another_image_unless_near_ones_stay_together(out, tmp_path, capsys, near):
    """100 pictures with steps of 12 between patches: the JPEG changes pixels, and no picture looks like another."""
    rng = np.random.default_rng(0)
    patches = 128 + rng.choice([-12, 12], (100, 8, 9)).cumsum(2)
    grey = np.kron(patches, np.ones((8, 8), int)) + rng.integers(-3, 4, (100, 64, 72))
    pictures = np.repeat(grey[..., None], 3, -1).astype(np.uint8)
    jpegs = [cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1] for picture in pictures]
    copies = np.stack([cv2.imdecode(jpeg, cv2.IMREAD_COLOR) for jpeg in jpegs])
    factors = {"number": np.arange(100, dtype=np.int16)}
    faces, more = (
        write(tmp_path / f"{name}.h5", 100, 1, 0, factors, images=images)
        for name, images in (("faces", pictures), ("copies", copies))
    )
    others = write(tmp_path / "others.h5", 100, 0, images=255 - pictures)
    merge([faces, more], [others], out, near=near)
    numbers = [part.positives().factors["number"].tolist() for part in parts(out)]
    apart = sum(map(len, map(set, numbers))) - 100
    assert sum(map(len, numbers)) == 200 and (apart == 0 if near else apart > 20)
    assert "more than once" not in capsys.readouterr().err


def test_equal_images_with_other_labels_are_left_out_unless_asked_for(faces, tmp_path, out, capsys):
    others = write(tmp_path / "others.h5", 200, 0)
    wrong = prepared.open_prepared(faces).images[:30]  # faces among the negatives
    about = {
        "source": "wrong",
        "group_names": [],
        "images_sha256": "",
        "revision": 1,
        "skipped": 0,
        "lists_sha256": "{}",
    }
    names = [str(number) for number in range(30)]
    mixed = tmp_path / "mixed.h5"
    prepared.write(mixed, [wrong], names, np.zeros(30), np.full(30, NO_GROUP), {}, about)
    merge([faces], [others, mixed], out)
    assert sum(len(part) for part in parts(out)) == FACES + 200 - 30
    ages = np.concatenate([part.positives().factors["age"] for part in parts(out)])
    assert sorted(ages.astype(int)) == list(range(30, FACES))
    assert "60 equal images have different labels" in capsys.readouterr().err
    merge([faces], [others, mixed], tmp_path / "all.h5", keep_conflicts=True)
    assert sum(len(part) for part in parts(tmp_path / "all.h5")) == FACES + 200 + 30


# --- bad input -----------------------------------------------------------------------------------------------------


def assert_refused(positives, negatives, out, *shown):
    with pytest.raises(InputError) as caught:
        merge(positives, negatives, out)
    assert all(part in str(caught.value) for part in shown) and "\n" not in str(caught.value)
    assert not out.exists()


def test_bad_arguments(faces, others, out, tmp_path, dataset_path):
    large = write(tmp_path / "large.h5", 20, 0, size=16)
    assert_refused([others], [faces], out, "others.h5: not all of it are positives: pass it to --negatives")
    assert_refused([faces], [faces], out, "faces.h5: not all of it are negatives: pass it to --positives")
    assert_refused([faces], [], out, "two classes are needed")
    assert_refused([], [others], out, "two classes are needed")
    assert_refused([faces], [others, others], out, "given twice")
    assert_refused([faces], [large], out, "prepare both with the same --size")
    assert_refused([faces], [dataset_path], out, "a data set with splits already: train on it as it is")
    assert_refused([faces], [tmp_path / "none.h5"], out, "no such file")


def test_a_factor_of_numbers_in_one_file_and_of_text_in_another_becomes_text(faces, out, tmp_path):
    """As the age is, of UTKFace and of FairFace."""
    text = write(tmp_path / "text.h5", 200, 0, factors={"age": np.full(200, b"20-29")})
    merge([faces], [text], out)
    for part in parts(out):
        assert set(part.negatives().factors["age"]) == {b"20-29"}
        ages = part.positives().factors["age"].astype(int)
        assert np.all(part.positives().images()[:, 0, 0, 0] == ages % 256)


def test_whole_images_are_for_windows(others, out, tmp_path):
    path, about = tmp_path / "ppb.h5", {"source": "ppb", "group_names": []}
    prepared.write(path, [[np.zeros(9, np.uint8)]], ["a"], [1], [NO_GROUP], {}, about)
    assert_refused([path], [others], out, "whole images, for sliding windows")


def test_too_few_images_for_three_splits(out, tmp_path):
    small = [write(tmp_path / f"{label}.h5", 2, label) for label in (1, 0)]
    assert_refused(small[:1], small[1:], out, "split")


def test_no_input_is_overwritten(faces, others):
    before = faces.read_bytes()
    with pytest.raises(InputError, match="is one of the files to merge: choose another --out"):
        merge([faces], [others], faces, overwrite=True)
    assert faces.read_bytes() == before


def test_an_output_that_exists(faces, others, out):
    out.write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        merge([faces], [others], out)
    assert out.read_text() == "precious"
    merge([faces], [others], out, overwrite=True)
    assert len(open_splits(out).train) > 300
