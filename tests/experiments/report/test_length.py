"""What each method is worth after so many passes, on rows whose numbers are known."""

import pytest

from experiments.registry import EXPERIMENTS
from experiments.report import length
from experiments.report.registry import report_of

EXPERIMENT = EXPERIMENTS["passes"]
# Recall of the worst group on the other camera, less what more passes give to all alike.
LEVELS = {"cnn": 80.0, "vae": 81.0, "dbvae-max": 84.0, "neighbours": 82.0, "oracle": 86.0}


@pytest.fixture(scope="module")
def rows(rows_of):
    """DB-VAE's gain falls from three points to none after 16 passes, where the oracle's is noise."""
    rows = rows_of(EXPERIMENT).assign(validation_loss=0.1)
    epochs = rows["setting"].str.extract(r"-(\d+)$", expand=False).astype(float).fillna(8)
    worst = rows["method"].map(LEVELS) + epochs + rows["seed"] / 10
    worst -= 4 * ((epochs == 16) & (rows["method"] == "dbvae-max"))
    noise = (-6 + 20 * (rows["seed"] % 2 - 0.5)) * ((epochs == 16) & (rows["method"] == "oracle"))
    measures = [f"{name}_recall{threshold}@camera" for name in ("mean", "var", "worst") for threshold in ("", "_fpr1")]
    return rows.assign(**dict.fromkeys(measures, 90.0) | {"worst_recall_fpr1@camera": worst + noise})


def test_each_method_is_compared_with_the_cnn_of_as_many_passes(rows):
    said = length.sentence(EXPERIMENT, rows)
    usual = "+4.0 [+4.0, +4.0] *"
    expected = f"DB-VAE (max rule) {usual} after 2, {usual} after 4, {usual} after 8, +0.0 [+0.0, +0.0] n.s. after 16"
    assert expected in said
    assert "our rule +2.0 [+2.0, +2.0] * after 8, +2.0 [+2.0, +2.0] * after 16 passes;" in said
    assert "labels +6.0 [+6.0, +6.0] * after 8" in said and "n.s. after 16 passes. With a random camera the CNN" in said


def test_the_cnn_s_own_recall_is_told_by_length(rows):
    rows = rows.assign(**{"worst_recall_fpr1@camera": rows["worst_recall_fpr1@camera"].round()})
    own = [
        f"{rows.loc[rows['setting'] == f'cnn-camera{name}', 'worst_recall_fpr1@camera'].mean():.1f} % after {passes}"
        for name, passes in (("-2", 2), ("-4", 4), ("", 8), ("-16", 16), ("-32", 32))
    ]
    assert length.sentence(EXPERIMENT, rows).endswith(f"finds of this group {', '.join(own)} passes.")


def test_longer_trainings_are_compared_with_half_of_them():
    against = {point.setting.name: point.against for point in EXPERIMENT.points}
    assert against["cnn-camera-32"] == "cnn-camera-16" and against["max-camera-16"] == "max-camera"
    assert against["cnn-camera-2"] == "cnn-camera"


def test_the_table_also_tells_what_is_the_rule_s_own(rows, cells):
    lines = cells(length.table(EXPERIMENT, rows).split("Trained as long")[1], "DB-VAE")
    minus = [f"VAE, uniform, random camera{passes}" for passes in (", 2 passes", ", 4 passes", "")]
    assert len(lines) == 7 and [line[1] for line in lines[4:]] == minus
    assert [line[4] for line in lines[4:]] == ["+3.0 [+3.0, +3.0] *"] * 3


def test_of_rows_of_the_cnn_alone_it_is_an_ablation_s_sentence(rows):
    cnn = rows[rows["method"] == "cnn"]
    assert length.sentence(EXPERIMENT, cnn).startswith("On another camera, at 1 %")
    assert "trained as long" not in length.sentence(EXPERIMENT, cnn)
    assert report_of(EXPERIMENT) is length.REPORT


def test_without_and_with_a_random_camera_are_told_apart(spread, rows_of):
    epochs = EXPERIMENTS["epochs"]
    rows = rows_of(epochs)
    camera = rows["setting"].str.contains("-camera").astype(float)
    gain = rows["method"].map({"cnn": 0.0, "dbvae-max": 1.0, "oracle": 2.0})
    said = length.sentence(
        epochs, rows.assign(worst_recall_fpr1=80.0 + rows["seed"] + (1 + camera) * gain * spread(rows["seed"]))
    )
    assert said.startswith("Worst group on their own test, at 1 % false positives, in points above the CNN that is")
    without, with_one = said.split("Without a random camera: ")[1].split(". With one: ")
    each = [f"+{points}.0 [+{points}.0, +{points}.0] *" for points in (1, 2, 4)]
    for told, (ours, labels) in ((without, each[:2]), (with_one, each[1:])):
        assert told.startswith(
            f"DB-VAE (max rule) {ours} after 2, {ours} after 4, {ours} after 8, {ours} after 16 epochs;"
        )
        assert f"labels {labels} after 2" in told and f"{labels} after 16 epochs" in told
