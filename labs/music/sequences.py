"""Tunes as padded batches of numbers, one tune a row."""

from collections.abc import Sequence

import numpy as np

from debias.backend import tf
from labs.music.notation import Tune
from labs.music.vectoriser import PADDING, Vocabulary

_BUCKETS = (128, 160, 192, 224, 256, 320, 448)  # tunes of like length share a batch: hardly any padding is computed


def batches(tunes: Sequence[Tune], vocabulary: Vocabulary, batch_size: int, seed: int | None = None) -> tf.data.Dataset:
    """Batches of inputs (B, T) and targets (B, T), both int32: the target is the next character.

    The header is read, not predicted: there, and behind the end of a tune, the target is padding.

    Args:
        seed: shuffles the tunes, differently each epoch; None keeps their order within a length.
    """
    rows = tf.RaggedTensor.from_row_lengths(*_joined([vocabulary.sequence(tune) for tune in tunes]))
    headers = np.array([len(tune.header) for tune in tunes], np.int32)
    dataset = tf.data.Dataset.from_tensor_slices((rows, headers))
    if seed is not None:
        dataset = dataset.shuffle(len(tunes), seed=seed)
    dataset = dataset.map(_inputs_and_targets).bucket_by_sequence_length(
        lambda inputs, _: tf.size(inputs), _BUCKETS, [batch_size] * (len(_BUCKETS) + 1)
    )
    if seed is None:  # then the batches are always the same; Keras warns where it does not know how many
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(count(dataset)))
    return dataset.prefetch(tf.data.AUTOTUNE)


def count(dataset: tf.data.Dataset) -> int:
    """How many batches a pass has, found by making one."""
    return int(dataset.reduce(0, lambda number, _: number + 1))


def _joined(sequences):
    return np.concatenate(sequences), np.array([len(sequence) for sequence in sequences])


def _inputs_and_targets(row, header):
    targets = row[1:]
    return row[:-1], tf.where(tf.range(tf.size(targets)) < header, PADDING, targets)
