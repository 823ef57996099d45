"""What decides a training run, and the settings that work: same settings, same machine, same curve."""

import dataclasses

from debias.errors import InputError
from labs.rl.algorithms import algorithm
from labs.rl.environments import atari_game

SEEDS = 2_000_000  # a thousand for each training: environments take 31 bits


def check_seed(seed: int) -> None:
    """InputError for a seed that the environments do not take."""
    if not 0 <= seed < SEEDS:
        raise InputError(f"seed must be at least 0 and less than {SEEDS:,}, got {seed}")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of one training run.

    Attributes:
        environment: its name, see `environments.make`.
        algorithm: 'reinforce', 'a2c' or 'ppo'.
        seed: of the weights, the environments and the actions.
        steps: of all copies together, after which training ends.
        goal: it ends before, once the last 100 episodes have this mean return; None plays on.
        copies: of the environment.
        horizon: steps of a rollout; whole episodes ignore it.
        discount: gamma.
        trace: lambda of the advantages.
        learning_rate, entropy: for half of the steps; then both fall in a line to `floor` of it.
        floor: the share of both that is left at the end; 1 anneals nothing.
        passes, minibatches: over a batch, PPO alone makes more than one pass.
        clip: PPO's.
        value_weight: of the critic's error in the loss.
        gradient_norm: longer gradients are shortened to it.
        sticky, all_actions: of Atari games.
        reports: lines of the log, after each of which a killed run goes on.
    """

    environment: str = "cartpole"
    algorithm: str = "ppo"
    seed: int = 0
    steps: int = 200_000
    goal: float | None = None
    copies: int = 8
    horizon: int = 128
    discount: float = 0.99
    trace: float = 0.95
    learning_rate: float = 2.5e-3
    entropy: float = 0.01
    floor: float = 1.0
    passes: int = 1
    minibatches: int = 1
    clip: float = 0.2
    value_weight: float = 0.5
    gradient_norm: float = 0.5
    sticky: float = 0.0
    all_actions: bool = False
    reports: int = 40

    def __post_init__(self):
        for name in ("steps", "copies", "horizon", "passes", "minibatches", "reports"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("discount", "trace", "floor"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must be between 0 and 1, got {getattr(self, name)}")
        check_seed(self.seed)
        if not self.learning_rate > 0:
            raise InputError(f"learning_rate must be > 0, got {self.learning_rate}")
        if self.minibatches > self.copies * self.horizon // 2:
            raise InputError(f"minibatches must be at most half of copies * horizon, got {self.minibatches}")
        if not algorithm(self.algorithm).reuses and self.passes > 1:
            raise InputError(f"{self.algorithm} learns once from a batch: passes must be 1, got {self.passes}")


CARTPOLE = Settings("cartpole", "ppo", goal=475.0, copies=8, horizon=128, passes=4, minibatches=4)
PONG = Settings(
    "pong",
    "ppo",
    steps=1_200_000,
    copies=32,
    horizon=64,
    learning_rate=1.5e-3,
    entropy=0.005,
    floor=0.0,
    passes=3,
    minibatches=4,
    clip=0.1,
)
CARTPOLE_A2C = dataclasses.replace(CARTPOLE, algorithm="a2c", steps=500_000, horizon=16, passes=1, minibatches=1)
CARTPOLE_REINFORCE = dataclasses.replace(CARTPOLE_A2C, algorithm="reinforce", copies=16, learning_rate=0.01)
# Whole games: with fewer copies there are more steps of the optimiser.
PONG_REINFORCE = dataclasses.replace(PONG, algorithm="reinforce", steps=300_000, copies=8, passes=1, minibatches=1)


def for_environment(name: str, chosen: str = "ppo") -> Settings:
    """Settings to begin with: those of the study where there are, else those of the environment's kind."""
    tried = (CARTPOLE, CARTPOLE_A2C, CARTPOLE_REINFORCE, PONG, PONG_REINFORCE)
    known = {(settings.environment, settings.algorithm): settings for settings in tried}
    if (name, chosen) in known:
        return known[name, chosen]
    usual = PONG if atari_game(name) else dataclasses.replace(CARTPOLE, goal=None)
    single = {} if algorithm(chosen).reuses else {"passes": 1, "minibatches": 1}
    return dataclasses.replace(usual, environment=name, algorithm=chosen, **single)
