"""The paper's figures and the shared ones follow the rows and the figure data that are committed."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.figures import BARS, EXPERIMENT, RESAMPLED
from experiments.report import figure_data, figures, paper_figures
from experiments.report.rows import read_rows

FOLDER = Path(__file__).resolve().parents[3] / "results" / "figures"
FEW = "product-k2-a0.01"
TITLES = figures.titles(RESAMPLED)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return read_rows(FOLDER)


@pytest.fixture(scope="module")
def data():
    return figure_data.load(FOLDER)


def test_without_data_and_without_rare_groups_the_figures_of_rows_are_drawn(rows, data):
    of_rows = {"fig5b_recall", "threshold_sensitivity"}
    assert set(paper_figures.draw(EXPERIMENT, rows, {})) == of_rows
    nobody = dataclasses.replace(EXPERIMENT, rare=())
    assert set(paper_figures.draw(nobody, rows, {"epochs": data["epochs"]})) == of_rows
    assert paper_figures.sentence(nobody, rows) == "" and paper_figures.texts(nobody, rows, data) == {}


def test_mass_figure_follows_the_epochs(data):
    axes = paper_figures.mass_figure(EXPERIMENT, data["epochs"]).axes[0]
    path = next(line for line in axes.lines if line.get_label() == TITLES[FEW]).get_xydata()
    table = data["epochs"][data["epochs"]["setting"] == FEW]
    mass = (table["mass darker male"] + table["mass darker female"]).groupby(table["epoch"]).mean()
    ess = table.groupby("epoch")["ess"].mean() / 10_160
    np.testing.assert_allclose(path, np.stack([ess, mass], 1))
    assert "darker faces" in axes.get_ylabel()


def test_threshold_figure_follows_the_rows(rows):
    titles = figures.titles(BARS)
    gap, recall = figures.threshold_figure(rows, titles).axes
    labels = [text.get_text() for text in gap.figure.legends[0].get_texts()]
    assert labels == [title for name, title in titles.items() if name != "product-a0.01"]  # which has collapsed
    part = rows[rows["setting"] == "cnn"]
    for axes, measure in ((gap, "gap"), (recall, "mean_recall")):
        expected = [part[[f"fpr_f{at}", f"{measure}_f{at}"]].mean() for at in ("0.2", "0.5", "1", "2", "5", "10")]
        np.testing.assert_allclose(axes.lines[0].get_xydata(), expected)


def test_group_figure_takes_the_threshold_and_the_settings_it_is_asked_for(rows):
    titles = {"vae": "VAE", "cnn": "CNN"}
    groups = ("lighter male", "lighter female", "darker male", "darker female")
    for threshold in ("", "_fpr1"):
        axes = figures.group_figure(rows, titles, threshold).axes[0]
        heights = [bar.get_height() for container in axes.containers for bar in getattr(container, "patches", [])]
        parts = [rows[rows["setting"] == name] for name in titles]
        np.testing.assert_allclose(heights, [part[f"recall{threshold} {g}"].mean() for part in parts for g in groups])


def test_sentence_states_mass_and_ess(rows):
    said = paper_figures.sentence(EXPERIMENT, rows)
    mass = (rows["mass darker male"] + rows["mass darker female"]).groupby(rows["setting"]).mean()
    assert f"{mass['cnn']:.1f} % when all 10,160 faces" in said
    assert all(f"{title}: {mass[name]:.1f} % (ESS " in said for name, title in TITLES.items())


def test_a_rare_group_of_other_data_is_called_by_its_name(rows):
    other = rows.rename(columns={"mass darker female": "mass digit <9>"})
    said = paper_figures.sentence(dataclasses.replace(EXPERIMENT, rare=("digit <9>",)), other)
    assert "mass on digit \\<9> in the last epoch" in said and "darker" not in said
