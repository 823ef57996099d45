"""REINFORCE, A2C and PPO: what they differ in is how an action is valued, and the loss.

A loss takes log-probabilities (B,) of the actions that were taken, as the policy has them now and as it had them when
it took them, and advantages (B,); it gives a scalar whose gradient is the policy's.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from debias.backend import tf
from debias.errors import InputError
from labs.rl.returns import advantages, discounted_returns


def policy_gradient(log_probs: tf.Tensor, old_log_probs: tf.Tensor, advantages: tf.Tensor, clip: float) -> tf.Tensor:
    """-mean(log pi(a|s) * A): good actions become likelier (Williams 1992); the old policy and `clip` play no part."""
    return -tf.reduce_mean(log_probs * advantages)


def clipped_ratio(log_probs: tf.Tensor, old_log_probs: tf.Tensor, advantages: tf.Tensor, clip: float) -> tf.Tensor:
    """-mean(min(rho * A, clip(rho, 1 - clip, 1 + clip) * A)), rho = pi(a|s) / pi_old(a|s); Schulman et al. 2017.

    A batch can be used several times: once an action is `clip` likelier or less likely than when it was taken, it
    gives no more gradient in that direction.
    """
    ratio = tf.exp(log_probs - old_log_probs)
    return -tf.reduce_mean(tf.minimum(ratio * advantages, tf.clip_by_value(ratio, 1 - clip, 1 + clip) * advantages))


def monte_carlo(rollout, discount: float, trace: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns to the episode's end, as weights of the actions and as returns; no critic is asked."""
    returns = discounted_returns(rollout.rewards, rollout.ends, discount)
    return returns, returns


def bootstrapped(rollout, discount: float, trace: float) -> tuple[np.ndarray, np.ndarray]:
    """Generalised advantages, and the returns that the critic should have expected."""
    estimated = advantages(rollout.rewards, rollout.values, rollout.next_values, rollout.ends, discount, trace)
    return estimated, estimated + rollout.values


@dataclasses.dataclass(frozen=True)
class Algorithm:
    """One way to learn from a rollout.

    Attributes:
        estimate: rollout, discount, trace -> advantages and returns (T, N).
        loss: see above.
        critic: whether the value head learns.
        whole_episodes: a rollout is one episode of each copy, since returns need its end.
        reuses: whether a batch may be learnt from more than once.
    """

    estimate: Callable
    loss: Callable
    critic: bool = True
    whole_episodes: bool = False
    reuses: bool = False


ALGORITHMS = {
    "reinforce": Algorithm(monte_carlo, policy_gradient, critic=False, whole_episodes=True),
    "a2c": Algorithm(bootstrapped, policy_gradient),
    "ppo": Algorithm(bootstrapped, clipped_ratio, reuses=True),
}


def algorithm(name: str) -> Algorithm:
    """The algorithm of this name.

    Raises:
        InputError: there is none.
    """
    if name not in ALGORITHMS:
        raise InputError(f"no algorithm {name!r}: use {', '.join(ALGORITHMS)}")
    return ALGORITHMS[name]
