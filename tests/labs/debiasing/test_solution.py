"""What the solution trains is what debias trains: the same loss, gradients and probabilities."""

import dataclasses

import numpy as np
import pytest

from debias import dbvae
from debias.backend import keras, tf, tfp
from debias.config import Histograms, Loss
from debias.data.pipeline import BalancedBatches
from debias.dbvae import DBVAE
from debias.networks import build_decoder, build_encoder
from debias.presets import Preset
from debias.resampling import sampling_probabilities

SHAPE = (8, 8, 3)
SIZES = Preset(filters=(4, 6), kernels=(3, 3), dense=8, latent_dim=3)
LABELS = np.array([1, 0, 1, 1, 0, 0, 1, 0])


@pytest.fixture
def models(solution):
    """debias' model and the lab's, of the same weights and with the same noise to come."""
    ours, labs = (
        build(build_encoder(SIZES, SHAPE), build_decoder(SIZES, SHAPE), Loss(kl_weight=0.3))
        for build in (DBVAE, solution["LabDBVAE"])
    )
    labs.set_weights(ours.get_weights())
    return ours, labs


def loss_and_gradients(model, labels):
    images = tf.constant(np.random.default_rng(0).uniform(size=(8, *SHAPE)), tf.float32)
    with tf.GradientTape() as tape:
        loss = model.loss_terms(images, labels, training=True)["loss"]
    variables = [variable.value for variable in model.trainable_variables]
    return loss, tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def noise_of(model):
    """The standard normal noise that debias' model will draw for its faces, in the rows of the faces."""
    state = model.noise.state.numpy()
    standard = tfp.distributions.MultivariateNormalDiag(tf.zeros((LABELS.sum(), 3)), tf.ones((LABELS.sum(), 3)))
    drawn = standard.sample(seed=tf.cast(model.noise.next(), tf.int32)).numpy()
    model.noise.state.assign(state)
    noise = np.full((len(LABELS), 3), 0.5, np.float32)  # what non-faces get must not matter
    noise[LABELS == 1] = drawn
    return tf.constant(noise)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_loss_and_gradients_are_those_of_debias(models, monkeypatch, shape):
    ours, labs = models
    noise = noise_of(ours)
    monkeypatch.setattr(keras.random, "normal", lambda shape, seed: noise)
    expected, theirs = loss_and_gradients(ours, tf.constant(LABELS, tf.float32))
    loss, gradients = loss_and_gradients(labs, tf.constant(LABELS.reshape(shape), tf.float32))
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    for ours, reference in zip(gradients, theirs, strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-3, atol=1e-6)
    assert max(np.abs(gradient).max() for gradient in theirs) > 1e-3


@pytest.mark.parametrize("rule", ["max", "product"])
@pytest.mark.parametrize(("k", "alpha", "bins"), [(1, 0.1, 2), (5, 0.01, 10), (100, 0.001, 10), (40, 1e-6, 17)])
def test_probabilities_are_those_of_debias(solution, rule, k, alpha, bins):
    latents = np.random.default_rng(k).normal(size=(3000, k)).astype(np.float32) * np.geomspace(1e-3, 30, k)
    histograms = Histograms(alpha, bins)
    p = solution["lab_rule"](rule, histograms)(latents)
    np.testing.assert_allclose(p, sampling_probabilities(latents, rule, histograms), rtol=1e-9, atol=1e-300)


def test_a_collapsed_latent_is_weighed_as_debias_does(solution):
    latents = np.column_stack([np.full(50, 0.3, np.float32), np.random.default_rng(0).normal(size=50)])
    for rule in ("max", "product"):
        p = solution["lab_rule"](rule, Histograms())(latents)
        np.testing.assert_allclose(p, sampling_probabilities(latents, rule), rtol=1e-9)


def test_a_compiled_fit_uses_what_the_student_wrote(solution, monkeypatch):
    model = solution["LabDBVAE"](build_encoder(SIZES, SHAPE), build_decoder(SIZES, SHAPE))
    called = []

    def written(model):
        called.append(model)
        return {"loss": tf.constant(7.0)}

    monkeypatch.setitem(solution, "train_step", written)
    model.compile("adam")
    history = model.fit(tf.data.Dataset.range(3), shuffle=False, verbose=0)
    assert called and history.history["loss"] == [7.0]


@pytest.mark.slow
def test_training_starts_as_that_of_debias_and_sees_no_groups(solution, splits, tiny_config, monkeypatch, tmp_path):
    seen = []

    def watched(dataset, *arguments):
        seen.append(dataset)
        return BalancedBatches(dataset, *arguments)

    config = dataclasses.replace(tiny_config, epochs=1)
    world = {"config": config, "visible": splits.visible_to("class"), "seconds": {}, "BalancedBatches": watched}
    for name, value in world.items():
        monkeypatch.setitem(solution, name, value)
    model, p = solution["train"]("title", "max")
    dbvae.train(splits.visible_to("class"), dataclasses.replace(config, folder=tmp_path), "max")
    np.testing.assert_allclose(p, np.load(tmp_path / "sampling" / "epoch-000.npy"), rtol=1e-6)
    assert p.std() > 0 and world["seconds"]["title"] > 0
    assert [dataset.groups for dataset in seen] == [None] and np.all(np.isfinite(model.predict(np.zeros((2, 8, 8, 1)))))
