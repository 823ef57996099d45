"""Rates on real photographs, with a detector whose answers are known."""

import numpy as np
import pytest

from debias.backend import keras
from debias.data.dataset import Dataset
from debias.errors import InputError
from experiments import photographs
from experiments.runner import grid


class Brightness(keras.Model):
    """Calls an image a face when its first pixel is brighter than half."""

    def call(self, images):
        return images[:, 0, 0, 0] - 0.5


def dataset(first_pixels, labels, groups=None):
    images = np.zeros((len(labels), 4, 4, 3), np.uint8)
    images[:, 0, 0, 0] = first_pixels
    named = {} if groups is None else {"groups": np.array(groups, np.int8), "group_names": ("left", "right")}
    return Dataset(images, np.arange(len(labels)), np.array(labels, np.uint8), **named)


@pytest.fixture
def sets(monkeypatch):
    grey = dataset([255, 255, 0, 255], [1, 1, 0, 0])
    grouped = dataset([255, 0, 255, 255], [1] * 4, [0, 0, 1, 1])
    monkeypatch.setattr(photographs.photographs, "lfw_subset", lambda: grey)
    monkeypatch.setattr(photographs.photographs, "mitdeeplearning_faces", lambda cache: grouped)
    monkeypatch.setattr(photographs, "load_model", lambda work, run: Brightness())


def test_rates_by_part(sets, tmp_path, tiny_config):
    text = photographs.check(grid("test", ["cnn"], [0, 1], tiny_config), tmp_path, tmp_path)
    header, _, line = ([cell.strip() for cell in line.split("|")] for line in text.splitlines() if line[:1] == "|")
    rates = dict(zip(header, line, strict=True))
    assert rates["LFW: faces (n=2)"] == "100.0" and rates["LFW: non-faces (n=2)"] == "50.0"
    assert rates["course: left (n=2)"] == "50.0" and rates["course: right (n=2)"] == "100.0"


def test_what_cannot_be_fetched_is_said(sets, monkeypatch, tmp_path, tiny_config):
    def unreachable(cache):
        raise InputError("no network")

    monkeypatch.setattr(photographs.photographs, "mitdeeplearning_faces", unreachable)
    text = photographs.check(grid("test", ["cnn"], [0], tiny_config), tmp_path, tmp_path)
    assert "Left out" in text and "no network" in text
