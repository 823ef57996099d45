"""Two devices, and two workers, against one: in processes of their own, since devices are made once a process."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from debias import devices
from debias.config import Config
from debias.errors import InputError

PATIENCE_S = 400
ROOT = Path(__file__).resolve().parents[1]
BEGINNING = """
import dataclasses, json, sys
from pathlib import Path
import numpy as np
from debias import devices
from debias.backend import keras, tf
from debias.config import Config
from debias.data.dataset import Dataset, Splits
from debias.data.pipeline import BalancedBatches
from debias.detector import Classifier
from debias.errors import InputError
from debias.training import fit, one_thread, seed_everything
from baselines import METHODS

one_thread()
folder, told = Path(sys.argv[1]), {}
images = np.random.default_rng(0).integers(0, 256, (120, 8, 8, 1), np.uint8)
(folder / "images").write_bytes(images.tobytes())
images = np.memmap(folder / "images", np.uint8, "r", 0, images.shape)
data = Dataset(images, np.arange(120), (np.arange(120) % 3 == 0).astype(np.uint8))
splits = Splits("noise", data, data.take(np.arange(31)), None)
config = Config(preset="digits", latent_dim=3, epochs=2, steps_per_epoch=3, batch_size=16, replicas=2)

def weights_of_a_linear_model(replicas, **changes):
    chosen = dataclasses.replace(config, replicas=replicas, **changes)
    with devices.scope(chosen):
        seed_everything(0)
        inputs = keras.Input((8, 8, 1))
        model = Classifier(keras.Model(inputs, keras.layers.Flatten()(inputs)))
        batches = BalancedBatches(data, 16, images=chosen.images)
        batches.sampler.assign(np.arange(40))
        return [w.tolist() for w in fit(model, batches, splits.validation, chosen).get_weights()]
"""
TWO_DEVICES = (
    """
from debias.backend import tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
"""
    + BEGINNING
    + """
def drawn(images):
    with devices.scope(config):
        strategy = tf.distribute.get_strategy()
        batches = BalancedBatches(data, 16, seed=5, images=images)
        batches.sampler.assign(np.arange(40))
        if batches.streamed:
            found = list(batches.ahead(3, lambda: 4))
        else:
            run = tf.function(lambda step: strategy.run(batches, (step,)))
            found = [run(tf.constant(step, tf.int64)) for step in (4, 5, 6)]
        each = [strategy.experimental_local_results(images) for images, _ in found]
        return [[np.asarray(part, np.float32).tolist() for part in parts] for parts in each]

def single():
    batches = BalancedBatches(data, 16, seed=5, images="resident")
    batches.sampler.assign(np.arange(40))
    run = tf.function(batches)
    return [run(tf.constant(step, tf.int64))[0].numpy().tolist() for step in (4, 5, 6)]

class Break(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

told["replicas"] = devices.replicas("mirrored")
told["batches"] = {"single": single(), "resident": drawn("resident"), "streamed": drawn("streamed")}
told["one"] = weights_of_a_linear_model(1)
kept = {"images": "resident", "folder": folder / "kept"}
try:
    weights_of_a_linear_model(2, callbacks=(Break(),), **kept)
except KeyboardInterrupt:
    pass
told["two"] = [weights_of_a_linear_model(2, **kept), weights_of_a_linear_model(2, images="streamed")]
told["log"] = (folder / "kept" / "log.csv").read_text()
one_epoch = dataclasses.replace(config, epochs=1, augment=0.5, folder=folder / "dbvae")
METHODS["dbvae-max"].train(splits, one_epoch)
told["dbvae"] = (one_epoch.folder / "log.csv").read_text()
told["errors"] = []
for changes in ({"batch_size": 18}, {"replicas": 3}, {"xla": True}):
    try:
        METHODS["cnn"].train(splits, dataclasses.replace(config, **changes))
    except InputError as error:
        told["errors"].append(str(error))
print(json.dumps(told))
"""
)
WORKER = (
    BEGINNING
    + """
told["replicas"] = devices.replicas("workers")
told["linear"] = weights_of_a_linear_model(2, images="streamed")
kept = dataclasses.replace(config, epochs=1, folder=folder.parent / "kept")
METHODS["dbvae-max"].train(splits, kept)
print(json.dumps(told))
"""
)


def told(processes):
    """What processes print, which end well and say nothing else."""
    found = []
    for process in processes:
        try:
            out, err = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            [each.kill() for each in processes]
            raise
        assert process.returncode == 0, err[-3000:]
        found.append(json.loads(out.splitlines()[-1]))
    return found


def started(script, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What a process with two devices finds."""
    return told([started(TWO_DEVICES, tmp_path_factory.mktemp("two"))])[0]


@pytest.mark.slow
def test_the_parts_of_two_replicas_are_the_batch_of_one(two):
    assert two["replicas"] == 2
    for step in range(3):
        single = _sorted(two["batches"]["single"][step])
        parts = [np.array(part) for part in two["batches"]["resident"][step]]
        assert [len(part) for part in parts] == [8, 8]
        np.testing.assert_array_equal(_sorted(np.concatenate(parts)), single)
        read = np.concatenate([np.array(part) for part in two["batches"]["streamed"][step]])
        np.testing.assert_array_equal(_sorted(read), np.rint(single * 255))


@pytest.mark.slow
def test_two_replicas_learn_what_one_learns_also_when_they_are_broken_off(two):
    """Without batch norm, whose statistics are of a replica's part, only rounding differs."""
    for found in two["two"]:
        for ours, expected in zip(found, two["one"], strict=True):
            np.testing.assert_allclose(ours, expected, atol=1e-6)
    assert [line.split(",")[0] for line in two["log"].splitlines()] == ["epoch", "0", "1"]


@pytest.mark.slow
def test_a_dbvae_trains_on_two_devices(two):
    names, values = (line.split(",") for line in two["dbvae"].splitlines())
    assert "val_kl_loss" in names and np.all(np.isfinite(np.array(values, float)))


@pytest.mark.slow
def test_what_two_devices_cannot_do_is_one_line(two):
    batch, devices_missing, xla = two["errors"]
    assert "multiple of 4" in batch and "2 devices" in devices_missing and "XLA" in xla
    assert not any("\n" in error for error in two["errors"])


@pytest.mark.slow
def test_two_workers_learn_what_one_process_learns(two, tmp_path):
    addresses = [f"localhost:{_free_port()}" for _ in range(2)]
    workers = []
    for index in range(2):
        (tmp_path / str(index)).mkdir()
        settings = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        workers.append(started(WORKER, tmp_path / str(index), TF_CONFIG=json.dumps(settings)))
    found = told(workers)
    for worker in found:
        assert worker["replicas"] == 2
        for ours, expected in zip(worker["linear"], two["one"], strict=True):
            np.testing.assert_allclose(ours, expected, atol=1e-6)
    assert (tmp_path / "kept" / "log.csv").read_text().count("\n") == 2


@pytest.mark.parametrize(
    ("strategy", "settings", "said"),
    [
        ("mirrored", None, "one device"),
        ("tpu", None, "unknown strategy"),
        ("workers", None, "not set"),
        ("workers", "{}", "does not say"),
        ("workers", "[", "does not say"),
        ("workers", '{"cluster": {"worker": []}, "task": {"type": "worker", "index": 0}}', "of 0 workers"),
        ("workers", '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}', "worker 2"),
        ("workers", '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "ps", "index": 0}}', "ps 0"),
        ("workers", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}', "one device"),
    ],
)
def test_a_strategy_without_devices_is_one_line(monkeypatch, strategy, settings, said):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if settings:
        monkeypatch.setenv("TF_CONFIG", settings)
    with pytest.raises(InputError, match=said) as caught:
        devices.replicas(strategy)
    assert "\n" not in str(caught.value)


def test_a_config_of_more_replicas_than_devices_is_one_line():
    with pytest.raises(InputError, match="2 replicas, this machine 1 device"), devices.scope(Config(replicas=2)):
        pass


def _sorted(images):
    flat = np.array(images).reshape(len(images), -1)
    return flat[np.lexsort(flat.T)]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]
