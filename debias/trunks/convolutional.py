"""The trunk of the paper and of the lab: stride-2 convolutions with batch norm, then one fully connected layer."""

from debias.backend import keras
from debias.networks import MOMENTUM, dense
from debias.presets import Preset


def build(preset: Preset, image_shape: tuple[int, int, int]) -> keras.Model:
    """Images (B, H, W, C) in [0, 1] -> features (B, F)."""
    images = keras.Input(image_shape)
    x = images
    for filters, kernel in zip(preset.filters, preset.kernels, strict=True):
        x = keras.layers.Conv2D(filters, kernel, strides=2, padding="same", activation="relu")(x)  # (B, H/2, W/2, F)
        x = keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
    return keras.Model(images, dense(keras.layers.Flatten()(x), preset.dense, preset), name="encoder")
