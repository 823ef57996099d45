"""A game as an animated GIF, made without a screen."""

from pathlib import Path

import numpy as np
from PIL import Image

from debias.errors import InputError
from debias.files import check_output, replacing
from labs.rl import environments
from labs.rl.agent import Agent
from labs.rl.evaluation import choose
from labs.rl.settings import check_seed

LONGEST = 3600  # seconds
FRAMES_PER_SECOND = 15  # Pong's 60 Hz, every fourth frame: as fast as it is for people


def record(
    path: Path,
    environment: str,
    agent: Agent | None = None,
    seconds: float = 20,
    seed: int = 20_000,
    greedy: bool = False,
    sticky: float = 0.0,
    all_actions: bool = False,
) -> float:
    """Write a GIF of one episode, as far as it comes in so many seconds; returns its return so far.

    Args:
        agent: None plays at random.

    Raises:
        InputError: the file's name does not end in .gif, or there is no such time or seed.
    """
    path = Path(path)
    if path.suffix.lower() != ".gif":
        raise InputError(f"{path}: a video is written as a GIF: give a name that ends in .gif")
    if not 0 <= seconds < LONGEST:  # NaN is not, either
        raise InputError(f"seconds must be at least 0 and less than {LONGEST:,}, got {seconds}")
    check_seed(seed)
    check_output(path, overwrite=True)
    copies = environments.make(environment, 1, seed, sticky, all_actions, pictures=True)
    try:
        frames, total = _watch(copies, agent, int(seconds * FRAMES_PER_SECOND), seed, greedy)
    finally:
        copies.close()
    _write(path, frames)
    return total


def _watch(copies, agent, count, seed, greedy) -> tuple[list[Image.Image], float]:
    observations, random, total = copies.reset(), np.random.default_rng(seed), 0.0
    frames = [Image.fromarray(copies.picture())]
    for number in range(count):
        actions = (
            random.integers(0, copies.actions, 1, np.int32)
            if agent is None
            else choose(agent, observations, greedy, (seed, number))
        )
        step = copies.step(actions)
        observations, total = step.observations, total + float(step.rewards[0])
        if step.over[0]:  # the picture is of the next episode already
            break
        frames.append(Image.fromarray(copies.picture()))
    return frames, total


def _write(path: Path, frames: list[Image.Image]) -> None:
    """Few colours, and the same for all frames: what does not move then takes no space."""
    palette = frames[len(frames) // 2].quantize(32)
    first, *rest = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    with replacing(path) as temporary:
        first.save(
            temporary, save_all=True, append_images=rest, duration=1000 // FRAMES_PER_SECOND, loop=0, optimize=False
        )
