"""What a file may hold: everything else is one line that names the file, whatever bytes are damaged."""

import h5py
import numpy as np
import pytest

from debias.data import hdf5, prepared
from debias.data.dataset import NO_GROUP, create, open_splits
from debias.data.prepared import open_prepared
from debias.errors import InputError

COUNT = 24
LABELS = np.tile([1, 0], COUNT // 2)
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 6, 6, 3), np.uint8)


def write(path, images=IMAGES, groups=None, names=("light", "dark"), labels=LABELS):
    """A data set of 24 images, half of them positives in two groups."""
    groups = np.where(labels == 1, np.arange(COUNT) // 2 % 2, NO_GROUP) if groups is None else groups
    tone = np.arange(COUNT, dtype=np.float32)
    with create(path, COUNT, images.shape[1:], {"tone": "float32"}, names, {"maker": "tests"}) as writer:
        writer.write(0, images, labels, np.repeat([0, 1, 2], COUNT // 3), groups, {"tone": tone})
    return path


def write_source(path, whole=False):
    images = [np.frombuffer(image.tobytes()[: 20 + n], np.uint8) for n, image in enumerate(IMAGES)] if whole else IMAGES
    groups = np.where(LABELS == 1, 0, NO_GROUP)
    about = {"source": "made", "group_names": ["all"], "images_sha256": "0" * 64}
    names = [f"{n} ä.jpg" for n in range(COUNT)]
    prepared.write(path, [images[:10], images[10:]], names, LABELS, groups, {"age": np.arange(COUNT)}, about)
    return path


def assert_refused(path, *words, opened=open_splits):
    with pytest.raises(InputError) as caught:
        opened(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and all(word in message for word in words), message


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for opened, make in ((open_splits, write), (open_prepared, write_source)):
        first, second = (make(tmp_path / name).read_bytes() for name in ("a.h5", "b.h5"))
        assert first == second
        opened(tmp_path / "a.h5")


# --- what lies elsewhere, or nowhere -------------------------------------------------------------------------------


def link(kind, path):
    with h5py.File(path.with_name("other.h5"), "w") as other:
        other["images"] = IMAGES
    with h5py.File(path, "r+") as file:
        del file["images"]
        if kind == "external link":
            file["images"] = h5py.ExternalLink("other.h5", "/images")
        elif kind == "soft link":
            file["pixels"] = IMAGES
            file["images"] = h5py.SoftLink("/pixels")
        elif kind == "external storage":
            file.create_dataset("images", IMAGES.shape, "uint8", external=[("/etc/passwd", 0, IMAGES.size)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout(IMAGES.shape, "uint8")
            layout[:] = h5py.VirtualSource("other.h5", "images", IMAGES.shape)
            file.create_virtual_dataset("images", layout)
        elif kind == "never written":
            file.create_dataset("images", IMAGES.shape, "uint8")
        elif kind == "written in part":
            file.create_dataset("images", IMAGES.shape, "uint8", chunks=(4, 6, 6, 3))[:8] = 9


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("external link", "missing"),
        ("soft link", "missing"),
        ("external storage", "in another file"),
        ("virtual", "in another file"),
        ("never written", "never written"),
        ("written in part", "never written"),
    ],
)
def test_images_that_are_not_in_the_file(tmp_path, kind, shown):
    link(kind, write(tmp_path / "a.h5"))
    assert_refused(tmp_path / "a.h5", "images", shown)


def test_a_column_that_is_not_in_the_file(tmp_path):
    with h5py.File(write(tmp_path / "a.h5"), "r+") as file:
        del file["factors/tone"]
        file["factors/tone"] = h5py.ExternalLink("a.h5", "/labels")
    assert_refused(tmp_path / "a.h5", "factors/tone", "copy it into the file")


def test_images_that_no_file_of_this_size_can_hold(tmp_path, monkeypatch):
    write(tmp_path / "a.h5")
    monkeypatch.setattr(hdf5, "_MOST_COMPRESSION", 0.1)  # bytes of images for a byte of the file
    assert_refused(tmp_path / "a.h5", "do not fit into it")


def test_a_file_behind_a_block_of_the_users_is_mapped_rightly(tmp_path):
    write(tmp_path / "plain.h5")
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=1024) as file, h5py.File(tmp_path / "plain.h5") as plain:
        for name in plain:
            plain.copy(name, file)
        file.attrs.update(plain.attrs)
    assert np.array_equal(open_splits(tmp_path / "a.h5").train.images(), IMAGES[:8])


# --- pixels and names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(6, 6, 4), (6, 6, 2), (0, 6, 3), (6, 0, 3), (6, 6, 0)])
def test_images_that_no_network_takes(tmp_path, shape):
    with pytest.raises(InputError, match="height, width, 3"):
        write(tmp_path / "a.h5", np.zeros((COUNT, *shape), np.uint8))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint16, np.int16, bool])
def test_images_of_another_type_are_not_cut_off(tmp_path, dtype):
    with pytest.raises(InputError, match="must be uint8"):
        write(tmp_path / "a.h5", (IMAGES / 255).astype(dtype))
    assert not list(tmp_path.iterdir())


def test_images_between_0_and_1_are_refused(tmp_path):
    with pytest.raises(InputError, match="0..1, expected 0..255"):
        write(tmp_path / "a.h5", IMAGES // 128)


@pytest.mark.parametrize("labels", [LABELS * 257, LABELS * 0.5])
def test_numbers_that_do_not_fit_are_not_cut_off(tmp_path, labels):
    with pytest.raises(InputError, match="labels must fit"):
        write(tmp_path / "a.h5", labels=labels, groups=np.where(LABELS, 0, NO_GROUP), names=("all",))


def test_rows_that_were_forgotten_are_counted(tmp_path):
    with (
        pytest.raises(InputError, match="8 of 24 images"),
        create(tmp_path / "a.h5", 24, (6, 6, 3), {}, (), {}) as writer,
    ):
        writer.write(0, IMAGES[:8], LABELS[:8], LABELS[:8], LABELS[:8], {})


BAD_NAMES = {
    "twice": ("a", "a"),
    "NUL": ("a\0b", "c"),
    "a formula": ("a $\\frac$", "c"),
    "a line break": ("a\nb", "c"),
    "nothing": ("", "c"),
    "blanks": (" ", "c"),
    "250 characters": ("x" * 250, "c"),
    "a surrogate": ("\udcff", "c"),
    "bytes": (b"a", "c"),
    "too many": tuple(map(str, range(128))),
}


@pytest.mark.parametrize("names", BAD_NAMES.values(), ids=BAD_NAMES)
def test_bad_names_of_groups_are_one_line_before_anything_is_written(tmp_path, names):
    with pytest.raises(InputError) as caught:
        write(tmp_path / "a.h5", names=names)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("names", [("5 $", "|"), ("Ä", "ß"), ("x" * 100, "![x](http://y)")])
def test_other_names_come_back_as_they_are(tmp_path, names):
    assert open_splits(write(tmp_path / "a.h5", names=names)).train.group_names == names


@pytest.mark.parametrize("names", [[b"light", b"dark"], np.array([b"light", b"dark"]), ["light", "dark"]])
def test_names_of_groups_may_be_bytes_or_text(tmp_path, names):
    with h5py.File(write(tmp_path / "a.h5"), "r+") as file:
        file.attrs["group_names"] = names
    assert open_splits(tmp_path / "a.h5").train.group_names == ("light", "dark")


@pytest.mark.parametrize(
    ("names", "shown"), [(["a", "a"], "two groups"), ("light", "a list of names"), ([1, 2], "called 1")]
)
def test_bad_names_in_a_file(tmp_path, names, shown):
    with h5py.File(write(tmp_path / "a.h5"), "r+") as file:
        file.attrs["group_names"] = names
    assert_refused(tmp_path / "a.h5", shown)


# --- digests -------------------------------------------------------------------------------------------------------


def digests(path, change=lambda file: None):
    with h5py.File(write(path), "r+") as file:
        change(file)
    splits = open_splits(path)
    return splits.training_digest(), splits.test_digest()


def swap(file):
    file.attrs["group_names"] = ["dark", "light"]


def assign(name, row, value):
    def change(file):
        file[name][row] = value

    return change


@pytest.mark.parametrize(
    ("change", "training", "test"),
    [
        (lambda file: None, False, False),
        (swap, True, True),
        (assign("groups", 2, 0), True, False),
        (assign("groups", 10, 0), True, False),  # of a validation face
        (assign("groups", 18, 0), False, True),
        (assign("images", 3, 7), True, False),
        (assign("images", 20, 7), False, True),
        (assign("images", 9, 7), True, True),  # of a validation negative, by which thresholds are chosen
        (assign("labels", 1, 1), True, False),
        (assign("labels", 17, 1), False, True),
        (assign("factors/tone", 3, 99), False, False),
    ],
)
def test_digests_change_with_what_decides_training_and_test(tmp_path, change, training, test):
    def changed(file):
        change(file)
        file["groups"][:] = np.where((file["labels"][:] == 1) & (file["groups"][:] < 0), 0, file["groups"][:])

    before, after = digests(tmp_path / "a.h5"), digests(tmp_path / "b.h5", changed)
    assert [old != new for old, new in zip(before, after, strict=True)] == [training, test]
    assert all(len(digest) == 12 and int(digest, 16) >= 0 for digest in before)


def test_the_digest_of_a_source_changes_with_images_labels_groups_and_names(tmp_path):
    def digest(change):
        with h5py.File(write_source(tmp_path / "a.h5"), "r+") as file:
            change(file)
        return open_prepared(tmp_path / "a.h5").digest()

    def rename(file):
        file.attrs["group_names"] = ["everybody"]

    def other_images(file):
        file.attrs["images_sha256"] = "1" * 64

    def other_boxes(file):
        file.attrs["lists_sha256"] = '{"boxes.txt": "2"}'

    def other_revision(file):
        file.attrs["revision"] = 99

    changes = [
        lambda file: None,
        rename,
        other_images,
        other_boxes,
        other_revision,
        assign("labels", 0, 0),
        assign("groups", 1, 0),
    ]
    assert len({digest(change) for change in changes}) == len(changes)
    assert digest(assign("factors/age", 0, 9)) == digest(changes[0])


def test_rare_groups_have_less_than_half_of_an_equal_share(splits):
    assert splits.rare_groups() == ("right",)  # 8 of 56, an equal share is 28
    assert splits.draw({"left": 24}, 0).rare_groups() == ()  # 8 of 32: half of an equal share
    assert splits.visible_to("class").rare_groups() == ()


# --- damage --------------------------------------------------------------------------------------------------------


def damaged(whole, rng):
    """Some bytes overwritten, as noise, zeros or ones, or the file cut short."""
    if rng.random() < 0.1:
        return whole[: rng.integers(len(whole))]
    data = bytearray(whole)
    for _ in range(rng.integers(1, 4)):
        start, count = int(rng.integers(len(whole) - 16)), int(rng.choice([1, 2, 4, 16]))
        data[start : start + count] = rng.bytes(count) if rng.random() < 0.7 else rng.choice([b"\0", b"\xff"]) * count
    return bytes(data)


def assert_sound(path):
    splits = open_splits(path)
    for part in (splits.train, splits.validation, splits.test):
        assert part.images().shape == (len(part), *part.image_shape) and set(part.labels) == {0, 1}
        assert part.groups is None or part.positives().groups.max() < len(part.group_names)


def assert_source_sound(path):
    source = open_prepared(path)
    assert len(source.files) == len(source.labels) == len(source.groups) == len(source.images)
    if not source.is_whole:
        assert source.images[:].dtype == np.uint8


@pytest.mark.parametrize(
    ("make", "sound", "count"),
    [
        (write, assert_sound, 700),
        (write_source, assert_source_sound, 400),
        (lambda path: write_source(path, whole=True), assert_source_sound, 200),
    ],
    ids=["data set", "source", "whole images"],
)
def test_damaged_bytes_are_one_line_or_do_no_harm(tmp_path, make, sound, count):
    whole, rng, refused = make(tmp_path / "whole.h5").read_bytes(), np.random.default_rng(0), 0
    for number in range(count):
        path = tmp_path / f"{number}.h5"
        path.write_bytes(damaged(whole, rng))
        try:
            sound(path)
        except InputError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
        path.unlink()
    assert refused > count / 3


def test_a_file_of_an_old_version_that_hdf5_would_read_for_ever_is_refused(tmp_path, monkeypatch):
    """No patience at all stands for such damage, which one file in a thousand has."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for number in range(300):
            file.attrs[f"a{number}"] = np.zeros(100)
    monkeypatch.setattr(hdf5, "_PATIENCE", 0)
    assert_refused(path, "cannot be read to its end", opened=hdf5.kind_of)
    monkeypatch.setattr(hdf5, "_PATIENCE", 60)
    assert hdf5.kind_of(path) is None
