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
            InputError: they are no probabilities, or too few are above 0 for a draw without replacement.
        """
        p = np.asarray(probabilities, np.float64)
        if p.shape != self.probabilities.shape or not np.all(np.isfinite(p)) or p.min() < 0 or p.sum() <= 0:
            raise InputError(f"probabilities must be {self.probabilities.shape} finite, >= 0 and not all 0")
        possible = np.count_nonzero(p / p.sum())
        if not self.replacement and possible < self.most:
            raise InputError(
                f"{possible} of {self.size} samples have a probability above 0, but {self.most} are drawn at once: "
                "draw with replacement, choose a smaller batch or a larger alpha"
            )
        self.probabilities.assign(p / p.sum())
        self.cumulative.assign(np.cumsum(p / p.sum()))

    def draw(self, count: int, seed: tf.Tensor) -> tf.Tensor:
        """(count,) int32 indices; `seed` is a (2,) integer tensor and decides them."""
        return self._with_replacement(count, seed) if self.replacement else self._without_replacement(count, seed)

    def _with_replacement(self, count, seed):
        u = tf.random.stateless_uniform([count], seed, dtype=tf.float64) * self.cumulative[-1]
        # side="right" finds the first entry above u, so that an index of probability 0 is never drawn.
        return tf.minimum(tf.searchsorted(self.cumulative, u, side="right"), self.size - 1)

    def _without_replacement(self, count, seed):
        u = tf.random.stateless_uniform([self.size], seed, minval=1e-300, dtype=tf.float64)
        gumbel = -tf.math.log(-tf.math.log(u))
        drawn = tf.math.top_k(tf.math.log(self.probabilities) + gumbel, count).indices
        # Likely indices come first in it; who uses a position for something, such as mirroring, must not prefer them.
        order_seed = tf.random.experimental.stateless_fold_in(seed, 1)
        return tf.random.experimental.stateless_shuffle(drawn, order_seed)
