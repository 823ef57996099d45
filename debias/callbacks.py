"""Keras callbacks: what a run leaves in its folder, and the refresh of the sampling probabilities."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from debias.backend import keras, tf
from debias.data.pipeline import BalancedBatches, DeviceImages, StreamedImages, scale
from debias.data.reading import told
from debias.data.sampling import WeightedSampler
from debias.devices import check_agreed, is_chief
from debias.errors import InputError
from debias.files import replacing

_ENCODED_AT_ONCE = 512


class Resample(keras.callbacks.Callback):
    """At the start of an epoch, lets rare latents decide how often each face is drawn (Algorithm 1).

    Args:
        rule: latents (N, k) -> probabilities (N,).
        batches: whose sampler is refreshed.
        every: epochs between two refreshes.
        sample: whether the latents are samples of the posterior instead of its means.
    """

    def __init__(self, rule: Callable, batches: BalancedBatches, every: int = 1, sample: bool = False):
        super().__init__()
        self.rule, self.batches, self.every, self.sample = rule, batches, every, sample

    def on_epoch_begin(self, epoch, logs=None):
        if epoch % self.every == 0:
            seed = (self.batches.seed, epoch) if self.sample else None
            self.batches.sampler.assign(self.rule(encode(self.model, self.batches.positives, seed)))


class RunFolder(keras.callbacks.Callback):
    """Keeps a run on disk, so that it can be killed at any moment and goes on with the same weights, bit for bit.

    After each epoch it writes, in this order: the probabilities with which the epoch drew its faces
    (`sampling/epoch-000.npy`), a line of `log.csv`, and the checkpoint. A kill between two of them repeats the epoch
    and writes them again.

    An evaluator who knows the groups can tell from the probabilities what share of the mass each group received; the
    method cannot.
    """

    def __init__(self, folder: Path, model: keras.Model, sampler: WeightedSampler):
        super().__init__()
        self.folder, self.sampler = folder, sampler
        self.checkpoints, self.log = Checkpoints(folder, model, sampler), None

    def restore(self) -> int:
        """Load the last checkpoint if there is one; returns the number of epochs done."""
        done = self.checkpoints.restore()
        self.log = EpochLog(self.folder / "log.csv", done)
        return done

    def on_epoch_end(self, epoch, logs=None):
        if not is_chief():  # all workers have the same to write
            return
        p = self.sampler.probabilities.numpy()
        save_array(self.folder / "sampling" / f"epoch-{epoch:03d}.npy", p)
        self.log.on_epoch_end(epoch, {**(logs or {}), "ess": 1 / np.sum(p**2)})
        self.checkpoints.on_epoch_end(epoch)


class Checkpoints(keras.callbacks.Callback):
    """After each epoch, saves all that decides the rest of a run.

    That is weights, batch statistics, random generators, optimiser, and `also`.

    Args:
        also: what else decides it, such as a sampler with its weights.
    """

    def __init__(self, folder: Path, model: keras.Model, also: tf.Module):
        super().__init__()
        self.epoch = tf.Variable(0, dtype=tf.int64)
        state = [variable.value for variable in (*model.variables, *model.optimizer.variables)]
        checkpoint = tf.train.Checkpoint(state=state, sampler=also, epoch=self.epoch)
        checkpoint.save_counter  # noqa: B018, made by all workers together, not by the one that saves
        self.manager = tf.train.CheckpointManager(checkpoint, str(folder / "checkpoint"), max_to_keep=1)

    def restore(self) -> int:
        """Load the last checkpoint if there is one; returns the number of epochs done."""
        if self.manager.latest_checkpoint:
            try:
                self.manager.checkpoint.restore(self.manager.latest_checkpoint).assert_consumed()
            except (AssertionError, ValueError, IndexError, tf.errors.OpError) as error:
                raise InputError(
                    f"{self.manager.directory}: checkpoint damaged or of another model: "
                    "delete this folder to start the run again"
                ) from error
        done = int(self.epoch.numpy())
        check_agreed(done, "checkpoints")
        return done

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.assign(epoch + 1)
        try:
            self.manager.save(checkpoint_number=epoch + 1)
        except tf.errors.OpError as error:
            reason = error.message.splitlines()[0]
            raise InputError(
                f"{self.manager.directory}: cannot write a checkpoint ({reason}): "
                "free some space or choose another folder"
            ) from error


class EpochLog(keras.callbacks.Callback):
    """One line of CSV an epoch, rewritten atomically; a resumed run continues after its `done` epochs."""

    def __init__(self, path: Path, done: int = 0):
        super().__init__()
        self.path, self.rows = path, _read_rows(path)[:done]

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append({"epoch": epoch, **{name: float(value) for name, value in (logs or {}).items()}})
        with replacing(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[-1]))
            writer.writeheader()
            writer.writerows(self.rows)


class Progress(keras.callbacks.Callback):
    """Calls `advance` with the share (0..1) of a training that is done, about fifty times an epoch."""

    def __init__(self, advance: Callable[[float], None], epochs: int):
        super().__init__()
        self.advance, self.epochs, self.epoch = advance, epochs, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        steps = self.params["steps"]
        # To redraw a bar costs more than a step of a small network.
        if steps and batch % max(1, steps // 50) == 0:
            self.advance((self.epoch + batch / steps) / self.epochs)


def encode(
    model: keras.Model, images: DeviceImages | StreamedImages, seed: tuple[int, int] | None = None
) -> np.ndarray:
    """Posterior means (N, k) float32 of N images, or samples if `seed` is given.

    `model` is a DBVAE or anything else with a `posterior`.

    Raises:
        FloatingPointError: a latent is NaN or infinite.
    """
    run = _encoder(model, images, seed)
    with told():
        latents = np.concatenate([run(*block).numpy() for block in images.blocks(_ENCODED_AT_ONCE)])  # (N, k)
    if not np.all(np.isfinite(latents)):
        raise FloatingPointError("latents are NaN or infinite: the run has diverged, lower the learning rate")
    return latents


def save_array(path: Path, array: np.ndarray) -> None:
    """Write one array as .npy, atomically."""
    with replacing(path) as temporary:
        np.save(temporary, array, allow_pickle=False)


def _encoder(model, images, seed) -> Callable:
    def run(first, block):
        posterior = model.posterior(scale(block))
        if seed is None:
            return posterior.mean()
        # Folding in the first row gives each block noise of its own.
        return posterior.sample(seed=tf.random.experimental.stateless_fold_in(tf.constant(seed), first))

    # Traced once for blocks of any length; a concrete function spares the warnings that a new tf.function gives.
    block = tf.TensorSpec([None, *images.shape], tf.uint8)
    return tf.function(run).get_concrete_function(tf.TensorSpec([], tf.int32), block)


def _read_rows(path: Path) -> list[dict]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
