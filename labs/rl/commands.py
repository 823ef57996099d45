"""The commands behind python -m labs.rl."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from debias.commandline import parse
from debias.progress import progress_bar
from labs.rl import report, settings, study, training, video


@dataclasses.dataclass(frozen=True)
class Train:
    """Train an agent, or finish a training that was interrupted.

    Examples:
        python -m labs.rl train --env cartpole --folder cartpole
        python -m labs.rl train --env pong --seed 1 --folder pong
        python -m labs.rl train --env ALE/Breakout-v5 --steps 5000000 --folder breakout
    """

    env: str
    """cartpole, pong, another Atari game, or an id of gymnasium with discrete actions."""
    folder: Path
    """For the agent, the log and the checkpoint; one that holds a training is gone on with."""
    algorithm: str = "ppo"
    """reinforce, a2c or ppo."""
    seed: int = 0
    steps: int | None = None
    """Of all copies together; None takes the environment's."""
    sticky: float = 0.0
    """Atari: probability with which the emulator repeats the last action instead."""
    all_actions: bool = False
    """Pong: all six actions of its joystick instead of the three that differ."""

    def __call__(self) -> int:
        chosen = settings.for_environment(self.env, self.algorithm)
        given = {"seed": self.seed, "sticky": self.sticky, "all_actions": self.all_actions}
        chosen = dataclasses.replace(chosen, **given, steps=chosen.steps if self.steps is None else self.steps)
        with progress_bar(Console(stderr=True)) as progress:
            task = progress.add_task(self.env, total=chosen.steps)

            def report(row: dict) -> None:
                title = f"{self.env}, mean return {row['mean_return']:.1f}"
                progress.update(task, completed=min(row["steps"], chosen.steps), description=title)

            training.train(chosen, self.folder, report)
        print(training.read_log(self.folder).tail(1).to_string(index=False))
        print(f"agent and log: {self.folder}")
        return 0


@dataclasses.dataclass(frozen=True)
class Play:
    """Watch an agent: a video of one game, and its return.

    Examples:
        python -m labs.rl play --env pong --checkpoint results/labs/rl/pong.keras
        python -m labs.rl play --env cartpole --checkpoint cartpole --video pole.gif --greedy
    """

    env: str
    checkpoint: Path
    """An agent.keras, or the folder of a training."""
    video: Path = Path("game.gif")
    seconds: float = 120.0
    """At most; a game of Pong lasts about two minutes."""
    seed: int = 20_000
    greedy: bool = False
    """Take the likeliest action instead of drawing one."""
    sticky: float = 0.0
    all_actions: bool = False

    def __call__(self) -> int:
        agent = training.load_for(self.env, self.checkpoint, self.all_actions)
        total = video.record(
            self.video, self.env, agent, self.seconds, self.seed, self.greedy, self.sticky, self.all_actions
        )
        print(f"return {total:g}, video: {self.video}")
        return 0


@dataclasses.dataclass(frozen=True)
class Compare:
    """Steps a second beside stable-baselines3's PPO, which must be installed; renews the table in results/labs/rl.

    It takes ten minutes or more, on an otherwise idle machine.

    Example:
        .venv/bin/pip install stable-baselines3 && python -m labs.rl compare
    """

    def __call__(self) -> int:
        for name, value in study.compare(study.RESULTS).items():
            print(f"{name:<22}{value if isinstance(value, str) else f'{value:,.2f}'}")
        return 0


@dataclasses.dataclass(frozen=True)
class Study:
    """Make the runs behind results/labs/rl that are missing, all or those of one trial.

    Examples:
        python -m labs.rl study
        python -m labs.rl study cartpole/ppo
    """

    names: Annotated[tuple[str, ...], tyro.conf.Positional] = ()

    def __call__(self) -> int:
        for trial in study.named(self.names):
            for record in study.run(trial, study.CACHE):
                means = ", ".join(f"{name} {record[name]:.1f}" for name in report.PLAYED if name in record)
                print(f"{trial.name}, seed {record['seed']}: {record['minutes']:.1f} min, {means}")
        return 0


COMMANDS = {"train": Train, "play": Play, "compare": Compare, "study": Study}


def run(arguments: list[str]) -> int:
    """Parse and run one command; returns the exit code."""
    return parse(COMMANDS, "python -m labs.rl", __doc__, arguments)()
