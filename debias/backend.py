"""TensorFlow, Keras and TensorFlow Probability, imported once and without their start-up messages.

TensorFlow 2.21 writes lines about its build to standard error before it reads any of its settings, so they can only be
kept from the user by closing the stream while it loads. Errors still come as exceptions.
"""

import contextlib
import os
import sys
from collections.abc import Iterator


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

with _muted_stderr():
    import keras
    import tensorflow as tf
    import tensorflow_probability as tfp

__all__ = ["keras", "tf", "tfp"]
