"""Images a second of DB-VAE's training, beside the same step on one fixed batch and beside other pipelines.

All train the same network with the same loss. `fixed` is the bound: a step that never asks for another batch.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

from debias import dbvae, devices
from debias.backend import tf
from debias.data.dataset import Dataset
from debias.data.pipeline import batches_of, untuned
from debias.training import annealed_adam, on_gpu
from experiments.benchmark import course, noise, twin
from experiments.benchmark.child import Child
from experiments.benchmark.peers import Peers
from experiments.benchmark.timing import Measurements, ratios, rounds, speeds
from experiments.settings import FACES

Trainer = Callable[[int], object]  # of a number of steps

Plan = Mapping[int, tuple[str, ...]]  # size of a batch -> what is measured there

IMAGES = 1_280  # of a round
EPOCH = 5_120  # of a round of our own, about an epoch of the experiments: each epoch starts its readers anew
OWN = ("fixed", "resident", "streamed")
TRIALS = ("one_thread", "no_onednn", "many_steps", "bfloat16")
STEPS_AT_ONCE = 10
_ALONE = 20_000  # images that a process of its own makes resident
WHOLE: Plan = {32: (*OWN, "lab", "lab_decoding_all"), 128: (*OWN, "lab", "torch", "pillow", *TRIALS), 256: OWN}
QUICKEST: Plan = {32: (*OWN, "lab")}
QUICK: Plan = QUICKEST | {128: ("resident", "torch")}


def speed(file: Path, peers: Peers, plan: Plan, count: int) -> Measurements:
    """Images a second of every trainer at every batch size, and how many times as fast ours is.

    Args:
        file: of `noise.stored`.
        peers: those that are missing are left out of the plan.
        count: rounds.
    """
    found, data = {}, noise.opened(file)
    loaded = course.loader(peers.course, file) if peers.course else None
    for size, names in plan.items():
        with contextlib.ExitStack() as stack:
            made = {name: partial(trainer, data, size, name) for name in OWN}
            made |= _peers(file, peers, loaded, size) | _trials(file, data, size)
            trainers = {name: _kept(stack, made[name]()) for name in names if name in made}
            found |= compared(trainers, size, count)
    return found


def trainer(
    data: Dataset, batch_size: int, images: str = "resident", precision: str = "auto", at_once: int = 1
) -> Trainer:
    """DB-VAE's training as `debias.training.fit` sets it up, without what happens between epochs.

    Args:
        images: 'resident', 'streamed', or 'fixed', which takes the first batch again and again.
        at_once: Keras' steps_per_execution.
    """
    config = dataclasses.replace(
        FACES, batch_size=batch_size, images="resident" if images == "fixed" else images, precision=precision
    )
    with devices.scope(config):
        model, batches = dbvae.build(config, data.image_shape), batches_of(data, config)
        model.compile(annealed_adam(1e-3, 10**6), jit_compile=on_gpu(), steps_per_execution=at_once)
    first = batches(tf.constant(0)) if images == "fixed" else None
    model.batches = None if batches.streamed else (lambda step: first) if first else batches

    @cache  # made once a training, and gone through in each of its epochs
    def epoch(steps: int) -> tf.data.Dataset:
        return batches.ahead(steps, lambda: 0) if batches.streamed else untuned(tf.data.Dataset.range(steps))

    return lambda steps: model.fit(epoch(steps), verbose=0, shuffle=False)


def alone(file: Path, batch_size: int, threads: int | None = None) -> Trainer:
    """The same of resident images in a process that has not loaded TensorFlow yet, on so many threads or on all."""
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    return trainer(noise.opened(file, _ALONE), batch_size)


def compared(trainers: Mapping[str, Trainer], size: int, count: int) -> Measurements:
    """Speeds of trainers at one batch size, and ratios: ours to the bound and to each peer, trials to ours."""
    steps = {name: max(1, (EPOCH if name in OWN else IMAGES) // size) for name in trainers}
    seconds = rounds({name: partial(train, steps[name]) for name, train in trainers.items()}, count)
    each = {name: [second / (steps[name] * size) for second in found] for name, found in seconds.items()}
    found = {f"{name}_b{size}_images_per_s": speeds(each[name], 1) for name in trainers}
    for name, ratio in {"resident": "resident_ratio", "streamed": "streaming_ratio"}.items():
        if {name, "fixed"} <= trainers.keys():
            found[f"{ratio}_b{size}"] = ratios(each["fixed"], each[name])
    for name in trainers.keys() - set(OWN) - set(TRIALS):
        found[f"vs_{name}_b{size}"] = ratios(each[name], each["resident"])
    for name in trainers.keys() & set(TRIALS):
        found[f"trial_{name}"] = ratios(each["resident"], each[name])
    return found


def _peers(file: Path, peers: Peers, loaded, batch_size: int) -> dict[str, Callable[[], Trainer]]:
    """Name -> what makes the trainer, of the peers that are there."""
    made = {}
    if loaded:
        made["lab"] = partial(course.trainer, loaded, batch_size)
        made["lab_decoding_all"] = partial(course.trainer, loaded, batch_size, decode_all=True)
    if peers.torch:
        made["torch"] = partial(Child, twin.trainer, peers.torch, file, batch_size)
        made["pillow"] = partial(Child, twin.trainer, peers.torch, file, batch_size, True)
    return made


def _trials(file: Path, data: Dataset, batch_size: int) -> dict[str, Callable[[], Trainer]]:
    """Name -> what makes our trainer of resident images with one other setting."""
    without = {"TF_ENABLE_ONEDNN_OPTS": "0"}
    return {
        "one_thread": partial(Child, alone, file, batch_size, 1),
        "no_onednn": partial(Child, alone, file, batch_size, environment=without),
        "many_steps": partial(trainer, data, batch_size, at_once=STEPS_AT_ONCE),
        "bfloat16": partial(trainer, data, batch_size, precision="mixed_bfloat16"),
    }


def _kept(stack: contextlib.ExitStack, trainer: Trainer) -> Trainer:
    """A child lives until all have been measured."""
    return stack.enter_context(trainer) if isinstance(trainer, Child) else trainer
