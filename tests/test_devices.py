"""What a GPU would choose, with the switches forced on a CPU."""

import csv
import dataclasses

import numpy as np
import pytest

from baselines import METHODS
from baselines.cnn import prepare
from debias import dbvae, devices, training
from debias.augmentation import RandomCamera
from debias.backend import keras, tf, tfp
from debias.config import Config
from debias.data.dataset import Dataset
from debias.data.pipeline import BalancedBatches
from debias.dbvae import build
from debias.evaluation import predict


@pytest.fixture(scope="module")
def batches():
    rng = np.random.default_rng(0)
    data = Dataset(rng.integers(0, 256, (60, 8, 8, 1), np.uint8), np.arange(60), np.tile([0, 1], 30).astype(np.uint8))
    return BalancedBatches(data, 16, images="resident")


def compiled(config, batches, **settings):
    """A DB-VAE whose step draws its own batch."""
    keras.utils.set_random_seed(0)
    with devices.scope(config):
        model = build(config, (8, 8, 1))
        model.compile(keras.optimizers.SGD(0.1), **settings)
        model.optimizer.build(model.trainable_variables)
    model.batches, model.camera = batches, RandomCamera(0.5)
    return model


def test_halves_and_xla_are_chosen_when_a_gpu_is_seen_and_can_be_refused(monkeypatch):
    def chosen(**changes):
        config = Config(**changes)
        return devices.precision(config), devices.uses_xla(config), devices.described(config)

    assert chosen() == ("float32", False, "CPU, float32")
    monkeypatch.setattr(devices, "on_gpu", lambda: True)
    assert chosen() == ("mixed_float16", True, "GPU, mixed_float16, XLA")
    assert chosen(precision="float32", xla=False) == ("float32", False, "GPU, float32")
    assert chosen(replicas=2) == ("mixed_float16", False, "2 x GPU, mixed_float16")


class Still(tfp.distributions.MultivariateNormalDiag):
    """Without noise: XLA makes normal numbers of its own from a seed."""

    def sample(self, seed):
        return self.mean()


@pytest.mark.slow
def test_a_step_compiled_by_xla_is_the_plain_one(tiny_config, batches, monkeypatch):
    monkeypatch.setattr(dbvae, "_normal", lambda mean, log_variance: Still(mean, tf.exp(0.5 * log_variance)))
    weights = []
    for jit_compile in (False, True):
        model = compiled(tiny_config, batches)
        # Not by Keras, which leaves XLA out without an error once a test has asked for repeatable kernels.
        step = tf.function(lambda model=model: model.train_step(None), jit_compile=jit_compile)
        step()
        step()
        weights.append(model.get_weights())
    for plain, by_xla in zip(*weights, strict=True):
        np.testing.assert_allclose(by_xla, plain, atol=1e-5)


@pytest.mark.slow
def test_halves_train_with_a_scaled_finite_loss(splits, tiny_config, tmp_path):
    config = dataclasses.replace(tiny_config, precision="mixed_float16", epochs=2, steps_per_epoch=4, folder=tmp_path)
    model = METHODS["dbvae-max"].train(splits, config)
    with (tmp_path / "log.csv").open() as file:
        losses = [float(value) for row in csv.DictReader(file) for name, value in row.items() if "loss" in name]
    assert losses and np.all(np.isfinite(losses))
    assert float(model.optimizer.scale_loss(1.0)) >= 2**8
    assert {layer.compute_dtype for layer in model.encoder.layers if layer.weights} == {"float16"}
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    scores = predict(model, splits.test)
    assert np.all((scores >= 0) & (scores <= 1))
    assert keras.config.dtype_policy().name == "float32"  # of what comes after


def test_the_step_stays_on_the_device(tiny_config, batches):
    """Neither Python nor an input pipeline takes part in it."""
    model = compiled(tiny_config, batches)
    graph = tf.function(model.train_step).get_concrete_function(tf.constant(0)).graph.as_graph_def()
    kinds = {node.op for body in [graph.node, *(f.node_def for f in graph.library.function)] for node in body}
    assert {"Conv2D", "StatelessRandomUniformFullIntV2", "GatherV2"} <= kinds
    assert not [kind for kind in kinds if "PyFunc" in kind or "Iterator" in kind or "Dataset" in kind]


@pytest.mark.parametrize("xla", [True, False])
def test_xla_and_repeatable_kernels_exclude_each_other(splits, tiny_config, monkeypatch, xla):
    """Keras would leave out XLA where it was asked for."""
    asked = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: asked.append(True))
    monkeypatch.setattr(training, "on_gpu", lambda: False)
    prepare(splits, dataclasses.replace(tiny_config, xla=xla))
    assert bool(asked) != xla
