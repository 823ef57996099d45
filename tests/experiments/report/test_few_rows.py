"""What is told of few rows: after an interruption there may be those of one setting, or of one seed, alone."""

import json
import re

import matplotlib.pyplot as plt
import pytest

from debias.provenance import ROOT
from experiments.registry import EXPERIMENTS
from experiments.report import figure_data
from experiments.report.registry import report_of
from experiments.report.rows import RUNS, read_rows

RESULTS = ROOT / "results"
COMMITTED = [name for name, experiment in EXPERIMENTS.items() if (RESULTS / experiment.folder / RUNS).exists()]


def parts(name):
    """An experiment, and parts of its committed rows without which nothing is written, each with its figure data."""
    experiment = EXPERIMENTS[name]
    rows, data = read_rows(RESULTS / experiment.folder), figure_data.load(RESULTS / experiment.folder)
    needed, names = report_of(experiment).needs, list(dict.fromkeys(rows["setting"]))
    augmented = {name: json.loads(part["config"].iloc[0])["augment"] > 0 for name, part in rows.groupby("setting")}
    kept = [{*needed, *some} for some in (names[:1], names[-1:], names[::2], names[1::2], names[: len(names) // 2])]
    kept.append({name for name in names if not augmented[name]})
    found = [rows[rows["setting"].isin(some)] for some in kept] + [rows[rows["seed"] == rows["seed"].min()]]
    found = [part for part in found if {*needed} <= set(part["setting"])]
    return experiment, [(part, figure_data.of_rows(data, part)) for part in found if len(part)]


@pytest.mark.parametrize("name", COMMITTED)
def test_texts_of_few_rows_are_whole(name):
    experiment, found = parts(name)
    report = report_of(experiment)
    for rows, data in found:
        texts = [report.table(experiment, rows), report.sentence(experiment, rows)]
        texts += report.texts(experiment, rows, data).values()
        for text in texts:
            prose = "\n".join(line for line in text.splitlines() if not line.startswith("|"))
            assert not re.search(r"\bnan\b|\?|\S  ", prose) and not re.search(r"\bnan\b|\?", text), text


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMITTED)
def test_figures_of_few_rows_are_drawn(name):
    experiment, found = parts(name)
    for rows, data in found:
        report_of(experiment).figures(experiment, rows, data)
        plt.close("all")
