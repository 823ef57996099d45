"""Training on whole tunes, judged by bits per character of held-out tunes."""

import math
import time
from collections.abc import Callable
from pathlib import Path

from debias.backend import keras, tf
from debias.callbacks import EpochLog
from debias.errors import InputError
from debias.files import replacing
from debias.training import annealed_adam
from labs.music import vectoriser
from labs.music.corpus import Corpus
from labs.music.places import Places
from labs.music.recall import Recall
from labs.music.sequences import batches, count
from labs.music.vectoriser import PADDING, Vocabulary

EPOCHS, BATCH, LEARNING_RATE = 12, 32, 6e-3
PATIENCE = 3  # epochs without a better validation
MODEL, VOCABULARY = "model.keras", "vocabulary.txt"
LAYERS = Places, Recall  # that a model may have beside those of Keras


def sequence_loss(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy in nats over all characters that are to be predicted; padding does not count.

    Args:
        targets: (B, T) int.
        logits: (B, T, V).
    """
    mask = tf.cast(targets != PADDING, logits.dtype)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(targets, tf.int32), logits)
    return tf.reduce_sum(losses * mask) / tf.reduce_sum(mask)


def train_step(network: keras.Model, optimizer: keras.Optimizer, inputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """One step of gradient descent; returns the loss before it."""
    with tf.GradientTape() as tape:
        loss = sequence_loss(targets, network(inputs, training=True))
    variables = network.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    return loss


def train(
    network: keras.Model,
    corpus: Corpus,
    vocabulary: Vocabulary,
    folder: Path,
    epochs: int = EPOCHS,
    seed: int = 0,
    step: Callable = train_step,
) -> list[dict]:
    """Train `network` and leave the best of its epochs, by validation, in it and in `folder`.

    Args:
        step: as `train_step`.

    Returns:
        A row for each epoch: minutes of training so far, bits and val_bits per character.

    Raises:
        InputError: the loss is NaN from the first epoch on.
    """
    training = batches(corpus.train, vocabulary, BATCH, seed)
    steps = count(training)
    optimizer = annealed_adam(LEARNING_RATE, steps * epochs)
    optimizer.global_clipnorm = 1.0
    log, stop = EpochLog(folder / "log.csv"), keras.callbacks.EarlyStopping("val_bits", patience=PATIENCE, mode="min")
    best = Best(vocabulary, folder)
    model = _Stepped(network, step)
    model.compile(optimizer, jit_compile=False)
    optimizer.build(network.trainable_variables)  # else the step is compiled twice
    model.fit(
        training.repeat(),  # the number of batches an epoch depends on how the lengths fall
        validation_data=batches(corpus.validation, vocabulary, BATCH),
        steps_per_epoch=steps,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=[Clock(epochs=epochs), log, best, stop],
    )
    if best.bits == math.inf:  # no epoch was kept: what the folder holds is of an earlier training
        raise InputError("the loss is no number in any epoch: lower the learning rate")
    network.load_weights(folder / MODEL)
    return log.rows


def bits_per_character(model: keras.Model, tunes, vocabulary: Vocabulary) -> float:
    """Cross-entropy in bits per character of the bodies of `tunes` and their ends, given their headers."""
    bits = BitsPerCharacter()
    read = tf.function(model, input_signature=[tf.TensorSpec((None, None), tf.int32)])  # one graph for all lengths
    for inputs, targets in batches(tunes, vocabulary, BATCH):
        bits.update_state(targets, read(inputs))
    return float(bits.result())


def load(folder: Path, vocabulary: Vocabulary | None = None) -> tuple[keras.Model, Vocabulary]:
    """A trained model and its vocabulary.

    Args:
        vocabulary: that it should have.

    Raises:
        InputError: there is none, it is damaged, or it has another vocabulary.
    """
    path = Path(folder) / MODEL
    kept = vectoriser.load(Path(folder) / VOCABULARY)
    try:
        model = keras.saving.load_model(path, {layer.__name__: layer for layer in LAYERS}, compile=False)
    except Exception as error:  # of many types, depending on what is damaged
        raise InputError(f"{path}: not a whole model: train it again") from error
    if model.output_shape[-1] != len(kept) or (vocabulary and vocabulary != kept):
        raise InputError(f"{path}: trained with another vocabulary ({len(kept)} characters): train it again")
    return model, kept


@keras.saving.register_keras_serializable("labs.music")
class BitsPerCharacter(keras.metrics.Metric):
    """Cross-entropy in bits per predicted character, exact over batches of any size."""

    def __init__(self, name="bits", **options):
        super().__init__(name=name, **options)
        self.nats = self.add_weight(shape=(), initializer="zeros", name="nats")
        self.count = self.add_weight(shape=(), initializer="zeros", name="count")

    def update_state(self, targets, logits, sample_weight=None):
        self.add(targets, sequence_loss(targets, logits))

    def add(self, targets, loss):
        """Count the mean cross-entropy of a batch of targets, in nats."""
        count = tf.reduce_sum(tf.cast(targets != PADDING, loss.dtype))
        self.nats.assign_add(loss * count)
        self.count.assign_add(count)

    def result(self):
        return self.nats / tf.maximum(self.count, 1.0) / math.log(2)


class _Stepped(keras.Model):
    """A network for `fit`, which trains it by a step such as `train_step`."""

    def __init__(self, network: keras.Model, step: Callable):
        super().__init__()
        self.network, self.step, self.bits = network, step, BitsPerCharacter()

    def call(self, inputs, training=False):
        return self.network(inputs, training=training)

    def train_step(self, data):
        inputs, targets = data
        self.bits.add(targets, self.step(self.network, self.optimizer, inputs, targets))
        return {"bits": self.bits.result()}

    def test_step(self, data):
        inputs, targets = data
        self.bits.update_state(targets, self.network(inputs, training=False))
        return {"bits": self.bits.result()}


class Best(keras.callbacks.Callback):
    """Keeps the epoch with the fewest bits per character of validation, and the vocabulary beside it."""

    def __init__(self, vocabulary: Vocabulary, folder: Path):
        super().__init__()
        self.folder, self.bits = folder, math.inf
        vectoriser.save(vocabulary, folder / VOCABULARY)

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_bits"] < self.bits:
            self.bits = logs["val_bits"]
            with replacing(self.folder / MODEL) as temporary:
                self.model.network.save(temporary)


class Clock(keras.callbacks.Callback):
    """Logs the minutes of training so far, validation not counted, and says how many are left.

    Args:
        epochs: of the training, where their number is known.
        limit: minutes after which the training ends.
    """

    def __init__(self, epochs: int | None = None, limit: float = math.inf):
        super().__init__()
        self.epochs, self.limit, self.minutes, self._since = epochs, limit, 0.0, 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self._since = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        self.minutes, self._since = self.minutes + (now - self._since) / 60, now
        if self.minutes >= self.limit:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        logs["minutes"] = self.minutes
        left = self.minutes * (self.epochs / (epoch + 1) - 1) if self.epochs else self.limit - self.minutes
        validated = f"validation {logs['val_bits']:.3f}, " if "val_bits" in logs else ""
        if validated or self.epochs:
            print(f"epoch {epoch + 1}: {logs['bits']:.3f} bits per character, {validated}{max(left, 0):.1f} min left")
