"""The check on photographs: its numbers by a model whose answers are known, and its files."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from debias.backend import keras, tf
from debias.data.sources import photographs
from debias.errors import InputError
from experiments import detection
from experiments.engine.store import StoredRun
from experiments.engine.sweep import Options


class Brightness(keras.Model):
    """Logit 40 (mean - 0.5)."""

    def call(self, images, training=False):
        return 40 * (tf.reduce_mean(images, [1, 2, 3]) - 0.5)


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """Where all runs of 'quick' are finished, by models that know bright from dark.

    Four course faces, of which the first group's are bright; two photographs, whose face is bright or dark.
    """
    faces = [np.full((64, 60, 3), value, np.uint8) for value in (255, 255, 0, 0)]
    groups, names = np.array([0, 0, 1, 1]), ("bright", "dark")
    monkeypatch.setattr(photographs, "course_photographs", lambda cache: (faces, groups, names))
    pictures = {name: np.zeros((200, 200, 3), np.uint8) for name in ("face", "missed", "light", "night")}
    pictures["face"][20:60, 120:160] = 255
    pictures["light"][:] = 255
    places = {"face": (120, 20, 40, 40), "missed": (0, 0, 30, 30), "light": None, "night": None}
    found = {name: detection.Photograph("made", name, face) for name, face in places.items()}
    monkeypatch.setattr(detection, "PHOTOGRAPHS", found)
    monkeypatch.setattr(detection, "DRAWN", ("face", "light"))
    monkeypatch.setattr(photographs, "bundled", lambda package, path: pictures[path])
    rows = pd.DataFrame({"id": ["quick/cnn/seed0"], "commit": ["abc"]})
    monkeypatch.setattr(detection, "run_all", lambda *_: (rows, pd.DataFrame(columns=["id", "reason"])))
    monkeypatch.setattr(StoredRun, "model", lambda self: Brightness())
    return tmp_path / "cache"


def test_rates_are_what_can_be_counted_by_hand(cache):
    runs = [StoredRun(run, cache) for run in detection.EXPERIMENT.runs() if run.setting.name == "cnn-camera"]
    singles, sets, trade = detection.measure(runs)
    found = singles.set_index(["photograph", "windows"])
    assert found.loc[("face", "15 % to whole"), ["detected", "on the face"]].tolist() == [100, 100]
    assert found.loc[("face", "half to whole"), "detected"] == 0  # a bright spot in a dark window
    assert found.loc[("missed", "15 % to whole"), ["detected", "on the face"]].tolist() == [0, 0]
    (row,) = sets.to_dict("records")
    assert row["course: bright (n=2)"] == 100 and row["course: dark (n=2)"] == 0
    count = len(detection.CLOSE.places(200, 200))
    assert row["false windows, half to whole"] == count / 2 and row["photographs with any, half to whole"] == 50
    assert set(trade["recall"]) == {50} and set(trade["false_images"]) == {50}


def test_a_window_hits_where_its_middle_lies_on_the_face():
    assert detection._hits(np.array([10, 20, 40]), (38, 28, 4, 4))
    assert not detection._hits(np.array([10, 20, 40]), (41, 28, 4, 4))
    assert not detection._hits(np.array([10, 20, 40]), (38, 31, 4, 4))


@pytest.mark.slow
def test_it_leaves_a_table_a_summary_and_a_picture(cache, tmp_path):
    folder = detection.run(cache, tmp_path / "results", Options())
    assert {path.name for path in folder.iterdir()} == {"table.md", "summary.json", "heat.png"}
    text = (folder / "table.md").read_text()
    assert "course: bright (n=2)" in text and "15 % to whole" in text and "| 0.2" in text
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["models"] == ["quick/cnn/seed0"] and {"commit", "versions", "host"} <= set(summary)
    assert {row["setting"] for row in summary["sets"]} == {
        setting.title for setting in detection.EXPERIMENT.settings if setting.name in detection.SETTINGS
    }


def test_models_that_cannot_be_trained_are_one_line(cache, tmp_path, monkeypatch):
    failed = pd.DataFrame({"id": ["quick/cnn/seed0"], "reason": ["no memory"]})
    monkeypatch.setattr(detection, "run_all", lambda *_: (pd.DataFrame(), failed))
    with pytest.raises(InputError, match="1 runs failed \\(no memory\\)"):
        detection.run(cache, tmp_path / "results", Options())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", list(detection.PHOTOGRAPHS))
def test_the_photographs_are_there_and_faces_lie_within(name):
    each = detection.PHOTOGRAPHS[name]
    image = photographs.bundled(each.package, each.path)
    assert image.ndim == 3 and image.dtype == np.uint8
    if each.face:
        left, top, width, height = each.face
        assert left + width <= image.shape[1] and top + height <= image.shape[0]


def test_no_photograph_is_one_that_training_is_made_of():
    from debias.data.parliament.photographs import POOLS

    used = {(photo.package, photo.path) for name in ("train", "validation") for photo in POOLS[name]}
    assert not used & {dataclasses.astuple(each)[:2] for each in detection.PHOTOGRAPHS.values()}
