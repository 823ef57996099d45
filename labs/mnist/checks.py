"""One check for each TODO of the digit lab: counts, formulas and NumPy, on new random numbers in each call."""

from collections.abc import Callable

import numpy as np
from sklearn.metrics import confusion_matrix

from debias.backend import keras, tf
from labs.checking import CheckFailed, array, called, compare, kind, tensor

_random = np.random.default_rng()
SHAPE, CLASSES = (28, 28, 1), 10
DENSE = 784 * 128 + 128 + 128 * 10 + 10
CNN = (3 * 3 * 24 + 24) + (3 * 3 * 24 * 36 + 36) + (5 * 5 * 36 * 128 + 128) + (128 * 10 + 10)


def dense_net(student: Callable) -> None:
    """Flatten, 128 with ReLU, 10 without activation."""
    model = _model("dense_net", student)
    _layers("dense_net", model, {"Flatten": [None], "Dense": [128, 10]})
    _weights("dense_net", model, DENSE)
    _activations("dense_net", model)
    print(f"dense_net: right, {DENSE:,} weights")


def cnn(student: Callable) -> None:
    """conv 24 - pool - conv 36 - pool - 128 - 10."""
    model = _model("cnn", student)
    _layers("cnn", model, {"Conv2D": [24, 36], "MaxPooling2D": [None, None], "Dense": [128, 10]})
    _weights("cnn", model, CNN)
    _activations("cnn", model)
    print(f"cnn: right, {CNN:,} weights")


def loss(student: Callable) -> None:
    """Mean cross-entropy of logits, against a plain softmax in NumPy."""
    labels, logits = _random.integers(0, CLASSES, 7), _random.normal(size=(7, CLASSES)) * 3
    found = called(student, tf.constant(labels), tf.constant(logits, tf.float32))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    each = -np.log(p[np.arange(7), labels])
    mistakes = {
        "logits are taken for probabilities: from_logits=True": float(
            tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, logits))
        ),
        "this is the sum over the batch: take the mean": each.sum(),
    }
    if tf.is_tensor(found) and found.shape == (7,):
        raise CheckFailed("loss has shape (7,), one number an image: take the mean of them, tf.reduce_mean")
    compare("loss", tensor("loss", found, ()), each.mean(), mistakes, "the mean of -log(probability of the true digit)")
    print("loss: right, it agrees with NumPy")


def train_step(student: Callable) -> None:
    """Two steps of plain gradient descent on a linear model, against NumPy."""
    x, labels = _random.normal(size=(6, 4)), _random.integers(0, 3, 6)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    weight, bias = (np.asarray(value, np.float64) for value in model.get_weights())
    optimizer = keras.optimizers.SGD(0.5)
    for step in range(2):
        found = called(student, model, optimizer, tf.constant(x, tf.float32), tf.constant(labels))
        p = np.exp(x @ weight + bias)
        p /= p.sum(1, keepdims=True)
        value = -np.log(p[np.arange(6), labels]).mean()
        compare(
            "the loss", tensor("the loss", found, ()), value, look="return the loss of the batch, before the update"
        )
        error = (p - np.eye(3)[labels]) / 6
        weight, bias, old = weight - 0.5 * x.T @ error, bias - 0.5 * error.sum(0), weight
        mistakes = {
            "the weights did not change: optimizer.apply(gradients, variables)": old,
            "the step goes up the gradient": old + 0.5 * x.T @ error,
        }
        look = "gradients of the loss for model.trainable_variables, applied once"
        compare(f"the weights after step {step + 1}", model.get_weights()[0], weight, mistakes, look)
    print("train_step: right, it agrees with two steps by hand")


def confusion(student: Callable) -> None:
    """Counts against scikit-learn."""
    labels, answers = _random.integers(0, CLASSES, (2, 300))
    found = called(student, labels, answers)
    found = array("confusion", np.asarray(found, np.int64) if _whole(found) else found, (CLASSES, CLASSES), np.int64)
    right = confusion_matrix(labels, answers, labels=range(CLASSES))
    mistakes = {
        "rows and columns are swapped: the row is the truth": right.T,
        "each cell counts at most once: counts[labels, answers] += 1 forgets repetitions, np.add.at does not": right
        > 0,
    }
    compare("confusion", found, right, mistakes, "how often digit i (row) was called j (column)")
    print("confusion: right, it agrees with scikit-learn")


def worst(student: Callable) -> None:
    """Mistakes alone, by the probability of the truth, the lowest first."""
    probabilities = _random.dirichlet(np.ones(CLASSES), 200)
    labels = np.where(_random.uniform(size=200) < 0.5, probabilities.argmax(1), _random.integers(0, CLASSES, 200))
    wrong = [i for i in range(200) if probabilities[i].argmax() != labels[i]]
    expected = np.array(sorted(wrong, key=lambda i: probabilities[i, labels[i]])[:8])
    found = array("worst", called(student, probabilities, labels, 8), (8,), np.int64)
    if not set(found) <= set(wrong):
        raise CheckFailed(
            "worst lists digits that were read right: keep those whose most likely digit is not the label"
        )
    mistakes = {"these are the mildest mistakes: the lowest probability comes first": expected[::-1]}
    compare("worst", found, expected, mistakes, "np.argsort of the probability of the true digit, among the mistakes")
    print("worst: right")


def _model(name: str, student: Callable) -> keras.Model:
    model = called(student)
    if not isinstance(model, keras.Model):
        raise CheckFailed(f"{name} returns {kind(model)}, expected a keras.Sequential: is `return` there?")
    tensor("its output", called(model, tf.zeros((2, *SHAPE))), (2, CLASSES))
    return model


def _layers(name: str, model: keras.Model, expected: dict[str, list]) -> None:
    """Layers of some types, with their numbers of units or filters."""
    for type_name, sizes in expected.items():
        found = [layer for layer in model.layers if type(layer).__name__ == type_name]
        widths = [getattr(layer, "units", getattr(layer, "filters", None)) for layer in found]
        if widths != sizes:
            shown = len(found) if sizes[0] is None else widths
            wanted = len(sizes) if sizes[0] is None else sizes
            raise CheckFailed(f"{name} has {type_name} layers {shown}, expected {wanted}: compare with the list above")


def _weights(name: str, model: keras.Model, expected: int) -> None:
    if model.count_params() != expected:
        raise CheckFailed(
            f"{name} has {model.count_params():,} weights, expected {expected:,}: "
            "look at model.summary(); kernels are 3 x 3 without padding, pools 2 x 2"
        )


def _activations(name: str, model: keras.Model) -> None:
    *hidden, last = [layer for layer in model.layers if hasattr(layer, "activation")]
    if any(layer.activation is not keras.activations.relu for layer in hidden):
        raise CheckFailed(f'{name} has a hidden layer without activation="relu": without one, layers in a row are one')
    if last.activation is not keras.activations.linear:
        raise CheckFailed(f"{name} ends with an activation: give back logits, the loss takes care of the softmax")


def _whole(value) -> bool:
    return isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.integer)
