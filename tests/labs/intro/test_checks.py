"""Each check approves of the solution and refuses plausible mistakes, with words that name the mistake."""

import numpy as np
import pytest

from debias.backend import keras, tf
from labs.intro import checks, pictures
from tests.labs.refusing import refused

# --- tensors ----------------------------------------------------------------------------------------------------------


def image(size, blue, swap=False, axis=-1, dtype=tf.float32):
    ramp = tf.cast(tf.linspace(0.0, 1.0, size), dtype)
    red, green = tf.meshgrid(ramp, ramp)
    channels = [green, red] if swap else [red, green]
    return tf.stack([*channels, tf.fill((size, size), tf.cast(blue, dtype))], axis=axis)


def test_another_way_to_the_image_passes_too():
    checks.colours(image)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"swap": True}, ["swapped"]),
        ({"axis": 0}, ["(3, 9, 9)", "(9, 9, 3)", "last axis"]),
        ({"dtype": "float64"}, ["float64", "float32"]),
    ],
)
def test_wrong_images(wrong, words):
    refused(checks.colours, lambda size, blue: image(size, blue, **wrong), *words)


def test_an_image_without_blue_or_of_bytes():
    refused(checks.colours, lambda size, blue: image(size, 0.0), "blue is missing")
    refused(checks.colours, lambda size, blue: 255 * image(size, blue), "not to 255")


def test_an_image_in_numpy_is_refused():
    refused(checks.colours, lambda size, blue: image(size, blue).numpy(), "an ndarray", "TensorFlow's functions")


def test_a_forgotten_return_is_named():
    refused(checks.colours, lambda size, blue: None, "nothing", "is there a return")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda size, blues: [image(size, blue) for blue in blues], ["a list", "tf.stack"]),
        (lambda size, blues: tf.stack([image(size, blue) for blue in blues], axis=-1), ["(9, 9, 3, 5)", "first axis"]),
        (lambda size, blues: tf.concat([image(size, blue) for blue in blues], axis=0), ["(45, 9, 3)", "tf.stack"]),
        (lambda size, blues: tf.stack([image(size, blue) for blue in reversed(blues)]), ["order"]),
    ],
)
def test_wrong_batches(wrong, words):
    refused(checks.batch, wrong, *words)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda a, b: (a + b) + (b + 1), "product"),
        (lambda a, b: a + b, "this is c"),
        (lambda a, b: (a + b) * (a + 1), "d is a + 1"),
        (lambda a, b: a * b, "expected"),
        (lambda a, b: (a + b) / tf.zeros(()), "NaN or infinity"),
        (lambda a, b: (a + b, b + 1, (a + b) * (b + 1)), "return the one number alone"),
    ],
)
def test_wrong_graphs(wrong, word):
    refused(checks.graph, wrong, word)


# --- layers -----------------------------------------------------------------------------------------------------------


class Dense(keras.layers.Layer):
    """A dense layer with places for mistakes."""

    formula = staticmethod(lambda x, w, b: tf.sigmoid(x @ w + b))
    bias = True

    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units))
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=self.bias)

    def call(self, x):
        return self.formula(x, self.w, self.b)


@pytest.mark.parametrize(
    ("formula", "word"),
    [
        (lambda x, w, b: x @ w + b, "sigmoid is missing"),
        (lambda x, w, b: tf.sigmoid(x @ w), "bias is not added"),
        (lambda x, w, b: tf.sigmoid(x @ w) + b, "after the sigmoid"),
        (lambda x, w, b: tf.matmul(w, x), "Matrix size-incompatible"),  # in its own words, not in those of Keras
        (lambda x, w, b: tf.tanh(x @ w + b), "expected"),
    ],
)
def test_wrong_layers(formula, word):
    refused(checks.dense_layer, type("Wrong", (Dense,), {"formula": staticmethod(formula)}), word)


@pytest.mark.parametrize(
    ("initializers", "word"), [(("zeros", "zeros"), "begin with the same weights"), ((None, None), "begin at zero")]
)
def test_weights_that_begin_badly(initializers, word):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer=initializers[0])
        self.b = self.add_weight(shape=(self.units,), initializer=initializers[1])

    refused(checks.dense_layer, type("Wrong", (Dense,), {"build": build}), word)


def test_a_layer_without_a_trainable_bias():
    refused(checks.dense_layer, type("Wrong", (Dense,), {"bias": False}), "trainable weights", "[(2, 3)]")


@pytest.mark.parametrize("shape", [lambda units: (units,), lambda units: (1, units)], ids=["vector", "row"])
def test_a_bias_is_a_vector_or_a_row(shape, capsys):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units))
        self.b = self.add_weight(shape=shape(self.units), initializer="zeros")

    checks.dense_layer(type("Right", (Dense,), {"build": build}))
    assert "right" in capsys.readouterr().out


def test_other_ways_to_a_row_pass(capsys):
    layers = keras.layers
    checks.sequential(row((8, tf.nn.tanh), (1, tf.sigmoid)))
    parts = [layers.Dense(8), layers.Activation("tanh"), layers.Dense(1), layers.Activation("sigmoid")]
    checks.sequential(lambda: keras.Sequential([keras.Input((2,)), *parts]))
    hidden = layers.Dense(8, activation="tanh")
    checks.sequential(lambda: keras.Sequential([keras.Input((2,)), hidden, Dense(1)]))  # the layer of section 3
    assert capsys.readouterr().out.count("right") == 3


def test_a_stub_inside_the_layer_is_told_to_be_written():
    def unwritten(self, input_shape):  # Keras looks at the signature
        raise NotImplementedError("this TODO is still to be done")

    for method in ("build", "call"):
        refused(checks.dense_layer, type("Stub", (Dense,), {method: unwritten}), "not written yet")


def row(*layers):
    return lambda: keras.Sequential([keras.Input((2,)), *(keras.layers.Dense(n, activation=f) for n, f in layers)])


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([(1, "sigmoid")], ["[1]", "[8, 1]"]),
        ([(1, "tanh"), (8, "sigmoid")], ["[1, 8]"]),
        ([(8, None), (1, "sigmoid")], ["no activation"]),
        ([(8, "tanh"), (1, None)], ["no sigmoid"]),
        ([(8, "relu"), (1, "sigmoid")], ["expected", "tanh"]),
    ],
)
def test_wrong_rows(layers, words):
    refused(checks.sequential, row(*layers), *words)


def test_a_row_without_biases_is_told_so():
    layers = [keras.layers.Dense(8, "tanh", use_bias=False), keras.layers.Dense(1, "sigmoid")]
    refused(checks.sequential, lambda: keras.Sequential([keras.Input((2,)), *layers]), "with their biases")


def row_model(call, rate=0.5, hidden="tanh", last="sigmoid", units=8):
    """A subclassed row with this `call`."""

    class Row(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = keras.layers.Dense(1, activation=last)
            self.dropout = keras.layers.Dropout(rate)
            self.hidden = keras.layers.Dense(units, activation=hidden)

    Row.call = call
    return Row


def right_call(self, inputs, training=False):
    return self.last(self.dropout(self.hidden(inputs), training=training))


def by_an_if(self, inputs, training=False):
    hidden = self.hidden(inputs)
    return self.last(tf.nn.dropout(hidden, 0.5) if training else hidden)


def told_by_keras(self, inputs, training=False):  # which hands `training` on to layers that are not told
    return self.last(self.dropout(self.hidden(inputs)))


def wrapped(self, inputs, training=None):
    return keras.Sequential([self.hidden, self.dropout, self.last])(inputs, training=training)


@pytest.mark.parametrize("call", [right_call, by_an_if, told_by_keras, wrapped])
def test_a_row_may_be_subclassed_in_several_ways(call, capsys):
    for _ in range(3):
        checks.row_model(row_model(call))
    assert capsys.readouterr().out.count("right") == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rate": 0.0}, ["nothing is dropped"]),
        ({"rate": 0.2}, ["Dropout(0.5)"]),
        ({"hidden": None}, ["no tanh"]),
        ({"hidden": "relu"}, ["at test", "expected"]),
        ({"last": None}, ["no sigmoid"]),
        ({"units": 4}, ["(2, 4)", "2 to 8"]),
    ],
)
def test_wrong_parts_of_a_subclassed_row(options, words):
    refused(checks.row_model, row_model(right_call, **options), *words)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda self, inputs, training=False: self.last(self.hidden(inputs)), "nothing is dropped"),
        (
            lambda self, inputs, training=False: self.last(self.dropout(self.hidden(inputs), training=True)),
            "at test as well",
        ),
        (
            lambda self, inputs, training=False: self.last(self.dropout(self.hidden(inputs), training=not training)),
            "at test as well",
        ),
        (
            lambda self, inputs, training=False: self.dropout(self.last(self.hidden(inputs)), training=training),
            "between the two layers",
        ),
        (
            lambda self, inputs, training=False: self.last(self.hidden(self.dropout(inputs, training=training))),
            "between the two layers",
        ),
        (lambda self, inputs, training=False: self.hidden(inputs), "(1, 8)"),
        (lambda self, inputs, training=False: None, "nothing"),
    ],
)
def test_wrong_calls_of_a_subclassed_row(call, word):
    refused(checks.row_model, row_model(call), word)


def switch(call):
    """A subclassed model with this `call`."""

    class Switch(keras.Model):
        def __init__(self, units):
            super().__init__()
            self.built = True  # the wrong ones that leave the layer out would make Keras warn
            self.dense = keras.layers.Dense(units, activation="sigmoid")

    Switch.call = call
    return Switch


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda self, inputs, identity=False: inputs, "unchanged"),
        (lambda self, inputs, identity=False: self.dense(inputs), "identity=True"),
        (lambda self, inputs, identity=False: self.dense(inputs) if identity else inputs, "identity=True"),
        (lambda self, inputs, identity=False: inputs if identity else 2 * self.dense(inputs), "identity=False"),
    ],
)
def test_wrong_switches(call, word):
    refused(checks.identity_model, switch(call), word)


# --- gradients --------------------------------------------------------------------------------------------------------


def unwatched(function, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        y = function(x)
    return tape.gradient(y, x)


def swapped(function, x):
    x = tf.Variable(x)
    with tf.GradientTape() as tape:
        y = function(x)
    return tape.gradient(x, y)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (unwatched, "watch"),
        (swapped, "swapped"),
        (lambda *_: None, "return tape.gradient"),
        (lambda function, x: function(tf.constant(x)), "value"),
        (lambda *_: tf.ones(()), "expected"),
    ],
)
def test_wrong_slopes(wrong, word):
    refused(checks.slope, wrong, word)


def test_a_difference_quotient_is_not_exact_enough():
    def quotient(function, x, h=0.05):
        return tf.constant((function(tf.constant(x + h)) - function(tf.constant(x))) / h, tf.float32)

    refused(checks.slope, quotient, "tape")


def test_a_slope_of_ones_own_is_refused():
    def quotient(function, x, h=1e-5):
        ahead, behind = (function(tf.constant(place, tf.float64)) for place in (x + h, x - h))
        return tf.cast((ahead - behind) / (2 * h), tf.float32)

    refused(checks.slope, quotient, "tf.GradientTape")


@pytest.mark.parametrize(
    ("step", "word"),
    [
        (lambda x, rate: x + rate * 2 * (x - 4), "climbs"),
        (lambda x, rate: x - 2 * (x - 4), "rate is missing"),
        (lambda x, rate: x, "does not move"),
        (lambda x, rate: x - rate * (x - 4), "expected"),
    ],
)
def test_wrong_descents(step, word):
    def wrong(start, rate, steps):
        path = [start]
        for _ in range(steps):
            path.append(step(path[-1], rate))
        return path

    refused(checks.descend, wrong, word)


def descending(step):
    """A descent whose x is a variable, and whose gradient the tape finds; `step` changes x and returns it."""

    def descend(start, rate, steps):
        x = tf.Variable(start, dtype=tf.float32)
        path = [float(x)]
        for _ in range(steps):
            with tf.GradientTape() as tape:
                loss = (x - 4) ** 2
            x = step(x, rate, tape.gradient(loss, x))
            path.append(float(x))
        return path

    return descend


def with_assign(x, rate, gradient):
    x.assign(x - rate * gradient)
    return x


def with_optimizer(x, rate, gradient):
    keras.optimizers.SGD(rate).apply([gradient], [x])
    return x


@pytest.mark.parametrize(
    "step",
    [with_assign, with_optimizer, lambda x, rate, gradient: tf.Variable(x - rate * gradient)],
)
def test_other_descents_pass(step, capsys):
    checks.descend(descending(step))
    assert "right" in capsys.readouterr().out


def test_a_variable_that_becomes_a_tensor_is_named():
    refused(checks.descend, descending(lambda x, rate, gradient: x - rate * gradient), "stay the variable")


def test_swapped_arguments_of_a_gradient_are_named():
    def descend(start, rate, steps):
        x = tf.Variable(start, dtype=tf.float32)
        with tf.GradientTape() as tape:
            loss = (x - 4) ** 2
        return [start, float(x - rate * tape.gradient(x, loss))]

    refused(checks.descend, descend, "swapped", "first the loss")


def test_a_loss_outside_the_tape_is_named():
    def descend(start, rate, steps):
        x = tf.Variable(start, dtype=tf.float32)
        loss = (x - 4) ** 2
        with tf.GradientTape() as tape:
            pass
        return [start, float(x - rate * tape.gradient(loss, x))]

    refused(checks.descend, descend, "within the `with`")


def test_a_descent_without_a_tape_is_refused():
    def descend(start, rate, steps):
        path = [start]
        for _ in range(steps):
            path.append(path[-1] - rate * 2 * (path[-1] - 4))
        return path

    refused(checks.descend, descend, "tf.GradientTape")


def test_a_path_without_its_start():
    refused(checks.descend, lambda start, rate, steps: [start] * steps, "(25,)", "(26,)")


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_the_graph_that_is_drawn_is_computed_as_the_function_is():
    figure = pictures.graph(lambda a, b: (a + b) * (b + 1.0), {"a": 1.5, "b": 2.5})
    values = [float(text.get_text().splitlines()[-1]) for text in figure.axes[0].texts if text.get_text()]
    assert sorted(values) == sorted([1.5, 2.5, 1.0, 4.0, 3.5, 14.0])


def test_the_drawing_of_tangents_asks_for_slopes_of_the_function(solution):
    figure = pictures.tangents(lambda x: x**2, solution["slope"], (1.0,))
    everywhere = figure.axes[1].lines[-1].get_xydata()
    np.testing.assert_allclose(everywhere[:, 1], 2 * everywhere[:, 0], atol=1e-5)


# --- slices and the functional API ------------------------------------------------------------------------------------


def around_the_middle(images, size):
    (height, width), half = (whole // 2 for whole in images.shape[1:3]), size // 2
    return images[:, height - half : height + half, width - half : width + half, 0]


def to_the_same_margin(images, size):
    top, left = ((whole - size) // 2 for whole in images.shape[1:3])
    return images[:, top:-top, left:-left, 0]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda images, size: images[:, :size, :size, 0], ["corner"]),
        (lambda images, size: images[:, 2 : 2 + size, 3 : 3 + size, 0], ["swapped"]),
        (lambda images, size: images[:, 3 : 3 + size, 2 : 2 + size, 1], ["red is channel 0"]),
        (lambda images, size: images[:, 3 : 3 + size, 2 : 2 + size, 2], ["blue"]),
        (lambda images, size: images[:, 3 : 3 + size, 2 : 2 + size], ["(2, 3, 3, 3)"]),
        (lambda images, size: images[:, 3 : 3 + size, 2 : 2 + size, :1], ["(2, 3, 3, 1)", "takes an axis away"]),
        (lambda images, size: images[:, 3 : 3 + size, ..., 0], ["(2, 3, 7)", "left : left + size"]),
        (lambda images, size: images[:, 3 : 3 + size, 3 : 3 + size, 0], ["(width - size) // 2"]),
        (around_the_middle, ["(2, 2, 2)", "may be odd"]),
        (to_the_same_margin, ["left + size"]),
    ],
)
def test_wrong_slices(wrong, words):
    refused(checks.red_middle, wrong, *words)


def test_another_way_to_slice_passes():
    checks.red_middle(lambda images, size: tf.image.resize_with_crop_or_pad(images, size, size)[..., 0])


def branching(hidden="tanh", last="sigmoid", order=lambda inputs, hidden: [inputs, hidden], units=8):
    def functional():
        inputs = keras.Input((2,))
        between = keras.layers.Dense(units, activation=hidden)(inputs)
        joined = order(inputs, between)
        joined = keras.layers.Concatenate()(joined) if len(joined) > 1 else joined[0]
        return keras.Model(inputs, keras.layers.Dense(1, activation=last)(joined))

    return functional


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hidden": None}, ["no tanh"]),
        ({"last": None}, ["no sigmoid"]),
        ({"order": lambda inputs, hidden: [hidden]}, ["hidden units alone"]),
        ({"units": 4}, ["(2, 4)", "2 to 8"]),
    ],
)
def test_wrong_branches(options, words):
    refused(checks.functional, branching(**options), *words)


def test_both_orders_pass():
    checks.functional(branching())
    checks.functional(branching(order=lambda inputs, hidden: [hidden, inputs]))
