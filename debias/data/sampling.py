"""Weighted draws inside the compiled step."""

import numpy as np

from debias.backend import tf
from debias.errors import InputError


class WeightedSampler(tf.Module):
    """Draws indices in proportion to weights that may change between steps.

    A draw with replacement inverts the cumulative distribution by binary search: O(count log N). A draw without
    replacement takes the largest of log p + Gumbel noise (Gumbel top-k): O(N).
    """

    def __init__(self, size: int, replacement: bool = True, most: int = 1):
        """For draws of up to `most` of `size` indices."""
        super().__init__()
        self.size, self.replacement, self.most = size, replacement, most
        self.probabilities = tf.Variable(np.full(size, 1 / size), trainable=False, dtype=tf.float64)
        self.cumulative = tf.Variable(np.cumsum(np.full(size, 1 / size)), trainable=False, dtype=tf.float64)

    def assign(self, probabilities: np.ndarray) -> None:
        """Set the (N,) float64 probabilities of the next draws; they need not sum to one.

        Raises:
            InputError: there are not N of them, one is NaN, infinite or negative, all are zero, or too few are above 0
                for a draw without replacement.
        """
        p = np.asarray(probabilities, np.float64)
        if p.shape != (self.size,):
            raise InputError(f"sampling weights have shape {p.shape}, there are {self.size} images: give one each")
        if not np.all(np.isfinite(p)):
            raise InputError(f"{np.sum(~np.isfinite(p))} of {self.size} sampling weights are NaN or infinite")
        if p.min() < 0 or p.sum() <= 0:
            what = "all are zero" if p.min() == 0 else f"the least is {p.min():g}"
            raise InputError(f"sampling weights must be >= 0 and not all zero: {what}")
        possible = np.count_nonzero(p / p.sum())
        if not self.replacement and possible < self.most:
            raise InputError(
                f"{possible} of {self.size} samples have a probability above 0, but {self.most} are drawn at once: "
                "draw with replacement, choose a smaller batch or a larger alpha"
            )
        self.probabilities.assign(p / p.sum())
        self.cumulative.assign(np.cumsum(p / p.sum()))

    @property
    def table(self) -> tf.Variable:
        """(N,) float64, what draws are made from: a copy of it gives the draws of now, whatever is assigned later."""
        return self.cumulative if self.replacement else self.probabilities

    def draw(self, count: int, seed: tf.Tensor, table: tf.Tensor | None = None) -> tf.Tensor:
        """(count,) int32 indices; `seed`, a (2,) integer tensor, decides them with `table`, by default today's."""
        draw = self._with_replacement if self.replacement else self._without_replacement
        return draw(count, seed, self.table if table is None else table)

    def _with_replacement(self, count, seed, cumulative):
        u = uniform(count, seed) * cumulative[-1]
        # side="right" finds the first entry above u, so that an index of probability 0 is never drawn.
        return tf.minimum(tf.searchsorted(cumulative, u, side="right"), self.size - 1)

    def _without_replacement(self, count, seed, probabilities):
        u = uniform(self.size, seed) * (1 - 1e-300) + 1e-300
        gumbel = -tf.math.log(-tf.math.log(u))
        drawn = tf.math.top_k(tf.math.log(probabilities) + gumbel, count).indices
        # Likely indices come first in it; who uses a position for something, such as mirroring, must not prefer them.
        order_seed = tf.random.experimental.stateless_fold_in(seed, 1)
        return tf.random.experimental.stateless_shuffle(drawn, order_seed)


def uniform(count: int, seed: tf.Tensor) -> tf.Tensor:
    """(count,) float64 in [0, 1), those of `tf.random.stateless_uniform`, whose XLA version rounds otherwise."""
    bits = tf.random.stateless_uniform([count], seed, None, None, tf.uint64, alg="philox")
    low, high = bits & tf.constant(0xFFFFF, tf.uint64), tf.bitwise.right_shift(bits, tf.constant(32, tf.uint64))
    return tf.cast(tf.bitwise.left_shift(low, tf.constant(32, tf.uint64)) | high, tf.float64) * 2.0**-52
