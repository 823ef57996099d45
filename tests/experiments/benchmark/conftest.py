"""A run for the profile."""

import pytest

from experiments.engine.experiment import Experiment, Setting


@pytest.fixture
def job(tiny_config, dataset_path):
    """A CNN and a DB-VAE with one seed."""
    settings = (Setting("cnn", "cnn"), Setting("max", "dbvae-max"))
    return Experiment("test", "Test", settings, (5,), tiny_config, str(dataset_path)).runs()


@pytest.fixture
def cache(tmp_path):
    """Where runs are kept; empty."""
    return tmp_path / "cache"
