"""The in-graph draw against its own probabilities, counted."""

import itertools

import numpy as np
import pytest
from scipy.stats import chisquare

from debias.backend import tf
from debias.data import sampling
from debias.data.sampling import WeightedSampler, uniform
from debias.errors import InputError

P = np.array([0.0, 0.3, 0.05, 0.0, 0.15, 0.4, 0.1, 0.0])


def sampler(p, replacement=True) -> WeightedSampler:
    made = WeightedSampler(len(p), replacement)
    made.assign(p)
    return made


def frequencies(drawn, size):
    return np.bincount(np.ravel(drawn), minlength=size)


def test_frequencies_follow_the_probabilities():
    counts = frequencies(sampler(P).draw(100_000, tf.constant([1, 2])), len(P))
    possible = P > 0
    assert counts[~possible].sum() == 0
    assert chisquare(counts[possible], 100_000 * P[possible]).pvalue > 0.001
    flat = np.full(possible.sum(), 100_000 / possible.sum())
    assert chisquare(counts[possible], flat).pvalue < 1e-6  # the test could tell


def test_starts_uniform():
    counts = frequencies(WeightedSampler(10).draw(50_000, tf.constant([3, 4])), 10)
    assert chisquare(counts).pvalue > 0.001


def test_uniform_numbers_are_those_of_tensorflow_also_where_xla_compiles_them():
    for seed in (tf.constant([1, 2]), tf.constant([2**40, -3], tf.int64)):
        expected = tf.random.stateless_uniform([101], seed, dtype=tf.float64)
        np.testing.assert_array_equal(uniform(101, seed), expected)
        np.testing.assert_array_equal(tf.function(uniform, jit_compile=True)(101, seed), expected)


@pytest.mark.parametrize("only", [0, 3, 6])
def test_probability_zero_is_never_drawn(only):
    assert set(sampler(np.eye(7)[only]).draw(5000, tf.constant([0, 0])).numpy()) == {only}


def test_a_uniform_number_of_exactly_zero_draws_no_impossible_index(monkeypatch):
    monkeypatch.setattr(sampling, "uniform", lambda count, _: tf.zeros(count, tf.float64))
    assert set(sampler(P).draw(10, tf.constant([0, 0])).numpy()) == {1}


def test_the_seed_decides():
    seeds = ([5, 6], [5, 6], [5, 7])
    for replacement in (True, False):
        first, same, other = (sampler(np.ones(50), replacement).draw(20, tf.constant(seed)).numpy() for seed in seeds)
        np.testing.assert_array_equal(first, same)
        assert not np.array_equal(first, other)


def test_without_replacement_draws_are_distinct_and_never_impossible():
    for step in range(50):
        drawn = sampler(P, replacement=False).draw(5, tf.constant([step, 0])).numpy()
        assert set(drawn) == set(np.flatnonzero(P))


def test_without_replacement_too_few_possible_ones_are_refused_and_as_many_are_not():
    made = WeightedSampler(8, replacement=False, most=5)
    made.assign(P)  # five are above 0
    assert set(made.draw(5, tf.constant([0, 0])).numpy()) == set(np.flatnonzero(P))
    with pytest.raises(InputError, match="4 of 8 samples have a probability above 0, but 5") as caught:
        made.assign(np.where(P.max() == P, 0, P))
    assert "\n" not in str(caught.value)
    WeightedSampler(8, most=5).assign(np.eye(8)[0])  # with replacement it is drawn five times


def test_without_replacement_includes_as_sequential_draws_do():
    p, count, repeats = np.array([0.5, 0.3, 0.15, 0.05]), 2, 20_000
    made = sampler(p, replacement=False)
    draws = tf.function(lambda seeds: tf.map_fn(lambda seed: made.draw(count, seed), seeds, tf.int32))
    seeds = np.stack([np.arange(repeats), np.full(repeats, 9)], 1)
    included = frequencies(draws(tf.constant(seeds)), len(p)) / repeats
    np.testing.assert_allclose(included, _inclusion(p, count), atol=0.012)  # 3.4 standard deviations


def test_without_replacement_the_likeliest_comes_at_any_position():
    made = sampler(np.r_[1000, np.ones(9)], replacement=False)
    draws = [made.draw(4, tf.constant([step, 1])).numpy() for step in range(400)]
    positions = [int(np.flatnonzero(drawn == 0)[0]) for drawn in draws if 0 in drawn]
    assert len(positions) > 380
    assert chisquare(frequencies(positions, 4)).pvalue > 0.001


def _inclusion(p, count):
    """Probability that each index is among `count` sequential draws without replacement, by enumeration."""
    included = np.zeros(len(p))
    for order in itertools.permutations(range(len(p)), count):
        probability, left = 1.0, 1.0
        for index in order:
            probability, left = probability * p[index] / left, left - p[index]
        included[list(order)] += probability
    return included


def test_weights_change_inside_a_compiled_function_without_retracing():
    made, traces = WeightedSampler(4), []

    @tf.function
    def draw(seed):
        traces.append(seed)
        return made.draw(100, seed)

    for only in range(4):
        made.assign(np.eye(4)[only])
        assert set(draw(tf.constant([only, 0])).numpy()) == {only}
    assert len(traces) == 1


def test_assign_normalises():
    np.testing.assert_allclose(sampler([2, 2, 4]).probabilities.numpy(), [0.25, 0.25, 0.5])


@pytest.mark.parametrize("p", [[1, 1], [[1, 1, 1]], [1, np.nan, 1], [1, np.inf, 1], [1, -1, 1], [0, 0, 0]])
def test_assign_refuses_what_is_no_distribution_and_keeps_the_old(p):
    made = sampler([0.2, 0.3, 0.5])
    with pytest.raises(InputError) as caught:
        made.assign(p)
    assert "\n" not in str(caught.value)
    np.testing.assert_allclose(made.probabilities.numpy(), [0.2, 0.3, 0.5])
