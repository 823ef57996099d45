"""One check for each TODO of the digit lab: counts, formulas and NumPy, on new random numbers in each call."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.metrics import confusion_matrix

from debias.backend import keras, tf
from labs.checking import CheckFailed, InTrainingAlone, array, called, compare, kind, tensor

_random = np.random.default_rng()
SHAPE, CLASSES = (28, 28, 1), 10
BATCH = 64  # as in the lab
DENSE = 784 * 128 + 128 + 128 * 10 + 10
CNN = (3 * 3 * 24 + 24) + (3 * 3 * 24 * 36 + 36) + (5 * 5 * 36 * 128 + 128) + (128 * 10 + 10)


def dense_net(student: Callable) -> None:
    """Flatten, 128 with ReLU, 10 without activation."""
    model = _model("dense_net", student)
    _weights("dense_net", model, DENSE, {"Dense": [128, 10]}, "the image is flattened first, to a row of 784")
    _outputs("dense_net", model)
    print(f"dense_net: right, {DENSE:,} weights")


def compile_and_fit(student: Callable) -> None:
    """One step of plain gradient descent on a linear model, against NumPy, and what it then reads."""
    sets = [(_random.normal(size=(n, 4)).astype(np.float32), _random.integers(0, 3, n)) for n in (BATCH, 49)]
    (x, labels), (other, truth) = sets
    model, optimizer = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]), keras.optimizers.SGD(0.5)
    weight, bias = (np.asarray(value, np.float64) for value in model.get_weights())
    found = called(student, model, optimizer, *sets)
    _compiled_and_fitted(model, optimizer)
    _, slope, _ = _by_hand(x, labels, weight, bias)
    look = "is the loss keras.losses.SparseCategoricalCrossentropy(from_logits=True)?"
    mistakes = {"it is trained on the others: fit is for train": weight - 0.5 * _by_hand(other, truth, weight, bias)[1]}
    compare("a weight after the step", model.get_weights()[0], weight - 0.5 * slope, mistakes, look)
    if not isinstance(found, tuple) or len(found) != 2:
        raise CheckFailed(f"compile_and_fit returns {kind(found)}: return the accuracy and the digits that were read")
    if np.ndim(found[0]) > 0:
        raise CheckFailed(
            "the accuracy is not one number: evaluate gives a loss and an accuracy, return the second alone"
        )
    logits = np.asarray(model(other))
    right = np.mean(logits.argmax(1) == truth)
    evaluated = model.evaluate(*sets[1], verbose=0)  # the loss alone where no metrics are compiled
    is_loss = "this is the loss: evaluate gives loss and accuracy, in this order"
    if np.ndim(evaluated) == 0:
        is_loss = 'this is the loss: accuracy is not reported unless you ask for it, metrics=["accuracy"]'
    mistakes = {
        is_loss: np.ravel(evaluated)[0],
        "this is in %: it goes from 0 to 1": 100 * right,
        "this is of the digits that it was trained on: evaluate the others": np.mean(
            np.asarray(model(x)).argmax(1) == labels
        ),
    }
    compare("the accuracy", np.float32(found[0]), right, mistakes, "model.evaluate(*others)")
    digits = array("what is read", _numbers(np.asarray(found[1])), (49,), np.int64)
    compare("what is read", digits, logits.argmax(1), look="after fit, argmax of each row of model.predict(others[0])")
    print("compile_and_fit: right, it agrees with a step by hand")


def cnn(student: Callable) -> None:
    """conv 24 - pool - conv 36 - pool - 128 - 10."""
    model = _model("cnn", student)
    layers = {"Conv2D": [24, 36], "MaxPooling2D": [None, None], "Dense": [128, 10]}
    _weights("cnn", model, CNN, layers, "kernels are 3 x 3 without padding, pools 2 x 2")
    _outputs("cnn", model)
    print(f"cnn: right, {CNN:,} weights")


def reopened(student: Callable) -> None:
    """A file that gives the model's outputs, and another model that gives them, too."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5, activation="relu"), keras.layers.Dense(3)])
    x = tf.constant(_random.normal(size=(6, 4)), tf.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        found = called(student, model, path)
        if not path.is_file():
            raise CheckFailed(f"there is no file {path.name} at the path that the function is given: model.save(path)")
        if not isinstance(found, keras.Model):
            raise CheckFailed(f"reopened returns {kind(found)}: return what keras.saving.load_model gives")
        if found is model:
            raise CheckFailed("this is the model that was saved: return the one that keras.saving.load_model gives")
        kept = keras.saving.load_model(path)
    compare("an output of the file's model", kept(x), model(x), look="save the model that the function is given")
    look = "load the file that was just saved, and change nothing in it"
    compare("an output of the loaded model", called(found, x), model(x), look=look)
    print("reopened: right, the loaded model gives the same outputs")


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
        "its sign is wrong: a probability has a negative logarithm": -each.mean(),
        "this is the mean over all logits: sum over the digits, then take the mean over the images": each.mean()
        / CLASSES,
        "the softmax is taken twice: from_logits=True does it already": float(
            tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, p, from_logits=True))
        ),
    }
    if tf.is_tensor(found) and found.shape == (7,):
        raise CheckFailed("loss has shape (7,), one number an image: take the mean of them, tf.reduce_mean")
    compare("loss", tensor("loss", found, ()), each.mean(), mistakes, "the mean of -log(probability of the true digit)")
    sure = called(student, tf.constant([1]), tf.constant([[200.0] + 9 * [0.0]]))
    compare("loss of a network that is sure and wrong", sure, np.float32(200), look=_IN_ONE)
    print("loss: right, it agrees with NumPy")


def train_step(student: Callable) -> None:
    """Two steps of plain gradient descent on a linear model, against NumPy."""
    x, labels = _random.normal(size=(6, 4)), _random.integers(0, 3, 6)
    model = keras.Sequential([keras.Input((4,)), InTrainingAlone(), keras.layers.Dense(3)])
    weight, bias = (np.asarray(value, np.float64) for value in model.get_weights())
    optimizer = keras.optimizers.SGD(0.5)
    for step in range(2):
        found = called(student, model, optimizer, tf.constant(x, tf.float32), tf.constant(labels))
        (value, slope, bias_slope), in_use = (_by_hand(seen, labels, weight, bias) for seen in (2 * x, x))
        mistakes = {_NOT_TRAINING: in_use[0]}
        compare(
            "the loss",
            tensor("the loss", found, ()),
            value,
            mistakes,
            "return the loss of the batch, before the update",
        )
        weight, bias, old = weight - 0.5 * slope, bias - 0.5 * bias_slope, weight
        mistakes = {
            "the weights did not change: optimizer.apply(gradients, variables)": old,
            "the step goes up the gradient": old + 0.5 * slope,
            _NOT_TRAINING: old - 0.5 * in_use[1],
        }
        look = "gradients of the loss for model.trainable_variables, applied once"
        compare(f"the weights after step {step + 1}", model.get_weights()[0], weight, mistakes, look)
    print("train_step: right, it agrees with two steps by hand")


def confusion(student: Callable) -> None:
    """Counts against scikit-learn, of all digits and of some."""
    for digits in (CLASSES, 7):
        labels, answers = _random.integers(0, digits, (2, 300))
        found = array("confusion", _numbers(called(student, labels, answers)), (CLASSES, CLASSES), np.int64)
        right = confusion_matrix(labels, answers, labels=range(CLASSES))
        mistakes = {
            "rows and columns are swapped: the row is the truth": right.T,
            "each cell counts at most once: counts[labels, answers] += 1 forgets repetitions, np.add.at does not": right
            > 0,
            "what was read right is missing: it is on the diagonal": right - np.diag(np.diag(right)),
        }
        compare("confusion", found, right, mistakes, "how often digit i (row) was called j (column)")
    print("confusion: right, it agrees with scikit-learn")


def worst(student: Callable) -> None:
    """Mistakes alone, by the probability of the truth, the lowest first."""
    probabilities, labels = _readings()
    truth = probabilities[np.arange(len(labels)), labels]
    wrong = np.array([i for i in range(len(labels)) if probabilities[i].argmax() != labels[i]])
    expected = wrong[np.argsort(truth[wrong])]
    for count in (8, len(labels)):  # the second is more than there are mistakes
        found = _numbers(called(student, probabilities, labels, count))
        shape = (min(count, len(wrong)),)
        if isinstance(found, np.ndarray) and len(found) > count == 8:
            raise CheckFailed(f"worst lists {len(found)} places: keep the first `count` of them, here {count}")
        among = np.argsort(truth[wrong])[:count]
        if isinstance(found, np.ndarray) and np.array_equal(found, among):
            raise CheckFailed("worst: these are places among the mistakes: look them up there, mistakes[...]")
        if isinstance(found, np.ndarray) and not set(found.ravel().tolist()) <= set(wrong.tolist()):
            raise CheckFailed(
                "worst lists digits that were read right: keep those whose most likely digit is not the label"
            )
        found = array("worst", found, shape, np.int64)
        mistakes = {
            "these are the mildest mistakes: the lowest probability comes first": expected[::-1][:count],
            "this is the order of the answers' probabilities: order by those of the truth": wrong[
                np.argsort(-probabilities[wrong].max(1))
            ][:count],
            "these are the first mistakes in the order of the images: order them by their probability": wrong[:count],
            "this is the order of the first mistakes alone: order all of them, then cut": wrong[:count][
                np.argsort(truth[wrong[:count]])
            ],
        }
        look = "np.argsort of the probability of the true digit, among the mistakes"
        compare("worst", found, expected[:count], mistakes, look)
    print("worst: right")


def _compiled_and_fitted(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    """That it took the one step that an epoch has."""
    if not model.compiled:
        raise CheckFailed("the model is not compiled: model.compile(optimizer, loss, metrics=...)")
    if model.optimizer is not optimizer:
        raise CheckFailed("another optimizer was compiled: hand on the one that the function gets")
    steps = int(optimizer.iterations)
    if steps != 1:
        raise CheckFailed(
            f"{steps} steps on {BATCH} digits, expected 1: model.fit for one epoch, with batch_size={BATCH}"
        )


def _readings() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (60, 10) and labels (60,): twenty mistakes, and digits that were read right by a hair.

    The truth was likelier in the mistakes: its order alone does not find them.
    """
    labels = _random.permutation(np.repeat(np.arange(CLASSES), 6))
    probabilities = _random.uniform(0.09, 0.1, (60, CLASSES))
    read = np.where(np.arange(60) < 20, (labels + _random.integers(1, CLASSES, 60)) % CLASSES, labels)
    for row, label, digit in zip(probabilities, labels, read, strict=True):
        row[digit] = 0.105
        if digit != label:
            row[:] = _random.uniform(0, 0.06, CLASSES)
            row[label], row[digit] = _random.uniform(0.2, 0.4), _random.uniform(0.45, 0.6)
    order = _random.permutation(60)
    return (probabilities / probabilities.sum(1, keepdims=True))[order], labels[order]


_IN_ONE = "softmax and logarithm fail there one after the other: compute both in one, from the logits"
_NOT_TRAINING = "the model runs as if not in training, without dropout: model(images, training=True)"


def _by_hand(x, labels, weight, bias) -> tuple[float, np.ndarray, np.ndarray]:
    """The mean cross-entropy of a linear model, and its gradients for weight and bias."""
    p = np.exp(x @ weight + bias)
    p /= p.sum(1, keepdims=True)
    error = (p - np.eye(3)[labels]) / len(labels)
    return -np.log(p[np.arange(len(labels)), labels]).mean(), x.T @ error, error.sum(0)


def _model(name: str, student: Callable) -> keras.Model:
    model = called(student)
    if not isinstance(model, keras.Model):
        raise CheckFailed(f"{name} returns {kind(model)}, expected a keras.Sequential: is `return` there?")
    look = "each image should become one row of 10 logits: is it flattened?"
    tensor("its output", called(model, tf.zeros((2, *SHAPE))), (2, CLASSES), look=look)
    return model


def _weights(name: str, model: keras.Model, expected: int, layers: dict[str, list], look: str) -> None:
    """Refuse another number of weights; layers of some types, with their units or filters, tell where it comes from."""
    if model.count_params() == expected:
        return
    for type_name, sizes in layers.items():
        found = [layer for layer in model.layers if type(layer).__name__ == type_name]
        widths = [getattr(layer, "units", getattr(layer, "filters", None)) for layer in found]
        if widths != sizes:
            shown = len(found) if sizes[0] is None else widths
            wanted = len(sizes) if sizes[0] is None else sizes
            raise CheckFailed(f"{name} has {type_name} layers {shown}, expected {wanted}: compare with the lab's text")
    raise CheckFailed(
        f"{name} has {model.count_params():,} weights, expected {expected:,}: look at model.summary(); {look}"
    )


def _outputs(name: str, model: keras.Model) -> None:
    """The model's logits against those of its own weights, with ReLU between the layers and nothing behind the last."""
    images = tf.constant(_random.uniform(size=(3, *SHAPE)), tf.float32)
    logits = _forward(images, model.get_weights())
    found = tensor("its output", model(images), (3, CLASSES))
    bent = "it ends with an activation: give back logits, the loss takes care of the softmax"
    mistakes = {bent: tf.nn.softmax(logits), f"{bent} ": tf.nn.relu(logits), f"{bent}  ": tf.sigmoid(logits)}
    look = f'is there a hidden layer of {name} without activation="relu"? Without one, layers in a row are one'
    compare(f"{name}'s output", found, logits, mistakes, look)


def _forward(x: tf.Tensor, weights: list[np.ndarray]) -> tf.Tensor:
    """Kernels and biases in turn: convolutions with pools, then, from the first matrix on, dense layers."""
    for place, (kernel, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
        if kernel.ndim == 4:
            x = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "VALID") + bias), 2, 2, "VALID")
        else:
            x = tf.reshape(x, [len(x), -1]) @ kernel + bias
            x = x if place == len(weights) // 2 - 1 else tf.nn.relu(x)
    return x


def _numbers(value):
    """Whole numbers in any form, a list or an array, as an array of int64; anything else as it is."""
    if isinstance(value, list | tuple) and value:
        value = np.asarray(value)
    whole = isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.integer)
    return value.astype(np.int64) if whole else value
