"""A look back at the whole tune: where was the network in such a state before, and what came then?"""

import math

from debias.backend import keras, tf
from labs.music.stepwise import Stepwise


@keras.saving.register_keras_serializable("labs.music")
class Recall(Stepwise, keras.layers.Layer):
    """Attention from left to right: states (B, T, U) -> themselves, and behind them what is recalled, (B, T, U + A).

    The state asks a query. The key of each place is made of the state *before* its character, the value of the state
    behind it: a place whose key fits is one where the network was as it is now, and its value says what came next.

    Args:
        units: A, numbers of a query, a key and a value.
    """

    grows = True

    def __init__(self, units: int, **options):
        super().__init__(**options)
        self.units = units
        self.queries, self.keys, self.values = (keras.layers.Dense(units, use_bias=False) for _ in range(3))

    def build(self, shape):
        for layer in (self.queries, self.keys, self.values):
            layer.build(shape)

    def get_config(self):
        return super().get_config() | {"units": self.units}

    def call(self, states):
        keys = tf.pad(self.keys(states), [[0, 0], [1, 0], [0, 0]])[:, :-1]
        seen = tf.linalg.band_part(tf.ones((tf.shape(states)[1],) * 2, tf.bool), -1, 0)  # places up to each place
        return tf.concat([states, attend(self.queries(states), keys, self.values(states), seen)], -1)

    def compute_output_shape(self, shape):
        return (*shape[:-1], shape[-1] + self.units)

    def first_state(self, count: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Keys (B, 1, A) and values (B, 0, A) before the first character: the key of the first is known."""
        return tf.zeros((count, 1, self.units)), tf.zeros((count, 0, self.units))

    def step(self, state: tf.Tensor, kept: tuple[tf.Tensor, tf.Tensor]) -> tuple:
        """The output (B, U + A) for one more state (B, U), and the keys and values up to there."""
        keys, values = kept[0], tf.concat([kept[1], self.values(state)[:, None]], 1)
        recalled = attend(self.queries(state)[:, None], keys, values, True)[:, 0]
        return tf.concat([state, recalled], -1), (tf.concat([keys, self.keys(state)[:, None]], 1), values)


def attend(queries: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, seen: tf.Tensor) -> tf.Tensor:
    """The mean of the values, weighted by how well each key fits the query, (B, Q, A).

    Args:
        queries: (B, Q, A).
        keys, values: (B, T, A).
        seen: (Q, T) bool, which keys a query sees.
    """
    fits = tf.matmul(queries, keys, transpose_b=True) / math.sqrt(keys.shape[-1])
    return tf.matmul(tf.nn.softmax(tf.where(seen, fits, -1e9)), values)
