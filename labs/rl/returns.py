"""What an action was worth: discounted returns, and advantages over what the critic expected.

Arrays are (T, N): T steps of N copies of an environment, float32.
"""

import numpy as np


def discounted_returns(rewards: np.ndarray, ends: np.ndarray, discount: float) -> np.ndarray:
    """G_t = r_t + discount * G_{t+1}, where no episode ends at t; the reward-to-go.

    Args:
        rewards: (T, N).
        ends: (T, N) bool, nothing that follows belongs to the same episode.
    """
    returns, following = np.empty_like(rewards), np.zeros_like(rewards[0])
    for t in reversed(range(len(rewards))):
        following = returns[t] = rewards[t] + discount * following * ~ends[t]
    return returns


def advantages(
    rewards: np.ndarray,
    values: np.ndarray,
    next_values: np.ndarray,
    ends: np.ndarray,
    discount: float,
    trace: float,
) -> np.ndarray:
    """Generalised advantage estimation (Schulman et al. 2016, Eq. 16): A_t = d_t + discount * trace * A_{t+1}.

    d_t = r_t + discount * V(s_{t+1}) - V(s_t). With trace 0 it is d_t alone, with trace 1 the return less V(s_t).

    Args:
        values: (T, N), V(s_t).
        next_values: (T, N), V(s_{t+1}): 0 where the episode terminated, but not where a time limit cut it.
        ends: (T, N) bool, t + 1 belongs to another episode.
        trace: lambda, between 0 and 1.
    """
    errors = rewards + discount * next_values - values
    return discounted_returns(errors, ends, discount * trace)


def normalised(x: np.ndarray) -> np.ndarray:
    """Mean 0 and standard deviation 1: the size of rewards then does not scale the gradient."""
    return (x - x.mean()) / (x.std() + 1e-8)
