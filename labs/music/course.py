"""The course's recipe, to compare with: an LSTM of 1,024 units on random windows, and its loop in Python.

Numbers from the lab of MIT 6.S191 (TensorFlow, 2024). The corpus, its split and what is measured are ours, so that both
models are judged on the same characters. Its LSTM carries its state from one random window to the next, which have
nothing to do with each other; here each window starts from zeros.
"""

from collections.abc import Sequence

import numpy as np

from debias.backend import keras, tf
from labs.music.corpus import Corpus
from labs.music.notation import Tune
from labs.music.sequences import batches
from labs.music.training import BATCH as TUNES
from labs.music.training import BitsPerCharacter, Clock, sequence_loss
from labs.music.vectoriser import MARK, PADDING, Vocabulary

EMBEDDING, UNITS = 256, 1024
WINDOW, BATCH, LEARNING_RATE = 100, 8, 5e-3
STEPS = 50  # between two looks at the clock's log
VALIDATED = 4  # of these there is one validation


def build(vocabulary_size: int, units: int = UNITS, stateful: bool = False) -> keras.Model:
    """Characters (B, T) int32 -> logits (B, T, V); `stateful` is for one tune (B = 1) at a time."""
    return keras.Sequential(
        [
            keras.Input(batch_shape=(1 if stateful else None, None), dtype="int32"),
            keras.layers.Embedding(vocabulary_size, EMBEDDING),
            keras.layers.LSTM(units, return_sequences=True, stateful=stateful),
            keras.layers.Dense(vocabulary_size),
        ]
    )


def train(
    model: keras.Model, corpus: Corpus, vocabulary: Vocabulary, minutes: float, seed: int = 0, steps: int = STEPS
) -> list[dict]:
    """Train for so many minutes; returns minutes and val_bits at each validation, after four times so many steps."""
    model.compile(keras.optimizers.Adam(LEARNING_RATE), sequence_loss, metrics=[BitsPerCharacter()], jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    history = model.fit(
        windows(corpus.train, vocabulary, seed),
        validation_data=batches(corpus.validation, vocabulary, TUNES),
        validation_freq=VALIDATED,
        steps_per_epoch=steps,
        epochs=10**6,  # the clock ends it
        shuffle=False,
        verbose=0,
        callbacks=[Clock(limit=minutes)],
    ).history
    validated = history["minutes"][VALIDATED - 1 :: VALIDATED]
    return [{"minutes": m, "val_bits": bits} for m, bits in zip(validated, history.get("val_bits", []), strict=False)]


def windows(tunes: Sequence[Tune], vocabulary: Vocabulary, seed: int) -> tf.data.Dataset:
    """Endless batches of windows (8, 100) at random places of all tunes in a row, and the characters that follow."""
    text = tf.constant(np.concatenate([vocabulary.sequence(tune) for tune in tunes]))
    places = tf.data.Dataset.random(seed, rerandomize_each_iteration=True).batch(BATCH)

    def cut(numbers):
        starts = tf.cast(numbers % (len(text) - WINDOW - 1), tf.int32)
        rows = tf.gather(text, starts[:, None] + tf.range(WINDOW + 1))
        return rows[:, :-1], rows[:, 1:]

    return places.map(cut).prefetch(tf.data.AUTOTUNE)


def write(model: keras.Model, vocabulary: Vocabulary, header: str, length: int, seed: int = 0) -> str:
    """`length` characters after a header, one call of the (stateful) model for each, as the course does it."""
    model.layers[1].reset_states()
    written = [MARK, *vocabulary.encode(header)]
    generator = np.random.default_rng(seed)
    for number in written[:-1]:
        model(np.array([[number]], np.int32))
    for _ in range(length):
        logits = model(np.array([[written[-1]]], np.int32))[0, -1].numpy()
        logits[PADDING] = -np.inf
        chances = np.exp(logits.astype(np.float64) - logits.max())
        written.append(int(generator.choice(len(chances), p=chances / chances.sum())))
    return vocabulary.decode(written)
