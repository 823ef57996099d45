"""Records of finished runs -> tables and summary.json."""

from collections.abc import Mapping, Sequence

import pandas as pd

from debias.markdown import markdown

PLAYED = {
    "sampled_mean": "sampled",
    "greedy_mean": "greedy",
    "sticky_sampled_mean": "sampled, sticky",
    "sticky_greedy_mean": "greedy, sticky",
}
CAPTION = (
    "Means of 50 fresh episodes (20 with sticky actions), each played to its end. 'sampled' draws actions from the "
    "policy, 'greedy' takes the likeliest; 'sticky': the emulator repeats the last action with probability .25, "
    "whatever the agent wants. Minutes of training from scratch; 'last 100' is the mean of the last 100 episodes of it."
)
PEERS = {
    "sb3": "stable-baselines3, its own Atari environments",
    "sb3_on_ours": "stable-baselines3's learner on this lab's emulator",
}
ORIGIN = ("commit", "versions", "host")
EACH = ("seed", "steps", "minutes", "mean_return", *PLAYED)


def summary(records: Sequence[Mapping]) -> dict:
    """Per environment and algorithm a line for each seed, the settings, and where the runs came from."""
    runs: dict[str, dict[str, list]] = {}
    for record in records:
        environment, algorithm = record["trial"].split("/")
        line = {name: record[name] for name in EACH if name in record}
        runs.setdefault(environment, {}).setdefault(algorithm, []).append(line)
    settings = {record["trial"]: dict(record["settings"], seed="each") for record in records}
    return {"runs": runs, "settings": settings, **{name: sorted({x[name] for x in records}) for name in ORIGIN}}


def with_speed(summary: Mapping, speed: Mapping) -> dict:
    """A summary with what `peer.compare` measured, in the place of what it measured before."""
    return dict(summary) | {f"speed_{name}" if name in ORIGIN else name: value for name, value in speed.items()}


def tables(runs: Mapping[str, Mapping[str, Sequence]], speed: Mapping) -> str:
    """Markdown: a table for each environment, a line a seed and a mean, then the speed."""
    parts = [_table(environment, algorithms) for environment, algorithms in runs.items()]
    return "\n\n".join([CAPTION, *parts, *_speed_table(speed)]) + "\n"


def _table(environment: str, algorithms: Mapping[str, Sequence]) -> str:
    first = next(iter(algorithms.values()))[0]
    played = {name: title for name, title in PLAYED.items() if name in first}
    lines = []
    for name, runs in algorithms.items():
        lines += [_line(name, f"{run['seed']}", run, played) for run in runs]
        if len(runs) > 1:
            lines.append(_line(f"**{name}**", f"mean of {len(runs)}", pd.DataFrame(runs).mean(), played))
    header = ["algorithm", "seed", "steps", "minutes", "last 100", *played.values()]
    return f"**{environment.capitalize()}**\n\n{markdown(header, lines)}"


def _line(name: str, seed: str, run: Mapping, played: Mapping) -> list[str]:
    means = [f"{run[key]:.1f}" for key in ("minutes", "mean_return", *played)]
    return [name, seed, f"{run['steps']:,.0f}", *means]


def _speed_table(speed: Mapping) -> list[str]:
    if not speed:
        return []
    lines = [["this lab", f"{speed['sps']:,.0f}", ""]]
    lines += [[title, f"{speed[f'sps_{key}']:,.0f}", f"{speed[f'sps_vs_{key}']:.2f}"] for key, title in PEERS.items()]
    table = markdown(["PPO on Pong, same network and schedule", "steps a second", "ours is faster by"], lines)
    return [f"**Speed**, measured in turns on an idle machine; {speed['peers']}\n\n{table}"]
