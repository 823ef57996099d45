"""Same seed, same run; and a run that is killed and started again ends bit for bit like an undisturbed one."""

import csv
import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from baselines import METHODS
from debias import training
from debias.backend import keras, tf
from debias.config import Config
from debias.data.pipeline import in_order
from debias.detector import Classifier
from debias.errors import InputError
from debias.resampling import effective_sample_size
from debias.training import annealed_adam, seed_everything

ROOT = Path(__file__).resolve().parents[1]
KILLED_RUN = """
import json, os, signal, sys
from pathlib import Path
from baselines import METHODS
from debias.backend import keras
from debias.config import Config
from debias.data.dataset import open_splits
from debias.training import one_thread

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch == 1

    def on_train_batch_end(self, batch, logs=None):
        if self.now and batch == 3:
            os.kill(os.getpid(), signal.SIGKILL)

one_thread()
data, folder, settings = sys.argv[1:]
config = Config(**json.loads(settings), folder=Path(folder), callbacks=(Kill(),))
METHODS["dbvae-max"].train(open_splits(Path(data)), config)
"""


class Break(keras.callbacks.Callback):
    """Fails in the middle of the second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch == 1

    def on_train_batch_end(self, batch, logs=None):
        if self.now and batch == 3:
            raise RuntimeError("broken on purpose")


class Steps(keras.callbacks.Callback):
    """Counts steps."""

    count = 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1


def outcome(model, folder):
    """Everything a run leaves that must not depend on interruptions."""
    sampled = sorted((folder / "sampling").glob("*.npy"))
    return {
        "weights": [v.numpy() for v in model.variables],
        "log": (folder / "log.csv").read_text(),
        "sampling": {path.name: np.load(path) for path in sampled},
    }


def assert_same(ours, theirs):
    assert ours["log"] == theirs["log"]
    for a, b in zip(ours["weights"], theirs["weights"], strict=True):
        np.testing.assert_array_equal(a, b)
    assert list(ours["sampling"]) == list(theirs["sampling"])
    for name, p in ours["sampling"].items():
        np.testing.assert_array_equal(p, theirs["sampling"][name])


@pytest.fixture(scope="module")
def config(tiny_config) -> Config:
    """The second epoch keeps the first one's sampling weights, so that a resumed run needs them restored."""
    return dataclasses.replace(tiny_config, refresh_every=2, latents="sample", learning_rate=0.01)


@pytest.fixture(scope="module")
def train(splits, config):
    """Train a method with `config` in a folder."""

    def run(folder, method="dbvae-max", **changes):
        return METHODS[method].train(splits, dataclasses.replace(config, folder=folder, **changes))

    return run


@pytest.fixture(scope="module")
def undisturbed(train, tmp_path_factory):
    """Folder and outcome of a DB-VAE trained in one go."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return folder, outcome(train(folder), folder)


@pytest.fixture(scope="module")
def cnn(train, tmp_path_factory):
    """Folder and outcome of a CNN trained in one go."""
    folder = tmp_path_factory.mktemp("cnn")
    return folder, outcome(train(folder, "cnn"), folder)


def test_killed_and_started_again(train, undisturbed, dataset_path, config, tmp_path):
    command = [sys.executable, "-c", KILLED_RUN, dataset_path, tmp_path, json.dumps(config.settings())]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert (killed.returncode, killed.stdout, killed.stderr) == (-signal.SIGKILL, b"", b"")  # TensorFlow is quiet, too
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 2  # the header and the first epoch
    counter = Steps()
    assert_same(outcome(train(tmp_path, callbacks=(counter,)), tmp_path), undisturbed[1])
    assert counter.count == 2 * 7  # two of three epochs: 56 faces, 8 a batch


def test_broken_off_and_started_again(train, undisturbed, tmp_path):
    with pytest.raises(RuntimeError, match="on purpose"):
        train(tmp_path, callbacks=(Break(),))
    assert_same(outcome(train(tmp_path), tmp_path), undisturbed[1])


def test_killed_between_log_and_checkpoint(train, cnn, tmp_path, monkeypatch):
    save = tf.train.CheckpointManager.save

    def fail_once(manager, checkpoint_number):
        if checkpoint_number == 2:
            raise RuntimeError("killed here")
        return save(manager, checkpoint_number=checkpoint_number)

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed here"):
        patch.setattr(tf.train.CheckpointManager, "save", fail_once)
        train(tmp_path, "cnn")
    assert_same(outcome(train(tmp_path, "cnn"), tmp_path), cnn[1])


def test_finished_run_is_not_trained_again(train, cnn):
    folder, expected = cnn
    counter = Steps()
    assert_same(outcome(train(folder, "cnn", callbacks=(counter,)), folder), expected)
    assert counter.count == 0


def test_other_seed_is_another_run_of_as_many_steps_as_asked_for(train, cnn, tmp_path):
    counter = Steps()
    train(tmp_path, "cnn", seed=1, epochs=2, steps_per_epoch=5, callbacks=(counter,))
    first_epochs = [path.read_text().splitlines()[1] for path in (tmp_path / "log.csv", cnn[0] / "log.csv")]
    assert first_epochs[0] != first_epochs[1]
    assert counter.count == 2 * 5


def test_log_has_a_line_an_epoch_and_the_effective_sample_size(undisturbed):
    folder, kept = undisturbed
    with (folder / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    for row, p in zip(rows, kept["sampling"].values(), strict=True):
        assert float(row["ess"]) == pytest.approx(1 / np.sum(p**2))
        assert float(row["loss"]) > 0 and float(row["val_kl_loss"]) > 0
    assert list((folder / "tensorboard").rglob("events*"))


def test_sampling_weights_are_refreshed_when_due(undisturbed):
    first, second, third = undisturbed[1]["sampling"].values()
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(second, third)
    assert effective_sample_size(first) < len(first) - 0.5


def test_best_model_is_the_epoch_with_the_lowest_validation_loss(cnn, splits):
    folder, _ = cnn
    with (folder / "log.csv").open() as file:
        losses = [float(row["val_loss"]) for row in csv.DictReader(file)]
    best = keras.saving.load_model(folder / "best.keras", compile=False)
    logits = best.predict(in_order(splits.validation), verbose=0).astype(np.float64)
    labels = splits.validation.labels
    loss = np.mean(np.log1p(np.exp(-np.where(labels == 1, logits, -logits))))
    assert loss == pytest.approx(min(losses), rel=1e-4)


def test_same_seed_is_the_same_run_and_without_a_folder_nothing_is_kept(train, cnn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = train(None, "cnn")
    for a, b in zip((v.numpy() for v in model.variables), cnn[1]["weights"], strict=True):
        np.testing.assert_array_equal(a, b)
    assert list(tmp_path.iterdir()) == []


DAMAGES = {
    "cut short": lambda content: content[: len(content) // 2],
    "bytes changed": lambda content: content[: len(content) // 2] + bytes(64) + content[len(content) // 2 + 64 :],
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("part", ["data", "index"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_checkpoint_is_one_line(train, cnn, tmp_path, part, damage):
    folder = _copy(cnn[0] / "checkpoint", tmp_path / "checkpoint").parent
    (path,) = folder.glob(f"checkpoint/*.{part}*")
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    _assert_refused(train, folder, "cnn")


def test_missing_part_of_a_checkpoint_is_one_line(train, cnn, tmp_path):
    folder = _copy(cnn[0] / "checkpoint", tmp_path / "checkpoint").parent
    next(folder.glob("checkpoint/*.data*")).unlink()
    _assert_refused(train, folder, "cnn")


def test_checkpoint_of_another_model_is_one_line(train, cnn, tmp_path):
    _copy(cnn[0] / "checkpoint", tmp_path / "checkpoint")
    _assert_refused(train, tmp_path, "dbvae-max")


def _copy(source, target):
    target.mkdir()
    for path in source.iterdir():
        # The state file names the checkpoint relative to its own folder.
        (target / path.name).write_bytes(path.read_bytes())
    return target


def _assert_refused(train, folder, method):
    with pytest.raises(InputError) as caught:
        train(folder, method)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


def test_unwritable_checkpoint_is_one_line(train, tmp_path, monkeypatch):
    def full(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device\nin detail")

    monkeypatch.setattr(tf.train.CheckpointManager, "save", full)
    with pytest.raises(InputError, match="No space left") as caught:
        train(tmp_path, "cnn")
    assert "\n" not in str(caught.value)


def test_learning_rate_follows_a_cosine_to_zero():
    schedule = annealed_adam(0.02, 100).get_config()["learning_rate"]
    schedule = keras.optimizers.schedules.deserialize(schedule)
    rates = [float(schedule(step)) for step in (0, 25, 50, 100)]
    assert rates == pytest.approx([0.02, 0.01 * (1 + np.cos(np.pi / 4)), 0.01, 0], abs=1e-8)


def test_seed_reaches_numpy_python_and_tensorflow():
    import random

    def draws():
        seed_everything(3)
        return random.random(), np.random.rand(), float(tf.random.uniform([]))

    assert draws() == draws()


def test_losses_that_layers_add_are_minimised(splits):
    """Weight decay alone, on labels that balance out at logit 0, must shrink a user's encoder."""
    decay = keras.regularizers.L2(1.0)
    dense = keras.layers.Dense(4, kernel_regularizer=decay)
    encoder = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), dense])
    model = Classifier(encoder)
    model.compile(keras.optimizers.SGD(0.1))
    before = np.abs(dense.kernel.numpy()).sum()
    images = np.zeros((8, 8, 8, 1), np.float32)
    model.fit(images, np.array([0, 1] * 4, np.float32), batch_size=8, epochs=3, verbose=0)
    assert np.abs(dense.kernel.numpy()).sum() == pytest.approx(before * 0.8**3, rel=1e-4)


def test_a_gpu_gets_xla_and_a_cpu_gets_repeatable_kernels(monkeypatch):
    calls = []
    monkeypatch.setattr(training.tf.config.experimental, "enable_op_determinism", lambda: calls.append(True))
    training.seed_everything(0)
    assert calls == [True]
    monkeypatch.setattr(training, "on_gpu", lambda: True)
    training.seed_everything(0)
    assert calls == [True]
