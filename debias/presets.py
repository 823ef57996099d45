"""The networks by name: sizes, loss and trunk, as plain data."""

import dataclasses

from debias.config import Config, Loss
from debias.errors import InputError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preset:
    """Sizes of an encoder and of the decoder that mirrors it, and the loss.

    Attributes:
        filters: output channels of each stride-2 convolution.
        kernels: their square kernel sizes, in pixels.
        dense: units of the fully connected layer.
        dense_batch_norm: whether the fully connected layers are followed by batch norm as well.
        latent_dim: k, the number of latents.
        loss: Eq. 2.
        trunk: the module whose `build(preset, image_shape)` gives the encoder: a functional Keras model from images
            (B, H, W, C) in [0, 1] to features (B, F). It may ignore filters, kernels and dense; the decoder mirrors
            those all the same.
    """

    filters: tuple[int, ...]
    kernels: tuple[int, ...]
    dense: int
    dense_batch_norm: bool = False
    latent_dim: int = 100
    loss: Loss = Loss()
    trunk: str = "debias.trunks.convolutional"


LAB = Preset(filters=(12, 24, 48, 72), kernels=(5, 5, 3, 3), dense=512)
PRESETS = {
    "lab": LAB,
    # The paper states 5x5 kernels, stride 2, FC 1000, batch norm everywhere and L2; filters, k and c1..c3 are not
    # stated, so the lab's are taken.
    "paper": dataclasses.replace(
        LAB, kernels=(5, 5, 5, 5), dense=1000, dense_batch_norm=True, loss=Loss(reconstruction="l2")
    ),
    "digits": Preset(filters=(16, 32), kernels=(3, 3), dense=64, latent_dim=16),
    # For rows laid out as (2, 2, C): hidden layers of 64 and 32 units, and a decoder with one of 64.
    "table": Preset(filters=(64,), kernels=(2,), dense=32, latent_dim=16, trunk="debias.trunks.dense"),
}


def preset(name: str) -> Preset:
    """The preset called `name`; InputError when there is none."""
    if name not in PRESETS:
        raise InputError(f"unknown preset {name!r}: use one of {', '.join(PRESETS)}")
    return PRESETS[name]


def network(config: Config) -> Preset:
    """The preset that `config` names, with what the config sets itself."""
    usual = preset(config.preset)
    return dataclasses.replace(config.adapted(usual), loss=config.adapted(usual.loss))
