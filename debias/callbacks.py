"""Keras callbacks: checkpoints for exact resume, the epoch log, and the refresh of the sampling probabilities."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from debias.backend import keras, tf
from debias.data.pipeline import BalancedBatches, DeviceImages, scale
from debias.data.sampling import WeightedSampler
from debias.errors import InputError
from debias.files import replacing
from debias.resampling import Rule, effective_sample_size

_ENCODED_AT_ONCE = 512


class Checkpoints(keras.callbacks.Callback):
    """Saves all that decides the rest of a run after each epoch, and the best model so far.

    The last checkpoint holds weights, batch statistics, random generators, optimiser and sampler weights.
    """

    def __init__(self, folder: Path, model: keras.Model, sampler: WeightedSampler):
        super().__init__()
        self.best_path = folder / "best.keras"
        self.epoch = tf.Variable(0, dtype=tf.int64)
        self.best = tf.Variable(np.inf, dtype=tf.float64)
        state = [variable.value for variable in (*model.variables, *model.optimizer.variables)]
        checkpoint = tf.train.Checkpoint(state=state, sampler=sampler, epoch=self.epoch, best=self.best)
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
        return int(self.epoch)

    def on_epoch_end(self, epoch, logs=None):
        loss = (logs or {}).get("val_loss", np.inf)
        if loss < self.best:
            self.best.assign(loss)
            with replacing(self.best_path) as temporary:
                self.model.save(temporary)
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
        self.path = path
        self.rows = _read_rows(path)[:done]

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append({"epoch": epoch, **{name: float(value) for name, value in (logs or {}).items()}})
        with replacing(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[-1]))
            writer.writeheader()
            writer.writerows(self.rows)


class Resample(keras.callbacks.Callback):
    """At the start of an epoch, lets rare latents decide how often each face is drawn (Algorithm 1).

    Args:
        rule: latents (N, k) -> probabilities (N,).
        batches: whose sampler is refreshed.
        every: epochs between two refreshes.
    """

    def __init__(self, rule: Rule, batches: BalancedBatches, every: int = 1):
        super().__init__()
        self.rule, self.batches, self.every = rule, batches, every

    def on_epoch_begin(self, epoch, logs=None):
        if epoch % self.every == 0:
            seed = (self.batches.seed, epoch) if self.rule.latents == "sample" else None
            self.batches.sampler.assign(self.rule(encode(self.model, self.batches.positives, seed)))


class SamplerLog(keras.callbacks.Callback):
    """Logs the effective sample size and keeps each epoch's probabilities in `folder/sampling/epoch-000.npy`.

    An evaluator who knows the groups can tell from them what share of the mass each received; the method cannot.
    """

    def __init__(self, sampler: WeightedSampler, folder: Path):
        super().__init__()
        self.sampler, self.folder = sampler, folder

    def on_epoch_begin(self, epoch, logs=None):
        save_array(self.folder / "sampling" / f"epoch-{epoch:03d}.npy", self.sampler.probabilities.numpy())

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["ess"] = effective_sample_size(self.sampler.probabilities.numpy())


def encode(model: keras.Model, images: DeviceImages, seed: tuple[int, int] | None = None) -> np.ndarray:
    """Posterior means (N, k) float32 of N images, or samples if `seed` is given.

    `model` is a DBVAE or anything else with a `posterior`.

    Raises:
        FloatingPointError: a latent is NaN or infinite.
    """
    run = _encoder(model, images, seed)
    blocks = (
        tf.range(start, min(start + _ENCODED_AT_ONCE, len(images))) for start in range(0, len(images), _ENCODED_AT_ONCE)
    )
    latents = np.concatenate([run(index).numpy() for index in blocks])
    if not np.all(np.isfinite(latents)):
        raise FloatingPointError("latents are NaN or infinite: the run has diverged, lower the learning rate")
    return latents


def save_array(path: Path, array: np.ndarray) -> None:
    """Write one array as .npy, atomically."""
    with replacing(path) as temporary:
        np.save(temporary, array, allow_pickle=False)


def _encoder(model, images, seed) -> Callable:
    def run(index):
        posterior = model.posterior(scale(images.gather(index)))
        if seed is None:
            return posterior.mean()
        # Folding in the first row gives each block noise of its own.
        return posterior.sample(seed=tf.random.experimental.stateless_fold_in(tf.constant(seed), index[0]))

    # Traced once for blocks of any length; a concrete function spares the warnings that a new tf.function gives.
    return tf.function(run).get_concrete_function(tf.TensorSpec([None], tf.int32))


def _read_rows(path: Path) -> list[dict]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
