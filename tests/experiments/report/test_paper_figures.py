"""The paper's figures and the shared ones follow the rows and the figure data that are committed."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.figures import BARS, EXPERIMENT, RESAMPLED
from experiments.report import figure_data, paper_figures, shared_figures
from experiments.report.rows import read_rows

FOLDER = Path(__file__).resolve().parents[3] / "results" / "figures"
FEW = "product-k2-a0.01"
TITLES = shared_figures.titles(RESAMPLED)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return read_rows(FOLDER)


@pytest.fixture(scope="module")
def data():
    return figure_data.load(FOLDER)


def test_without_data_and_without_rare_groups_the_figures_of_rows_are_drawn(rows, data):
    of_rows = {"fig5b_recall", "threshold_sensitivity"}
    assert set(paper_figures.figures(EXPERIMENT, rows, {})) == of_rows
    nobody = dataclasses.replace(EXPERIMENT, rare=())
    assert set(paper_figures.figures(nobody, rows, {"epochs": data["epochs"]})) == of_rows
    assert paper_figures.sentence(nobody, rows) == "" and paper_figures.texts(nobody, rows, data) == {}


def test_mass_figure_follows_the_epochs(data):
    axes = paper_figures.mass_figure(EXPERIMENT, data["epochs"]).axes[0]
    path = next(line for line in axes.lines if line.get_label() == TITLES[FEW]).get_xydata()
    table = data["epochs"][data["epochs"]["setting"] == FEW]
    mass = (table["mass darker male"] + table["mass darker female"]).groupby(table["epoch"]).mean()
    ess = table.groupby("epoch")["ess"].mean() / 10_160
    np.testing.assert_allclose(path, np.stack([ess, mass], 1))
    assert "darker faces" in axes.get_ylabel()


@pytest.fixture
def latents():
    """z0 follows the yaw and z1 the tone, the other way round; of z2 nothing is known. z1 changes the image most."""
    known = {"yaw": [0.9, 0.5, np.nan], "tone": [0.1, -0.95, np.nan], "ambient_strength": [0.99, 0.99, np.nan]}
    return pd.DataFrame({"influence": [0.1, 0.3, 0.2]} | known)


def test_beside_each_row_of_faces_stands_the_latent_that_moves_and_the_factor_that_it_follows(latents):
    """Each tile has a grey of its own: ten times its row's number, plus its step's."""
    greys = np.add.outer([0, 10, 20], np.arange(7)).astype(np.uint8)
    tiles = np.tile(greys.reshape(21, 1, 1, 1), (4, 4, 1))
    figure = paper_figures.traversal_figure({f"latents-{FEW}": latents, f"traversals-{FEW}": tiles})
    [axes] = figure.axes
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["z1\nskin tone I-VI\nr = -0.95", "z2", "z0\nyaw\nr = +0.90"]
    beside = np.ix_(axes.get_yticks().astype(int), axes.get_xticks().astype(int))
    np.testing.assert_array_equal(axes.images[0].get_array()[beside], greys)
    assert axes.get_title(loc="left") == TITLES[FEW]


def test_factors_stand_above_their_read_out_and_the_latent_that_follows_one_most_closely_comes_first(latents):
    readout = pd.DataFrame({"factor": ["yaw", "ambient_strength", "tone"], "measure": ["R2", "R2", "AUC"]})
    readout["score"] = [0.25, 0.5, 0.75]
    figure = paper_figures.factor_figure({"latents-vae": latents, "readout-vae": readout})
    correlations, told = figure.axes
    assert [text.get_text() for text in correlations.get_yticklabels()] == ["z1", "z0", "z2"]
    expected = [[-0.95, 0.5], [0.1, 0.9], [np.nan, np.nan]]
    np.testing.assert_array_equal(correlations.collections[0].get_array().filled(np.nan), expected)
    assert [text.get_text() for text in told.get_xticklabels()] == ["skin tone I-VI", "yaw"]
    assert [text.get_text().split("\n")[1] for text in told.texts] == [".75", ".25"]


def test_threshold_figure_follows_the_rows(rows):
    titles = shared_figures.titles(BARS)
    gap, recall = shared_figures.threshold_figure(rows, titles).axes
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
        axes = shared_figures.group_figure(rows, titles, threshold).axes[0]
        heights = [mean for line in axes.lines if line.get_marker() == "_" for mean in line.get_ydata()]
        parts = [rows[rows["setting"] == name] for name in titles]
        np.testing.assert_allclose(heights, [part[f"recall{threshold} {g}"].mean() for part in parts for g in groups])


def test_sentence_states_mass_and_ess(rows):
    said = paper_figures.sentence(EXPERIMENT, rows)
    mass = (rows["mass darker male"] + rows["mass darker female"]).groupby(rows["setting"]).mean()
    assert f"{mass['cnn']:.1f} % when all 10,160 faces" in said
    few = rows.groupby("setting")["ess"].mean() < paper_figures.FEW
    told = {name: "of so few faces a share says nothing" if few[name] else f"{mass[name]:.1f} %" for name in TITLES}
    assert few[list(TITLES)].sum() == 1
    assert all(f"{title}: {told[name]} (ESS " in said for name, title in TITLES.items())


def test_a_rare_group_of_other_data_is_called_by_its_name(rows):
    other = rows.rename(columns={"mass darker female": "mass digit <9>"})
    said = paper_figures.sentence(dataclasses.replace(EXPERIMENT, rare=("digit <9>",)), other)
    assert "mass on digit \\<9> in the last epoch" in said and "darker" not in said
