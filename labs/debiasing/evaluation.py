"""What the debiasing lab shows of its models: recall by group with intervals, and what a sampling rule prefers."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.data.dataset import Dataset
from debias.markdown import markdown
from debias.metrics import GroupReport
from debias.plots.style import COLLAPSED, NOTE, WIDTH, colours, legend_below, styled
from experiments.report.models import preferred


def recall_table(reports: Mapping[str, GroupReport]) -> str:
    """Markdown, one line a model: recall by group with its 95 % Wilson interval, E[A], Var[A] and the FPR."""
    groups = list(next(iter(reports.values())).recall)
    lines = [
        [title, *(_with_interval(report, group) for group in groups), *_moments(report)]
        for title, report in reports.items()
    ]
    return markdown(["model", *groups, "E[A]", "Var[A]", "FPR"], lines)


def table(reports: Mapping[str, GroupReport], fixed: Mapping[str, GroupReport], summary: Mapping[str, dict], seed: int):
    """table.md: both thresholds, then what was sampled."""
    groups = list(next(iter(reports.values())).recall)
    lines = [
        [title, f"{kept['ess']:,.0f}", *(f"{kept['mass'][group]:.2f}" for group in groups), f"{kept['seconds']:.0f}"]
        for title, kept in summary.items()
    ]
    parts = {
        "At the model's own threshold (0.5)": recall_table(reports),
        "At 1 % false positives, fixed on validation negatives": recall_table(fixed),
        "Last epoch: ESS in faces, and each group's share of the sampling mass in %": markdown(
            ["model", "ESS", *groups, "seconds"], lines
        ),
    }
    caption = f"One training each (seed {seed}): recall in % by group with its 95 % Wilson interval."
    return "\n\n".join([caption, *(f"**{title}**\n\n{part}" for title, part in parts.items())]) + "\n"


def as_dict(report: GroupReport) -> dict:
    """What summary.json keeps of a report: recalls in % with their intervals, E[A], Var[A], FPR and the threshold."""
    kept = ("threshold", "recall", "interval", "mean_recall", "var_recall", "fpr", "precision")
    values = dataclasses.asdict(report)
    return {name: values[name] for name in kept}


@styled
def recall_figure(reports: Mapping[str, GroupReport]) -> Figure:
    """Recall by group with its 95 % Wilson interval: all models, then those that have not collapsed, enlarged."""
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    whole, enlarged = figure.subplots(1, 2, width_ratios=(1, 1.6))
    alive = {title: report for title, report in reports.items() if report.mean_recall >= COLLAPSED} or reports
    palette = colours(reports)
    for axes, shown, title in ((whole, reports, "all"), (enlarged, alive, "enlarged")):
        for place, (name, report) in enumerate(shown.items()):
            _draw_intervals(axes, report, 0.2 * (place - (len(shown) - 1) / 2), color=palette[name], label=name)
        axes.set_title(title, loc="left", **NOTE)
        axes.spines[["top", "right"]].set_visible(False)
    whole.set(ylim=(-2, 102), ylabel="recall in %, with its 95 % Wilson interval")
    legend_below(figure, whole)
    return figure


@styled
def sampling_figure(probabilities: Mapping[str, np.ndarray], faces: Dataset) -> Figure:
    """For each rule the histogram of N p, the ten least and the ten most likely faces (paper, Fig. 4).

    Args:
        probabilities: title -> (N,) sampling probabilities of `faces`.
    """
    shown = {title: preferred(p, faces) for title, p in probabilities.items()}
    histograms = [table.assign(setting=title) for title, (table, _) in shown.items()]
    return plots.sampling_figure(pd.concat(histograms), {title: tiles for title, (_, tiles) in shown.items()})


def _with_interval(report, group) -> str:
    low, high = report.interval[group]
    return f"{report.recall[group]:.1f} [{low:.1f}, {high:.1f}]"


def _moments(report) -> list[str]:
    return [f"{value:.1f}" for value in (report.mean_recall, report.var_recall, report.fpr)]


def _draw_intervals(axes, report, offset, **style) -> None:
    recall, interval = np.array(list(report.recall.values())), np.array(list(report.interval.values()))
    errors = np.maximum(0, [recall - interval[:, 0], interval[:, 1] - recall])
    axes.errorbar(np.arange(len(recall)) + offset, recall, errors, fmt="o", ms=4, capsize=3, **style)
    axes.set_xticks(np.arange(len(recall)), [name.replace(" ", "\n") for name in report.recall], fontsize=8)
