"""Latents -> per-latent histograms -> sampling probabilities (paper, Algorithm 1), for any latents.

For example:

    p = sampling_probabilities(latents, "max", Histograms(alpha=0.01))
    effective_sample_size(p)        # how many faces the epoch really draws from
"""

import numpy as np

from debias.config import SMALLEST, Histograms
from debias.errors import InputError

FARTHEST = 1e100  # of latents: beyond, float64 cannot hold their inverses
_ROWS_AT_A_TIME = 2048  # keeps each block of latents in the cache: a whole 55,000 x 100 array is memory-bound


def sampling_probabilities(latents: np.ndarray, rule: str = "max", histograms: Histograms = Histograms()) -> np.ndarray:
    """How likely each sample is to be drawn: rare latents more often.

    Args:
        latents: (N, k) finite floats, one row a sample.
        rule: a name in RULES.
        histograms: their alpha, bins and kind; a whole `Config` will do.

    Returns:
        (N,) float64 that sums to 1.

    Raises:
        InputError: for anything outside what is said above.
    """
    latents = np.asarray(latents)
    check_rule(rule)
    _check(latents)
    weights = RULES[rule](latents, histograms)
    return weights / weights.sum()


def check_rule(rule: str) -> None:
    """Raise InputError unless RULES has `rule`."""
    if rule not in RULES:
        raise InputError(f"unknown rule {rule!r}: use one of {', '.join(RULES)}")


def effective_sample_size(p: np.ndarray) -> float:
    """1 / sum(p^2) of probabilities p (N,): N when uniform, 1 when a single sample has all the mass."""
    p = np.asarray(p, np.float64)
    if p.ndim != 1 or not len(p) or not np.all(np.isfinite(p)) or p.min() < 0 or p.sum() <= 0:
        raise InputError(f"effective_sample_size needs (N,) finite probabilities >= 0, got shape {p.shape}")
    p = p / p.max()  # squares of tiny ones would vanish
    return float(p.sum() ** 2 / np.sum(p**2))


# --- the rules: latents (N, k) -> weights (N,) >= 0 in proportion to which samples are drawn -------------------------


def uniform(latents: np.ndarray, histograms: Histograms) -> np.ndarray:
    """All alike."""
    return np.ones(len(latents))


def product(latents: np.ndarray, histograms: Histograms) -> np.ndarray:
    """Eq. 4: prod_i 1 / (Q_i + alpha), in log space, where a hundred factors do not overflow."""
    index, counts, width = _binned(latents, histograms.bins)
    log_w = _reduced(np.log(_rarity(counts, width, histograms)), index, np.add)  # (N,)
    return np.exp(log_w - log_w.max())


def maximum(latents: np.ndarray, histograms: Histograms) -> np.ndarray:
    """The lab's rule: the maximum over i of 1 / (Q_i + alpha), each normalised over the samples."""
    index, counts, width = _binned(latents, histograms.bins)
    rarity = _rarity(counts, width, histograms)  # (k, bins)
    totals = (counts * rarity).sum(1, keepdims=True)  # (k, 1), the sum of a latent's rarity over all samples
    return _reduced(rarity / totals, index, np.maximum)


RULES = {"uniform": uniform, "product": product, "max": maximum}


def _rarity(counts, width, histograms) -> np.ndarray:
    """1 / (Q_i + alpha) for every bin of every latent: (k, bins)."""
    mass = counts / counts[0].sum()
    q = mass / (width[:, None] if histograms.histogram == "density" else 1)
    return 1 / (q + histograms.alpha)


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


def _check(latents) -> None:
    if latents.ndim != 2 or 0 in latents.shape:
        raise InputError(f"latents must be (N, k) with N, k >= 1, got shape {latents.shape}")
    if not np.all(np.isfinite(latents)):
        raise InputError("latents hold NaN or infinity: the model has diverged, lower the learning rate")
    if max(-float(latents.min()), float(latents.max())) > FARTHEST:
        raise InputError(f"latents lie beyond {FARTHEST:g}: the model has diverged, lower the learning rate")
