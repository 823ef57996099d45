"""Encoding and the refresh of the sampler, without a training run."""

import numpy as np
import pytest

from debias.backend import keras, tf
from debias.callbacks import Checkpoints, Resample, encode
from debias.data.dataset import Dataset
from debias.data.pipeline import BalancedBatches, on_device
from debias.data.sampling import WeightedSampler
from debias.dbvae import build
from debias.detector import Classifier
from debias.resampling import Rule, sampling_probabilities

COUNT = 1100  # more than two blocks of the encoder


@pytest.fixture(scope="module")
def noise() -> Dataset:
    images = np.random.default_rng(0).integers(0, 256, (COUNT + 10, 8, 8, 1), np.uint8)
    return Dataset(images, np.arange(len(images)), (np.arange(len(images)) < COUNT).astype(np.uint8))


@pytest.fixture(scope="module")
def model(tiny_config):
    return build(tiny_config, (8, 8, 1))


@pytest.fixture(scope="module")
def means(model, noise):
    """Posterior means of all positives, in one pass."""
    return model.posterior(tf.constant(noise.positives().images() / 255, tf.float32)).mean().numpy()


def test_encode_gives_posterior_means_block_by_block(model, noise, means):
    encoded = encode(model, on_device(noise.positives()))
    assert encoded.shape == (COUNT, 3) and encoded.dtype == np.float32
    np.testing.assert_allclose(encoded, means, atol=1e-5)


def test_encode_samples_the_posterior(model, noise, means):
    images = on_device(noise.positives())
    first, again, later = (encode(model, images, seed) for seed in ((0, 1), (0, 1), (0, 2)))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, later)
    deviation = model.posterior(tf.constant(noise.positives().images() / 255, tf.float32)).stddev().numpy()
    standard = (first - means) / deviation
    assert abs(standard.mean()) < 0.07 and standard.std() == pytest.approx(1, abs=0.05)
    assert abs(np.corrcoef(standard[:512, 0], standard[512:1024, 0])[0, 1]) < 0.2  # blocks have noise of their own


def test_resample_sets_what_the_rule_says(model, noise, means):
    batches = BalancedBatches(noise, 16)
    callback = Resample(Rule("product", alpha=0.05, bins=7), batches, every=2)
    callback.set_model(model)
    callback.on_epoch_begin(1)
    np.testing.assert_allclose(batches.sampler.probabilities, 1 / COUNT)  # not due
    callback.on_epoch_begin(2)
    expected = sampling_probabilities(encode(model, batches.positives), "product", 0.05, 7)
    np.testing.assert_allclose(batches.sampler.probabilities, expected)


def test_resample_may_sample_the_latents(model, noise):
    batches = BalancedBatches(noise, 16, seed=4)
    callback, drawn = Resample(Rule("max", latents="sample"), batches), []
    callback.set_model(model)
    for epoch in (0, 0, 1):
        callback.on_epoch_begin(epoch)
        drawn.append(batches.sampler.probabilities.numpy())
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


@pytest.fixture
def checkpoints(tmp_path):
    """Makes the callback of a small model in one folder, anew after each 'kill'."""

    def make():
        images = keras.Input((2, 2, 1))
        model = Classifier(keras.Model(images, keras.layers.Flatten()(images)))
        model.compile(optimizer="adam", jit_compile=False)
        model.optimizer.build(model.trainable_variables)
        callback = Checkpoints(tmp_path, model, WeightedSampler(3))
        callback.set_model(model)
        return callback

    return make


def end_epoch(callback, epoch, val_loss):
    """The epoch ends with all weights equal to its number."""
    callback.model.set_weights([np.full(w.shape, epoch, np.float32) for w in callback.model.get_weights()])
    callback.on_epoch_end(epoch, {"val_loss": val_loss})


def test_best_model_has_the_lowest_loss_even_after_a_restart(checkpoints, tmp_path):
    first = checkpoints()
    for epoch, val_loss in enumerate((0.8, 0.5, 0.9)):
        end_epoch(first, epoch, val_loss)
    again = checkpoints()
    assert again.restore() == 3
    assert np.all(again.model.get_weights()[0] == 2)
    end_epoch(again, 3, 0.6)
    end_epoch(again, 4, float("nan"))
    best = keras.saving.load_model(tmp_path / "best.keras", compile=False)
    assert np.all(best.get_weights()[0] == 1)


def test_nothing_to_restore_is_zero_epochs(checkpoints):
    assert checkpoints().restore() == 0
