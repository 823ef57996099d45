"""The introduction's checks: right answers pass, and each plausible mistake is told apart from the others."""

import re

import numpy as np
import pytest

from labs.checking import CheckFailed
from labs.intro import checks


@pytest.fixture
def tf():
    from debias.backend import tf

    return tf


@pytest.fixture
def keras():
    from debias.backend import keras

    return keras


def image(red, green, blue, size):
    return np.stack(np.broadcast_arrays(red, green, np.full((size, size), blue)), axis=-1).astype(np.float32)


def ramps(size):
    ramp = np.linspace(0, 1, size)
    return ramp[None, :], ramp[:, None]


def layer_of(keras, call, bias=True):
    """A class of layers with the right weights and this call."""

    class Layer(keras.layers.Layer):
        def __init__(self, units):
            super().__init__()
            self.units = units

        def build(self, shape):
            self.W = self.add_weight(shape=(shape[-1], self.units))
            self.b = self.add_weight(shape=(self.units,), initializer="zeros") if bias else None

        def call(self, x):
            return call(self, x)

    return Layer


def test_images_pass_and_swapped_colours_do_not(tf):
    checks.colours(lambda size, blue: tf.constant(image(*ramps(size), blue, size)))
    with pytest.raises(CheckFailed, match="swapped"):
        checks.colours(lambda size, blue: tf.constant(image(*ramps(size)[::-1], blue, size)))
    with pytest.raises(CheckFailed, match="shape"):
        checks.colours(lambda size, blue: tf.zeros((size, size)))
    with pytest.raises(CheckFailed, match="nothing"):
        checks.colours(lambda size, blue: None)


def test_a_batch_keeps_its_order(tf):
    def right(size, blues):
        return tf.constant(np.stack([image(*ramps(size), blue, size) for blue in blues]))

    checks.batch(right)
    with pytest.raises(CheckFailed, match="order"):
        checks.batch(lambda size, blues: right(size, blues[::-1]))


def test_the_graph_is_a_product(tf):
    checks.graph(lambda a, b: (a + b) * (b + 1))
    with pytest.raises(CheckFailed, match="product"):
        checks.graph(lambda a, b: (a + b) + (b + 1))


@pytest.mark.parametrize(
    ("name", "message"),
    [("raw", "sigmoid is missing"), ("no_bias", "bias is not added"), ("late", "after the sigmoid")],
)
def test_mistakes_in_the_dense_layer_are_named(tf, keras, name, message):
    calls = {
        "raw": lambda self, x: tf.matmul(x, self.W) + self.b,
        "no_bias": lambda self, x: tf.sigmoid(tf.matmul(x, self.W)),
        "late": lambda self, x: tf.sigmoid(tf.matmul(x, self.W)) + self.b,
    }
    checks.dense_layer(layer_of(keras, lambda self, x: tf.sigmoid(tf.matmul(x, self.W) + self.b)))
    with pytest.raises(CheckFailed, match=message):
        checks.dense_layer(layer_of(keras, calls[name]))


def test_an_error_within_a_layer_is_its_own_words_not_those_of_keras(tf, keras):
    wrong = layer_of(keras, lambda self, x: tf.matmul(self.W, x))
    with pytest.raises(CheckFailed) as caught:
        checks.dense_layer(wrong)
    assert re.search("InvalidArgumentError|ValueError", str(caught.value))
    assert "Matrix size-incompatible" in str(caught.value) and "\n" not in str(caught.value)


def test_weights_that_are_missing_are_counted(tf, keras):
    with pytest.raises(CheckFailed, match=r"\(2, 3\) and \(3,\)"):
        checks.dense_layer(layer_of(keras, lambda self, x: tf.matmul(x, self.W), bias=False))


def test_sequential_needs_its_activations(keras):
    def model(hidden, last):
        dense = keras.layers.Dense
        return lambda: keras.Sequential([keras.Input((2,)), dense(8, activation=hidden), dense(1, activation=last)])

    checks.sequential(model("tanh", "sigmoid"))
    with pytest.raises(CheckFailed, match="no sigmoid"):
        checks.sequential(model("tanh", None))
    with pytest.raises(CheckFailed, match="two linear maps are one"):
        checks.sequential(model(None, "sigmoid"))


def test_the_identity_switch_works_both_ways(keras):
    def model(choose):
        class Model(keras.Model):
            def __init__(self, units):
                super().__init__()
                self.dense = keras.layers.Dense(units, activation="sigmoid")

            def call(self, inputs, identity=False):
                return choose(inputs, self.dense(inputs), identity)

        return Model

    checks.identity_model(model(lambda same, changed, identity: same if identity else changed))
    with pytest.raises(CheckFailed, match="identity=True"):
        checks.identity_model(model(lambda same, changed, identity: changed))
    with pytest.raises(CheckFailed, match="come back unchanged"):
        checks.identity_model(model(lambda same, changed, identity: same))


def test_slopes_need_a_watched_constant(tf):
    def slope(function, x, watch=True):
        x = tf.constant(x)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            if watch:
                tape.watch(x)
            y = function(x)
        return tape.gradient(y, x)

    checks.slope(slope)
    with pytest.raises(CheckFailed, match="tape.watch"):
        checks.slope(lambda function, x: slope(function, x, watch=False))
    with pytest.raises(CheckFailed, match="the function's value"):
        checks.slope(lambda function, x: function(tf.constant(x)))


def test_descent_goes_down_and_counts_the_start():
    def descend(start, rate, steps, sign=-1):
        path = [start]
        for _ in range(steps):
            path.append(path[-1] + sign * rate * 2 * (path[-1] - 4))
        return path

    checks.descend(descend)
    with pytest.raises(CheckFailed, match="climbs"):
        checks.descend(lambda *arguments: descend(*arguments, sign=1))
    with pytest.raises(CheckFailed, match="the start"):
        checks.descend(lambda *arguments: descend(*arguments)[1:])
