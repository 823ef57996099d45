"""Latents -> per-latent histograms -> sampling probabilities (paper, Algorithm 1), for any latents.

For example:

    p = sampling_probabilities(latents, rule="max", alpha=0.01)
    effective_sample_size(p)        # how many faces the epoch really draws from
"""

import dataclasses

import numpy as np

from debias.errors import InputError

RULES = ("uniform", "product", "max")
SMALLEST, FARTHEST = 1e-100, 1e100  # of alpha and latents: beyond, float64 cannot hold their inverses
_ROWS_AT_A_TIME = 2048  # keeps each block of latents in the cache: a whole 55,000 x 100 array is memory-bound


def sampling_probabilities(
    latents: np.ndarray,
    rule: str = "max",
    alpha: float = 0.01,
    bins: int = 10,
    histogram: str = "density",
) -> np.ndarray:
    """How likely each sample is to be drawn: rare latents more often.

    Q_i is the histogram of latent i over all samples, in `bins` equal bins between its extremes.

    Args:
        latents: (N, k) finite floats, one row a sample.
        rule: 'product', W proportional to prod_i 1 / (Q_i + alpha) (Eq. 4, computed in log space); 'max', the lab's
            maximum over i of 1 / (Q_i + alpha), each normalised over the samples; 'uniform', 1 / N.
        alpha: > 0; the larger, the closer to uniform.
        bins: >= 2.
        histogram: 'density', counts / (N * bin width), or 'mass', counts / N.

    Returns:
        (N,) float64 that sums to 1.

    Raises:
        InputError: for anything outside what is said above.
    """
    latents = np.asarray(latents)
    _check(latents, rule, alpha, bins, histogram)
    if rule == "uniform":
        return np.full(len(latents), 1 / len(latents))
    index, counts, width = _binned(latents, bins)
    q = counts / len(latents) / (width[:, None] if histogram == "density" else 1)
    weights = 1 / (q + alpha)  # (k, bins)
    if rule == "product":
        log_w = _reduced(np.log(weights), index, np.add)
        w = np.exp(log_w - log_w.max())
    else:
        totals = (counts * weights).sum(1, keepdims=True)  # the sum of a latent's weights over all samples
        w = _reduced(weights / totals, index, np.maximum)
    return w / w.sum()


def effective_sample_size(p: np.ndarray) -> float:
    """1 / sum(p^2) of probabilities p (N,): N when uniform, 1 when a single sample has all the mass."""
    p = np.asarray(p, np.float64)
    if p.ndim != 1 or not len(p) or not np.all(np.isfinite(p)) or p.min() < 0 or p.sum() <= 0:
        raise InputError(f"effective_sample_size needs (N,) finite probabilities >= 0, got shape {p.shape}")
    p = p / p.max()  # squares of tiny ones would vanish
    return float(p.sum() ** 2 / np.sum(p**2))


@dataclasses.dataclass(frozen=True)
class Rule:
    """A resampling rule with all its switches: posterior latents in, probabilities out.

    Attributes:
        latents: 'mean' of the posterior, as in the lab, or a 'sample' of it, as in Algorithm 1.
    """

    rule: str = "max"
    alpha: float = 0.01
    bins: int = 10
    histogram: str = "density"
    latents: str = "mean"

    def __post_init__(self):
        if self.latents not in ("mean", "sample"):
            raise InputError(f"unknown latents {self.latents!r}: use 'mean' or 'sample'")
        _check(np.zeros((2, 1)), self.rule, self.alpha, self.bins, self.histogram)

    def __call__(self, latents: np.ndarray) -> np.ndarray:
        """(N,) probabilities for (N, k) latents."""
        return sampling_probabilities(latents, self.rule, self.alpha, self.bins, self.histogram)


def _binned(latents, bins):
    """Flat bin index of every entry (N, k), counts (k, bins) and bin width (k,)."""
    count, k = latents.shape
    low = latents.min(0).astype(np.float64)
    span = latents.max(0) - low
    # A collapsed latent falls in one bin, whatever its width: it then weighs all samples alike.
    span[span < SMALLEST] = 1.0
    index = np.empty((count, k), np.int32)
    first = np.arange(k, dtype=np.int32) * bins
    for rows in _blocks(count):
        position = ((latents[rows] - low) * (bins / span)).astype(np.int32)
        np.add(np.minimum(position, bins - 1), first, out=index[rows])
    return index, np.bincount(index.ravel(), minlength=k * bins).reshape(k, bins), span / bins


def _reduced(table, index, ufunc):
    """ufunc-reduction over latents of table[latent, bin], for every sample: (N,)."""
    flat, out = table.ravel(), np.empty(len(index))
    for rows in _blocks(len(index)):
        ufunc.reduce(flat.take(index[rows]), axis=1, out=out[rows])
    return out


def _blocks(count):
    return (slice(start, start + _ROWS_AT_A_TIME) for start in range(0, count, _ROWS_AT_A_TIME))


def _check(latents, rule, alpha, bins, histogram) -> None:
    if latents.ndim != 2 or 0 in latents.shape:
        raise InputError(f"latents must be (N, k) with N, k >= 1, got shape {latents.shape}")
    if not np.all(np.isfinite(latents)):
        raise InputError("latents hold NaN or infinity: the model has diverged, lower the learning rate")
    if rule not in RULES:
        raise InputError(f"unknown rule {rule!r}: use one of {', '.join(RULES)}")
    if max(-float(latents.min()), float(latents.max())) > FARTHEST:
        raise InputError(f"latents lie beyond {FARTHEST:g}: the model has diverged, lower the learning rate")
    if not np.isfinite(alpha) or alpha < SMALLEST:
        raise InputError(f"alpha must be > 0, at least {SMALLEST}, got {alpha}")
    if not isinstance(bins, (int, np.integer)) or isinstance(bins, bool) or bins < 2:
        raise InputError(f"bins must be a whole number of at least 2, got {bins}")
    if histogram not in ("density", "mass"):
        raise InputError(f"unknown histogram {histogram!r}: use 'density' or 'mass'")
