"""Training that can be killed at any moment and ends with the same weights, bit for bit."""

import dataclasses
from collections.abc import Sequence

from debias.backend import keras, tf
from debias.callbacks import Checkpoints, EpochLog, SamplerLog
from debias.config import Config
from debias.data.dataset import Dataset
from debias.data.pipeline import BalancedBatches, in_order, untuned
from debias.detector import Detector
from debias.networks import Preset, preset


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and on CPU ask TensorFlow for kernels that repeat bit for bit."""
    keras.utils.set_random_seed(seed)
    if not on_gpu():  # Keras refuses XLA, which pays there, together with determinism
        tf.config.experimental.enable_op_determinism()
        # It turns sums into AddN, which begins with whichever summand's memory is free first: the order of a sum of
        # three, and so its last bit, would depend on timing.
        tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})


def one_thread() -> None:
    """Compute on one thread from now on.

    Sums are split among threads, so a result depends on their number in its last bits, and after some hundred steps in
    its first: runs that are to agree on every machine, and however many train side by side, take one thread each.

    Raises:
        RuntimeError: TensorFlow has already computed something, on more threads.
    """
    threading = tf.config.threading
    if (threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()) != (1, 1):
        threading.set_intra_op_parallelism_threads(1)
        threading.set_inter_op_parallelism_threads(1)


def fit(
    model: Detector,
    batches: BalancedBatches,
    validation: Dataset,
    config: Config,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Detector:
    """Train `model` on `batches` for `config.epochs`, or finish what `config.folder` has begun.

    Writes `log.csv`, TensorBoard events, the last checkpoint and `best.keras` (lowest validation loss) into
    `config.folder`. Returns the model of the last epoch.
    """
    steps = config.steps_per_epoch or batches.steps_per_epoch
    model.batches = batches
    model.compile(optimizer=annealed_adam(config.learning_rate, steps * config.epochs), jit_compile=on_gpu())
    model.optimizer.build(model.trainable_variables)
    kept, done = _keeping(model, batches, config)
    model.fit(
        untuned(tf.data.Dataset.range(steps)),  # only counts: the step draws its own batch
        epochs=config.epochs,
        initial_epoch=done,
        validation_data=in_order(validation),
        callbacks=[*callbacks, *kept, *config.callbacks],
        shuffle=False,
        verbose=0,
    )
    model.batches = None
    return model


def annealed_adam(learning_rate: float, steps: int) -> keras.optimizers.Adam:
    """Adam whose rate falls to zero along a cosine over `steps`."""
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps))


def network(config: Config) -> Preset:
    """The preset that `config` names, with what it sets itself."""
    own = {name: getattr(config, name) for name in ("latent_dim", "kl_weight", "reconstruction")}
    return dataclasses.replace(preset(config.preset), **{name: x for name, x in own.items() if x is not None})


def on_gpu() -> bool:
    """Whether to compile with XLA: it pays on a GPU and halves the speed on CPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def _keeping(model, batches, config):
    """Callbacks that write into the run's folder, and the number of epochs already done there."""
    if config.folder is None:
        return [], 0
    checkpoints = Checkpoints(config.folder, model, batches.sampler)
    done = checkpoints.restore()
    # The log comes before the checkpoint: a kill between them repeats the epoch and rewrites its line.
    board = keras.callbacks.TensorBoard(config.folder / "tensorboard", write_graph=False)
    sampling = SamplerLog(batches.sampler, config.folder)
    return [sampling, EpochLog(config.folder / "log.csv", done), board, checkpoints], done
