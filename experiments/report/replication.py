"""The best methods again: the tables, the sentence and the figure of `methods`, and what is drawn."""

import pandas as pd
from matplotlib.figure import Figure

from debias.intervals import mean_interval
from debias.markdown import markdown, plain
from experiments.engine.experiment import Experiment
from experiments.report import cameras, methods, shared_figures
from experiments.report.figure_data import FigureData
from experiments.report.report import Report

FACTORS = {  # of the embedded benchmark -> what people read
    "tone": "darker skin",
    "brightness": "brighter picture",
    "image contrast": "more contrast in the picture",
    "light_strength": "stronger light",
    "|yaw|": "turned to a side",
    "|pitch|": "turned up or down",
    "zoom": "larger face",
    "fringe": "longer fringe",
    "hair_luminance": "lighter hair",
    "glasses=sun": "sunglasses",
    "male": "male",
    "age": "older",
}
ABOUT = (
    "**What is drawn.** By how much the faces that a method draws in its last epoch differ from all faces of training, "
    "in standard deviations of all; mean over seeds with its 95 % interval."
)


def figures(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, Figure]:
    """The worst group of each setting, and its difference to the CNN's; and the faces that are drawn most often."""
    drawn = {experiment.name: cameras.figure(experiment, rows)}
    if "sampling" in data:
        drawn["sampling"] = shared_figures.sampling_figure(data, shared_figures.titles(experiment.settings))
    return drawn


def texts(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, str]:
    """What each method draws more often than it occurs, factor by factor."""
    return {"drawn.md": f"{ABOUT}\n\n{_shifts(experiment, data['drawn'])}\n"} if "drawn" in data else {}


def _shifts(experiment, drawn) -> str:
    """A line a factor, a column for each method that does not draw evenly."""
    parts = {setting.title: drawn[drawn["setting"] == setting.name] for setting in experiment.settings}
    shown = {title: part for title, part in parts.items() if part["shift"].any()}
    known = {name: text for name, text in FACTORS.items() if name in set(drawn["factor"])}
    lines = [[text, *(_shift(part, name) for part in shown.values())] for name, text in known.items()]
    return markdown(["faces with", *map(plain, shown)], lines)


def _shift(part, factor) -> str:
    values = part.loc[part["factor"] == factor, "shift"]
    mean = f"{values.mean():+.2f}"
    return "{} [{:+.2f}, {:+.2f}]".format(mean, *mean_interval(values)) if len(values) > 1 else mean


REPORT = Report(table=methods.table, figures=figures, texts=texts, sentence=methods.sentence)
