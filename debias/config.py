"""What decides a training run: same config, same data, same model."""

import dataclasses
from pathlib import Path

from debias.backend import keras
from debias.errors import InputError


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings that every method reads from, as far as it has a use for them.

    Attributes:
        seed: of initialisation, batches and posterior samples.
        preset: sizes and loss weights of the networks, see `debias.networks.PRESETS`.
        latent_dim: k, the number of latents; None takes the preset's, as with the next two.
        kl_weight: c3 of Eq. 2.
        reconstruction: 'l1' or 'l2'.
        epochs: between two of them the model is checkpointed, validated, and the sampling may be refreshed.
        steps_per_epoch: batches an epoch; None draws as many faces as the training split has.
        batch_size: half faces, half non-faces.
        learning_rate: at the start of a cosine annealing to zero over all steps.
        flip: mirror half of the images at random.
        alpha: > 0, of the resampling rule (Eq. 4).
        bins: of the latent histograms.
        histogram: 'density' or 'mass'.
        latents: 'mean' or 'sample' of the posterior, what the histograms are made of.
        replacement: draw faces with replacement.
        refresh_every: epochs between two refreshes of the sampling probabilities.
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
    alpha: float = 0.01
    bins: int = 10
    histogram: str = "density"
    latents: str = "mean"
    replacement: bool = True
    refresh_every: int = 1
    folder: Path | None = None
    callbacks: tuple[keras.callbacks.Callback, ...] = ()

    def __post_init__(self):
        for name in ("epochs", "refresh_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("latent_dim", "steps_per_epoch"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, got {value}")
        if not self.learning_rate > 0:
            raise InputError(f"learning_rate must be > 0, got {self.learning_rate}")

    def settings(self) -> dict:
        """What decides the outcome, as plain values for a row of results."""
        fields = (field.name for field in dataclasses.fields(self))
        return {name: getattr(self, name) for name in fields if name not in ("folder", "callbacks")}

    def changes(self) -> dict:
        """The settings that differ from the defaults, other than the seed."""
        usual = Config().settings()
        return {name: value for name, value in self.settings().items() if name != "seed" and value != usual[name]}
