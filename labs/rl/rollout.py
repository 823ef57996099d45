"""Playing: what the agent saw, did and got in T steps of N copies of an environment."""

from typing import NamedTuple

import numpy as np

from labs.rl.agent import Agent, Batch
from labs.rl.environments import Environments, Step
from labs.rl.returns import normalised

RESET = -1  # in a history, in the place of an action


class Rollout(NamedTuple):
    """Arrays (T, N), observations (T, N, ...).

    Attributes:
        next_values: of what followed each step: 0 where the episode terminated; where a time limit cut it, the value of
            its last observation.
        ends: whether the return ends with this step.
        valid: False for steps that are nobody's: an environment that only started again, or one whose episode is over
            while others of the batch still play.
    """

    observations: np.ndarray
    actions: np.ndarray
    log_probs: np.ndarray
    values: np.ndarray
    rewards: np.ndarray
    next_values: np.ndarray
    ends: np.ndarray
    valid: np.ndarray

    def batch(self, advantages: np.ndarray, returns: np.ndarray) -> Batch:
        """The valid steps in a row, with normalised advantages."""
        valid = self.valid
        chosen = [x[valid] for x in (self.observations, self.actions, self.log_probs, advantages, returns)]
        chosen[3] = normalised(chosen[3])
        return Batch(*chosen)


class Player:
    """Environments with a memory: the returns of finished episodes, and all actions, from which play can be repeated.

    Args:
        whole_episodes: count one episode of each copy from one reset to the next, whatever it plays after that.

    Attributes:
        observations: (N, ...), what to act on now.
        playing: (N,) bool, the copies whose episode counts.
        returns: of finished episodes, in order.
        steps: taken so far in all copies.
        history: (N,) int16 each, all actions and resets.
    """

    def __init__(self, environments: Environments, whole_episodes: bool = False):
        self.environments, self.whole_episodes = environments, whole_episodes
        self.returns: list[float] = []
        self.steps = 0
        self.history: list[np.ndarray] = []
        self.reset()

    def reset(self) -> None:
        """Start a new episode everywhere; unfinished ones are forgotten."""
        self.history.append(np.full(self.environments.count, RESET, np.int16))
        self.observations = self.environments.reset()
        self.playing = np.ones(self.environments.count, bool)
        self._running = np.zeros(self.environments.count)

    def step(self, actions: np.ndarray) -> Step:
        """Take actions (N,); steps of copies that do not play are invalid."""
        self.history.append(actions.astype(np.int16))
        step = self.environments.step(actions)
        self.observations = step.observations
        self.steps += int(step.valid.sum())
        step = step._replace(valid=step.valid & self.playing)
        over = step.over & self.playing
        self._running += step.rewards
        self.returns += self._running[over].tolist()
        self._running[step.over] = 0
        if self.whole_episodes:
            self.playing = self.playing & ~over
        return step

    def repeat(self, history: np.ndarray) -> None:
        """Act as a history (T, N) says: the same environments with the same seed come to the same state."""
        for actions in history[1:]:  # the first is the reset that has been done
            self.reset() if actions[0] == RESET else self.step(actions.astype(np.int32))


def play(agent: Agent, player: Player, horizon: int, seed: int) -> Rollout:
    """`horizon` steps of the sampled policy; for a player of whole episodes, from a reset to the end of the last one.

    Args:
        seed: of the actions; which they are follows from it and from the length of the player's history.
    """
    if player.whole_episodes:
        player.reset()
        steps = []
        while player.playing.any():
            steps.append(_act(agent, player, seed))
    else:
        steps = [_act(agent, player, seed) for _ in range(horizon)]
    return _rollout(steps, agent.values(player.observations).numpy())


def _act(agent: Agent, player: Player, seed: int) -> dict[str, np.ndarray]:
    observations = player.observations
    drawn = agent.act(observations, np.array([seed, len(player.history)], np.int32))
    actions, log_probs, values = (x.numpy() for x in drawn)
    step = player.step(actions)
    return {
        "observations": observations,
        "actions": actions,
        "log_probs": log_probs,
        "values": values,
        "rewards": step.rewards,
        "ends": step.terminated | step.truncated,
        "valid": step.valid,
        "following": _known_values(agent, step),
    }


def _known_values(agent: Agent, step: Step) -> np.ndarray:
    """What follows each step is worth (N,): 0 after termination, V of the last observation where a time limit cut the
    episode; NaN where the next step's value will say it."""
    values = np.full(len(step.rewards), np.nan, np.float32)
    if step.truncated.any():
        values[step.truncated] = agent.values(step.finals).numpy()[step.truncated]
    values[step.terminated] = 0
    return values


def _rollout(steps: list[dict[str, np.ndarray]], last_values: np.ndarray) -> Rollout:
    columns = {name: np.stack([step[name] for step in steps]) for name in steps[0]}
    known, shifted = columns.pop("following"), np.append(columns["values"][1:], last_values[None], axis=0)
    return Rollout(next_values=np.where(np.isnan(known), shifted, known), **columns)
