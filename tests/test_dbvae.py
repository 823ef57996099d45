"""The model against Eq. 2 computed by hand, and the promise that non-faces leave decoder and latents alone."""

import dataclasses

import numpy as np
import pytest

from debias.backend import keras, tf
from debias.config import Loss
from debias.data.pipeline import untuned
from debias.dbvae import DBVAE
from debias.errors import InputError
from debias.networks import build_decoder, build_encoder
from debias.presets import Preset

SHAPE = (4, 4, 1)
K = 3
LOSS = Loss(classification_weight=1.5, reconstruction_weight=0.7, kl_weight=0.3, reconstruction="l2")
# Batch norm everywhere, as in the paper.
SIZES = Preset(filters=(4, 6), kernels=(3, 3), dense=8, dense_batch_norm=True, latent_dim=K, loss=LOSS)


def images(count=6, seed=0):
    return np.random.default_rng(seed).uniform(size=(count, *SHAPE)).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.fixture
def model():
    """A small model of the paper's kind."""
    keras.utils.set_random_seed(0)
    return DBVAE(build_encoder(SIZES, SHAPE), build_decoder(SIZES, SHAPE), LOSS, seed=1)


@pytest.fixture
def transparent():
    """A model whose latents can be computed by hand: features are pixels, and no batch norm before the decoder."""
    keras.utils.set_random_seed(0)
    encoder = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten()])
    model = DBVAE(encoder, build_decoder(SIZES, SHAPE), LOSS, seed=1)
    model.head.bias.assign(np.random.default_rng(3).normal(size=2 * K + 1))
    return model


def echo(reconstruction, mean, log_variance, logit=0.0):
    """A model that always has this posterior, (16,) each, and whose decoder shows the latents themselves."""
    encoder = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten()])
    decoder = keras.Sequential([keras.Input((16,)), keras.layers.Reshape(SHAPE)])
    model = DBVAE(encoder, decoder, dataclasses.replace(LOSS, reconstruction=reconstruction))
    model.head.kernel.assign(tf.zeros_like(model.head.kernel))
    model.head.bias.assign(np.r_[logit, mean, log_variance])
    return model


def gradients(model, x, labels, variables):
    """d loss / d variables, as arrays, with the same posterior noise in every call."""
    model.noise.state.assign(np.array([5, 0]))
    labels = tf.constant(labels, tf.float32)
    with tf.GradientTape() as tape:
        loss = model.loss_terms(tf.constant(x), labels, training=True)["loss"]
    found = tape.gradient(loss, [v.value for v in variables], unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return [gradient.numpy() for gradient in found]


def decoder_and_latent_gradients(model, x, labels):
    """Gradients of the decoder's weights and of the head's columns behind means and log-variances."""
    variables = [*model.decoder.trainable_variables, model.head.kernel, model.head.bias]
    *decoder, kernel, bias = gradients(model, x, labels, variables)
    return [*decoder, kernel[:, 1:], bias[1:]]


def test_non_faces_give_decoder_and_latents_no_gradient(transparent):
    x, labels = images(), [1, 0, 1, 0, 1, 0]
    mixed = decoder_and_latent_gradients(transparent, x, labels)
    altered = x.copy()
    altered[1::2] = images(3, seed=9) * 50
    for ours, others in zip(mixed, decoder_and_latent_gradients(transparent, altered, labels), strict=True):
        np.testing.assert_array_equal(ours, others)
    faces_only = decoder_and_latent_gradients(transparent, x[::2], [1, 1, 1])
    for ours, alone in zip(mixed, faces_only, strict=True):
        np.testing.assert_allclose(ours, alone / 2, rtol=1e-4, atol=1e-7)  # half of the batch are faces
    assert all(np.abs(gradient).max() > 0 for gradient in (mixed[0], *mixed[-2:]))  # faces do


def test_altered_faces_do_change_decoder_gradients(transparent):
    x, altered, labels = images(), images(), [1, 0, 1, 0, 1, 0]
    altered[0] = images(1, seed=9)
    changed = zip(*(decoder_and_latent_gradients(transparent, batch, labels) for batch in (x, altered)), strict=True)
    assert any(np.abs(a - b).max() > 1e-6 for a, b in changed)


def test_a_non_face_is_moved_by_its_cross_entropy_only(transparent):
    """Through features that are the pixels, d loss / d image has a closed form without any VAE."""
    x, labels = tf.Variable(images()), [1, 0, 1, 0, 1, 0]
    with tf.GradientTape() as tape:
        loss = transparent.loss_terms(x, tf.constant(labels, tf.float32), training=True)["loss"]
    gradient = tape.gradient(loss, x).numpy().reshape(6, 16)
    kernel, bias = transparent.head.kernel.numpy(), transparent.head.bias.numpy()
    logits = x.numpy().reshape(6, 16) @ kernel[:, 0] + bias[0]
    classification = 1.5 * ((sigmoid(logits) - labels) / 6)[:, None] * kernel[:, 0]
    np.testing.assert_allclose(gradient[1::2], classification[1::2], rtol=1e-4, atol=1e-7)
    assert np.abs(gradient[::2] - classification[::2]).max() > 1e-3


def test_non_faces_leave_the_decoders_batch_statistics_alone(transparent):
    x, labels = images(), [1, 0, 1, 0, 1, 0]
    altered = x.copy()
    altered[1::2] = 50
    statistics = [_statistics_after(transparent, batch, labels) for batch in (x, altered)]
    statistics.append(_statistics_after(transparent, x[::2], [1, 1, 1]))
    for with_non_faces in statistics[:2]:
        np.testing.assert_allclose(with_non_faces, statistics[2], rtol=1e-6)
    assert np.abs(statistics[0]).max() > 0 and not np.array_equal(statistics[0], _moving(transparent))


def _moving(model):
    return np.concatenate([v.numpy().ravel() for v in model.decoder.non_trainable_variables])


def _statistics_after(model, x, labels):
    """The decoder's moving statistics after one batch; the model is put back as it was."""
    before = [v.numpy() for v in model.decoder.non_trainable_variables]
    model.noise.state.assign(np.array([5, 0]))
    model.loss_terms(tf.constant(x), tf.constant(labels, tf.float32), training=True)
    after = _moving(model)
    for variable, value in zip(model.decoder.non_trainable_variables, before, strict=True):
        variable.assign(value)
    return after


def test_kl_divergence_closed_form():
    rng = np.random.default_rng(0)
    mean, log_variance = rng.normal(size=(2, 16))
    losses = echo("l2", mean, log_variance).loss_terms(tf.constant(images()), tf.constant([1.0, 0] * 3), training=False)
    expected = 0.5 * np.sum(np.exp(log_variance) + mean**2 - 1 - log_variance)
    assert float(losses["kl_loss"]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("reconstruction", "norm"), [("l1", np.abs), ("l2", np.square)])
def test_loss_is_eq_2(reconstruction, norm):
    """With log-variances of -40 the posterior's sample is its mean, and every term can be computed by hand."""
    x, labels = images(5), np.array([1, 0, 0, 1, 0])
    mean, log_variance = np.linspace(-1, 2, 16), np.full(16, -40.0)
    losses = echo(reconstruction, mean, log_variance, logit=0.4).loss_terms(
        tf.constant(x), tf.constant(labels, tf.float32), training=False
    )
    classification = -np.mean(np.where(labels == 1, np.log(sigmoid(0.4)), np.log(1 - sigmoid(0.4))))
    error = norm(mean - x[labels == 1].reshape(2, 16)).mean()
    kl = 0.5 * np.sum(np.exp(log_variance) + mean**2 - 1 - log_variance)
    expected = {
        "classification_loss": classification,
        "reconstruction_loss": error,
        "kl_loss": kl,
        "loss": 1.5 * classification + 2 / 5 * (0.7 * error + 0.3 * kl),
    }
    assert {name: float(value) for name, value in losses.items()} == pytest.approx(expected, rel=1e-5)


def test_latents_are_sampled_from_the_posterior():
    """E (z - x)^2 = (mean - x)^2 + variance, over 4,000 equal faces."""
    mean, log_variance = np.linspace(-1, 1, 16), np.linspace(-2, 1, 16)
    x = np.repeat(images(1), 4000, axis=0)
    losses = echo("l2", mean, log_variance).loss_terms(tf.constant(x), tf.ones(4000), training=True)
    expected = np.mean((mean - x[0].ravel()) ** 2 + np.exp(log_variance))
    assert float(losses["reconstruction_loss"]) == pytest.approx(expected, rel=0.03)


def test_noise_differs_between_steps_and_repeats_with_its_state(model):
    x, labels = tf.constant(images()), tf.ones(6)
    values = [float(model.loss_terms(x, labels, training=False)["loss"]) for _ in range(2)]
    assert values[0] != values[1]
    start = model.noise.state.numpy()
    model.noise.state.assign(start)
    first = float(model.loss_terms(x, labels, training=False)["loss"])
    model.noise.state.assign(start)
    assert float(model.loss_terms(x, labels, training=False)["loss"]) == first


def test_posterior_is_what_the_head_says(transparent):
    x = images()
    outputs = x.reshape(6, 16) @ transparent.head.kernel.numpy() + transparent.head.bias.numpy()
    posterior = transparent.posterior(tf.constant(x))
    np.testing.assert_allclose(posterior.mean(), outputs[:, 1 : K + 1], rtol=1e-5)
    np.testing.assert_allclose(posterior.variance(), np.exp(outputs[:, K + 1 :]), rtol=1e-4)
    np.testing.assert_allclose(transparent(tf.constant(x)), outputs[:, 0], rtol=1e-4, atol=1e-6)


def test_batch_without_faces_is_finite_and_leaves_the_decoder_alone(model):
    model.compile(optimizer=keras.optimizers.Adam(0.1), jit_compile=False)
    model.optimizer.build(model.trainable_variables)  # else the step is traced twice
    before = [v.numpy() for v in model.decoder.variables]
    head = model.head.kernel.numpy()
    batch = tf.data.Dataset.from_tensors((images(), np.zeros(6, np.float32)))
    history = model.fit(untuned(batch), verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert history["reconstruction_loss"] == history["kl_loss"] == [0]
    assert all(np.all(np.isfinite(v)) for v in model.variables)
    for variable, value in zip(model.decoder.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    np.testing.assert_array_equal(model.head.kernel.numpy()[:, 1:], head[:, 1:])
    assert np.abs(model.head.kernel.numpy()[:, 0] - head[:, 0]).max() > 0


def test_one_face_alone_is_finite(model):
    x = tf.constant(images(1))
    for value in (*gradients(model, x, [1], model.trainable_variables), model.loss_terms(x, tf.ones(1), True)["loss"]):
        assert np.all(np.isfinite(value))


def test_batch_norm_trains(model):
    statistics = [v for v in model.encoder.non_trainable_variables if "moving" in v.name]
    before = [v.numpy() for v in statistics]
    x = tf.constant(images(32) * 5)
    in_training = model(x, training=True).numpy()
    assert len(before) == 6
    assert all(np.abs(v.numpy() - old).max() > 0 for v, old in zip(statistics, before, strict=True))
    after = [v.numpy() for v in statistics]
    assert np.abs(in_training - model(x).numpy()).max() > 1e-3  # inference uses the moving statistics...
    for variable, value in zip(statistics, after, strict=True):
        np.testing.assert_array_equal(variable, value)  # ...and leaves them


def test_trains_with_plain_fit(model):
    """Bright against dark images, with an ordinary data set and no sampler."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 128)
    x = (rng.uniform(size=(128, *SHAPE)) * 0.3 + 0.6 * labels[:, None, None, None]).astype(np.float32)
    model.compile(optimizer=keras.optimizers.Adam(0.01), jit_compile=False)
    batches = untuned(tf.data.Dataset.from_tensor_slices((x, labels)).batch(32))
    history = model.fit(batches, epochs=12, validation_data=batches, verbose=0).history
    assert history["classification_loss"][-1] < 0.3 < history["classification_loss"][0]
    assert history["reconstruction_loss"][-1] < history["reconstruction_loss"][0]
    assert np.mean((model(x).numpy() > 0) == labels) > 0.95
    assert "val_loss" in history


def test_saved_and_loaded_in_safe_mode(model, tmp_path):
    model(tf.constant(images()), training=True)  # batch statistics that are not the initial ones
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x = tf.constant(images(seed=4))
    np.testing.assert_array_equal(loaded(x), model(x))
    np.testing.assert_array_equal(loaded.reconstruct(x), model.reconstruct(x))
    assert [(m.objective, m.seed, m.latent_dim) for m in (loaded, model)] == [(LOSS, 1, K)] * 2


def test_any_encoder_and_decoder(tmp_path):
    """Other layers, other sizes, other image shape: trains, saves and loads."""
    inputs = keras.Input((10, 6, 2))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.SeparableConv2D(5, 3, activation="swish")(inputs))
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(120), keras.layers.Reshape((10, 6, 2))])
    model = DBVAE(keras.Model(inputs, pooled), decoder)
    model.compile(optimizer="sgd")  # as Keras likes it, which is with XLA
    x = np.random.default_rng(0).uniform(size=(8, 10, 6, 2)).astype(np.float32)
    model.fit(untuned(tf.data.Dataset.from_tensors((x, np.tile([0.0, 1.0], 4)))), verbose=0)
    model.save(tmp_path / "own.keras")
    loaded = keras.saving.load_model(tmp_path / "own.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded(x), model(x))


@pytest.mark.slow
def test_compiles_with_xla_as_on_a_gpu(model):
    eager = [
        float(model.loss_terms(tf.constant(images()), tf.constant([1.0, 0] * 3), False)[name])
        for name in ("classification_loss", "kl_loss")
    ]
    losses = tf.function(lambda x, y: model.loss_terms(x, y, False), jit_compile=True)
    compiled = losses(tf.constant(images()), tf.constant([1.0, 0] * 3))
    assert [float(compiled[name]) for name in ("classification_loss", "kl_loss")] == pytest.approx(eager, rel=1e-4)


def _dense_decoder(latents, shape):
    return keras.Sequential(
        [keras.Input((latents,)), keras.layers.Dense(int(np.prod(shape))), keras.layers.Reshape(shape)]
    )


@pytest.mark.parametrize(
    "decoder",
    [
        lambda: _dense_decoder(3, (4, 4, 3)),  # would broadcast against one channel
        lambda: keras.Sequential([keras.Input(SHAPE), keras.layers.Dense(1)]),
    ],
    ids=["other channels", "images for latents"],
)
def test_bad_parts_are_refused_in_one_line(decoder):
    encoder = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten()])
    with pytest.raises(InputError, match="decoder") as caught:
        DBVAE(encoder, decoder())
    assert "\n" not in str(caught.value)


def test_encoder_that_is_not_flat_is_refused():
    encoder = keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(2, 3)])
    with pytest.raises(InputError, match="encoder"):
        DBVAE(encoder, _dense_decoder(3, SHAPE))
