"""Shapes of the presets against what the paper and the lab state."""

import dataclasses

import numpy as np
import pytest

from debias.backend import keras
from debias.config import Config
from debias.errors import InputError
from debias.networks import PRESETS, build_decoder, build_encoder, preset
from debias.training import network

SHAPES = {"paper": (64, 64, 3), "lab": (64, 64, 3), "digits": (8, 8, 1)}


def layers(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.parametrize("name", PRESETS)
def test_decoder_mirrors_encoder(name):
    sizes, shape = preset(name), SHAPES[name]
    encoder, decoder = build_encoder(sizes, shape), build_decoder(sizes, shape)
    assert encoder.input_shape == decoder.output_shape == (None, *shape)
    assert encoder.output_shape == (None, sizes.dense)
    assert decoder.input_shape == (None, sizes.latent_dim)
    convolutions = layers(encoder, keras.layers.Conv2D)
    transposed = layers(decoder, keras.layers.Conv2DTranspose)
    assert [c.kernel_size for c in transposed] == [c.kernel_size for c in reversed(convolutions)]
    assert {c.strides for c in (*convolutions, *transposed)} == {(2, 2)}
    start = layers(decoder, keras.layers.Reshape)[0].target_shape
    assert tuple(start) == convolutions[-1].output.shape[1:]


def test_paper_has_5x5_kernels_fc_1000_and_batch_norm_everywhere():
    encoder = build_encoder(preset("paper"), (64, 64, 3))
    convolutions, dense = layers(encoder, keras.layers.Conv2D), layers(encoder, keras.layers.Dense)
    assert [c.kernel_size for c in convolutions] == [(5, 5)] * 4
    assert [d.units for d in dense] == [1000]
    assert len(layers(encoder, keras.layers.BatchNormalization)) == 5
    assert preset("paper").reconstruction == "l2"
    assert len(layers(build_decoder(preset("paper"), (64, 64, 3)), keras.layers.Dense)) == 2


def test_lab_has_the_labs_numbers():
    encoder = build_encoder(preset("lab"), (64, 64, 3))
    convolutions = layers(encoder, keras.layers.Conv2D)
    assert [c.filters for c in convolutions] == [12, 24, 48, 72]
    assert [c.kernel_size[0] for c in convolutions] == [5, 5, 3, 3]
    assert [d.units for d in layers(encoder, keras.layers.Dense)] == [512]
    sizes = preset("lab")
    assert (sizes.latent_dim, sizes.kl_weight, sizes.reconstruction) == (100, 5e-4, "l1")


def test_outputs_are_finite_and_decoder_is_unbounded():
    decoder = build_decoder(preset("digits"), (8, 8, 1))
    images = np.asarray(decoder(100 * np.random.default_rng(0).normal(size=(20, 16)).astype(np.float32)))
    assert np.all(np.isfinite(images)) and images.min() < 0 and images.max() > 1


def test_config_overrides_the_number_of_latents():
    assert network(Config(preset="lab", latent_dim=7)) == dataclasses.replace(preset("lab"), latent_dim=7)
    assert network(Config(preset="lab")) == preset("lab")


@pytest.mark.parametrize("shape", [(60, 64, 3), (64, 60, 3), (64, 64), (8, 8, 1)])
@pytest.mark.parametrize("build", [build_encoder, build_decoder])
def test_images_that_cannot_be_halved_are_refused(build, shape):
    with pytest.raises(InputError, match="multiples of 16") as caught:
        build(preset("lab"), shape)
    assert "\n" not in str(caught.value)


def test_unknown_preset_names_the_known_ones():
    with pytest.raises(InputError, match="'huge'.*paper, lab, digits"):
        preset("huge")


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"refresh_every": 0},
        {"steps_per_epoch": 0},
        {"latent_dim": 0},
        {"latent_dim": -3},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
    ],
)
def test_impossible_settings_are_refused_by_name(settings):
    (name,) = settings
    with pytest.raises(InputError, match=name) as caught:
        Config(**settings)
    assert "\n" not in str(caught.value)


def test_settings_are_everything_but_folder_and_callbacks():
    names = {field.name for field in dataclasses.fields(Config)}
    assert set(Config().settings()) == names - {"folder", "callbacks"}
