"""Encoders and decoders of the paper and of MIT's lab, built from presets: sizes, loss weights and a trunk."""

import dataclasses
import math
from collections.abc import Callable

from debias.backend import keras
from debias.errors import InputError

# Keras' 0.99 remembers hundreds of steps: after a short training the statistics used at test time still lag behind the
# weights, and recall at a threshold of 0.5 swings by tens of points between seeds.
MOMENTUM = 0.9


def convolutional(preset: "Preset", image_shape: tuple[int, int, int]) -> keras.Model:
    """The trunk of the paper and of the lab: stride-2 convolutions with batch norm, then one fully connected layer."""
    images = keras.Input(image_shape)
    x = images
    for filters, kernel in zip(preset.filters, preset.kernels, strict=True):
        x = keras.layers.Conv2D(filters, kernel, strides=2, padding="same", activation="relu")(x)
        x = keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
    return keras.Model(images, _dense(keras.layers.Flatten()(x), preset.dense, preset), name="encoder")


@dataclasses.dataclass(frozen=True)
class Preset:
    """Sizes of an encoder, of the decoder that mirrors it, and the weights of the loss (Eq. 2).

    Attributes:
        filters: output channels of each stride-2 convolution.
        kernels: their square kernel sizes, in pixels.
        dense: units of the fully connected layer.
        latent_dim: k, the number of latents.
        reconstruction: 'l1' or 'l2', the mean over pixels of |x - x_hat| or (x - x_hat)^2.
        classification_weight: c1 of Eq. 2, in front of the cross-entropy.
        reconstruction_weight: c2 of Eq. 2, in front of the reconstruction error.
        kl_weight: c3 of Eq. 2, in front of the KL divergence.
        dense_batch_norm: whether the fully connected layers are followed by batch norm as well.
        trunk: (preset, image shape) -> encoder, a functional Keras model: images (B, H, W, C) in [0, 1] -> features
            (B, F). It may ignore filters, kernels and dense; the decoder mirrors those all the same.
    """

    filters: tuple[int, ...]
    kernels: tuple[int, ...]
    dense: int
    latent_dim: int
    reconstruction: str
    classification_weight: float
    reconstruction_weight: float
    kl_weight: float
    dense_batch_norm: bool
    trunk: Callable[["Preset", tuple[int, int, int]], keras.Model] = convolutional


PRESETS = {
    # The paper states 5x5 kernels, stride 2, FC 1000, batch norm everywhere and L2; filters, k and c1..c3 are not
    # stated, so the lab's are taken.
    "paper": Preset((12, 24, 48, 72), (5, 5, 5, 5), 1000, 100, "l2", 1.0, 1.0, 5e-4, True),
    "lab": Preset((12, 24, 48, 72), (5, 5, 3, 3), 512, 100, "l1", 1.0, 1.0, 5e-4, False),
    "digits": Preset((16, 32), (3, 3), 64, 16, "l1", 1.0, 1.0, 5e-4, False),
}


def preset(name: str) -> Preset:
    """The preset called `name`; InputError when there is none."""
    if name not in PRESETS:
        raise InputError(f"unknown preset {name!r}: use one of {', '.join(PRESETS)}")
    return PRESETS[name]


def build_encoder(preset: Preset, image_shape: tuple[int, int, int]) -> keras.Model:
    """The preset's trunk: images (B, H, W, C) in [0, 1] -> features (B, F).

    Raises:
        InputError: the images do not fit the preset, or its trunk does not give such a model.
    """
    _check_image_shape(preset, image_shape)
    encoder = preset.trunk(preset, image_shape)
    _check_encoder(encoder, image_shape)
    return encoder


def build_decoder(preset: Preset, image_shape: tuple[int, int, int], latent_dim: int | None = None) -> keras.Model:
    """The encoder mirrored: latents (B, k) -> images (B, H, W, C), unbounded.

    The paper has two fully connected layers and batch norm, the lab one layer and none.
    """
    _check_image_shape(preset, image_shape)
    height, width, channels = image_shape
    shrink = 2 ** len(preset.filters)
    start = (height // shrink, width // shrink, preset.filters[-1])
    latents = keras.Input((latent_dim or preset.latent_dim,))
    x = _dense(latents, preset.dense, preset) if preset.dense_batch_norm else latents
    x = keras.layers.Reshape(start)(_dense(x, math.prod(start), preset))
    outputs = (*reversed(preset.filters[:-1]), channels)
    for layer, (filters, kernel) in enumerate(zip(outputs, reversed(preset.kernels), strict=True), start=1):
        last = layer == len(outputs)
        upsample = keras.layers.Conv2DTranspose(
            filters, kernel, strides=2, padding="same", activation=None if last else "relu"
        )
        x = upsample(x)
        if preset.dense_batch_norm and not last:
            x = keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
    return keras.Model(latents, x, name="decoder")


def _dense(x, units: int, preset: Preset):
    x = keras.layers.Dense(units, activation="relu")(x)
    return keras.layers.BatchNormalization(momentum=MOMENTUM)(x) if preset.dense_batch_norm else x


def _check_image_shape(preset: Preset, image_shape: tuple[int, int, int]) -> None:
    shrink = 2 ** len(preset.filters)
    if len(image_shape) != 3 or image_shape[0] % shrink or image_shape[1] % shrink:
        raise InputError(
            f"images are {image_shape}, but {len(preset.filters)} stride-2 layers need (H, W, C) "
            f"with H and W multiples of {shrink}: choose another preset or resize the images"
        )


def _check_encoder(encoder: keras.Model, image_shape: tuple[int, int, int]) -> None:
    given, features = (getattr(encoder, name, None) for name in ("input_shape", "output_shape"))
    if given != (None, *image_shape) or not isinstance(features, tuple) or len(features) != 2:
        raise InputError(
            f"the preset's trunk maps {given} to {features}, expected {(None, *image_shape)} to features (None, F): "
            "return keras.Model(images, features)"
        )
