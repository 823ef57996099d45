"""Drawing batches, and turning latents into sampling probabilities."""

import dataclasses
import statistics
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from debias import resampling
from debias.backend import tf
from debias.data.dataset import Dataset
from debias.data.pipeline import BalancedBatches
from experiments.benchmark import course, noise
from experiments.benchmark.timing import Job, Measurements, ratios, rounds

BATCH = 32
DRAWS = {"ours": 2_000, "theirs": 50}  # batches of a round
FACES, K = 55_000, 100  # of the course's file, and its latents
COUNTS, LATENTS = (50_000, 100_000, 200_000, 400_000), (25, 50, 100, 200)


def sampler_speed(file: Path, module: Path, count: int) -> Measurements:
    """Microseconds to draw a batch by weights, in our compiled step and by the course's loader, and their ratio.

    Both give whole batches of images of one pixel, so that hardly anything but the draws takes time.
    """
    loaded, pixels = course.loader(module, file), _first_pixels(noise.opened(file))
    loaded.images = pixels.source
    batches, probabilities = BalancedBatches(pixels, BATCH), course.uniform(loaded)

    def theirs() -> None:
        for _ in range(DRAWS["theirs"]):
            loaded.get_batch(BATCH, p_pos=probabilities)

    seconds = rounds({"ours": partial(_drawing(batches), tf.constant(DRAWS["ours"])), "theirs": theirs}, count)
    each = {name: [second / DRAWS[name] for second in found] for name, found in seconds.items()}
    micro = {f"sampler_{name}_us": [1e6 * second for second in found] for name, found in each.items()}
    return {**micro, "sampler_vs_lab": ratios(each["theirs"], each["ours"])}


def resampling_speed(count: int, whole: bool) -> Measurements:
    """Seconds from latents (N, k) to probabilities by the max rule, and by the product at the course's size.

    Args:
        whole: also for other N and k, and the slopes of seconds over each on logarithmic axes.
    """
    usual = {"resampling_55k": _resampling(FACES, K), "resampling_55k_product": _resampling(FACES, K, "product")}
    found = _seconds(usual, count)
    if whole:
        by_count = _seconds({f"resampling_{n // 1000}k_x{K}": _resampling(n, K) for n in COUNTS}, count)
        by_latents = _seconds({f"resampling_55k_x{k}": _resampling(FACES, k) for k in LATENTS}, count)
        slopes = {"resampling_slope_n": [slope(COUNTS, by_count)], "resampling_slope_k": [slope(LATENTS, by_latents)]}
        found |= by_count | by_latents | slopes
    return found


def slope(sizes: tuple[int, ...], seconds: Mapping[str, list[float]]) -> float:
    """The exponent p of seconds ~ size^p, fitted to the medians: 1 where time grows in proportion."""
    medians = [statistics.median(each) for each in seconds.values()]
    return float(np.polyfit(np.log(sizes), np.log(medians), 1)[0])


def _seconds(jobs: Mapping[str, Job], count: int) -> Measurements:
    return {f"{name}_s": seconds for name, seconds in rounds(jobs, count).items()}


def _resampling(faces: int, k: int, rule: str = "max") -> Job:
    latents = np.random.default_rng(0).standard_normal((faces, k), np.float32)
    return partial(resampling.sampling_probabilities, latents, rule)


def _drawing(batches: BalancedBatches) -> tf.types.experimental.GenericFunction:
    """A compiled loop over steps, which asks for each step's batch."""

    @tf.function
    def draw(steps):
        total = tf.constant(0.0)
        for step in tf.range(steps):
            images, labels = batches(step)
            total += tf.reduce_sum(images) + tf.reduce_sum(labels)  # or nothing of it would be computed
        return total

    return draw


def _first_pixels(data: Dataset) -> Dataset:
    return dataclasses.replace(data, source=np.ascontiguousarray(data.source[:, :1, :1]))
