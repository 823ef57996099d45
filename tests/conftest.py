"""A data set small enough to train on in a second, shared by the tests of all packages."""

import gc
import sys
from pathlib import Path

import numpy as np
import pytest

from debias.data.dataset import NO_GROUP, create, open_splits

GROUPS = ("left", "right")
# split code -> number of positives on the left and on the right, and of negatives; 1 % of 120 negatives is one.
SIZES = {0: (48, 8, 56), 1: (8, 8, 120), 2: (24, 24, 48)}

# Folders that run in one process: it compiles the renderer and bakes the figures once, or makes two real runs once.
TOGETHER = PARLIAMENT, ENGINE = "data/parliament/", "experiments/engine/"
# What takes longest, longest first: what begins last should be short, or one core waits for the other.
FIRST = (
    "experiments/test_commands",
    PARLIAMENT,
    "labs/test_labs",  # renders faces too, by code that is compiled by then
    ENGINE,
    "test_strategy",
    "experiments/test_templates",
    "baselines/",
    "labs/rl/test_training",
    "data/test_prepare",
    "data/test_streaming",
)


def pytest_collection_modifyitems(items):
    """What takes longest first."""
    tests = Path(__file__).parent

    def place(item):
        file = item.path.relative_to(tests).as_posix()
        return next((number for number, part in enumerate(FIRST) if file.startswith(part)), len(FIRST))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)  # where xdist is loaded
def pytest_xdist_make_scheduler(config, log):
    """With --dist loadfile the tests of a file run in one process, and those of some folders."""
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return next((part for part in TOGETHER if part in nodeid), super()._split_scope(nodeid))

    return Together(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Runs compute on one thread, as the command line's do; tests that need no TensorFlow do not load it.

    It fails where a module starts TensorFlow while tests are collected, for example by a model in a parameter list.
    """
    if "tensorflow" in sys.modules:
        from debias.training import one_thread

        one_thread()


@pytest.fixture(scope="session", autouse=True)
def seldom_collected():
    """Garbage is looked for less often, and not in what had been imported by then: that is most of what there is."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(scope="session")
def dataset_path(tmp_path_factory) -> Path:
    """A file with two groups: bright squares on the left (many) and on the right (few), against bright bars."""
    path = tmp_path_factory.mktemp("data") / "squares.h5"
    images, labels, split, groups = _squares(np.random.default_rng(0))
    factors = {"side": np.where(groups >= 0, np.array(["left", "right", ""], "S5")[groups], b"")}
    with create(path, len(labels), (8, 8, 1), {"side": "S5"}, GROUPS, {"maker": "tests"}) as writer:
        writer.write(0, images, labels, split, groups, factors)
    return path


@pytest.fixture(scope="session")
def splits(dataset_path):
    """The splits of `dataset_path`."""
    return open_splits(dataset_path)


@pytest.fixture(scope="session")
def tiny_config():
    """Settings of a training run that takes a second."""
    from debias.config import Config

    return Config(preset="digits", latent_dim=3, epochs=3, batch_size=16, flip=False)


def _squares(rng):
    kinds = [(0, 1), (1, 1), (NO_GROUP, 0)]  # group and label
    rows = [
        (group, label, code)
        for code, counts in SIZES.items()
        for (group, label), count in zip(kinds, counts, strict=True)
        for _ in range(count)
    ]
    groups, labels, split = np.array(rows, np.int8).T
    images = rng.integers(0, 90, (len(rows), 8, 8, 1))
    for image, group in zip(images, groups, strict=True):
        row, column = rng.integers(0, 5), rng.integers(0, 2) + 4 * max(group, 0)
        height, width = (3, 3) if group >= 0 else (1, 4)
        image[row : row + height, column : column + width] += 150
    return images.astype(np.uint8), labels.astype(np.uint8), split.astype(np.uint8), groups
