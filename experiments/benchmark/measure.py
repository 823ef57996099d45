"""All that the benchmark measures, in full or in four minutes."""

from collections.abc import Mapping
from pathlib import Path

from experiments.benchmark import images, memory, noise, peers, profile, sampling, sweeps, training
from experiments.benchmark.peers import Peers
from experiments.benchmark.timing import Measurements, medians

ROUNDS = 5
KEYS = (  # of the last line
    "resident_ratio_b32",
    "streaming_ratio_b32",
    "vs_lab_b32",
    "sampler_vs_lab",
    "resampling_55k_s",
    "rss_400k_gb",
    "vs_torch_b128",
    "faces_per_core_s",
)


def measure(cache: Path) -> tuple[Measurements, Peers]:
    """Everything, with peers that are installed first: about twenty minutes on two idle cores."""
    there = peers.installed(cache)
    found = profile.run_profile(cache) | sweeps.runs_per_hour(cache) | memory.streaming_memory(cache, whole=True)
    found |= sampling.resampling_speed(ROUNDS, whole=True)
    with noise.stored(cache) as file:
        found |= _of_file(file, there, training.WHOLE, ROUNDS)
        found |= images.encoding_speed(noise.opened(file), 3)
    found |= images.rendering_speed(cache, 3) | images.preparation_speed(ROUNDS) | images.window_speed(ROUNDS)
    return found, there


def quick(cache: Path) -> Measurements:
    """What the last line says, in about four minutes, with those peers that an earlier call has installed."""
    there = peers.found(cache)
    found = memory.streaming_memory(cache, whole=False) | sampling.resampling_speed(3, whole=False)
    with noise.stored(cache) as file:
        found |= _of_file(file, there, training.QUICK if there.torch else training.QUICKEST, 3)
    return found | images.rendering_speed(cache, 1, 30)


def last_line(measured: Mapping[str, list[float]]) -> dict[str, float | None]:
    """Medians by the names of KEYS, None for what was not measured."""
    return {name: medians(measured).get(name) for name in KEYS}


def _of_file(file: Path, there: Peers, plan: training.Plan, count: int) -> Measurements:
    found = training.speed(file, there, plan, count)
    return found | (sampling.sampler_speed(file, there.course, count) if there.course else {})
