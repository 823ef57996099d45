"""Rows on photographs -> a table and a figure that can be checked by eye."""

import dataclasses
import json

import pandas as pd
import pytest

from debias.config import Config
from debias.metrics import wilson
from experiments.engine.experiment import Experiment, Setting
from experiments.registry import EXPERIMENTS
from experiments.report import effects, real_faces, results

SETTINGS = (Setting("cnn", "cnn"), Setting("dbvae-max", "dbvae-max"))
EXPERIMENT = Experiment("quick", "Quick", SETTINGS, (0, 1, 2), Config(), "x")
HALVES = ("negatives that fix the threshold", "negatives tested")
COUNTS = pd.DataFrame({"kind": ["female Black", "male White", *HALVES], "images": [200, 100, 300, 301]})
RECALLS = {"female Black": 80.0, "male White": 90.0}


@pytest.fixture
def rows(spread, rows_of):
    """E[A] on photographs is 85 plus the seed plus twice the number of the setting, two groups ten points apart."""
    found = rows_of(EXPERIMENT)
    more = found["seed"] + 2.0 * found["setting"].map({"cnn": 0, "dbvae-max": 1}) * spread(found["seed"])
    for group, recall in RECALLS.items():
        found[f"recall_fpr1 {group}@photographs"] = recall + more
    for name, value in {"mean_recall": 85.0, "worst_recall": 80.0}.items():
        found[f"{name}@photographs"] = found[f"{name}_fpr1@photographs"] = value + more
    found["var_recall@photographs"] = found["var_recall_fpr1@photographs"] = 50.0 - more
    return found.assign(**{"fpr_fpr1@photographs": 1.5, "auroc@photographs": 0.9876})


def test_the_table_has_both_tests_recall_with_wilson_and_paired_differences(rows, cells):
    text = real_faces.table(rows, COUNTS)
    assert "300 photographs of adults" in text and "100 to 200 a group" in text and "1 % of 300 other" in text
    summary, difference = cells(text, "DB-VAE, max ")
    assert summary[1:4] == ["93.0 ±0.6", "7.0 ±0.6", "91.0 ±0.6"] and summary[4:] == [
        "88.0 ±0.6",
        "47.0 ±0.6",
        "83.0 ±0.6",
        "1.5",
        "0.9876",
    ]
    low, high = wilson(0.81, 200)
    assert cells(text, "female Black (n=200)")[0][1] == f"81.0 [{low:.0f}, {high:.0f}]"
    assert difference[1] == "CNN" and difference[5:] == [
        "+2.0 [+2.0, +2.0] *",
        "-2.0 [-2.0, -2.0] *",
        "+2.0 [+2.0, +2.0] *",
    ]
    assert "None of these settings is trained without the imbalance" in text


def test_lines_without_the_imbalance_tell_its_part_of_the_gap(rows, cells):
    balanced = rows[rows["setting"] == "dbvae-max"].assign(setting="even", title="CNN, balanced", method="cnn")
    settings = [json.dumps(json.loads(config) | {"draw": {"left": 8, "right": 8}}) for config in balanced["config"]]
    balanced = balanced.assign(config=settings)
    text = real_faces.table(pd.concat([rows, balanced.assign(**{"worst_recall_fpr1@photographs": 95.0})]), COUNTS)
    found = cells(text.split("Effect of the imbalance.")[1], "CNN ")
    assert [line[:2] for line in found] == [["CNN", "CNN, balanced"]] and found[0][-1].startswith("-14.0 ")
    assert "None of these settings" not in text


def test_a_setting_is_compared_with_the_cnn_of_its_camera(rows):
    with_camera = json.dumps({"augment": 1.0})
    cameras = rows.assign(setting=rows["setting"] + "-camera", config=with_camera)
    assert effects.peers(pd.concat([rows, cameras])) == {
        "dbvae-max": "cnn",
        "cnn-camera": "cnn",
        "dbvae-max-camera": "cnn-camera",
    }


def test_everything_is_drawn_again_from_rows_and_counts_alone(rows, tmp_path):
    folder = tmp_path / "results" / "photographs"
    experiment = dataclasses.replace(EXPERIMENT, name="transfer", folder="transfer")
    told = rows.replace({"setting": {"dbvae-max": "max"}})  # of which a sentence tells
    real_faces.write(folder, told, COUNTS, experiment)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert set(before) == {"runs.csv", "table.md", "sentence.md", "summary.json", "photographs.png", "photographs.svg"}
    assert json.loads(before["summary.json"])["images"]["male White"] == 100
    for name in set(before) - {"runs.csv"}:
        (folder / name).unlink()
    results.regenerate(tmp_path / "results", [experiment])
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert "Real photographs" in (tmp_path / "results" / "index.html").read_text()


def test_of_methods_beside_each_other_it_says_which_gain_on_photographs_alone(rows_of):
    rows = rows_of(EXPERIMENTS["replication"])
    rows["worst_recall_fpr1@photographs"] = 80.0 + 5 * (rows["setting"] == "jtt-random-camera")
    said = real_faces.sentence(rows, EXPERIMENTS["replication"])
    assert "Photographs: without group labels, JTT +5.0 [+5.0, +5.0] *; with them, none gains clearly" in said
    assert "Own test" not in said
