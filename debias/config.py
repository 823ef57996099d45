"""What decides a training run, as plain data: same config, same data, same model."""

import dataclasses
import math
import numbers
from pathlib import Path
from typing import TYPE_CHECKING

from debias import guards
from debias.errors import InputError

if TYPE_CHECKING:
    import keras

SMALLEST = 1e-100  # alpha: below, float64 cannot hold the product of its inverse
PRECISIONS = ("auto", "float32", "mixed_float16", "mixed_bfloat16")
IMAGES = ("auto", "resident", "streamed")
_WITHOUT_EFFECT = ("folder", "callbacks", "images")  # on the model


@dataclasses.dataclass(frozen=True)
class Loss:
    """Eq. 2 of the paper: which terms there are, and what weighs them.

    Attributes:
        classification_weight: c1, in front of the cross-entropy.
        reconstruction_weight: c2, in front of the reconstruction error.
        kl_weight: c3, in front of the KL divergence.
        reconstruction: 'l1' or 'l2', the mean over pixels of |x - x_hat| or (x - x_hat)^2.
    """

    classification_weight: float = 1.0
    reconstruction_weight: float = 1.0
    kl_weight: float = 5e-4
    reconstruction: str = "l1"

    def __post_init__(self):
        if self.reconstruction not in ("l1", "l2"):
            raise InputError(f"unknown reconstruction {self.reconstruction!r}: use 'l1' or 'l2'")
        guards.finite(**{name: value for name, value in vars(self).items() if name.endswith("_weight")})
        weights = self.classification_weight, self.reconstruction_weight, self.kl_weight
        if min(weights) < 0:
            raise InputError(f"loss weights must be >= 0, got {', '.join(map(str, weights))}")


@dataclasses.dataclass(frozen=True)
class Histograms:
    """How the histograms of latents are made that a resampling rule reads (Algorithm 1).

    Attributes:
        alpha: > 0, added to every bin (Eq. 4); the larger, the closer to uniform sampling.
        bins: >= 2 equal bins between a latent's extremes.
        histogram: 'density', counts / (N * bin width), or 'mass', counts / N.
    """

    alpha: float = 0.01
    bins: int = 10
    histogram: str = "density"

    def __post_init__(self):
        if not SMALLEST <= self.alpha < math.inf:
            raise InputError(f"alpha must be > 0, at least {SMALLEST}, got {self.alpha}")
        if not isinstance(self.bins, numbers.Integral) or isinstance(self.bins, bool) or self.bins < 2:
            raise InputError(f"bins must be a whole number of at least 2, got {self.bins}")
        if self.histogram not in ("density", "mass"):
            raise InputError(f"unknown histogram {self.histogram!r}: use 'density' or 'mass'")


@dataclasses.dataclass(frozen=True)
class Config(Histograms):
    """Settings that every method reads from, as far as it has a use for them.

    Attributes:
        seed: of initialisation, batches and posterior samples.
        preset: sizes and loss of the networks, see `debias.presets.PRESETS`.
        latent_dim: k, the number of latents; None takes the preset's, as with the next two.
        kl_weight: c3 of Eq. 2.
        reconstruction: 'l1' or 'l2'.
        epochs: between two of them the model is checkpointed, validated, and the sampling may be refreshed.
        steps_per_epoch: batches an epoch; None draws as many faces as the training split has.
        batch_size: half faces, half non-faces.
        learning_rate: at the start of a cosine annealing to zero over all steps.
        flip: mirror half of the images at random.
        augment: 0 to 1, how far a random camera changes each image of a batch, see `debias.augmentation`.
        latents: 'mean' of the posterior, as in the lab, or a 'sample' of it, as in Algorithm 1: what the histograms
            are made of.
        replacement: draw faces with replacement.
        refresh_every: epochs between two refreshes of the sampling probabilities.
        replicas: devices that share each batch in step, see `debias.devices`.
        precision: what layers compute in, 'float32', 'mixed_float16' or 'mixed_bfloat16'; 'auto' takes halves on a GPU.
        xla: whether steps are compiled by XLA; None does so on a GPU.
        images: 'resident' on the device, 'streamed' from their file, or 'auto', which streams what is large, see
            `debias.data.pipeline`. The model is the same.
        folder: where checkpoints and logs go; None keeps nothing. A folder that holds a checkpoint is resumed.
        callbacks: more Keras callbacks, such as a progress bar.
    """

    seed: int = 0
    preset: str = "lab"
    latent_dim: int | None = None
    kl_weight: float | None = None
    reconstruction: str | None = None
    epochs: int = 2
    steps_per_epoch: int | None = None
    batch_size: int = 64
    learning_rate: float = 1e-3
    flip: bool = True
    augment: float = 0.0
    latents: str = "mean"
    replacement: bool = True
    refresh_every: int = 1
    replicas: int = 1
    precision: str = "auto"
    xla: bool | None = None
    images: str = "auto"
    folder: Path | None = None
    callbacks: "tuple[keras.callbacks.Callback, ...]" = ()

    def __post_init__(self):
        super().__post_init__()
        counts = ("epochs", "refresh_every", "latent_dim", "steps_per_epoch", "replicas")
        guards.whole_or_none(latent_dim=self.latent_dim, steps_per_epoch=self.steps_per_epoch)
        guards.whole(seed=self.seed, batch_size=self.batch_size, epochs=self.epochs)
        guards.whole(refresh_every=self.refresh_every, replicas=self.replicas)
        guards.seed(self.seed)
        guards.finite(learning_rate=self.learning_rate, augment=self.augment)
        guards.a_path(folder=self.folder)
        for name in counts:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, got {value}")
        if not self.learning_rate > 0:
            raise InputError(f"learning_rate must be > 0, got {self.learning_rate}")
        if not 0 <= self.augment <= 1:
            raise InputError(f"augment must be from 0 (no change) to 1, got {self.augment}")
        if self.latents not in ("mean", "sample"):
            raise InputError(f"unknown latents {self.latents!r}: use 'mean' or 'sample'")
        if self.precision not in PRECISIONS:
            raise InputError(f"unknown precision {self.precision!r}: use one of {', '.join(PRECISIONS)}")
        if self.images not in IMAGES:
            raise InputError(f"unknown place of images {self.images!r}: use one of {', '.join(IMAGES)}")

    def settings(self) -> dict:
        """What decides the outcome, as plain values for a row of results."""
        fields = (field.name for field in dataclasses.fields(self))
        return {name: getattr(self, name) for name in fields if name not in _WITHOUT_EFFECT}

    def changes(self) -> dict:
        """The settings that differ from the defaults, other than the seed."""
        usual = Config().settings()
        return {name: value for name, value in self.settings().items() if name != "seed" and value != usual[name]}

    def adapted(self, usual):
        """`usual`, a `Loss` or `Preset`, with what this config sets itself: its fields that are not None."""
        own = {name: value for name, value in vars(self).items() if value is not None}
        names = (field.name for field in dataclasses.fields(usual) if field.name in own)
        return dataclasses.replace(usual, **{name: own[name] for name in names})
