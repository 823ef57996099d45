import itertools
from pathlib import Path

import numpy as np
import pytest

from debias.data import parliament
from debias.data.parliament import photographs
from debias.errors import InputError

DATA_CARD = Path(parliament.__path__[0]) / "README.md"


@pytest.fixture(scope="module")
def pools():
    return {name: photographs.load_pool(name) for name in photographs.POOLS}


def test_no_photograph_is_in_two_pools():
    for first, second in itertools.combinations(photographs.POOLS.values(), 2):
        assert not {photo.path for photo in first} & {photo.path for photo in second}


def test_no_pool_shows_a_person():
    people = {"astronaut", "camera", "lfw_subset", "coins"}
    assert not {Path(photo.path).stem for pool in photographs.POOLS.values() for photo in pool} & people


def test_every_pool_has_a_photograph_in_the_hues_of_skin(pools):
    for pool in pools.values():
        means = np.array([photo.reshape(-1, 3).mean(0) for photo in pool.photographs])
        assert (means[:, 0] > 1.2 * means[:, 2]).any(), pool.name  # more red than blue


def test_noise_differs_between_pools(pools):
    for first, second in itertools.combinations(pools.values(), 2):
        for mine, theirs in itertools.product(first.noise, second.noise):
            assert abs(np.corrcoef(mine.ravel(), theirs.ravel())[0, 1]) < 0.6


@pytest.mark.parametrize("size", [32, 192])
def test_backdrops_are_linear_images(pools, size):
    draw = photographs.backdrop(pools["train"])
    images = np.stack([draw(np.random.default_rng(seed), size) for seed in range(40)])
    assert images.shape == (40, size, size, 3)
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1


def test_a_backdrop_follows_from_its_generator(pools):
    draw = photographs.backdrop(pools["test"])
    first, second, other = (draw(np.random.default_rng(seed), 64) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_backdrops_vary_in_lightness_and_detail(pools):
    images = [photographs.backdrop(pools["train"])(np.random.default_rng(seed), 64) for seed in range(200)]
    lightness = [image.mean() for image in images]
    detail = [image.std() for image in images]
    assert np.quantile(lightness, 0.1) < 0.15
    assert np.quantile(lightness, 0.9) > 0.4
    assert np.quantile(detail, 0.1) < 0.05 < 0.1 < np.quantile(detail, 0.9)


def test_unknown_pool_is_named():
    with pytest.raises(InputError, match="'holdout'"):
        photographs.load_pool("holdout")


def test_missing_photograph_names_the_package():
    absent = photographs.Photograph("skimage", "data/absent.png", "CC0")
    with pytest.raises(InputError, match="absent.png.*reinstall the package skimage"):
        photographs.read_photograph(absent)


def test_the_data_card_lists_every_photograph_and_its_licence():
    card = DATA_CARD.read_text(encoding="utf-8")
    for photo in itertools.chain(*photographs.POOLS.values()):
        assert Path(photo.path).name in card
        assert photo.licence in card
