"""Downloads and assets that the tests of several data sets share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cache() -> Path:
    """The repository's cache, so that the tests download nothing that a run has downloaded already."""
    return Path(__file__).parents[2] / ".cache"


@pytest.fixture(scope="session")
def model(cache):
    """The figures that every face and limb of the benchmark is made of."""
    from debias.data.parliament import assets

    return assets.load_model(cache)
