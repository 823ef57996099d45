"""Encoders and decoders, built from a preset."""

import importlib
import math

from debias.backend import keras
from debias.errors import InputError
from debias.presets import Preset

# Keras' 0.99 remembers hundreds of steps: after a short training the statistics used at test time still lag behind the
# weights, and recall at a threshold of 0.5 swings by tens of points between seeds.
MOMENTUM = 0.9


def build_encoder(preset: Preset, image_shape: tuple[int, int, int]) -> keras.Model:
    """The preset's trunk: images (B, H, W, C) in [0, 1] -> features (B, F).

    Raises:
        InputError: the images do not fit the preset, or its trunk does not give such a model.
    """
    _check_image_shape(preset, image_shape)
    encoder = importlib.import_module(preset.trunk).build(preset, image_shape)
    _check_encoder(encoder, image_shape)
    return encoder


def build_decoder(preset: Preset, image_shape: tuple[int, int, int]) -> keras.Model:
    """The encoder mirrored: latents (B, k) -> images (B, H, W, C), unbounded.

    The paper has two fully connected layers and batch norm, the lab one layer and none.
    """
    _check_image_shape(preset, image_shape)
    height, width, channels = image_shape
    shrink = 2 ** len(preset.filters)
    start = (height // shrink, width // shrink, preset.filters[-1])
    latents = keras.Input((preset.latent_dim,))
    x = dense(latents, preset.dense, preset) if preset.dense_batch_norm else latents
    x = keras.layers.Reshape(start)(dense(x, math.prod(start), preset))  # (B, h, w, F)
    for filters, kernel in zip(reversed(preset.filters[:-1]), reversed(preset.kernels[1:]), strict=True):
        x = _upsample(filters, kernel, activation="relu")(x)  # (B, 2h, 2w, filters)
        if preset.dense_batch_norm:
            x = keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
    return keras.Model(latents, _upsample(channels, preset.kernels[0])(x), name="decoder")


def dense(x, units: int, preset: Preset):
    """A fully connected layer with ReLU, and batch norm where the preset has it."""
    x = keras.layers.Dense(units, activation="relu")(x)
    return keras.layers.BatchNormalization(momentum=MOMENTUM)(x) if preset.dense_batch_norm else x


def _upsample(filters: int, kernel: int, activation: str | None = None) -> keras.layers.Layer:
    return keras.layers.Conv2DTranspose(filters, kernel, strides=2, padding="same", activation=activation)


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
