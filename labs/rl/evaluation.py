"""How good an agent is: fresh episodes, each played to its end."""

import numpy as np

from labs.rl import environments
from labs.rl.agent import Agent
from labs.rl.rollout import Player


def evaluate(
    agent: Agent,
    environment: str,
    episodes: int = 50,
    seed: int = 10_000,
    greedy: bool = False,
    sticky: float = 0.0,
    all_actions: bool = False,
) -> np.ndarray:
    """Returns (episodes,) of one full episode in each of so many copies that no training has seen.

    Every copy plays its first episode to the end, however long: to stop after some number of steps, or after so many
    episodes whichever they are, drops the long ones and flatters the mean.

    Args:
        greedy: take the likeliest action instead of drawing one.
    """
    copies = environments.make(environment, episodes, seed, sticky, all_actions)
    try:
        player = Player(copies, whole_episodes=True)
        while player.playing.any():
            player.step(choose(agent, player.observations, greedy, (seed, len(player.history))))
    finally:
        copies.close()
    return np.array(player.returns)


def choose(agent: Agent, observations: np.ndarray, greedy: bool, seed: tuple[int, int]) -> np.ndarray:
    """Actions (N,) int32 for observations (N, ...)."""
    if greedy:
        return agent.act_greedily(observations).numpy()
    return agent.act(observations, np.array(seed, np.int32))[0].numpy()
