"""The first table: recall on each test, what resampling prefers, what the autoencoders see, and real photographs."""

import pandas as pd
from matplotlib.figure import Figure

from debias.markdown import markdown
from experiments.engine.experiment import Experiment
from experiments.report import cameras, effects, shared_figures, transfer
from experiments.report.comparisons import FIXED_RATE
from experiments.report.figure_data import FigureData
from experiments.report.report import Report
from experiments.report.tables import as_markdown, further_section, tests_section

PHOTOGRAPHS = "photographs"
_HEAD = "Detected in %, mean over seeds, at the model's own threshold. A check on real photographs, not a result."


def figures(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, Figure]:
    """Recall by group; and, as far as there are data for it, what resampling prefers and what the autoencoders see."""
    titles = shared_figures.titles(experiment.settings)
    drawn = {"groups": shared_figures.group_figure(rows, titles, FIXED_RATE, effects.hardest(rows))}
    if "sampling" in data:
        drawn["sampling"] = shared_figures.sampling_figure(data, titles)
    if "faces" in data:
        drawn["reconstructions"] = shared_figures.reconstruction_figure(data, titles)
    return drawn


def texts(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, str]:
    """short.md: a line a method; photographs.md: rates on real photographs, means over seeds."""
    short = {"short.md": _short(rows)}
    if PHOTOGRAPHS not in data:
        return short
    means = data[PHOTOGRAPHS].drop(columns=["setting", "seed"], errors="ignore").groupby("title", sort=False).mean()
    lines = [[title, *(f"{value:.1f}" for value in rates)] for title, rates in means.iterrows()]
    return short | {f"{PHOTOGRAPHS}.md": f"{_HEAD}\n\n{markdown(['setting', *means.columns], lines)}\n"}


def table(experiment: Experiment, rows: pd.DataFrame) -> str:
    """The usual table, after one of all tests."""
    return as_markdown(rows, [further_section(rows)] if experiment.tests else [])


def _short(rows: pd.DataFrame) -> str:
    """The mean, the variance and the worst of the groups' recalls at 1 % false positives, on each test."""
    section = tests_section("recall at 1 % FPR", rows, names=cameras.NAMES)
    return markdown([section.title, *section.header[1:]], section.lines) + "\n"


REPORT = Report(table=table, figures=figures, texts=texts, sentence=transfer.sentence)
