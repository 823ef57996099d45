"""What an experiment's rows become."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from experiments.engine.experiment import Experiment
from experiments.report.figure_data import FigureData
from experiments.report.tables import as_markdown


def nothing(*_) -> dict:
    """No figures, no further texts, nothing more."""
    return {}


@dataclass(frozen=True)
class Report:
    """Functions of an experiment and its rows; by default a table and nothing else.

    Attributes:
        table: table.md.
        figures: name -> figure, also from the figure data; None where there is nothing to draw.
        texts: file name -> Markdown of further tables, also from the figure data.
        summary: more for summary.json.
        sentence: one paragraph that says what the rows show; empty for none.
        needs: names of settings without whose rows nothing can be told.
    """

    table: Callable[[Experiment, pd.DataFrame], str] = lambda experiment, rows: as_markdown(rows)
    figures: Callable[[Experiment, pd.DataFrame, FigureData], dict[str, Figure]] = nothing
    texts: Callable[[Experiment, pd.DataFrame, FigureData], dict[str, str]] = nothing
    summary: Callable[[Experiment, pd.DataFrame], dict] = nothing
    sentence: Callable[[Experiment, pd.DataFrame], str] = lambda experiment, rows: ""
    needs: tuple[str, ...] = ()
