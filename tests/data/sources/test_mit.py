"""Files in the format of train_face.h5, whole and broken."""

import functools
import http.server
import threading

import h5py
import numpy as np
import pytest

from debias.data import hdf5
from debias.data.dataset import attributes, open_splits
from debias.data.sources import mit
from debias.data.sources.mit import convert, download, open_mit
from debias.errors import InputError

COUNT = 60


@pytest.fixture
def images() -> np.ndarray:
    """(60, 64, 64, 3) uint8 in BGR; the blue of image i is i everywhere, which tells images and channels apart."""
    images = np.random.default_rng(0).integers(100, 256, (COUNT, 64, 64, 3), dtype=np.uint8)
    images[..., 0] = np.arange(COUNT)[:, None, None]
    return images


@pytest.fixture
def labels() -> np.ndarray:
    """(60, 1) uint8, alternating."""
    return (np.arange(COUNT) % 2).astype(np.uint8)[:, None]


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Its files end: another process to see to that would cost a second each."""
    monkeypatch.setattr(hdf5, "_check_that_it_ends", lambda path: None)
    return tmp_path / "train_face.h5"


def write(path, images, labels, **options):
    """Write a file as the course did."""
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=images, **options)
        file.create_dataset("labels", data=labels)
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, {"chunks": (7, 64, 64, 3), "compression": "gzip"}])
def test_images_come_as_rgb_with_their_labels(path, images, labels, dtype, options):
    splits = open_mit(write(path, images.astype(dtype), labels.astype(dtype), **options))
    for split in (splits.train, splits.validation, splits.test):
        number = split.rows
        opened = split.images()
        assert opened.dtype == np.uint8
        assert np.array_equal(opened[:, 0, 0, 2], number)  # blue is last now
        assert np.array_equal(opened[..., :2], images[number][..., [2, 1]])
        assert np.array_equal(split.labels, number % 2)
        assert split.groups is None


def test_bytes_in_one_block_are_mapped_not_read(path, images, labels):
    splits = open_mit(write(path, images, labels))
    base = splits.train.source
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    assert not splits.train.source.flags.owndata
    assert splits.train.source is splits.test.source


def test_splits_are_disjoint_whole_and_repeatable(path, images, labels):
    splits = open_mit(write(path, images, labels))
    rows = [split.rows for split in (splits.train, splits.validation, splits.test)]
    assert [len(part) for part in rows] == [48, 6, 6]
    assert np.array_equal(np.sort(np.concatenate(rows)), np.arange(COUNT))
    assert np.array_equal(open_mit(path).test.rows, rows[2])
    assert not np.array_equal(open_mit(path, seed=1).test.rows, rows[2])


def test_opens_without_groups_and_refuses_methods_that_need_them(path, images, labels):
    splits = open_mit(write(path, images, labels))
    assert splits.name == "train_face"
    with pytest.raises(InputError, match="has no groups"):
        splits.visible_to("group")


def assert_refused(path, *parts):
    with pytest.raises(InputError) as error:
        open_mit(path)
    message = str(error.value)
    assert "\n" not in message
    assert all(part in message for part in (path.name, *parts)), message


def test_missing_file(path):
    assert_refused(path, "no such file")


def test_not_hdf5(path):
    path.write_bytes(b"<html>404 Not Found</html>")
    assert_refused(path, "not a readable HDF5 file")


@pytest.mark.parametrize("kept", [0.2, 0.9, 0.999])
@pytest.mark.parametrize("options", [{}, {"chunks": (7, 64, 64, 3), "compression": "gzip"}])
def test_truncated_file(path, images, labels, kept, options):
    data = write(path, images, labels, **options).read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    assert_refused(path, "cut short")


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_damaged_chunk(path, images, labels, dtype):
    write(path, images.astype(dtype), labels, chunks=(7, 64, 64, 3), compression="gzip")
    with h5py.File(path) as file:
        chunk = file["images"].id.get_chunk_info(3)
    with path.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\0" * 1000)
    assert_refused(path, "damaged: download")


@pytest.mark.parametrize("name", ["images", "labels"])
def test_missing_column(path, images, labels, name):
    with h5py.File(write(path, images, labels), "r+") as file:
        del file[name]
    assert_refused(path, f"no data set '{name}'")


@pytest.mark.parametrize("shape", [(COUNT, 3, 64, 64), (COUNT, 32, 32, 3), (COUNT, 64 * 64 * 3)])
def test_images_of_another_shape(path, labels, shape):
    assert_refused(write(path, np.zeros(shape, np.uint8), labels), str(shape), "expected (N, 64, 64, 3)")


@pytest.mark.parametrize("shape", [(COUNT - 1, 1), (COUNT, 2), (1, COUNT)])
def test_labels_of_another_shape(path, images, shape):
    assert_refused(write(path, images, np.ones(shape, np.uint8)), str(shape))


def test_images_of_another_type(path, labels):
    assert_refused(write(path, np.zeros((COUNT, 64, 64, 3), "S1"), labels), "store them as uint8")


@pytest.mark.parametrize("value", [np.nan, np.inf, -1, 256])
def test_values_outside_bytes(path, images, labels, value):
    images = images.astype(np.float32)
    images[41, 3, 2, 1] = value
    assert_refused(write(path, images, labels), "NaN or values outside 0..255")


def test_images_scaled_to_one(path, images, labels):
    assert_refused(write(path, images / 255, labels), "multiply them by 255")


@pytest.mark.parametrize("value", [2, -1, 0.5, np.nan])
def test_labels_that_are_not_zero_or_one(path, images, labels, value):
    labels = labels.astype(np.float64)
    labels[5] = value
    assert_refused(write(path, images, labels), "labels must be 0 or 1")


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only(path, images, labels, label):
    assert_refused(write(path, images, np.full_like(labels, label)), "two classes are needed")


def test_class_missing_from_a_small_split(path, images, labels):
    labels[:] = 0
    labels[7] = 1
    assert_refused(write(path, images, labels), "split", "two classes are needed")


def test_empty_file(path):
    assert_refused(write(path, np.zeros((0, 64, 64, 3), np.uint8), np.zeros((0, 1), np.uint8)), "labels")


# --- in our layout -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_converted_it_is_the_same_data_in_our_layout(path, images, labels, dtype, tmp_path, monkeypatch):
    monkeypatch.setattr(mit, "BLOCK", 7)
    ours = tmp_path / "ours.h5"
    convert(write(path, images.astype(dtype), labels), ours, seed=1)
    converted, opened = open_splits(ours), open_mit(path, seed=1)
    for name in ("train", "validation", "test"):
        now, then = getattr(converted, name), getattr(opened, name)
        assert np.array_equal(now.images(), then.images()) and np.array_equal(now.labels, then.labels)
        assert now.groups is None and isinstance(now.source, np.memmap)
    assert attributes(ours)["channels"] == "RGB, were BGR" and len(attributes(ours)["lists_sha256"]) == 64
    with pytest.raises(InputError, match="exists already"):
        convert(path, ours)


def test_a_damaged_file_is_not_converted(path, images, labels, tmp_path):
    path.write_bytes(write(path, images, labels).read_bytes()[:-5000])
    with pytest.raises(InputError, match="cut short"):
        convert(path, tmp_path / "ours.h5")
    assert not (tmp_path / "ours.h5").exists()


@pytest.fixture
def address(tmp_path):
    """Of a server that hands out five bytes as /there/file and nothing else."""
    (tmp_path / "served" / "there").mkdir(parents=True)
    (tmp_path / "served" / "there" / "file").write_bytes(b"12345")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/there/file"
        server.shutdown()


def test_what_is_missing_is_fetched_once(path, address):
    download(path, address, size=5)
    assert path.read_bytes() == b"12345" and [file.name for file in path.parent.iterdir()] == ["served", path.name]
    download(path, "http://127.0.0.1:9/nothing", size=5)


@pytest.mark.parametrize(
    ("place", "size", "shown"), [("", 6, "5 bytes, expected 6"), ("s", 5, "404"), (None, 5, "cannot be fetched")]
)
def test_a_failed_download_is_one_line_and_leaves_nothing(path, address, place, size, shown):
    address = "http://127.0.0.1:9/nothing" if place is None else address + place
    with pytest.raises(InputError, match=shown) as error:
        download(path, address, size)
    assert "\n" not in str(error.value) and [file.name for file in path.parent.iterdir()] == ["served"]


def test_a_file_of_another_size_is_not_the_course_s(path, images, labels):
    write(path, images, labels)
    with pytest.raises(InputError, match="expected 1,263,889,489"):
        download(path)
