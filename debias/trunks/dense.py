"""A trunk for rows of a table: fully connected layers with batch norm, blind to where a value stands."""

from debias.backend import keras
from debias.networks import MOMENTUM, dense
from debias.presets import Preset


def build(preset: Preset, image_shape: tuple[int, int, int]) -> keras.Model:
    """Values (B, H, W, C) in [0, 1] -> features (B, F); `preset.filters` are the units of the layers before the last.

    The decoder mirrors this where values are laid out as (2, 2, C), and the preset has one layer of filters and 2 x 2
    kernels: its only convolution then makes each of the 4 C values from all units, with a bias for each C.
    """
    values = keras.Input(image_shape)
    x = keras.layers.Flatten()(values)
    for units in preset.filters:
        x = keras.layers.Dense(units, activation="relu")(x)
        x = keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
    return keras.Model(values, dense(x, preset.dense, preset), name="encoder")
