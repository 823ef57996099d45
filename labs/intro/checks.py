"""One check for each TODO of the introduction: closed forms and NumPy, on new random numbers in each call."""

import itertools
from collections.abc import Callable

import numpy as np
from scipy.special import expit

from debias.backend import keras, tf
from labs.checking import CheckFailed, called, compare, kind, recorded_gradients, tensor

_random = np.random.default_rng()
SIZE, STEPS = 9, 25
CALLS = 20  # in training: by chance none of the hidden units is dropped in one of 256


def colours(student: Callable) -> None:
    """One image by broadcasting: red along the columns, green along the rows, one blue."""
    blue = float(_random.uniform())
    look = "the three colours are the last axis: which axis does tf.stack make?"
    image = tensor("colours", called(student, SIZE, blue), (SIZE, SIZE, 3), look=look)
    ramp = np.linspace(0, 1, SIZE)
    mistakes = {
        "red and green are swapped: ramp[None, :] differs from column to column": _image(ramp[:, None], ramp, blue),
        "red is the same in all columns": _image(np.zeros(1), ramp[:, None], blue),
        "the blue is missing: it is the same number everywhere": _image(ramp, ramp[:, None], 0),
        "the numbers go from 0 to 1, not to 255": 255 * _image(ramp, ramp[:, None], blue),
    }
    compare(
        "colours", image, _image(ramp, ramp[:, None], blue), mistakes, "channels are red, green, blue, in this order"
    )
    print("colours: right, an image is a tensor of rank 3")


def batch(student: Callable) -> None:
    """Images stacked along a new first axis."""
    blues = _random.uniform(size=5).tolist()
    ramp = np.linspace(0, 1, SIZE)
    look = "the images are the first axis, a new one, as tf.stack makes it"
    images = tensor("batch", called(student, SIZE, blues), (5, SIZE, SIZE, 3), look=look)
    expected = np.stack([_image(ramp, ramp[:, None], blue) for blue in blues])
    compare("batch", images, expected, look="tf.stack keeps the order of its list: one image for each blue")
    print("batch: right, a batch of images is a tensor of rank 4")


def red_middle(student: Callable) -> None:
    """A slice of rows, columns and a channel, of images that are higher than wide."""
    images = _random.normal(size=(2, 9, 7, 3)).astype(np.float32)
    look = "top : top + size and left : left + size, which may be odd, and the number of the colour takes an axis away"
    found = tensor("red_middle", called(student, tf.constant(images), 3), (2, 3, 3), look=look)
    mistakes = {
        "this is the corner: the middle begins at (height - size) // 2": images[:, :3, :3, 0],
        "rows and columns are swapped: axis 1 is the height, axis 2 the width": images[:, 2:5, 3:6, 0],
        "the columns begin where the rows do: of the width it is (width - size) // 2": images[:, 3:6, 3:6, 0],
        "this is another colour: red is channel 0": images[:, 3:6, 2:5, 1],
        "this is blue: red is channel 0": images[:, 3:6, 2:5, 2],
    }
    compare("red_middle", found, images[:, 3:6, 2:5, 0], mistakes, "images[:, rows, columns, channel]")
    whole = called(student, tf.constant(images[:, :7]), 7)
    look = "left : -left is empty where left is 0: end at left + size"
    compare(
        "red_middle of the whole", tensor("red_middle of the whole", whole, (2, 7, 7), look=look), images[:, :7, :, 0]
    )
    print("red_middle: right")


def graph(student: Callable) -> None:
    """e = (a + b)(b + 1)."""
    a, b = _random.normal(size=2)
    e = tensor("e", called(student, tf.constant(a, tf.float32), tf.constant(b, tf.float32)), ())
    mistakes = {
        "c and d are added: e is their product": (a + b) + (b + 1),
        "this is c: go on with d and e": a + b,
        "d is a + 1: it is b + 1": (a + b) * (a + 1),
    }
    compare("e", e, (a + b) * (b + 1), mistakes, "follow the arrows of the drawing, from the inputs to e")
    print("graph: right")


def dense_layer(student: Callable) -> None:
    """sigmoid(x W + b) against NumPy, with the layer's own weights and a bias that is not zero."""
    layer = called(student, 3)
    if not isinstance(layer, keras.layers.Layer):
        raise CheckFailed(
            f"{student.__name__}(3) is {kind(layer)}, expected a layer: derive it from keras.layers.Layer"
        )
    x = _random.normal(size=(4, 2)).astype(np.float32)
    y = tensor("the layer's output", called(layer, tf.constant(x)), (4, 3))
    shapes = [tuple(weight.shape) for weight in layer.trainable_weights]
    if sorted(shapes) not in ([(2, 3), (3,)], [(1, 3), (2, 3)]):
        raise CheckFailed(
            f"the layer has trainable weights of shapes {shapes}, expected (2, 3) and (3,) for 2 inputs and 3 units: "
            "make W and b in build, with self.add_weight"
        )
    weight, bias = sorted(layer.trainable_weights, key=lambda found: tuple(found.shape) != (2, 3))
    _begins_well(weight.numpy(), bias.numpy())
    bias.assign(_random.normal(size=bias.shape))
    y = called(layer, tf.constant(x))
    w, b = (np.asarray(value.numpy(), np.float64) for value in (weight, bias))
    mistakes = {
        "the sigmoid is missing: tf.sigmoid": x @ w + b,
        "the bias is not added": expit(x @ w),
        "the bias is added after the sigmoid: add it before": expit(x @ w) + b,
    }
    compare("the layer's output", y, expit(x @ w + b), mistakes, "y = sigmoid(x W + b), with tf.matmul(x, self.W)")
    print("dense_layer: right, it agrees with NumPy")


def _begins_well(weight: np.ndarray, bias: np.ndarray) -> None:
    """Raise CheckFailed where units are alike at the beginning, and so stay alike, or are not at 0.5 for no input."""
    if np.all(weight == weight[:, :1]):
        raise CheckFailed("all units begin with the same weights and would stay alike: W has to begin by chance")
    if np.any(bias != 0):
        raise CheckFailed('the bias does not begin at zero: initializer="zeros"')


def sequential(student: Callable) -> None:
    """A hidden layer of eight units and one output, each against its own formula."""
    model = called(student)
    if not isinstance(model, keras.Sequential):
        raise CheckFailed(f"sequential returns {kind(model)}, expected a keras.Sequential: is `return` there?")
    widths = [layer.units for layer in model.layers if hasattr(layer, "units")]  # the student's own layer, too
    if widths != [8, 1]:
        raise CheckFailed(
            f"its Dense layers have {widths} units, expected [8, 1]: the order of the list is that of the data"
        )
    shapes = [weights.shape for weights in model.get_weights()]
    if shapes != [(2, 8), (8,), (8, 1), (1,)]:
        raise CheckFailed(f"its weights have shapes {shapes}: two Dense layers with their biases, and nothing else")
    x = _random.normal(size=(4, 2)).astype(np.float32)
    y = tensor("the model's output", called(model, tf.constant(x)), (4, 1))
    w1, b1, w2, b2 = (np.asarray(value, np.float64) for value in model.get_weights())
    hidden = np.tanh(x @ w1 + b1)
    mistakes = {
        "the last layer has no sigmoid": hidden @ w2 + b2,
        "the hidden layer has no activation, and two linear maps are one": expit((x @ w1 + b1) @ w2 + b2),
    }
    compare("the model's output", y, expit(hidden @ w2 + b2), mistakes, 'activations: "tanh", then "sigmoid"')
    print("sequential: right")


def functional(student: Callable) -> None:
    """The hidden layer and a last one that sees the inputs, too, in either order."""
    model = called(student)
    if not isinstance(model, keras.Model):
        raise CheckFailed(f"functional returns {kind(model)}: return keras.Model(inputs, outputs)")
    shapes = [tuple(weight.shape) for weight in model.trainable_weights]
    if shapes == [(2, 8), (8,), (8, 1), (1,)]:
        raise CheckFailed("the last layer sees the hidden units alone: Concatenate them with the inputs")
    if shapes != [(2, 8), (8,), (10, 1), (1,)]:
        raise CheckFailed(f"its weights have shapes {shapes}: a Dense layer from 2 to 8, then one from 8 + 2 to 1")
    x = _random.normal(size=(4, 2)).astype(np.float32)
    y = tensor("the model's output", called(model, tf.constant(x)), (4, 1)).numpy()
    w1, b1, w2, b2 = (np.asarray(value, np.float64) for value in model.get_weights())

    def output(hidden, activation=expit):
        ways = [activation(np.concatenate(parts, 1) @ w2 + b2) for parts in ((x, hidden), (hidden, x))]
        return min(ways, key=lambda way: np.abs(way - y).max())

    linear, hidden = x @ w1 + b1, np.tanh(x @ w1 + b1)
    mistakes = {
        "the last layer has no sigmoid": output(hidden, lambda logits: logits),
        "the hidden layer has no tanh": output(linear),
    }
    compare("the model's output", y, output(hidden), mistakes, 'activations: "tanh", then "sigmoid"')
    print("functional: right")


def row_model(student: Callable) -> None:
    """At test the row's formula; in training one of the 256 rows with some hidden units dropped, by brute force."""
    model = called(student)
    if not isinstance(model, keras.Model):
        raise CheckFailed(f"{student.__name__}() is {kind(model)}, expected a model: derive it from keras.Model")
    x = tf.constant(_random.normal(size=(1, 2)), tf.float32)
    tensor("the output at test", called(model, x), (1, 1))
    weights = {tuple(weight.shape): weight for weight in model.trainable_weights}
    if set(weights) != {(2, 8), (8,), (8, 1), (1,)}:
        raise CheckFailed(f"its weights have shapes {list(weights)}: a Dense layer from 2 to 8, then one from 8 to 1")
    for weight in weights.values():  # of a size that every unit matters, and biases that are not zero
        weight.assign(_random.uniform(0.5, 1, weight.shape) * _random.choice([-1, 1], weight.shape))
    w1, b1, w2, b2 = (np.asarray(weights[shape], np.float64) for shape in ((2, 8), (8,), (8, 1), (1,)))
    linear = x.numpy() @ w1 + b1
    hidden = np.tanh(linear)
    at_test = [tensor("the output at test", called(model, x, training=False), (1, 1)) for _ in range(CALLS)]
    if np.ptp(at_test) > 1e-5:
        raise CheckFailed("it drops units at test as well: give dropout the `training` that call was given")
    mistakes = {
        "the last layer has no sigmoid": hidden @ w2 + b2,
        "the hidden layer has no tanh": expit(linear @ w2 + b2),
    }
    compare("the output at test", at_test[0], expit(hidden @ w2 + b2), mistakes, 'activations: "tanh", "sigmoid"')
    trained = np.ravel(
        [tensor("the output in training", called(model, x, training=True), (1, 1)) for _ in range(CALLS)]
    )
    if np.ptp(trained) < 1e-5:
        raise CheckFailed("nothing is dropped in training: call self.dropout, with training=training")
    dropped = [np.array(kept) * 2 * hidden for kept in itertools.product((0, 1), repeat=8)]
    possible = np.ravel([expit(each @ w2 + b2) for each in dropped])
    if np.abs(trained[:, None] - possible).min(1).max() > 1e-5:
        if np.isclose(trained, 0).any():
            raise CheckFailed("the output itself is dropped: dropout belongs between the two layers")
        raise CheckFailed(
            "what it gives in training is no row with some hidden units at 0 and the others doubled: "
            "keras.layers.Dropout(0.5), between the two layers"
        )
    print("row_model: right, it drops units in training alone")


def identity_model(student: Callable) -> None:
    """Dense, or the input itself when the switch is on."""
    model = called(student, 2)
    x = tf.constant(_random.normal(size=(4, 2)), tf.float32)
    changed = tensor("the output with identity=False", called(model, x), (4, 2))
    same = tensor("the output with identity=True", called(model, x, identity=True), (4, 2))
    compare("the output with identity=True", same, x, look="return the inputs as they are when identity is on")
    if np.allclose(changed, x):
        raise CheckFailed("with identity=False the inputs come back unchanged: return what self.dense makes of them")
    compare(
        "the output with identity=False", changed, model.dense(x), look="return what self.dense makes of the inputs"
    )
    print("identity_model: right, the switch works both ways")


def slope(student: Callable) -> None:
    """Derivatives of a random cubic, of a sine and of a constant times x, by closed form."""
    a, b, c = _random.normal(size=3)
    cases = {
        "a cubic": (lambda x: a * x**3 + b * x, lambda x: 3 * a * x**2 + b),
        "sin(c x)": (lambda x: tf.sin(c * x), lambda x: c * np.cos(c * x)),
    }
    for name, (function, derivative) in cases.items():
        x = float(_random.uniform(0.5, 2))
        with recorded_gradients() as calls:
            found = called(student, function, x)
        if found is None:
            raise CheckFailed(f"slope gives None: {_without_gradient(calls, x)}")
        look = "compute function(x) inside the tape, then tape.gradient(y, x)"
        mistakes = {"this is the function's value: return its gradient": float(function(tf.constant(x)))}
        compare(f"the slope of {name}", tensor("slope", found, ()), derivative(x), mistakes, look)
        if not calls:
            raise CheckFailed("the slope is right, but by a formula of your own: let a tf.GradientTape find it")
    print("slope: right, it agrees with the derivatives on paper")


def descend(student: Callable) -> None:
    """x_t = 4 + (1 - 2 r)^t (x_0 - 4)."""
    start, rate = float(_random.normal()), float(_random.uniform(0.05, 0.3))
    with recorded_gradients() as calls:
        try:
            path = np.asarray(called(student, start, rate, STEPS))
        except CheckFailed as error:
            if "NoneType" in str(error):
                raise CheckFailed(f"a gradient is None: {_without_step(calls)}") from error
            raise
    if path.shape != (STEPS + 1,):
        raise CheckFailed(
            f"descend gives shape {path.shape}, expected {(STEPS + 1,)}: the start, then x after each step"
        )
    wanted = {sign: 4 + (1 + sign * 2 * rate) ** np.arange(STEPS + 1) * (start - 4) for sign in (-1, 1)}
    mistakes = {
        "it climbs: subtract rate times gradient": wanted[1],
        "it does not move: x.assign_sub(step) changes it, x - step alone does not": np.full(STEPS + 1, start),
        "the rate is missing: subtract rate times gradient": 4 + (-1.0) ** np.arange(STEPS + 1) * (start - 4),
    }
    compare("x", path.astype(np.float32), wanted[-1], mistakes, "x becomes x - rate * gradient of (x - 4)² at x")
    if not calls:
        raise CheckFailed("x is right, but by a derivative of your own: let a tf.GradientTape find it, of any loss")
    print("descend: right, it agrees with the closed form")


def _without_gradient(calls: list[tuple], x: float) -> str:
    """Why the tape found no gradient."""
    if not calls:
        return "return tape.gradient(y, x)"
    if any(tf.is_tensor(target) and np.allclose(target, x) for target, _ in calls):
        return "tape.gradient's arguments are swapped: first what is differentiated, y, then what for, x"
    return "the tape follows variables alone, so within its `with` first tape.watch(x), then function(x)"


def _without_step(calls: list[tuple]) -> str:
    """Why a descent has no gradient."""
    if calls and isinstance(calls[-1][0], tf.Variable):
        return "tape.gradient's arguments are swapped: first the loss, then x"
    if calls and isinstance(calls[-1][1], tf.Variable):
        return "the tape saw no loss that depends on x: compute it from x within the `with`"
    return "x must stay the variable, x.assign_sub(...)"


def _image(red, green, blue) -> np.ndarray:
    return np.stack([np.broadcast_to(channel, (SIZE, SIZE)) for channel in (red, green, blue)], axis=-1)
