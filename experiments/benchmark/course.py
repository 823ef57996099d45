"""The course's own loader and training loop, on the network of this repository.

The loader is the course's, as it is published. Its loop stands in a notebook and is written anew: a batch from the
loader, with a probability for each face, then one compiled step.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from debias import dbvae
from debias.backend import keras, tf
from experiments.benchmark.noise import IMAGE_SHAPE
from experiments.benchmark.peers import quiet
from experiments.settings import FACES


class Loader(Protocol):
    """What is used of the course's `TrainingDatasetLoader`."""

    images: np.ndarray
    pos_train_inds: np.ndarray

    def get_batch(self, n: int, p_pos: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


def loader(module: Path, file: Path) -> Loader:
    """The course's loader of a file in the course's layout, which it reads into memory.

    Args:
        module: the course's source file with its class.
    """
    specification = importlib.util.spec_from_file_location("course_lab2", module)
    course = importlib.util.module_from_spec(specification)
    with quiet():
        specification.loader.exec_module(course)
        return course.TrainingDatasetLoader(str(file))


def uniform(loaded: Loader) -> np.ndarray:
    """A probability for each face, all alike."""
    faces = len(loaded.pos_train_inds)
    return np.full(faces, 1 / faces)


def trainer(loaded: Loader, batch_size: int, decode_all: bool = False) -> Callable[[int], None]:
    """The course's loop as a function of the number of steps.

    Args:
        decode_all: also decode the non-faces, as the course's loss does, which masks them afterwards.
    """
    model, probabilities = dbvae.build(FACES, IMAGE_SHAPE), uniform(loaded)
    step = _step(model, decode_all)

    def train(steps: int) -> None:
        for _ in range(steps):
            images, labels = loaded.get_batch(batch_size, p_pos=probabilities)
            step(images, labels)

    return train


def _step(model: keras.Model, decode_all: bool) -> Callable:
    optimizer = keras.optimizers.Adam(5e-4)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(images, labels):
        labels = tf.reshape(labels, [-1])
        with tf.GradientTape() as tape:
            # Where every image counts as a face, every image is decoded: the same work as a mask after the decoder.
            loss = model.loss_terms(images, tf.ones_like(labels) if decode_all else labels, training=True)["loss"]
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return step
