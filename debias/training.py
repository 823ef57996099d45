"""Training that can be killed at any moment and ends with the same weights, bit for bit."""

import math
from collections.abc import Sequence

from debias.augmentation import RandomCamera
from debias.backend import keras, tf
from debias.callbacks import RunFolder
from debias.config import Config
from debias.data.dataset import Dataset
from debias.data.pipeline import BalancedBatches, in_order, untuned
from debias.data.reading import told
from debias.detector import Detector
from debias.devices import distributed, on_gpu, uses_xla


def seed_everything(seed: int, repeatable: bool = True) -> None:
    """Seed Python, NumPy and TensorFlow, and on CPU ask TensorFlow for kernels that repeat bit for bit.

    Args:
        repeatable: False where steps are compiled by XLA, which Keras leaves out where such kernels are asked for.
    """
    keras.utils.set_random_seed(seed)
    if repeatable and not on_gpu():
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

    What `RunFolder` keeps goes into `config.folder`. Returns the model of the last epoch.

    Raises:
        FloatingPointError: the loss is NaN or infinite; the checkpoint of the last whole epoch stays.
    """
    steps = config.steps_per_epoch or batches.steps_per_epoch
    model.compile(optimizer=annealed_adam(config.learning_rate, steps * config.epochs), jit_compile=uses_xla(config))
    model.optimizer.build(model.trainable_variables)
    kept = [RunFolder(config.folder, model, batches.sampler)] if config.folder else []
    model.batches = None if batches.streamed else batches
    model.camera = RandomCamera(config.augment, config.seed) if config.augment else None
    begun = _Begun()
    with told():
        model.fit(
            batches.ahead(steps, lambda: begun.epoch * steps) if batches.streamed else _counted(steps),
            epochs=config.epochs,
            initial_epoch=kept[0].restore() if kept else 0,
            validation_data=in_order(validation, images=config.images, parts=config.replicas),
            callbacks=[begun, _StopAtNaN(steps), *callbacks, *kept, *config.callbacks],
            shuffle=False,
            verbose=0,
        )
    model.batches = model.camera = None
    return model


def annealed_adam(learning_rate: float, steps: int) -> keras.optimizers.Adam:
    """Adam whose rate falls to zero along a cosine over `steps`."""
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps))


class _Begun(keras.callbacks.Callback):
    """The number of the epoch: steps count themselves, but while one runs it is not certain whether it has."""

    epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch


class _StopAtNaN(keras.callbacks.Callback):
    """Ends a training whose loss is no number any more, before the epoch is checkpointed.

    Keras gives the mean over the epoch so far: the first batch that is none makes it none.
    """

    def __init__(self, steps: int):
        super().__init__()
        self.steps, self.epoch = steps, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            kept = f"the checkpoint after epoch {self.epoch} is kept" if self.epoch else "no epoch was finished"
            step = self.epoch * self.steps + batch + 1
            raise FloatingPointError(f"the loss is NaN or infinite at step {step}: lower the learning rate; {kept}")


def _counted(steps: int) -> tf.data.Dataset:
    """What `fit` goes through in an epoch where the step draws its own batch."""
    return distributed(steps, lambda parts, _: untuned(tf.data.Dataset.range(steps * len(parts))))
