"""Returns and advantages against double loops and closed forms."""

import numpy as np
import pytest

from labs.rl.returns import advantages, discounted_returns, normalised

T, N = 9, 4


@pytest.fixture
def played():
    """Random rewards, values, next values and ends, (T, N)."""
    random = np.random.default_rng(0)
    numbers = random.normal(size=(3, T, N)).astype(np.float32)
    return *numbers, random.random((T, N)) < 0.3


def brute_force(terms, ends, factor):
    """sum_l factor^l terms[t + l] up to the first end, by a double loop."""
    sums = np.zeros((T, N))
    for t in range(T):
        for n in range(N):
            for later in range(t, T):
                sums[t, n] += factor ** (later - t) * terms[later, n]
                if ends[later, n]:
                    break
    return sums


def test_discounted_returns_are_the_double_sum(played):
    rewards, _, _, ends = played
    np.testing.assert_allclose(discounted_returns(rewards, ends, 0.9), brute_force(rewards, ends, 0.9), rtol=1e-5)


def test_returns_of_constant_rewards_are_the_geometric_series():
    returns = discounted_returns(np.ones((T, 1), np.float32), np.zeros((T, 1), bool), 0.5)
    np.testing.assert_allclose(returns[:, 0], [2 * (1 - 0.5 ** (T - t)) for t in range(T)], rtol=1e-6)


def test_advantages_are_the_double_sum_of_td_errors(played):
    rewards, values, next_values, ends = played
    errors = rewards + 0.9 * next_values - values
    expected = brute_force(errors, ends, 0.9 * 0.7)
    np.testing.assert_allclose(advantages(*played, 0.9, 0.7), expected, rtol=1e-4, atol=1e-5)


def test_without_trace_an_advantage_is_the_td_error(played):
    rewards, values, next_values, _ = played
    np.testing.assert_allclose(advantages(*played, 0.9, 0.0), rewards + 0.9 * next_values - values, rtol=1e-5)


def test_with_full_trace_an_advantage_is_the_return_less_the_value(played):
    rewards, values, _, ends = played
    ends = ends.copy()
    ends[-1] = True
    next_values = np.append(values[1:], values[:1], axis=0) * ~ends  # consistent: V of the next row, 0 at an end
    found = advantages(rewards, values, next_values, ends, 0.9, 1.0)
    np.testing.assert_allclose(found, brute_force(rewards, ends, 0.9) - values, rtol=1e-4, atol=1e-5)


def test_truncation_bootstraps_and_termination_does_not():
    """A reward of 1 forever is worth 1 / (1 - 0.9) = 10; a critic that knows is surprised by a real end alone."""
    rewards, values, ends = np.ones((1, 2), np.float32), np.full((1, 2), 10, np.float32), np.ones((1, 2), bool)
    next_values = np.array([[10, 0]], np.float32)  # truncated, terminated
    np.testing.assert_allclose(advantages(rewards, values, next_values, ends, 0.9, 0.95), [[0, -9]], atol=1e-5)


def test_normalised_has_mean_0_and_deviation_1(played):
    x = normalised(played[0])
    assert abs(x.mean()) < 1e-6 and abs(x.std() - 1) < 1e-5
    assert not np.isnan(normalised(np.ones(5, np.float32))).any()
