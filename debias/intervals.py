"""How sure a mean over seeds is: one interval for every table, figure and sentence."""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the mean of seeds (S,) by Student's t, low and high; NaN for a single seed."""
    margin = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return np.mean(values) - margin, np.mean(values) + margin
