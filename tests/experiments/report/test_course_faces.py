"""Rates on real photographs, with a detector whose answers are known."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from debias.backend import keras
from debias.config import Config
from debias.data.dataset import Dataset
from debias.errors import InputError
from experiments.engine.experiment import Experiment, Run, Setting
from experiments.report import course_faces, quick

EXPERIMENT = Experiment("test", "Test", (Setting("cnn", "cnn"),), (0, 1), Config(), "faces")


class Brightness(keras.Model):
    """Calls an image a face when its first pixel is brighter than half."""

    def call(self, images):
        return images[:, 0, 0, 0] - 0.5


def faces(first_pixels, groups):
    images = np.zeros((len(groups), 4, 4, 3), np.uint8)
    images[:, 0, 0, 0] = first_pixels
    rows, labels = np.arange(len(groups)), np.ones(len(groups), np.uint8)
    return Dataset(images, rows, labels, np.array(groups, np.int8), ("left", "right"))


@dataclasses.dataclass
class Bright:
    """A run whose model looks at brightness."""

    run: Run
    cache: Path
    shape: tuple[int, ...] = course_faces.IMAGE_SHAPE

    @property
    def splits(self):
        return SimpleNamespace(train=SimpleNamespace(image_shape=self.shape))

    def model(self):
        return Brightness()


@pytest.fixture
def sets(monkeypatch):
    grouped = faces([255, 0, 255, 255], [0, 0, 1, 1])
    monkeypatch.setattr(course_faces.photographs, "mitdeeplearning_faces", lambda cache: grouped)


@pytest.fixture
def runs(tmp_path):
    return [Bright(run, tmp_path) for run in EXPERIMENT.runs()]


def test_rates_by_part(sets, runs, rows_of, cells):
    found = course_faces.rates_on_photographs(runs)
    text = quick.texts(None, rows_of(EXPERIMENT), found)["photographs.md"]
    rates = dict(zip(*cells(text), strict=True))
    assert rates["course: left (n=2)"] == "50.0" and rates["course: right (n=2)"] == "100.0"


def test_what_cannot_be_fetched_is_said(sets, runs, monkeypatch, capsys):
    def unreachable(cache):
        raise InputError("no network")

    monkeypatch.setattr(course_faces.photographs, "mitdeeplearning_faces", unreachable)
    assert course_faces.rates_on_photographs(runs) == {}
    said = capsys.readouterr().out
    assert "Left out" in said and "no network" in said


def test_images_of_another_size_are_left_alone(runs):
    assert course_faces.rates_on_photographs([dataclasses.replace(run, shape=(8, 8, 1)) for run in runs]) == {}
    assert course_faces.rates_on_photographs([]) == {}
