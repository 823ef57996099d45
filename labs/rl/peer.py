"""Steps a second, end to end, beside stable-baselines3's PPO (PyTorch) with the same network and schedule.

stable-baselines3 is no requirement: `.venv/bin/pip install stable-baselines3` brings it. It plays twice: with its own
environments (gymnasium's Pong in one process, its Atari wrapper), as people use it, and with the emulator of this lab,
so that only the learner differs.
"""

import dataclasses
import importlib.metadata
import importlib.util
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import ale_py
import gymnasium as gym
import numpy as np

from debias.errors import InputError
from debias.files import write_text
from debias.provenance import provenance
from labs.rl import environments, settings
from labs.rl.settings import Settings
from labs.rl.training import Run, read_json

SPEED, RESTORE = "speed.json", "restore it (git checkout) or delete it"
ROUNDS = 5
STEPS = 32_768  # of a round


def speed(folder: Path) -> dict:
    """Steps a second of both and their ratios, from the last `compare`; empty if there was none."""
    path = folder / SPEED
    return read_json(path, RESTORE) if path.exists() else {}


def compare(folder: Path, chosen: Settings = settings.PONG, steps: int = STEPS) -> dict:
    """Measure in turns, ours and theirs, each in a process of its own, and keep it in `folder`.

    Raises:
        InputError: stable-baselines3 is not installed.
    """
    if importlib.util.find_spec("stable_baselines3") is None:
        raise InputError("stable-baselines3 is not installed: .venv/bin/pip install stable-baselines3")
    rates = {name: [] for name in LEARNERS}
    for _ in range(ROUNDS):
        for name in LEARNERS:
            rates[name].append(_alone(_rate, name, chosen, steps))
    measured = _medians(rates) | provenance() | {"peers": _versions()}
    write_text(folder / SPEED, json.dumps(measured, indent=1) + "\n")
    return measured


def _alone(job: Callable, *arguments):
    """Run in a fresh process, so that no learner's threads and memory are in another's way."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(job, *arguments).result()


def _rate(name: str, chosen: Settings, steps: int) -> float:
    """Steps a second of one learner, which has compiled or warmed up before."""
    learner = LEARNERS[name](chosen)
    learner.learn(2 * chosen.copies * chosen.horizon)
    began = time.perf_counter()
    learner.learn(steps)
    return steps / (time.perf_counter() - began)


def _medians(rates: dict[str, list[float]]) -> dict[str, float]:
    measured = {f"sps_{name}" if name != "ours" else "sps": statistics.median(x) for name, x in rates.items()}
    for name in rates.keys() - {"ours"}:
        ratios = [a / b for a, b in zip(rates["ours"], rates[name], strict=True)]
        measured[f"sps_vs_{name}"] = statistics.median(ratios)
    return measured


def _versions() -> str:
    return "; ".join(f"{name} {importlib.metadata.version(name)}" for name in ("stable-baselines3", "torch"))


class Ours:
    """This lab's agent, to be measured."""

    def __init__(self, chosen: Settings):
        chosen = dataclasses.replace(chosen, steps=10**9)
        self._run = Run(chosen, environments.make(chosen.environment, chosen.copies))

    def learn(self, steps: int) -> None:
        aim = self._run.player.steps + steps
        while self._run.player.steps < aim:
            self._run.update()


class Theirs:
    """stable-baselines3's PPO on some environments, with our network and schedule."""

    def __init__(self, chosen: Settings, copies):
        from stable_baselines3 import PPO

        self._ppo = PPO(
            "CnnPolicy",
            copies,
            learning_rate=chosen.learning_rate,
            n_steps=chosen.horizon,
            batch_size=chosen.copies * chosen.horizon // chosen.minibatches,
            n_epochs=chosen.passes,
            gamma=chosen.discount,
            gae_lambda=chosen.trace,
            clip_range=chosen.clip,
            ent_coef=chosen.entropy,
            vf_coef=chosen.value_weight,
            max_grad_norm=chosen.gradient_norm,
            policy_kwargs={"features_extractor_class": _torch_network(), "net_arch": []},
            seed=0,
            device="cpu",
        )

    def learn(self, steps: int) -> None:
        self._ppo.learn(steps, reset_num_timesteps=False)


LEARNERS = {
    "ours": Ours,
    "sb3": lambda chosen: Theirs(chosen, _their_pong(chosen)),
    "sb3_on_ours": lambda chosen: Theirs(chosen, _our_pong(chosen)),
}


def _torch_network() -> type:
    """The convolutional layers of `agent.network`, for stable-baselines3."""
    import torch
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

    class Layers(BaseFeaturesExtractor):
        def __init__(self, observation_space: gym.Space):
            super().__init__(observation_space, features_dim=256)
            convolutions = (torch.nn.Conv2d(observation_space.shape[0], 16, 8, 4), torch.nn.Conv2d(16, 32, 3, 2))
            layers = [x for convolution in convolutions for x in (convolution, torch.nn.ReLU())]
            self._layers = torch.nn.Sequential(*layers, torch.nn.Flatten())
            with torch.no_grad():
                width = self._layers(torch.zeros(1, *observation_space.shape)).shape[1]
            self._layers.extend([torch.nn.Linear(width, 256), torch.nn.ReLU()])

        def forward(self, frames):
            return self._layers(frames)

    return Layers


def _their_pong(chosen: Settings):
    """stable-baselines3's own Atari environments, all in one process as is its default.

    Its frames are square: at 57 x 57 the network has the size that ours has at 80 x 40.
    """
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import VecFrameStack

    gym.register_envs(ale_py)
    copies = make_atari_env(
        "ALE/Pong-v5",
        n_envs=chosen.copies,
        seed=0,
        wrapper_kwargs={"screen_size": 57},  # it skips frames itself
        env_kwargs={"frameskip": 1, "repeat_action_probability": 0.0},
    )
    return VecFrameStack(copies, 2)


def _our_pong(chosen: Settings):
    """Our emulator as one of stable-baselines3's vector environments."""
    from stable_baselines3.common.vec_env import VecEnv

    class Adapter(VecEnv):
        def __init__(self, copies):
            self._copies = copies
            seen = gym.spaces.Box(0, 255, copies.observation_shape, np.uint8)
            super().__init__(copies.count, seen, gym.spaces.Discrete(copies.actions))

        def reset(self):
            return self._copies.reset()

        def step_async(self, actions):
            self._actions = actions

        def step_wait(self):
            step = self._copies.step(self._actions)
            return step.observations, step.rewards, step.terminated | step.truncated, [{} for _ in step.rewards]

        def close(self):
            self._copies.close()

        def get_attr(self, attr_name, indices=None):
            return [None] * self.num_envs

        def set_attr(self, attr_name, value, indices=None):
            raise NotImplementedError

        def env_method(self, method_name, *arguments, indices=None, **options):
            raise NotImplementedError

        def env_is_wrapped(self, wrapper_class, indices=None):
            return [False] * self.num_envs

    return Adapter(environments.make(chosen.environment, chosen.copies))
