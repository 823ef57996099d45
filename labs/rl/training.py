"""Training an agent: play, value, learn; with a log, checkpoints, and a killed run that ends as if it had not been."""

import dataclasses
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from debias.backend import keras, tf
from debias.callbacks import Checkpoints, EpochLog
from debias.errors import InputError
from debias.files import replacing, write_text
from debias.training import seed_everything
from labs.rl import algorithms, environments
from labs.rl.agent import Agent, Losses, network
from labs.rl.algorithms import Algorithm
from labs.rl.rollout import Player, play
from labs.rl.settings import Settings

AGENT, LOG, HISTORY, SETTINGS = "agent.keras", "log.csv", "history.npy", "settings.json"
AGAIN = "delete its folder to start the run again"
WINDOW = 100  # episodes that a mean return is taken over
Build = Callable[[tuple[int, ...], int], keras.Model]  # of an observation's shape and a number of actions


def train(
    settings: Settings,
    folder: Path | None = None,
    report: Callable[[dict], None] = lambda row: None,
    algorithm: Algorithm | None = None,
    build: Build = network,
) -> Agent:
    """Train an agent, or finish the training that `folder` has begun.

    Leaves the agent (`agent.keras`) and a log (`log.csv`) in `folder`: a row for each report with steps, minutes
    (of playing and learning), episodes, mean_return of the last 100 episodes, and the losses.

    Args:
        report: called with each row.
        algorithm: in the place of the one that the settings name.
        build: the network, from an observation's shape and the number of actions.
    """
    seed_everything(settings.seed)
    copies = environments.make(
        settings.environment, settings.copies, 1000 * settings.seed, settings.sticky, settings.all_actions
    )
    try:
        if folder and _is_over(folder, settings):
            return load(folder, copies.observation_shape, copies.actions)
        run = Run(settings, copies, folder, algorithm, build)
        while not run.finished:
            report(run.advance())
    finally:
        copies.close()
    return run.agent


class Run:
    """One training run, from report to report.

    Attributes:
        rows: of the log.
    """

    def __init__(
        self,
        settings: Settings,
        copies: environments.Environments,
        folder: Path | None = None,
        algorithm: Algorithm | None = None,
        build: Build = network,
    ):
        self.settings, self.folder = settings, folder
        self.agent = build_agent(settings, copies.observation_shape, copies.actions, algorithm, build)
        self.player = Player(copies, self.agent.algorithm.whole_episodes)
        self.position = Position()
        self.rows: list[dict] = []
        if folder:
            self._resume()

    @property
    def finished(self) -> bool:
        """Whether all steps are taken, or the goal is reached."""
        solved = self.settings.goal is not None and self._mean_return(WINDOW) >= self.settings.goal
        return self.player.steps >= self.settings.steps or solved

    def advance(self) -> dict:
        """Train until the next report, and keep what a rerun needs to go on from there; returns the report's row."""
        began, losses = time.perf_counter(), []
        due = (len(self.rows) + 1) * self.settings.steps / self.settings.reports
        while not losses or (self.player.steps < due and not self.finished):
            losses.append(self.update())
        minutes = (time.perf_counter() - began) / 60 + (self.rows[-1]["minutes"] if self.rows else 0)
        self.rows.append(self._row(minutes, np.mean(losses, axis=0)))
        if self.folder:
            self._keep()
        return self.rows[-1]

    def update(self) -> np.ndarray:
        """One rollout, and what is learnt from it; returns the means of `Losses`."""
        settings, left = self.settings, self._left()
        self.agent.optimizer.learning_rate.assign(settings.learning_rate * left)
        rollout = play(self.agent, self.player, settings.horizon, settings.seed)
        valued = self.agent.algorithm.estimate(rollout, settings.discount, settings.trace)
        updates = self.position.updates.assign_add(1).numpy()
        seed = np.array([settings.seed + 1, updates * settings.passes], np.int32)
        return self.agent.learn(rollout.batch(*valued), np.float32(settings.entropy * left), seed).numpy()

    def _left(self) -> float:
        """The share of learning rate and entropy that is left: all of it for half of the steps, then it falls."""
        falling = min(1.0, 2 * max(1 - self.player.steps / self.settings.steps, 0))
        return self.settings.floor + (1 - self.settings.floor) * falling

    def _row(self, minutes: float, losses: np.ndarray) -> dict:
        return {
            "steps": self.player.steps,
            "minutes": minutes,
            "episodes": len(self.player.returns),
            "mean_return": self._mean_return(1),
            **dict(zip(Losses._fields, losses.tolist(), strict=True)),
        }

    def _mean_return(self, least: int) -> float:
        """Of the last 100 episodes; NaN while there are fewer than `least`."""
        last = self.player.returns[-WINDOW:]
        return statistics.fmean(last) if len(last) >= least else float("nan")

    def _keep(self) -> None:
        """Write the log, the agent, all actions, and last the checkpoint: a kill in between repeats this report."""
        save(self.agent, self.folder / AGENT)
        with replacing(self.folder / HISTORY) as temporary:
            np.save(temporary, np.stack(self.player.history))
        self.position.played.assign(len(self.player.history))
        self.log.on_epoch_end(len(self.rows) - 1, self.rows[-1])
        self.checkpoints.on_epoch_end(len(self.rows) - 1)

    def _resume(self) -> None:
        """Go on behind the folder's last checkpoint, if there is one.

        An emulator cannot be saved, but repeated: the same actions bring it to the same state, in less than half of the
        time that they took to be learnt from.
        """
        _claim(self.folder, self.settings)
        self.checkpoints = Checkpoints(self.folder, self.agent.network, self.position)
        done = self.checkpoints.restore()
        self.log = EpochLog(self.folder / LOG, done)
        self.rows = [{name: float(value) for name, value in row.items()} for row in self.log.rows]
        if done:
            self.player.repeat(_history(self.folder / HISTORY)[: self.position.played.numpy()])


class Position(tf.Module):
    """How far a run has come, for its checkpoint: updates, and rows of its history of actions."""

    def __init__(self):
        super().__init__()
        self.updates, self.played = tf.Variable(0, dtype=tf.int64), tf.Variable(0, dtype=tf.int64)


def build_agent(
    settings: Settings,
    observation_shape: tuple[int, ...],
    actions: int,
    algorithm: Algorithm | None = None,
    build: Build = network,
) -> Agent:
    """A new agent with its optimiser."""
    net = build(observation_shape, actions)
    optimizer = keras.optimizers.Adam(settings.learning_rate, epsilon=1e-5, global_clipnorm=settings.gradient_norm)
    net.compile(optimizer)
    optimizer.build(net.trainable_variables)
    return Agent(
        net,
        algorithm or algorithms.algorithm(settings.algorithm),
        optimizer,
        settings.passes,
        settings.minibatches,
        settings.clip,
        settings.value_weight,
    )


def read_log(folder: Path) -> pd.DataFrame:
    """The log of a training, a row for each report; InputError where it is damaged."""
    try:
        log = pd.read_csv(folder / LOG)
        _ = log.iloc[-1][["steps", "minutes", "episodes", "mean_return"]].astype(float)
    except (OSError, ValueError, LookupError) as error:
        raise _damaged(folder / LOG) from error
    return log


def read_json(path: Path, remedy: str = AGAIN) -> dict:
    """What is in a JSON file; InputError where it is damaged, which ends with the `remedy`."""
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise _damaged(path, remedy) from error


def save(agent: Agent, path: Path) -> None:
    """Write an agent's network as a Keras file (.keras): its layers and their weights, nothing else."""
    network = agent.network
    # Another model of the same layers, since a compiled one takes its optimizer's numbers into the file, twice as many
    # as there are weights: Keras ignores include_optimizer where the name ends in .keras.
    with replacing(path) as temporary:
        keras.Model(network.input, network.output).save(temporary)


def load(path: Path, observation_shape: tuple[int, ...], actions: int) -> Agent:
    """A trained agent, to play.

    Raises:
        InputError: no whole agent there, or it sees or does something else.
    """
    path = Path(path) / AGENT if Path(path).is_dir() else Path(path)
    if not path.is_file():
        raise InputError(f"no agent at {path}: give an {AGENT}, or the folder of a training")
    try:
        net = keras.saving.load_model(path, compile=False)
        seen, chosen = tuple(net.input_shape[1:]), net.output_shape[0][-1]
    except Exception as error:  # of many types, depending on what is damaged
        raise InputError(f"{path}: not a whole agent: delete its folder and train it again") from error
    if seen != tuple(observation_shape):
        raise InputError(f"{path} sees observations of shape {seen}, these have {tuple(observation_shape)}")
    if chosen != actions:
        raise InputError(f"{path} chooses among {chosen} actions, here are {actions}: set all_actions as in training")
    return Agent(net, algorithms.ALGORITHMS["ppo"])


def load_for(environment: str, path: Path, all_actions: bool = False) -> Agent:
    """`load` for an environment's observations and actions."""
    copies = environments.make(environment, 1, all_actions=all_actions)
    try:
        return load(path, copies.observation_shape, copies.actions)
    finally:
        copies.close()


def _is_over(folder: Path, settings: Settings) -> bool:
    """Whether a folder holds a training from start to end; to go on with it would only repeat all of its play."""
    if not (folder / LOG).exists():
        return False
    _claim(folder, settings)
    last = read_log(folder).iloc[-1]
    solved = settings.goal is not None and last["episodes"] >= WINDOW and last["mean_return"] >= settings.goal
    return last["steps"] >= settings.steps or solved


def _claim(folder: Path, settings: Settings) -> None:
    """Write the settings beside what they made; refuse a folder of other ones."""
    ours, path = dataclasses.asdict(settings), folder / SETTINGS
    theirs = read_json(path) if path.exists() else ours
    for name, value in ours.items():
        if theirs.get(name) != value:
            raise InputError(
                f"{folder} holds a training with {name} {theirs.get(name)}, not {value}: give another folder"
            )
    write_text(path, json.dumps(ours, indent=1) + "\n")


def _history(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(path) from error


def _damaged(path: Path, remedy: str = AGAIN) -> InputError:
    return InputError(f"{path}: damaged or missing: {remedy}")
