"""A residual CNN: no debiasing, another network, of about the CNN's training time.

He et al., 'Deep residual learning for image recognition', CVPR 2016, sections 3.1 and 3.3: at each of the preset's
levels one block that halves the size and one that keeps it, of two 3 x 3 convolutions each with batch norm, then global
average pooling. Its shortcut is pooled before its 1 x 1 convolution, which would otherwise skip pixels and has no batch
norm here. It takes a share of the steps of the CNN, see `wide`.
"""

import dataclasses

from baselines.wide import train_as
from debias.backend import keras
from debias.config import Config
from debias.data.dataset import Splits
from debias.detector import Classifier
from debias.networks import MOMENTUM
from debias.presets import Preset, network


def train(splits: Splits, config: Config, share: float) -> Classifier:
    """Train the residual CNN for a `share` of the steps."""
    return train_as(dataclasses.replace(network(config), trunk=__name__), share, splits, config)


def build(preset: Preset, image_shape: tuple[int, int, int]) -> keras.Model:
    """The trunk: images (B, H, W, C) in [0, 1] -> features (B, F)."""
    images = x = keras.Input(image_shape)
    for filters in preset.filters:
        x = _block(_block(x, filters, 2), filters, 1)
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(x), name="encoder")


def _block(x, filters: int, stride: int):
    shortcut = x
    if stride > 1:
        shortcut = keras.layers.Conv2D(filters, 1)(keras.layers.AveragePooling2D(stride)(x))
    x = keras.layers.Activation("relu")(_convolved(x, filters, stride))
    return keras.layers.Activation("relu")(keras.layers.Add()([_convolved(x, filters, 1), shortcut]))


def _convolved(x, filters: int, stride: int):
    x = keras.layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
    return keras.layers.BatchNormalization(momentum=MOMENTUM)(x)
