"""Same seed, same run; and a run that is killed and started again ends bit for bit like an undisturbed one."""

import contextlib
import csv
import dataclasses

import numpy as np
import pytest

from baselines import METHODS
from debias import callbacks, dbvae, training
from debias.backend import keras, tf
from debias.config import Config
from debias.data.pipeline import untuned
from debias.detector import Classifier
from debias.errors import InputError
from debias.files import replacing
from debias.resampling import RULES, effective_sample_size
from debias.training import annealed_adam, seed_everything


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


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


@contextlib.contextmanager
def writes(folder, kill_before=None):
    """Names of what training writes to its folder; it ends in the place of the write with number `kill_before`."""
    names, save = [], tf.train.CheckpointManager.save

    def write(name, now):
        if len(names) == kill_before:
            raise Killed
        names.append(name)
        return now()

    def replace(path):
        return write(path.relative_to(folder).as_posix(), lambda: replacing(path))

    def checkpoint(manager, **options):
        return write("checkpoint", lambda: save(manager, **options))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "replacing", replace)
        patch.setattr(tf.train.CheckpointManager, "save", checkpoint)
        yield names


@pytest.fixture(scope="module")
def config(tiny_config) -> Config:
    """The second epoch keeps the first one's sampling weights, so that a resumed run needs them restored."""
    return dataclasses.replace(tiny_config, refresh_every=2, latents="sample", learning_rate=0.01, augment=0.5)


@pytest.fixture(scope="module")
def train(splits, config):
    """Train a method with `config` in a folder."""

    def run(folder, method="dbvae-max", **changes):
        return METHODS[method].train(splits, dataclasses.replace(config, folder=folder, **changes))

    return run


@pytest.fixture(scope="module")
def undisturbed(train, tmp_path_factory):
    """Folder and outcome of a DB-VAE trained in one go, and the names of what it wrote, in order."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with writes(folder) as names:
        model = train(folder)
    return folder, outcome(model, folder), names


@pytest.fixture(scope="module")
def cnn(train, tmp_path_factory):
    """Folder and outcome of a CNN trained in one go."""
    folder = tmp_path_factory.mktemp("cnn")
    return folder, outcome(train(folder, "cnn"), folder)


class Spoil(keras.callbacks.Callback):
    """Makes a weight NaN before a step."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.where, self.epoch = (epoch, batch), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.where:
            self.model.head.kernel.assign(self.model.head.kernel * np.nan)


@pytest.mark.slow
def test_a_nan_loss_ends_a_training_names_the_step_and_keeps_the_last_checkpoint(train, cnn, tmp_path):
    steps = Steps()
    with pytest.raises(FloatingPointError, match="at step 10: .* the checkpoint after epoch 1 is kept") as caught:
        train(tmp_path, "cnn", callbacks=(Spoil(1, 2), steps))  # 7 steps an epoch
    assert "\n" not in str(caught.value) and steps.count == 7 + 2
    assert (tmp_path / "log.csv").read_text().splitlines() == (cnn[0] / "log.csv").read_text().splitlines()[:2]
    assert_same(outcome(train(tmp_path, "cnn"), tmp_path), cnn[1])


def test_probabilities_are_written_before_the_epoch_s_line_and_its_checkpoint(undisturbed):
    in_order = ["sampling/epoch-{}.npy", "log.csv", "checkpoint"]
    assert undisturbed[2] == [name.format(epoch) for epoch in ("000", "001", "002") for name in in_order]


@pytest.mark.slow
def test_killed_between_any_two_writes_and_started_again(train, undisturbed, tmp_path):
    """The second epoch is killed three times, each time a write later, and repeated from the first one's checkpoint."""
    steps, in_order = Steps(), undisturbed[2]
    for begun, count in ((0, 3), (3, 1), (3, 2)):
        with writes(tmp_path, kill_before=count) as names, pytest.raises(Killed):
            train(tmp_path, callbacks=(steps,))
        assert names == in_order[begun : begun + count]
    assert_same(outcome(train(tmp_path, callbacks=(steps,)), tmp_path), undisturbed[1])
    assert steps.count == 2 * 7 + 2 * 7 + 2 * 7  # 56 faces, 8 a batch


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
    folder, kept, _ = undisturbed
    with (folder / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    for row, p in zip(rows, kept["sampling"].values(), strict=True):
        assert float(row["ess"]) == pytest.approx(1 / np.sum(p**2))
        assert float(row["loss"]) > 0 and float(row["val_kl_loss"]) > 0


def test_sampling_weights_are_refreshed_when_due(undisturbed):
    first, second, third = undisturbed[1]["sampling"].values()
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(second, third)
    assert effective_sample_size(first) < len(first) - 0.5


def test_a_rule_of_one_s_own_draws_the_faces_and_unknown_ones_are_refused(splits, config, monkeypatch):
    def first_half(latents, histograms):
        return np.arange(len(latents)) < len(latents) / 2

    monkeypatch.setitem(RULES, "first half", first_half)
    monkeypatch.setattr(dbvae, "fit", lambda *given: given)  # instead of training
    model, batches, _, _, [refresh] = dbvae.train(splits, config, rule="first half")
    refresh.set_model(model)
    refresh.on_epoch_begin(0)
    np.testing.assert_allclose(batches.sampler.probabilities, np.repeat([1 / 28, 0], 28))
    monkeypatch.setattr(dbvae, "build", lambda *_: pytest.fail("built before the rule was known to be bad"))
    with pytest.raises(InputError, match="'best'.*uniform, product, max"):
        dbvae.train(splits, config, rule="best")


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
    model.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    before = np.abs(dense.kernel.numpy()).sum()
    images = np.zeros((8, 8, 8, 1), np.float32)
    batch = tf.data.Dataset.from_tensors((images, np.array([0, 1] * 4, np.float32)))
    model.fit(untuned(batch), epochs=3, verbose=0)
    assert np.abs(dense.kernel.numpy()).sum() == pytest.approx(before * 0.8**3, rel=1e-4)


def test_a_gpu_gets_xla_and_a_cpu_gets_repeatable_kernels(monkeypatch):
    calls = []
    monkeypatch.setattr(training.tf.config.experimental, "enable_op_determinism", lambda: calls.append(True))
    training.seed_everything(0)
    assert calls == [True]
    monkeypatch.setattr(training, "on_gpu", lambda: True)
    training.seed_everything(0)
    assert calls == [True]
