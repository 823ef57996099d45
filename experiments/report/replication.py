"""The best methods again: the tables and the sentence of `methods`, and every seed on the last test."""

import pandas as pd
from matplotlib.figure import Figure

from experiments.engine.experiment import Experiment
from experiments.report import cameras, effects, methods
from experiments.report.figure_data import FigureData
from experiments.report.report import Report


def figures(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, Figure]:
    """E[A], the worst group and Var[A] of each setting on the last test."""
    return {experiment.name: cameras.points(rows, effects.hardest(rows))}


REPORT = Report(table=methods.table, figures=figures, sentence=methods.sentence)
