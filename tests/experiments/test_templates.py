"""The walk-through of README's 'Extend it', done in a copy of the packages: each template, its line, its command."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from debias.data.dataset import SPLITS, open_splits
from experiments import commands
from experiments.quick import EXPERIMENT as QUICK

pytestmark = pytest.mark.slow  # each trains in processes of its own

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--smoke", "--seeds", "1", "--jobs", "1")
ENCODER = """
from pathlib import Path
import numpy as np
from baselines import method
from debias.backend import keras
from debias.config import Config
from debias.data.dataset import open_splits
from experiments.registry import EXPERIMENTS

assert "cnn-residual" in [setting.name for setting in EXPERIMENTS["encoder"].settings]
splits, images = open_splits("shapes.h5"), np.random.default_rng(0).random((4, 64, 64, 3), np.float32)
config = Config(preset="residual", epochs=1, steps_per_epoch=2, batch_size=8)
for name in ("cnn", "dbvae-max"):
    model = method(name).train(splits, config)
    model.save("model.keras")
    loaded = keras.saving.load_model("model.keras", compile=False)
    np.testing.assert_array_equal(loaded(images), model(images))
    assert any(isinstance(layer, keras.layers.Add) for layer in loaded.encoder.layers)
"""


class Clone:
    """A copy of the packages, and what a student does in it."""

    def __init__(self, folder: Path):
        self.folder, self.cache = folder, folder / "cache"
        for name in ("baselines", "debias", "experiments"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))

    def follow(self, template: str, *edits: tuple[str, str, str]) -> None:
        """Steps 1 and 2 of a template's docstring; an edit is a file, what stands there once, and what replaces it."""
        steps = ast.get_docstring(ast.parse((self.folder / f"experiments/templates/{template}.py").read_text()))
        source, target = re.search(r"1\. cp ([\w/]+\.py) ([\w/]+\.py)", steps).groups()
        shutil.copy(self.folder / source, self.folder / target)
        for file, old, new in edits:
            text = (self.folder / file).read_text()
            assert text.count(old) == 1
            (self.folder / file).write_text(text.replace(old, new))
        for line in (new.replace(old, "").strip() for _, old, new in edits):
            assert line in steps  # nothing is added that the template does not ask for

    def python(self, *words) -> str:
        """Run Python there; returns what it prints."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, *map(str, words)]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *words) -> None:
        """Train and publish, as small as it gets."""
        self.python("-m", "experiments", "run", *words, *SMALL, "--cache", self.cache)

    def rows(self, experiment: str) -> pd.DataFrame:
        return pd.read_csv(self.cache / "smoke" / experiment / "runs.csv", index_col="setting")

    def table(self, experiment: str) -> str:
        return (self.cache / "smoke" / experiment / "table.md").read_text()

    def figure(self, experiment: str, name: str) -> str:
        """The source of a figure, which has its text in it."""
        return (self.cache / "smoke" / experiment / f"{name}.svg").read_text()


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Clone:
    return Clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def shapes(clone) -> Path:
    """The file that the data set's template writes."""
    clone.follow("dataset")
    assert "--data shapes.h5" in clone.python("-m", "shapes")
    return clone.folder / "shapes.h5"


def test_a_new_method_is_trained_alone_and_appears_everywhere(untrained, clone, dataset_path):
    assert commands.run(["run", "quick", "--data", str(dataset_path), *SMALL, "--cache", str(clone.cache)]) == 0
    before = clone.rows("quick-squares")
    assert list(before.index) == [setting.name for setting in QUICK.settings]
    shutil.rmtree(clone.cache / "runs")  # a fresh clone has rows and no runs
    line = '    ("smoothed", Method("Label smoothing", "baselines.smoothed")),\n'
    clone.follow("method", ("baselines/__init__.py", "METHODS = _registered(\n", "METHODS = _registered(\n" + line))
    clone.run("quick", "--data", dataset_path, "--reuse")
    after = clone.rows("quick-squares")
    pd.testing.assert_frame_equal(after.drop(index="smoothed"), before)
    assert [path.name for path in (clone.cache / "runs").glob("*/*")] == ["smoothed"]
    row, title = after.loc["smoothed"], "Label smoothing"
    assert row["mean_recall"] >= 0 and row["threads"] == 1  # in a process of its own
    assert title in clone.table("quick-squares") and title in clone.figure("quick-squares", "groups")


def test_a_new_data_set_has_what_its_docstring_says(shapes):
    splits = open_splits(shapes)
    counts = {
        name: [sum(part.groups == 0), sum(part.groups == 1), sum(part.labels == 0)]
        for name, part in zip(SPLITS, (splits.train, splits.validation, splits.test), strict=True)
    }
    assert counts == {"train": [2000, 40, 2000], "validation": [200, 10, 300], "test": [200, 200, 300]}
    assert splits.train.group_names == ("bright disc", "dark disc")
    dark = splits.test.factors["dark"] == 1
    assert splits.test.images(dark).mean() < splits.test.images(~dark).mean()


def test_a_new_ablation_appears_everywhere(clone, dataset_path):
    clone.follow("ablation")
    clone.run("learning_rate", "--data", dataset_path)
    name = "ablations/learning_rate-squares"
    assert set(clone.rows(name).index) == {"max-rate0.0003", "max-a0.01", "max-rate0.003", "cnn"}
    assert "max, learning rate 0.003" in clone.table(name)
    assert "learning_rate" in clone.figure(name, "learning_rate")


def test_a_new_encoder_trains_and_is_reloaded(clone, shapes):
    line = '    "residual": dataclasses.replace(LAB, trunk="debias.trunks.residual"),\n'
    clone.follow("encoder", ("debias/presets.py", "PRESETS = {\n", "PRESETS = {\n" + line))
    clone.python("-c", ENCODER)
