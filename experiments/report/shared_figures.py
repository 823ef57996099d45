"""Figures that several experiments share, drawn from rows and figure data alone.

Each shows the settings in `titles`, name -> what people read, as far as there is something to show of them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from experiments.engine.experiment import Setting
from experiments.report.comparisons import OWN, seeds_of
from experiments.report.figure_data import FigureData
from experiments.report.tables import endings, groups_of, tests_of

Titles = Mapping[str, str]


def titles(settings: Sequence[Setting]) -> Titles:
    """Name -> title."""
    return {setting.name: setting.title for setting in settings}


def group_figure(rows: pd.DataFrame, titles: Titles, threshold: str = OWN, at: str = "") -> Figure:
    """Recall by group (Fig. 5B) at the model's own threshold; '_fpr1' for 1 % false positives, '@camera' for a test."""
    columns, shown = {f"recall{threshold} {group}{at}": group for group in groups_of(rows)}, _titled(rows, titles)
    recalls = shown.rename(columns=columns)[["setting", *columns.values()]]
    about = f"{tests_of(rows)[at]}, {'threshold 0.5' if threshold == OWN else '1 % FPR'}, {seeds_of(shown)}"
    return plots.group_points(recalls.melt("setting", list(columns.values()), "group", "recall"), about)


def threshold_figure(rows: pd.DataFrame, titles: Titles) -> Figure:
    """Recall gap and mean recall over the false-positive rate measured on test negatives."""
    shown = _titled(rows, titles)
    return plots.thresholds(pd.concat(_rates(shown, *target) for target in endings(rows, "f").items()))


def sampling_figure(data: FigureData, titles: Titles) -> Figure:
    """Histogram of N p, the ten least and the ten most likely faces (Fig. 4)."""
    known = set(data["sampling"]["setting"])
    titles = {name: title for name, title in titles.items() if name in known}
    return plots.sampling_figure(data["sampling"].replace({"setting": titles}), _of_each(data, "sampling", titles))


def reconstruction_figure(data: FigureData, titles: Titles) -> Figure:
    """Test faces above their reconstructions."""
    return plots.reconstructions(data["faces"], _of_each(data, "reconstructions", titles))


def _titled(rows, titles) -> pd.DataFrame:
    """The rows of these settings, in their order, called by their titles."""
    return pd.concat([rows[rows["setting"] == name].assign(setting=title) for name, title in titles.items()])


def _rates(rows, target, ending) -> pd.DataFrame:
    columns = {f"{measure}{ending}": measure for measure in ("fpr", "gap", "mean_recall")}
    found = rows[["setting", "seed", *columns]].rename(columns=columns).assign(target=target)
    return found.fillna({"gap": 0.0})  # the single group of those who know none has no gap: a line at zero


def _of_each(data, kind, titles) -> dict[str, np.ndarray]:
    return {title: data[f"{kind}-{name}"] for name, title in titles.items() if f"{kind}-{name}" in data}
