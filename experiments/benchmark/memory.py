"""The memory of a training whose images do not fit: 400,000 of 64 x 64 pixels, 4.9 GB, streamed from their file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from debias.files import make_folder
from experiments.benchmark import noise
from experiments.benchmark.child import Child, peak_memory
from experiments.benchmark.timing import Measurements

COUNT = 400_000
STEPS, BATCH = 100, 64
_BLOCKS = 10_000  # faces that are encoded where time is short


def streaming_memory(cache: Path, whole: bool) -> Measurements:
    """GB that a process of its own has resident at most: all of TensorFlow, training steps and a refresh.

    Args:
        whole: encode all faces for the refresh, instead of taking noise for the latents of most of them.
    """
    make_folder(cache)
    with noise.stored(cache, COUNT, sparse=True) as file, Child(trained) as child:
        return {f"rss_{COUNT // 1000}k_gb": [child(file, whole) / 1e9]}


def trained() -> Callable[[Path, bool], int]:
    """A function of such a file that trains on it, refreshes the sampling, and gives the bytes that this took."""

    def train(file: Path, whole: bool) -> int:
        from experiments.benchmark import training  # TensorFlow

        data = noise.opened(file)
        training.trainer(data, BATCH, "streamed")(STEPS)
        _refresh(data.positives(), whole)
        return peak_memory()

    return train


def _refresh(faces, whole: bool) -> None:
    """What the callback does at the start of an epoch."""
    from debias import dbvae, resampling
    from debias.callbacks import encode
    from debias.data.pipeline import images_of
    from experiments.settings import FACES, K

    model = dbvae.build(FACES, faces.image_shape)
    encoded = faces if whole else faces.take(np.arange(min(len(faces), _BLOCKS)))
    latents = encode(model, images_of(encoded, "streamed"))
    if not whole:
        latents = np.random.default_rng(0).standard_normal((len(faces), K), np.float32)
    resampling.sampling_probabilities(latents)
