"""Encoding and the refresh of the sampler, without a training run."""

import numpy as np
import pandas as pd
import pytest

from debias.backend import keras, tf
from debias.callbacks import Progress, Resample, RunFolder, encode
from debias.config import Histograms
from debias.data.dataset import Dataset
from debias.data.pipeline import BalancedBatches, on_device
from debias.data.sampling import WeightedSampler
from debias.dbvae import build
from debias.detector import Classifier
from debias.resampling import sampling_probabilities

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


def test_a_diverged_model_encodes_nothing(tiny_config, noise):
    model = build(tiny_config, (8, 8, 1))
    model.head.bias.assign(np.full(model.head.bias.shape, np.nan))
    with pytest.raises(FloatingPointError, match="diverged"):
        encode(model, on_device(noise.positives()))


def test_resample_sets_what_the_rule_says(model, noise, means):
    def rule(latents):
        return sampling_probabilities(latents, "product", Histograms(alpha=0.05, bins=7))

    batches = BalancedBatches(noise, 16)
    callback = Resample(rule, batches, every=2)
    callback.set_model(model)
    callback.on_epoch_begin(1)
    np.testing.assert_allclose(batches.sampler.probabilities, 1 / COUNT)  # not due
    callback.on_epoch_begin(2)
    np.testing.assert_allclose(batches.sampler.probabilities, rule(encode(model, batches.positives)))


def test_resample_may_sample_the_latents(model, noise):
    batches = BalancedBatches(noise, 16, seed=4)
    callback, drawn = Resample(sampling_probabilities, batches, sample=True), []
    callback.set_model(model)
    for epoch in (0, 0, 1):
        callback.on_epoch_begin(epoch)
        drawn.append(batches.sampler.probabilities.numpy())
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


@pytest.fixture
def run_folder(tmp_path):
    """Makes the callback of a small model in one folder, anew after each 'kill'."""

    def make():
        images = keras.Input((2, 2, 1))
        model = Classifier(keras.Model(images, keras.layers.Flatten()(images)))
        model.compile(optimizer="adam", jit_compile=False)
        model.optimizer.build(model.trainable_variables)
        callback = RunFolder(tmp_path, model, WeightedSampler(3))
        callback.set_model(model)
        return callback

    return make


def end_epoch(callback, epoch):
    """The epoch ends with all weights equal to its number, and faces drawn so that the ESS is 1.6."""
    callback.model.set_weights([np.full(w.shape, epoch, np.float32) for w in callback.model.get_weights()])
    callback.sampler.assign([0.75, 0.25, 0])
    callback.on_epoch_end(epoch, {"loss": np.float32(0.1) + epoch})


def test_a_run_goes_on_with_what_its_folder_holds(run_folder, tmp_path):
    first = run_folder()
    assert first.restore() == 0 and list(tmp_path.iterdir()) == []
    for epoch in range(2):
        end_epoch(first, epoch)
    again = run_folder()
    assert again.restore() == 2
    assert np.all(again.model.get_weights()[0] == 1)
    np.testing.assert_array_equal(again.sampler.probabilities, [0.75, 0.25, 0])
    end_epoch(again, 2)
    log = pd.read_csv(tmp_path / "log.csv")
    assert log["epoch"].to_list() == [0, 1, 2]
    assert log["ess"].to_list() == [1.6] * 3 and log["loss"].to_numpy() == pytest.approx([0.1, 1.1, 2.1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "log.csv", "sampling"]
    kept = sorted((tmp_path / "sampling").iterdir())
    assert [path.name for path in kept] == [f"epoch-{epoch:03d}.npy" for epoch in range(3)]
    np.testing.assert_array_equal(np.load(kept[0]), [0.75, 0.25, 0])
    assert len(list((tmp_path / "checkpoint").glob("*.index"))) == 1  # the last one is enough


def test_lines_after_the_checkpoint_are_written_again(run_folder, tmp_path):
    first = run_folder()
    first.restore()
    for epoch in range(2):
        end_epoch(first, epoch)
    first.log.on_epoch_end(2, {"loss": 0.5, "ess": 3.0})  # killed before the checkpoint
    again = run_folder()
    assert again.restore() == 2
    end_epoch(again, 2)
    assert pd.read_csv(tmp_path / "log.csv")["epoch"].to_list() == [0, 1, 2]


def test_progress_tells_the_share_that_is_done():
    shares = []
    progress = Progress(shares.append, epochs=4)
    progress.set_params({"steps": 100})
    for epoch in (1, 2):  # a resumed run
        progress.on_epoch_begin(epoch)
        for batch in range(100):
            progress.on_train_batch_end(batch)
    assert shares == sorted(shares) and shares[0] == 0.25 and 0.74 < shares[-1] < 0.75
    assert len(shares) == 2 * 50
