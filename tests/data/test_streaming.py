"""Images read from their file against the same images on the device."""

import dataclasses
import os

import h5py
import numpy as np
import pytest

from baselines import METHODS
from debias.backend import keras, tf
from debias.callbacks import encode
from debias.data import contiguous, pipeline
from debias.data.dataset import Dataset, Splits
from debias.data.hdf5 import mapped
from debias.data.pipeline import BalancedBatches, StreamedImages, images_of, in_order, scale
from debias.data.reading import Reader
from debias.dbvae import build
from debias.errors import InputError
from debias.evaluation import predict

COUNT = 700  # more than a block of the encoder, more than two of evaluation


@pytest.fixture
def data(tmp_path) -> Dataset:
    """Noise in a file, behind a header as HDF5 has one; rows in an order of their own."""
    rng, path = np.random.default_rng(0), tmp_path / "images"
    path.write_bytes(bytes(100) + rng.integers(0, 256, (COUNT, 8, 8, 1), np.uint8).tobytes())
    source = np.memmap(path, np.uint8, "r", 100, (COUNT, 8, 8, 1))
    return Dataset(source, rng.permutation(COUNT), rng.integers(0, 2, COUNT).astype(np.uint8))


@pytest.mark.parametrize("rows", [[], [3], [5, 6, 7, 2, 3, 699, 0], [4, 4, 5]])
def test_reader_reads_the_rows_of_a_map_of_a_part_of_one_and_of_memory(data, rows):
    rows = np.array(rows, int)
    for source in (data.source, np.array(data.source), data.source[::-1]):
        np.testing.assert_array_equal(Reader(source)(rows), np.asarray(source)[rows])


def test_reader_closes_its_file(data):
    reader = Reader(data.source)
    number = reader._file
    del reader
    with pytest.raises(OSError):
        os.fstat(number)


@pytest.mark.parametrize("replacement", [True, False])
def test_batches_are_those_of_resident_images_with_the_weights_of_their_epoch(data, replacement):
    resident, streamed = (
        BalancedBatches(data, 24, 3, replacement=replacement, images=where) for where in ("resident", "streamed")
    )
    compiled, step = tf.function(resident), 0
    batches = streamed.ahead(4, lambda: step)
    for epoch in range(3):
        weights = np.random.default_rng(epoch).random(len(resident.positives))
        resident.sampler.assign(weights)
        streamed.sampler.assign(weights)
        for number, (images, labels) in enumerate(batches):
            expected = compiled(tf.constant(step + number, tf.int64))
            np.testing.assert_array_equal(tf.function(scale)(images), expected[0])
            np.testing.assert_array_equal(labels, expected[1])
        assert number == 3
        step += 4
    assert batches.cardinality() == 4 and streamed.streamed and not resident.streamed


def test_evaluation_and_encoding_see_the_same(data, tiny_config):
    for (a, b), (c, d) in zip(in_order(data, images="resident"), in_order(data, images="streamed"), strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)
    model = build(tiny_config, (8, 8, 1))
    for seed in (None, (1, 2)):
        latents = [encode(model, images_of(data, where), seed) for where in ("resident", "streamed")]
        np.testing.assert_array_equal(*latents)
    assert len(latents[0]) == COUNT


@pytest.mark.slow
def test_a_run_is_the_same_bit_for_bit_also_when_it_is_resumed(splits, tiny_config, tmp_path):
    class Break(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def train(name, **changes):
        config = dataclasses.replace(
            tiny_config, epochs=2, steps_per_epoch=3, flip=True, folder=tmp_path / name, **changes
        )
        return METHODS["dbvae-max"].train(splits, config).get_weights()

    expected = train("resident", images="resident")
    with pytest.raises(KeyboardInterrupt):
        train("streamed", images="streamed", callbacks=(Break(),))
    for ours, theirs in zip(train("streamed", images="streamed"), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    logs = [(tmp_path / name / "log.csv").read_text() for name in ("resident", "streamed")]
    assert logs[0] == logs[1]


def test_what_is_large_is_streamed(data, monkeypatch):
    assert not isinstance(images_of(data), StreamedImages)
    monkeypatch.setattr(pipeline, "RESIDENT_BYTES", data.source.nbytes - 1)
    assert isinstance(images_of(data.positives()), StreamedImages)


def test_resident_beyond_memory_is_one_line(data):
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    shape = (memory // 64 + 1, 8, 8, 1)
    large = Dataset(np.broadcast_to(np.uint8(0), shape), np.arange(4), np.array([0, 1, 0, 1], np.uint8))
    with pytest.raises(InputError, match="stream them") as caught:
        images_of(large, "resident")
    assert "\n" not in str(caught.value)


def test_a_data_set_without_one_of_the_classes_is_one_line(data):
    with pytest.raises(InputError, match="0 negatives"):
        BalancedBatches(data.positives(), 4)


def test_a_file_cut_short_while_it_is_read_is_one_line_and_the_checkpoint_stays(data, tiny_config, tmp_path):
    class Cut(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            os.truncate(data.source.filename, 1000)

    splits = Splits("noise", data, Dataset(np.array(data.source), data.rows[:40], data.labels[:40]), None)
    config = dataclasses.replace(tiny_config, images="streamed", folder=tmp_path / "run", callbacks=(Cut(),))
    with pytest.raises(InputError, match="shorter") as caught:
        METHODS["cnn"].train(splits, config)
    assert "\n" not in str(caught.value) and str(data.source.filename) in str(caught.value)
    assert list((tmp_path / "run" / "checkpoint").glob("ckpt-1*"))


def test_evaluation_of_a_file_cut_short_is_one_line(data, tiny_config, monkeypatch):
    monkeypatch.setattr(pipeline, "RESIDENT_BYTES", 0)
    model, images = build(tiny_config, (8, 8, 1)), images_of(data)
    os.truncate(data.source.filename, 1000)
    for read in (lambda: predict(model, data), lambda: encode(model, images)):
        with pytest.raises(InputError, match="shorter") as caught:
            read()
        assert "\n" not in str(caught.value)


def test_a_file_that_is_gone_is_one_line(data):
    os.unlink(data.source.filename)
    with pytest.raises(InputError, match="cannot be opened") as caught:
        StreamedImages(data)
    assert "\n" not in str(caught.value)


def test_a_file_removed_while_it_is_read_is_read_to_its_end(data):
    images = StreamedImages(data)
    expected = data.images()
    os.unlink(data.source.filename)
    np.testing.assert_array_equal(images.gather(tf.range(COUNT)), expected)


def test_images_in_pieces_become_one_block_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(contiguous, "READ_WHOLE_BYTES", 100)
    monkeypatch.setattr(contiguous, "_ROWS_AT_A_TIME", 7)
    images, path = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 3), np.uint8), tmp_path / "faces.h5"

    def opened():
        with h5py.File(path) as file:
            return mapped(file["images"], path)

    for version in (images, 255 - images):
        with h5py.File(path, "w") as file:
            file.create_dataset("images", data=version, compression="gzip")
        os.utime(path)
        for said in (1, 0):
            found = opened()
            assert capsys.readouterr().err.count("copied once") == said
            np.testing.assert_array_equal(found, version)
            np.testing.assert_array_equal(Reader(found)(np.array([39, 0])), version[[39, 0]])
    (tmp_path / "faces.h5.images.npy").write_bytes(b"damaged")
    np.testing.assert_array_equal(opened(), 255 - images)


def test_few_images_in_pieces_are_read(tmp_path):
    with h5py.File(tmp_path / "faces.h5", "w") as file:
        images = file.create_dataset("images", data=np.ones((4, 2, 2, 1), np.uint8), chunks=True)
        assert not isinstance(mapped(images, tmp_path / "faces.h5"), np.memmap)
    assert len(list(tmp_path.iterdir())) == 1
