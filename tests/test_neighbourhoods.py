"""Neighbours, rarity and tempered draws, against brute force and closed forms."""

import numpy as np
import pytest

from debias.errors import InputError
from debias.neighbourhoods import Neighbourhoods, standardised, tempered, whitened
from debias.resampling import effective_sample_size

RNG = np.random.default_rng(0)


def test_rarity_and_means_are_those_of_the_nearest_others():
    points, values = RNG.normal(size=(50, 3)), RNG.normal(size=50)
    near = Neighbourhoods(points, 4)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distances, np.inf)  # nobody is their own neighbour
    order = np.argsort(distances, axis=1)[:, :4]
    np.testing.assert_allclose(near.rarity, np.log(np.sort(distances, axis=1)[:, 3]))
    np.testing.assert_allclose(near.mean(values), [values[row].mean() for row in order])


def test_few_samples_are_neighbours_of_each_other_and_one_has_none():
    near = Neighbourhoods(np.array([[0.0], [1.0], [1.0]]), 100)
    np.testing.assert_allclose(near.mean(np.array([3.0, 5.0, 7.0])), [6, 5, 4])
    assert np.all(np.isfinite(Neighbourhoods(np.zeros((5, 2)), 2).rarity))
    with pytest.raises(InputError, match="100 of 1 samples"):
        Neighbourhoods(np.zeros((1, 2)), 100)


def test_whitened_features_have_variance_one_and_no_correlation():
    mixed = RNG.normal(size=(200, 3)) @ RNG.normal(size=(3, 10))
    found = whitened(mixed, 8)
    assert found.shape == (200, 3)  # what there is of it
    np.testing.assert_allclose(np.cov(found.T), np.eye(3), atol=1e-6)


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1, 0.02])
def test_tempered_draws_have_the_effective_sample_size_that_is_asked(share):
    scores = RNG.normal(size=1000) * 7 + 100
    p = tempered(scores, share)
    assert p.sum() == pytest.approx(1) and effective_sample_size(p) == pytest.approx(1000 * share, rel=1e-6)
    slope, rest = np.polyfit(scores, np.log(p), 1, full=True)[:2]  # log p is linear in the score
    assert slope[0] > 0 and rest[0] == pytest.approx(0, abs=1e-9)


def test_tempered_draws_at_their_limits():
    np.testing.assert_allclose(tempered(np.arange(4.0), 1), 0.25)
    np.testing.assert_allclose(tempered(np.full(4, 3.0), 0.1), 0.25)
    np.testing.assert_allclose(tempered(np.array([0.0, 1.0, 1.0, 0.0]), 0.1), [0, 0.5, 0.5, 0], atol=1e-9)
    with pytest.raises(InputError, match="share must be above 0 and at most 1, got 0"):
        tempered(np.arange(4.0), 0)


def test_standardised_scores():
    found = standardised(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose([found.mean(), found.std()], [0, 1], atol=1e-12)
    np.testing.assert_allclose(standardised(np.full(3, 5.0)), 0)
