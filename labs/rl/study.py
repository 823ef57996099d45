"""All runs behind results/labs/rl: seeds of each algorithm, what the options change, tables, curves and videos.

A finished run is kept in `.cache/rl` and not made again; one that was killed goes on.
"""

import dataclasses
import itertools
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from debias import plots
from debias.errors import InputError
from debias.files import write_text
from debias.provenance import ROOT, provenance
from labs.rl import peer, pictures, report, settings, training, video
from labs.rl.agent import Agent
from labs.rl.evaluation import evaluate
from labs.rl.settings import Settings

SEEDS = range(21, 26)  # settings were tried with seeds 0, 1, 11, 12, 100 and 101
GAMES = 50  # of an evaluation
STICKY_GAMES = 20  # they last longer
STICKY = 0.25  # what gymnasium's own Pong does to its players
CACHE = ROOT / ".cache" / "rl"
RESULTS = ROOT / "results" / "labs" / "rl"
RUN, SUMMARY = "run.json", "summary.json"
VIDEO_SECONDS = 20


@dataclasses.dataclass(frozen=True)
class Trial:
    """Settings, over some seeds.

    Attributes:
        name: environment/what is tried.
        games: of an evaluation.
    """

    name: str
    settings: Settings
    seeds: Sequence[int] = SEEDS
    games: int = GAMES


TRIALS = (
    Trial("cartpole/reinforce", settings.CARTPOLE_REINFORCE),
    Trial("cartpole/a2c", settings.CARTPOLE_A2C),
    Trial("cartpole/ppo", settings.CARTPOLE),
    Trial("pong/ppo", settings.PONG),
    Trial("pong/reinforce", settings.PONG_REINFORCE, SEEDS[:2]),
    Trial("pong/ppo, all actions", dataclasses.replace(settings.PONG, all_actions=True), SEEDS[:1]),
)
TOY = {"steps": 300, "copies": 4, "horizon": 32, "reports": 2, "goal": None}
GOALS = {"cartpole": 475.0, "pong": 18.0}


def complete(folder: Path, smoke: bool = False) -> str:
    """Make every run that is missing, then tables, curves, videos and the trained agent in `folder`.

    Args:
        smoke: one toy run of CartPole alone, in a folder of its own.

    Returns:
        The tables, as Markdown.
    """
    cache = folder / "runs" if smoke else CACHE
    trials = [trial for trial in TRIALS if not smoke or trial.name == "cartpole/ppo"]
    records = [record for trial in trials for record in run(_toy(trial) if smoke else trial, cache)]
    if not smoke and (RESULTS / peer.SPEED).exists() and not (folder / peer.SPEED).exists():
        shutil.copyfile(RESULTS / peer.SPEED, folder / peer.SPEED)  # measuring it again needs what is no requirement
    write_results(records, folder, seconds=1 if smoke else VIDEO_SECONDS)
    if smoke:
        shutil.rmtree(cache)
    return (folder / "table.md").read_text("utf-8")


def named(names: Sequence[str]) -> list[Trial]:
    """The trials of these names; all of them without any.

    Raises:
        InputError: there is no such trial.
    """
    known = {trial.name: trial for trial in TRIALS}
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"no trial {unknown[0]!r}: use some of {'; '.join(known)}")
    return [known[name] for name in names or known]


def _toy(trial: Trial) -> Trial:
    toy = dataclasses.replace(trial.settings, **TOY)
    return Trial(trial.name, toy, range(1), games=toy.copies)  # as many copies as in training: compiled already


def run(trial: Trial, cache: Path, say: Callable[[str], None] = print) -> Iterator[dict]:
    """Train and judge each seed of a trial; yields its record, an old one where there is one.

    Raises:
        InputError: an old one has other settings.
    """
    for seed in trial.seeds:
        chosen = dataclasses.replace(trial.settings, seed=seed)
        folder = cache / trial.name.replace(", ", "-") / str(seed)
        if not (folder / RUN).exists():
            say(f"{trial.name}, seed {seed}: {chosen.steps:,} steps at most")
            write_text(folder / RUN, json.dumps(_record(trial, chosen, folder), indent=1) + "\n")
        record = training.read_json(folder / RUN)
        if record.get("settings") != dataclasses.asdict(chosen):
            raise InputError(f"{folder} was made with other settings: delete it to make it anew")
        yield record | {"folder": str(folder)}


def _record(trial: Trial, chosen: Settings, folder: Path) -> dict:
    agent = training.train(chosen, folder)
    spent = training.read_log(folder)[["steps", "minutes", "mean_return"]].iloc[-1].astype(float).to_dict()
    made = {"settings": dataclasses.asdict(chosen), **provenance()}
    return {"trial": trial.name, "seed": chosen.seed, **spent, **_judged(agent, chosen, trial.games), **made}


def _judged(agent: Agent, chosen: Settings, games: int) -> dict:
    """Mean returns of fresh, full episodes of the sampled and of the greedy policy; of Pong with sticky actions too."""
    ways = [("", 0.0, games)] + [("sticky_", STICKY, STICKY_GAMES)] * (chosen.environment == "pong")
    judged = {}
    for (prefix, sticky, count), policy in itertools.product(ways, ("sampled", "greedy")):
        played = {"greedy": policy == "greedy", "sticky": sticky, "all_actions": chosen.all_actions}
        returns = evaluate(agent, chosen.environment, count, **played)
        judged[f"{prefix}{policy}_mean"] = float(returns.mean())
        judged[f"{prefix}{policy}_returns"] = sorted(returns.tolist())
    return judged


def write_results(records: Sequence[dict], folder: Path, seconds: float = VIDEO_SECONDS) -> None:
    """Tables, curves, videos of so many seconds, the trained agent and summary.json, from records of finished runs."""
    logs = pd.concat([_log(record) for record in records])
    write_text(folder / "logs.csv", logs.to_csv(index=False, float_format="%.6g"))
    for environment, runs in logs.groupby("environment"):
        learners = runs[~runs["algorithm"].str.contains(",")]
        figure = pictures.curves(learners, GOALS[environment], environment.capitalize())
        plots.save(figure, folder / f"{environment}.png")
        _keep_best(environment, records, folder, seconds)
    write_tables(report.summary(records), folder)


def write_tables(summary: dict, folder: Path) -> None:
    """summary.json and table.md, with the speed that was last compared in this folder."""
    speed = peer.speed(folder)
    write_text(folder / SUMMARY, json.dumps(report.with_speed(summary, speed), indent=1) + "\n")
    write_text(folder / "table.md", report.tables(summary["runs"], speed))


def compare(folder: Path) -> dict:
    """Measure the speed beside stable-baselines3's and renew the folder's tables; returns what was measured."""
    measured = peer.compare(folder)
    if (folder / SUMMARY).exists():
        write_tables(training.read_json(folder / SUMMARY, peer.RESTORE), folder)
    return measured


def _log(record: dict) -> pd.DataFrame:
    environment, algorithm = record["trial"].split("/")
    log = training.read_log(Path(record["folder"]))
    return log.assign(environment=environment, algorithm=algorithm, seed=record["seed"])


def _keep_best(environment: str, records: Sequence[dict], folder: Path, seconds: float) -> None:
    """The PPO agent that was best at the end of its training, before and after: two videos, and the agent itself."""
    agents = [record for record in records if record["trial"] == f"{environment}/ppo"]
    best = Path(max(agents, key=lambda record: record["mean_return"])["folder"])
    shutil.copyfile(best / training.AGENT, folder / f"{environment}.keras")
    agent = training.load_for(environment, best)
    video.record(folder / f"{environment}_before.gif", environment, seconds=seconds)
    video.record(folder / f"{environment}_after.gif", environment, agent, seconds=seconds)
