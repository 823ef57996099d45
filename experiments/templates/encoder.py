"""A new encoder: a small residual network (He et al. 2016).

1. cp experiments/templates/encoder.py debias/trunks/residual.py
2. In debias/presets.py, add to PRESETS:
   "residual": dataclasses.replace(LAB, trunk="debias.trunks.residual"),
3. ./run_experiments.sh encoder
"""

from debias.backend import keras
from debias.networks import MOMENTUM
from debias.presets import Preset


def build(preset: Preset, image_shape: tuple[int, int, int]) -> keras.Model:
    """Images (B, H, W, C) in [0, 1] -> features (B, F); `preset` says how wide each level is."""
    images = keras.Input(image_shape)
    x = images
    for filters in preset.filters:
        x = _block(x, filters)
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(x), name="encoder")


def _block(x, filters: int):
    """Half the size; what is learned is added to a plain smaller copy."""
    # Pooled first: a 1x1 convolution with stride 2 would skip pixels, and on RGB it crashes TensorFlow 2.21 on CPU.
    shortcut = keras.layers.Conv2D(filters, 1)(keras.layers.AveragePooling2D(2)(x))
    x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
    x = keras.layers.Conv2D(filters, 3, padding="same")(x)
    return keras.layers.Activation("relu")(keras.layers.Add()([x, shortcut]))
