"""The threshold on the score above which an image counts as a face: nothing is trained for it that table 1 lacks."""

import pandas as pd

from experiments.ablations.base import ablation_of_rows
from experiments.common import CNN, K_WORKS, ORACLE, debiased, vae
from experiments.evaluate import THRESHOLDS

SETTINGS = [CNN, vae(), debiased("max"), debiased("product", K_WORKS), ORACLE]
COLUMNS = ("mean_recall", "var_recall", "worst_recall", "fpr")


def unfolded(rows: pd.DataFrame) -> pd.DataFrame:
    """One line for each run and threshold, with the rates at that threshold."""
    at = [rows.assign(threshold=t, **{name: rows[f"{name}_t{t:g}"] for name in COLUMNS}) for t in THRESHOLDS]
    return pd.concat(at, ignore_index=True)


EXPERIMENT = ablation_of_rows("threshold", "Label threshold", SETTINGS, unfolded, "threshold", COLUMNS, minutes=18)
