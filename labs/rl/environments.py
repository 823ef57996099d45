"""Many copies of an environment that step together, behind one face.

Two thin adapters: `Gymnasium` over gymnasium's vector API (gymnasium is the maintained gym, imported as `gym`), `Atari`
over ale-py's emulator in C++. What differs between them, above all how a finished episode starts again, ends here.
"""

import difflib
import os
import re
from typing import NamedTuple, Protocol

import ale_py
import gymnasium as gym
import numpy as np
from ale_py.vector_env import AtariVectorEnv
from gymnasium.vector import AutoresetMode

from debias.errors import InputError

NAMES = {"cartpole": "CartPole-v1", "acrobot": "Acrobot-v1"}


class Step(NamedTuple):
    """What follows an action in each of N copies.

    Attributes:
        observations: (N, ...), what to act on next; of the new episode where one ended.
        rewards: (N,) float32.
        terminated: (N,) bool, the return ends here: nothing of value follows.
        truncated: (N,) bool, a time limit cut the episode: what would have followed has a value.
        over: (N,) bool, the episode ended, for whichever reason.
        finals: (N, ...), the last observations of the episodes that were truncated; elsewhere of no meaning.
        valid: (N,) bool, False where the step only started a new episode and the action was ignored.
    """

    observations: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    over: np.ndarray
    finals: np.ndarray
    valid: np.ndarray


class Environments(Protocol):
    """N copies of an environment.

    Attributes:
        count: N.
        actions: the number of actions.
        observation_shape: () of one copy: (features,), or (frames, height, width) of an image.
        dtype: of observations, float32 or uint8.
    """

    count: int
    actions: int
    observation_shape: tuple[int, ...]
    dtype: type

    def reset(self) -> np.ndarray:
        """Start a new episode in every copy; observations (N, ...). The first call seeds."""

    def step(self, actions: np.ndarray) -> Step:
        """Take actions (N,) int32."""

    def picture(self) -> np.ndarray:
        """What a person would see of the first copy, (height, width, 3) uint8."""

    def close(self) -> None:
        """Free what the copies hold."""


def make(
    name: str, count: int, seed: int = 0, sticky: float = 0.0, all_actions: bool = False, pictures: bool = False
) -> Environments:
    """N copies of an environment.

    Args:
        name: 'cartpole', 'pong', another Atari game such as 'breakout', or an id of gymnasium such as 'Acrobot-v1'.
        seed: copies get seed, seed + 1, ...
        sticky: Atari only, the probability with which the emulator repeats the last action instead.
        all_actions: Pong only, all six actions of its joystick instead of the three that differ.
        pictures: whether `picture` will be called.

    Raises:
        InputError: no such environment, actions that are no choice, observations that are neither vectors nor images,
            or options that it does not have.
    """
    if count < 1:
        raise InputError(f"environments must be at least 1, got {count}")
    if not 0 <= sticky < 1:
        raise InputError(f"sticky must be at least 0 and less than 1, got {sticky}")
    game = atari_game(name)
    if game:
        return Atari(game, count, seed, sticky, all_actions, pictures)
    if sticky or all_actions:
        raise InputError(f"{name}: sticky and all_actions are options of Atari games")
    return Gymnasium(NAMES.get(name, name), count, seed, pictures)


class Gymnasium:
    """An environment of gymnasium with Box observations and discrete actions."""

    def __init__(self, name: str, count: int, seed: int = 0, pictures: bool = False):
        self._env = _make_vec(name, count, "rgb_array" if pictures else None)
        self.name, self.count, self._seed = name, count, seed
        self._mode = self._env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        self._restarting = np.zeros(count, bool)
        space = self._env.single_observation_space
        self.actions, self._first = _number_of_actions(name, self._env.single_action_space)
        self.dtype = np.uint8 if space.dtype == np.uint8 else np.float32
        self.observation_shape = self._prepared(np.zeros((1, *_box_shape(name, space)), self.dtype)).shape[1:]

    def reset(self) -> np.ndarray:
        observations, _ = self._env.reset(seed=self._seed)
        self._seed = None  # from now on the random streams go on
        self._restarting[:] = False
        return self._prepared(observations)

    def step(self, actions: np.ndarray) -> Step:
        observations, rewards, terminated, truncated, info = self._env.step(actions + self._first)
        over, valid = terminated | truncated, ~self._restarting
        finals = observations
        if self._mode == AutoresetMode.NEXT_STEP:  # the next step will only start the new episode
            self._restarting = over
        elif self._mode == AutoresetMode.SAME_STEP:
            finals = _finals(info, observations)
        elif over.any():
            finals = observations.copy()
            observations, _ = self._env.reset(options={"reset_mask": over})
        rewards = _checked(self.name, rewards)
        return Step(
            self._prepared(observations), rewards, terminated, truncated, over & valid, self._prepared(finals), valid
        )

    def picture(self) -> np.ndarray:
        return self._env.render()[0]

    def close(self) -> None:
        self._env.close()

    def _prepared(self, observations: np.ndarray) -> np.ndarray:
        if observations.ndim == 4:  # (N, height, width, channels), as gymnasium has it
            observations = np.moveaxis(observations, -1, 1)
        return observations.astype(self.dtype, copy=False)


class Atari:
    """An Atari game in ale-py's emulator, every fourth frame, in grey; Pong is cropped to the field.

    Pong's returns end with each point: nothing that was done before a point decides the next.
    """

    def __init__(
        self,
        game: str,
        count: int,
        seed: int = 0,
        sticky: float = 0.0,
        all_actions: bool = False,
        pictures: bool = False,
    ):
        screen = SCREENS.get(game, Screen())
        played = {"num_envs": count, "repeat_action_probability": sticky, "autoreset_mode": AutoresetMode.SAME_STEP}
        seen = {"img_height": screen.height, "img_width": screen.width, "stack_num": screen.frames}
        self._env = AtariVectorEnv(game, **played, **seen)
        # The emulator shows one picture at a time: a twin that is played alike shows people's.
        shown = {"img_height": 210, "img_width": 160, "stack_num": 1, "grayscale": False}
        self._twin = AtariVectorEnv(game, **played, **shown) if pictures else None
        self.name, self.count, self._seed, self._rows = game, count, seed, screen.rows
        self._points_end = screen.points_end
        every = range(self._env.single_action_space.n)
        self._joystick = np.array(every if all_actions else screen.joystick or every, np.int32)
        self.actions, self.dtype = len(self._joystick), np.uint8
        self.observation_shape = (screen.frames, len(range(*screen.rows.indices(screen.height))), screen.width)

    def reset(self) -> np.ndarray:
        observations, _ = self._env.reset(seed=self._seed)
        if self._twin:
            self._picture = self._twin.reset(seed=self._seed)[0][0, 0]
        self._seed = None
        return observations[:, :, self._rows]

    def step(self, actions: np.ndarray) -> Step:
        observations, rewards, terminated, truncated, info = self._env.step(self._joystick[actions])
        if self._twin:
            self._picture = self._twin.step(self._joystick[actions])[0][0, 0]
        rewards, over = _checked(self.name, rewards), terminated | truncated
        if self._points_end:
            terminated = terminated | (rewards != 0)
        finals = _finals(info, observations) if truncated.any() else observations
        finals, observations = finals[:, :, self._rows], observations[:, :, self._rows]
        return Step(observations, rewards, terminated, truncated, over, finals, np.ones(self.count, bool))

    def picture(self) -> np.ndarray:
        return self._picture

    def close(self) -> None:
        self._env.close()
        if self._twin:
            self._twin.close()


class Screen(NamedTuple):
    """How a game is looked at and played.

    Attributes:
        height, width: of the screen once scaled down, in pixels.
        rows: that are kept of it.
        frames: that an observation holds, so that it shows movement.
        joystick: the actions to choose from, in ALE's numbers of the game; None for all.
        points_end: whether a point ends the return.
    """

    height: int = 84
    width: int = 84
    rows: slice = slice(None)
    frames: int = 4
    joystick: tuple[int, ...] | None = None
    points_end: bool = False


# Pong: the ball crosses in about 15 observed frames, so two frames and half the width are enough. RIGHT moves the
# paddle up, LEFT down; FIRE does nothing.
SCREENS = {"pong": Screen(105, 40, slice(17, 97), 2, (0, 2, 3), points_end=True)}


def atari_game(name: str) -> str | None:
    """The ROM's name of 'pong' or 'ALE/Pong-v5'; None if `name` is no Atari game."""
    short = name.removeprefix("ALE/").removesuffix("-v5")
    game = _rom(short)
    known = ale_py.roms.get_all_rom_ids()
    if game in known:
        if ale_py.roms.get_rom_path(game) is None:
            raise InputError(f"{game}: its ROM is missing: install ale-py again, the ROMs are in its package")
        return game
    old = re.fullmatch(r"([A-Z]\w*?)(NoFrameskip|Deterministic)?-v\d", short)
    if old and (game := _rom(old[1])) in known and _is_of_emulator(name):
        raise InputError(f"{name} is not preprocessed: use {game}, which is: every fourth frame, small and grey")
    if name.startswith("ALE/"):
        raise InputError(f"no Atari game {short!r}{_nearest(game, known)}")
    return None


def _is_of_emulator(name: str) -> bool:
    """Whether gymnasium has nothing else of that name, as it has with Blackjack-v1."""
    return name not in gym.registry or str(gym.registry[name].entry_point).startswith("ale_py")


def _rom(name: str) -> str:
    """'space_invaders' of 'SpaceInvaders'."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _make_vec(name: str, count: int, render_mode: str | None) -> gym.vector.VectorEnv:
    if name not in gym.registry:
        raise InputError(f"no environment {name!r}{_nearest(name, [*NAMES, 'pong', *gym.registry])}")
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # what draws the pictures would look for a screen
    try:
        return gym.make_vec(name, num_envs=count, render_mode=render_mode)
    except (gym.error.Error, ImportError) as error:
        raise InputError(f"{name} cannot be made: {str(error).splitlines()[0]}") from error


def _nearest(name: str, known) -> str:
    near = difflib.get_close_matches(name, known, 3)
    return f": did you mean {' or '.join(near)}?" if near else ": use cartpole, pong, or an id of gymnasium"


def _number_of_actions(name: str, space: gym.Space) -> tuple[int, int]:
    """How many there are, and the number of the first."""
    if not isinstance(space, gym.spaces.Discrete):
        raise InputError(f"{name} has actions of type {type(space).__name__}: this agent chooses among discrete ones")
    return int(space.n), int(space.start)


def _box_shape(name: str, space: gym.Space) -> tuple[int, ...]:
    if not isinstance(space, gym.spaces.Box) or len(space.shape) not in (1, 3):
        shape = f"shape {space.shape}" if isinstance(space, gym.spaces.Box) else f"type {type(space).__name__}"
        raise InputError(f"{name} has observations of {shape}: this agent sees vectors and images (Box of 1 or 3 axes)")
    return space.shape


def _finals(info: dict, observations: np.ndarray) -> np.ndarray:
    """The last observations of episodes that ended within this step; those of other copies stay."""
    if "final_obs" not in info:
        return observations
    finals = info["final_obs"]
    if finals.dtype != object:
        return finals
    kept = observations.copy()
    for place in np.flatnonzero(info["_final_obs"]):
        kept[place] = finals[place]
    return kept


def _checked(name: str, rewards: np.ndarray) -> np.ndarray:
    if not np.isfinite(rewards).all():
        bad = int(np.flatnonzero(~np.isfinite(rewards))[0])
        raise InputError(f"{name}: copy {bad} gave the reward {rewards[bad]}: mend the environment, rewards are finite")
    return rewards.astype(np.float32)
