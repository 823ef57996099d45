"""What the latents of a DB-VAE hold: how much each changes the image, and which known factors it follows.

For example:

    strongest = np.argsort(influence(model, latents))[::-1][:8]
    images = traversal(model, latents, strongest)       # paper, Fig. 5A
    correlations = factor_correlations(latents, faces.factors)
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import KFold, cross_val_predict

from debias.errors import InputError

REACH = 3  # a traversal covers so many standard deviations to either side
_MOST_VALUES = 12  # a text factor with more of them is left out


def influence(model, latents: np.ndarray) -> np.ndarray:
    """How strongly each latent changes the image: (k,) float64, in units of the image's range.

    It is the mean absolute change over pixels when the latent moves from two standard deviations below its mean to
    two above, with all others at their means.

    Args:
        model: has `decode`, latents (B, k) -> images (B, H, W, C), such as `debias.dbvae.DBVAE`.
        latents: (N, k), of the population whose means and deviations are taken.
    """
    mean, sd = _moments(latents)
    moves = 2 * np.diag(sd)  # (k, k): latent i moves in row i
    images = _decoded(model, np.concatenate([mean - moves, mean + moves]))
    low, high = np.split(images.reshape(2 * len(mean), -1), 2)
    return np.abs(high - low).mean(1, dtype=np.float64)


def traversal(
    model, latents: np.ndarray, which: Sequence[int], steps: int = 7, face: np.ndarray | None = None
) -> np.ndarray:
    """Decoded images as one latent after the other goes from -3 to +3 standard deviations around its mean.

    Args:
        model, latents: as for `influence`.
        which: the latents to move.
        steps: images a latent, equally spaced.
        face: (k,) latents of a face that keeps its other latents; None takes the population's mean.

    Returns:
        (len(which), steps, H, W, C) uint8.

    Raises:
        InputError: a latent that does not exist.
    """
    mean, sd = _moments(latents)
    which = np.asarray(which, int)
    if which.size == 0 or which.min() < 0 or which.max() >= len(mean):
        raise InputError(f"traversal of latents {which.tolist()}: choose from 0 to {len(mean) - 1}")
    points = np.tile(mean if face is None else np.asarray(face, np.float32), (len(which), steps, 1))
    reach = np.linspace(-REACH, REACH, steps)
    points[np.arange(len(which)), :, which] = mean[which, None] + reach * sd[which, None]
    images = as_uint8(_decoded(model, points.reshape(-1, len(mean))))
    return images.reshape(len(which), steps, *images.shape[1:])


def factor_correlations(latents: np.ndarray, factors: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Spearman correlation of every latent with every factor: (k, factors) float64.

    Args:
        latents: (N, k).
        factors: name -> (N,) numbers, NaN where unknown, or text; see `numeric_factors`.
    """
    columns = numeric_factors(factors)
    blocks = [_spearman(latents[known], columns.loc[known, names]) for known, names in _by_missing(columns)]
    return pd.concat(blocks, axis=1)[columns.columns] if blocks else pd.DataFrame(index=range(latents.shape[1]))


def readout(latents: np.ndarray, factors: Mapping[str, np.ndarray], folds: int = 5) -> pd.DataFrame:
    """How well all latents together tell a factor, by linear regression on faces that it was not fitted to.

    A factor may be spread over many latents, none of which follows it closely.

    Args:
        latents: (N, k).
        factors: as for `factor_correlations`.
        folds: random parts of the faces, each told by a regression on the others.

    Returns:
        Columns factor, measure and score. A factor with two values has the 'AUC' of the regression's output, NaN where
        fewer than `folds` faces have one of them; others have 'R2', which is below 0 when their mean tells them better.
    """
    columns = numeric_factors(factors)
    scores = {}
    for known, names in _by_missing(columns):
        told = _told(latents[known], columns.loc[known, names].to_numpy(), folds)
        scores |= {
            name: _score(columns.loc[known, name], values, folds) for name, values in zip(names, told, strict=True)
        }
    return pd.DataFrame([(name, *scores[name]) for name in columns], columns=["factor", "measure", "score"])


def numeric_factors(factors: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Factors as float64 columns: (N, columns). Those that do not vary are left out.

    Text with up to 12 values becomes a column 'factor=value' of 0 and 1 for each value, with more it is left out.
    """
    columns = {}
    for name, values in factors.items():
        values = np.asarray(values)
        if values.dtype.kind in "biuf":
            columns[name] = values.astype(np.float64)
        else:
            columns.update(_one_hot(name, values))
    return pd.DataFrame({name: column for name, column in columns.items() if len(np.unique(column)) > 1})


def as_uint8(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] as 0..255, clipped and rounded."""
    return np.rint(np.clip(np.asarray(images), 0, 1) * 255).astype(np.uint8)


def _moments(latents) -> tuple[np.ndarray, np.ndarray]:
    latents = np.asarray(latents)
    if latents.ndim != 2 or 0 in latents.shape:
        raise InputError(f"latents must be (N, k) with N, k >= 1, got shape {latents.shape}")
    mean, sd = latents.mean(0, dtype=np.float64), latents.std(0, dtype=np.float64)
    return mean.astype(np.float32), sd.astype(np.float32)


def _decoded(model, latents) -> np.ndarray:
    return np.asarray(model.decode(np.asarray(latents, np.float32)))


def _one_hot(name, values) -> dict[str, np.ndarray]:
    text = values.astype(str)  # bytes as well, as files hold them
    names = np.unique(text)
    if len(names) > _MOST_VALUES:
        return {}
    shown = names[1:] if len(names) == 2 else names  # of two, the second says what the first does
    return {f"{name}={value}": (text == value).astype(np.float64) for value in shown}


def _by_missing(columns: pd.DataFrame) -> Iterator[tuple[np.ndarray, list[str]]]:
    """Rows with known values, and the columns that know exactly these: ranks depend on what they are taken over."""
    patterns: dict[bytes, list[str]] = {}
    for name in columns:
        patterns.setdefault(columns[name].notna().to_numpy().tobytes(), []).append(name)
    return ((np.frombuffer(pattern, bool), names) for pattern, names in patterns.items())


def _spearman(latents, columns) -> pd.DataFrame:
    products = _standard_ranks(latents).T @ _standard_ranks(columns.to_numpy())
    return pd.DataFrame(products / len(columns), columns=columns.columns)


def _standard_ranks(values) -> np.ndarray:
    """Ranks down each column, with mean 0 and deviation 1; NaN where a column does not vary."""
    ranks = rankdata(values, axis=0)
    ranks -= ranks.mean(0)
    spread = ranks.std(0)
    return ranks / np.where(spread > 0, spread, np.nan)


def _told(latents, values, folds) -> np.ndarray:
    """Factors (N, F) as a regression on the other folds tells them: (F, N)."""
    if len(latents) < 2 * folds:
        return np.full(values.T.shape, np.nan)
    # Faces come sorted by group: folds must be drawn at random.
    parts = KFold(folds, shuffle=True, random_state=0)
    return cross_val_predict(LinearRegression(), latents, values, cv=parts).T


def _score(values, told, folds) -> tuple[str, float]:
    names, counts = np.unique(values, return_counts=True)
    measure = "AUC" if len(names) == 2 else "R2"
    if len(names) < 2 or counts.min() < folds * (len(names) == 2) or np.isnan(told).any():
        return measure, float("nan")
    return measure, float(roc_auc_score(values == names[1], told) if measure == "AUC" else r2_score(values, told))
