"""Shapes of the presets against what the paper and the lab state."""

import dataclasses
import sys
import types

import numpy as np
import pytest

from debias import dbvae
from debias.backend import keras
from debias.config import Config, Loss
from debias.detector import Classifier
from debias.errors import InputError
from debias.networks import build_decoder, build_encoder
from debias.presets import PRESETS, preset

FACES = (64, 64, 3)
ROWS = (2, 2, 8)  # of a table
SHAPES = dict.fromkeys(PRESETS, FACES) | {"digits": (8, 8, 1), "table": ROWS}
MIRRORED = [name for name in PRESETS if preset(name).trunk == "debias.trunks.convolutional"]


def layers(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_gives_a_model_that_is_saved_and_reloaded(name, tmp_path):
    shape = SHAPES[name]
    images = np.random.default_rng(0).random((3, *shape), np.float32)
    for model in (Classifier(build_encoder(preset(name), shape)), dbvae.build(Config(preset=name), shape)):
        assert model(images).shape == (3,)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
        np.testing.assert_array_equal(loaded(images), model(images))


@pytest.mark.parametrize("name", MIRRORED)
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
    assert preset("paper").loss.reconstruction == "l2"
    assert len(layers(build_decoder(preset("paper"), (64, 64, 3)), keras.layers.Dense)) == 2


def test_lab_has_the_labs_numbers():
    encoder = build_encoder(preset("lab"), (64, 64, 3))
    convolutions = layers(encoder, keras.layers.Conv2D)
    assert [c.filters for c in convolutions] == [12, 24, 48, 72]
    assert [c.kernel_size[0] for c in convolutions] == [5, 5, 3, 3]
    assert [d.units for d in layers(encoder, keras.layers.Dense)] == [512]
    sizes = preset("lab")
    assert (sizes.latent_dim, sizes.loss) == (100, Loss(1.0, 1.0, 5e-4, "l1"))


def test_networks_of_a_table_are_two_dense_layers_each():
    """The decoder as well, though its last one is called a convolution: worked out by hand, batch norm being new."""
    rng = np.random.default_rng(0)
    rows, latents = rng.random((5, *ROWS), np.float32), rng.normal(size=(5, 16)).astype(np.float32)
    encoder, decoder = build_encoder(preset("table"), ROWS), build_decoder(preset("table"), ROWS)
    (first, _), (second, _) = (layer.get_weights() for layer in layers(encoder, keras.layers.Dense))
    features = np.maximum(np.maximum(rows.reshape(5, -1) @ first, 0) / np.sqrt(1.001) @ second, 0)
    np.testing.assert_allclose(encoder(rows), features, rtol=1e-4, atol=1e-6)
    (hidden, _), (kernel, _) = decoder.layers[1].get_weights(), decoder.layers[-1].get_weights()  # (2, 2, C, 64)
    outputs = np.einsum("hwcf,nf->nhwc", kernel, np.maximum(latents @ hidden, 0))
    np.testing.assert_allclose(decoder(latents), outputs, rtol=1e-4, atol=1e-6)


def test_outputs_are_finite_and_decoder_is_unbounded():
    decoder = build_decoder(preset("digits"), (8, 8, 1))
    images = np.asarray(decoder(100 * np.random.default_rng(0).normal(size=(20, 16)).astype(np.float32)))
    assert np.all(np.isfinite(images)) and images.min() < 0 and images.max() > 1


@pytest.fixture
def with_trunk(monkeypatch):
    """The preset for digits with a trunk of its own: the module that a `build` is put into."""

    def make(build):
        module = types.ModuleType("own_trunk")
        module.build = build
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return dataclasses.replace(preset("digits"), trunk=module.__name__)

    return make


def pooled(preset, image_shape):
    """A trunk of its own: the mean of each channel."""
    images = keras.Input(image_shape)
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(images))


def test_a_preset_brings_its_own_trunk(with_trunk):
    own = with_trunk(pooled)
    images = np.random.default_rng(0).random((5, 8, 8, 3), np.float32)
    np.testing.assert_allclose(build_encoder(own, (8, 8, 3))(images), images.mean((1, 2)), rtol=1e-6)
    assert build_decoder(own, (8, 8, 3)).output_shape == (None, 8, 8, 3)


def test_config_changes_a_preset_with_its_own_trunk(with_trunk, monkeypatch):
    monkeypatch.setitem(PRESETS, "own", with_trunk(pooled))
    model = dbvae.build(Config(preset="own", latent_dim=5, kl_weight=0.25), (8, 8, 3))
    assert model.encoder.output_shape == (None, 3) and model.latent_dim == 5
    assert model.objective == Loss(kl_weight=0.25)
    assert Config(preset="own").settings()["preset"] == "own"


def no_pooling(preset, image_shape):
    images = keras.Input(image_shape)
    return keras.Model(images, keras.layers.Conv2D(4, 3)(images))


def other_images(preset, image_shape):
    return pooled(preset, (16, 16, 3))


def no_model(preset, image_shape):
    return None


@pytest.mark.parametrize("trunk", [no_pooling, other_images, no_model])
def test_a_trunk_that_does_not_fit_is_refused_in_one_line(with_trunk, trunk):
    with pytest.raises(InputError, match=r"expected \(None, 8, 8, 3\) to features") as caught:
        build_encoder(with_trunk(trunk), (8, 8, 3))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(60, 64, 3), (64, 60, 3), (64, 64), (8, 8, 1)])
@pytest.mark.parametrize("build", [build_encoder, build_decoder])
def test_images_that_cannot_be_halved_are_refused(build, shape):
    with pytest.raises(InputError, match="multiples of 16") as caught:
        build(preset("lab"), shape)
    assert "\n" not in str(caught.value)
