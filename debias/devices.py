"""Which devices a training uses, and how: strategies of `tf.distribute`, XLA and mixed precision."""

import contextlib
import functools
import json
import os
from collections.abc import Callable, Iterator

from debias.backend import keras, tf
from debias.config import Config
from debias.errors import InputError

STRATEGIES = ("mirrored", "workers")
HALF = "mixed_float16"  # of every GPU since Volta


def on_gpu() -> bool:
    """Whether TensorFlow sees a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def uses_xla(config: Config) -> bool:
    """Whether to compile steps with XLA: it pays on a GPU and halves the speed on CPU."""
    if config.xla and config.replicas > 1:
        raise InputError("XLA cannot compile a step that several devices share: leave out xla or the strategy")
    return on_gpu() and config.replicas == 1 if config.xla is None else config.xla


def precision(config: Config) -> str:
    """Keras' name of the numbers that layers compute in: halves on a GPU, whose tensor cores are made for them."""
    return (HALF if on_gpu() else "float32") if config.precision == "auto" else config.precision


def described(config: Config) -> str:
    """What a training runs on, for its row: '2 x GPU, mixed_float16, XLA'."""
    count = f"{config.replicas} x " if config.replicas > 1 else ""
    return f"{count}{'GPU' if on_gpu() else 'CPU'}, {precision(config)}{', XLA' if uses_xla(config) else ''}"


def replicas(strategy: str) -> int:
    """How many replicas a strategy has: all devices of this machine ('mirrored') or of TF_CONFIG's workers ('workers').

    Raises:
        InputError: there is no such strategy, it would have a single replica, or TF_CONFIG makes no sense.
    """
    if strategy not in STRATEGIES:
        raise InputError(f"unknown strategy {strategy!r}: use one of {', '.join(STRATEGIES)}")
    # Logical devices are made when they are first listed, after which workers cannot meet any more.
    each = len(_devices()) if strategy == "mirrored" else max(1, len(tf.config.list_physical_devices("GPU")))
    count = each if strategy == "mirrored" else each * len(_workers())
    if count < 2:
        raise InputError(f"strategy {strategy}: found one device, it needs two or more: leave it out")
    return count


@contextlib.contextmanager
def scope(config: Config) -> Iterator[None]:
    """Where the models of a config are made and trained.

    Raises:
        InputError: there are not as many devices as the config has replicas.
    """
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision(config))
    try:
        with strategy_of(config.replicas).scope() if config.replicas > 1 else contextlib.nullcontext():
            yield
    finally:
        keras.config.set_dtype_policy(usual)


@functools.cache  # workers meet once a process
def strategy_of(count: int) -> tf.distribute.Strategy:
    """`count` devices in step: those of TF_CONFIG's workers where it is set, otherwise of this machine."""
    if "TF_CONFIG" in os.environ:
        _workers()
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        if (there := strategy.num_replicas_in_sync) != count:
            raise InputError(f"the run has {count} replicas, TF_CONFIG's workers have {there} devices: use as many")
        return strategy
    devices = _devices()
    if len(devices) < count:
        raise InputError(f"the run has {count} replicas, this machine {len(devices)} devices: train it where it began")
    return tf.distribute.MirroredStrategy([device.name.removeprefix("/device:") for device in devices[:count]])


def has_workers() -> bool:
    """Whether this process trains together with others."""
    return tf.distribute.get_strategy().cluster_resolver is not None


def is_chief() -> bool:
    """Whether this process keeps the run: the first of several workers does."""
    return not has_workers() or not tf.distribute.get_strategy().cluster_resolver.task_id


def assists() -> bool:
    """Whether TF_CONFIG says that this process is a worker other than the first."""
    _workers()
    return int(json.loads(os.environ["TF_CONFIG"])["task"]["index"]) > 0


def check_agreed(number: int, what: str) -> None:
    """Raise InputError unless all workers have the same `number`."""
    strategy = tf.distribute.get_strategy()
    if has_workers():
        mean = strategy.reduce("MEAN", strategy.run(lambda: tf.constant(float(number))), axis=None)
        if float(mean) != number:
            raise InputError(f"the workers differ in their {what}: give them one folder that all share")


def part() -> tuple[tf.Tensor | int, int]:
    """Which replica this step runs for, and of how many: (0, 1) with one device or outside of a step."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0, 1
    return context.replica_id_in_sync_group, context.num_replicas_in_sync


def own_device() -> str | None:
    """The device of the replica that this step runs for; None for the usual one."""
    which, total = part()
    if total == 1:
        return None
    devices = tf.distribute.get_strategy().extended.worker_devices  # of this process
    return devices[int(tf.get_static_value(which)) % len(devices)]


def distributed(steps: int, make: Callable) -> "tf.data.Dataset | tf.distribute.DistributedDataset":
    """A data set of which each replica takes an element a step.

    Args:
        make: (parts of this process, all parts) -> data set whose elements are these parts of the first step, then of
            the second, and so on.
    """
    strategy = tf.distribute.get_strategy()
    if (total := strategy.num_replicas_in_sync) == 1:
        return make(range(1), 1)

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        share = total // context.num_input_pipelines
        first = context.input_pipeline_id * share
        return make(range(first, first + share), total)

    dataset = strategy.distribute_datasets_from_function(of_worker)
    # It counts an element of each replica as a step of its own, and Keras would wait for as many; it has no setter.
    dataset._cardinality = steps
    return dataset


def _devices() -> list:
    """The GPUs; without any, the CPUs, of which there are several only in tests."""
    return tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")


def _workers() -> list[str]:
    """Addresses in TF_CONFIG."""
    usage = 'set it to {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
    if "TF_CONFIG" not in os.environ:
        raise InputError(f"strategy workers: TF_CONFIG is not set: {usage}")
    try:
        given = json.loads(os.environ["TF_CONFIG"])
        workers, kind, index = given["cluster"]["worker"], given["task"]["type"], int(given["task"]["index"])
        known = kind == "worker" and 0 <= index < len(workers)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise InputError(f"TF_CONFIG does not say who the workers are: {usage}") from error
    if not known:
        raise InputError(f"TF_CONFIG: this process is {kind} {index}, of {len(workers)} workers: {usage}")
    return workers
