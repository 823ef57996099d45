"""What is said of training to the end and testing by another camera, on rows whose numbers are known."""

import dataclasses

import pytest

from experiments.registry import EXPERIMENTS
from experiments.report import quick, transfer

NAMES = ("cnn", "cnn-camera", "max-camera", "oracle-camera", "balanced", "balanced-camera")
VARIANCE = dict(zip(NAMES, (30.0, 8.0, 8.0, 2.0, 1.0, 0.5), strict=True))  # on the other camera


@pytest.fixture(scope="module")
def experiment():
    whole = EXPERIMENTS["transfer"]
    chosen = tuple(setting for setting in whole.settings if setting.name in NAMES)
    return dataclasses.replace(whole, settings=chosen, seeds=tuple(range(6)))


@pytest.fixture(scope="module")
def rows(experiment, rows_of):
    """On the other camera Var[A] is `VARIANCE` plus the seed; DB-VAE's differs from the CNN's by noise alone."""
    rows = rows_of(experiment).assign(validation_loss=0.1)
    variance = rows["setting"].map(VARIANCE) + rows["seed"]
    variance[rows["setting"] == "max-camera"] += (rows["seed"] % 2 - 0.5)[rows["setting"] == "max-camera"]
    for group in ("lighter male", "lighter female", "darker male", "darker female"):
        rows[f"recall_fpr1 {group}@camera"] = 90.0
    for column, values in {"mean": 97 - variance / 10, "worst": 95 - variance / 5, "var": variance}.items():
        rows[f"{column}_recall@camera"] = rows[f"{column}_recall_fpr1@camera"] = values
    return rows.assign(**{"auroc@camera": 0.99})


def test_the_sentence_has_each_change_with_its_difference_and_says_what_may_be_chance(experiment, rows):
    said = transfer.sentence(experiment, rows)
    assert said.startswith("On another camera, at 1 % false positives (means over 6 paired seeds")
    balanced, camera, vae, oracle = said.split(" takes ")[1:]
    assert balanced.startswith("Var[A] from 32.5 to 3.5 %² (-29.0 [-29.0, -29.0]), the worst group from")
    assert camera.startswith("Var[A] from 32.5 to 10.5 %² (-22.0 [-22.0, -22.0])") and "chance" not in camera
    assert "and E[A] from 93.8 to 96.0 % (+2.2 [+2.2, +2.2])" in camera
    assert vae.startswith("Var[A] from 10.5 to 10.5 %² (+0.0 [") and vae.count("may be chance") == 3
    assert oracle.startswith("Var[A] from 10.5 to 4.5 %² (-6.0 [-6.0, -6.0])")


def test_rows_without_a_further_test_are_told_of_by_their_own(experiment, rows):
    own = rows.loc[:, [column for column in rows if "@" not in column]]
    assert transfer.sentence(experiment, own).startswith("On their own test, at 1 %")
    assert transfer.sentence(experiment, rows[rows["setting"] == "cnn"]) == ""


def test_a_balanced_training_set_counts_as_seeing_groups(experiment, rows):
    for section in transfer.table(experiment, rows).split("**own test**")[1].split("**another camera**"):
        blind, seeing = section.split("with group labels")[:2]
        assert "CNN, balanced training set" in seeing and "CNN, balanced training set" not in blind
        assert "Oracle" in seeing and "DB-VAE, max" in blind


def test_arrows_join_what_differs_by_the_camera_alone(experiment, rows):
    figure = transfer.figures(experiment, rows, {})["arrows"]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["own test", "another camera"]
    assert sum(text.get_text().isdigit() for text in figure.axes[1].texts) == 2  # the CNN and the balanced one


def test_quick_s_short_table_has_each_test(rows):
    head, _, *lines = quick.texts(None, rows, {})["short.md"].splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")][1::3] == ["E[A] %, own test", "E[A] %, another camera"]
    assert len(lines) == len(NAMES) and "32.5" in lines[0]
