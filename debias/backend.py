"""TensorFlow, Keras and TensorFlow Probability, imported once, without their start-up messages and a user's settings.

TensorFlow 2.21 writes lines about its build to standard error before it reads any of its settings, so they can only be
kept from the user by closing the stream while it loads. Errors still come as exceptions.

A run depends on its config alone. So what the shell or ~/.keras/keras.json says of Keras's backend, image layout, float
type, epsilon and length of training holds no longer once this is imported. A GPU's memory is taken as it is needed.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

from debias.errors import InputError


def _pin_backend() -> None:
    """Keras reads these once, while it is imported.

    Raises:
        InputError: it has been imported already, with another backend.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.pop("KERAS_MAX_EPOCHS", None)
    os.environ.pop("KERAS_MAX_STEPS_PER_EPOCH", None)
    if "keras" in sys.modules and (other := sys.modules["keras"].config.backend()) != "tensorflow":
        raise InputError(f"Keras was imported with the backend {other} before debias: set KERAS_BACKEND=tensorflow")


def _pin_defaults() -> None:
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)


@contextlib.contextmanager
def _muted_stderr() -> Iterator[None]:
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what it logs later; a user's own setting wins
# Faster convolutions, which TensorFlow turns on by itself only where the CPU has instructions made for neural networks
# (AVX-512 VNNI and younger): on one that has not, faces are trained on 1.4 times as fast with them.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# Otherwise the first process takes all of a GPU's memory, and a second run beside it finds none.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

_pin_backend()

with _muted_stderr():
    import keras
    import tensorflow as tf
    import tensorflow_probability as tfp

_pin_defaults()

__all__ = ["keras", "tf", "tfp"]
