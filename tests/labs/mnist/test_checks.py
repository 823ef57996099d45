"""The digit lab's checks: right answers pass, and each plausible mistake is named."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from labs.checking import CheckFailed
from labs.mnist import checks


@pytest.fixture
def keras():
    from debias.backend import keras

    return keras


@pytest.fixture
def tf():
    from debias.backend import tf

    return tf


def dense_net(keras, hidden="relu", last=None, units=128):
    layers = keras.layers
    return lambda: keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Flatten(),
            layers.Dense(units, activation=hidden),
            layers.Dense(10, activation=last),
        ]
    )


def cnn(keras, pools=2, padding="valid"):
    layers = keras.layers
    first = [layers.Conv2D(24, 3, activation="relu", padding=padding), layers.MaxPooling2D()]
    second = [layers.Conv2D(36, 3, activation="relu", padding=padding), layers.MaxPooling2D()]
    end = [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(10)]
    return lambda: keras.Sequential([keras.Input((28, 28, 1)), *first, *second[: pools or None], *end])


def test_dense_net(keras):
    checks.dense_net(dense_net(keras))
    for options, message in [
        ({"units": 64}, r"\[64, 10\], expected \[128, 10\]"),
        ({"hidden": None}, "relu"),
        ({"last": "softmax"}, "logits"),
    ]:
        with pytest.raises(CheckFailed, match=message):
            checks.dense_net(dense_net(keras, **options))
    with pytest.raises(CheckFailed, match="nothing"):
        checks.dense_net(lambda: None)


def test_cnn(keras):
    checks.cnn(cnn(keras))
    with pytest.raises(CheckFailed, match="MaxPooling2D layers 1, expected 2"):
        checks.cnn(cnn(keras, pools=1))
    with pytest.raises(CheckFailed, match="without padding"):
        checks.cnn(cnn(keras, padding="same"))


def test_loss(tf, keras):
    each = keras.losses.sparse_categorical_crossentropy
    checks.loss(lambda labels, logits: tf.reduce_mean(each(labels, logits, from_logits=True)))
    for wrong, message in [
        (lambda labels, logits: tf.reduce_mean(each(labels, logits)), "from_logits=True"),
        (lambda labels, logits: each(labels, logits, from_logits=True), "mean"),
        (lambda labels, logits: tf.reduce_sum(each(labels, logits, from_logits=True)), "sum over the batch"),
        (lambda labels, logits: tf.constant(float("nan")), "NaN"),
    ]:
        with pytest.raises(CheckFailed, match=message):
            checks.loss(wrong)


def test_train_step(tf, keras):
    def step(model, optimizer, images, labels, sign=1.0, update=True):
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            value = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))
        gradients = [sign * gradient for gradient in tape.gradient(value, model.trainable_variables)]
        if update:
            optimizer.apply(gradients, model.trainable_variables)
        return value

    checks.train_step(step)
    with pytest.raises(CheckFailed, match="goes up"):
        checks.train_step(lambda *arguments: step(*arguments, sign=-1.0))
    with pytest.raises(CheckFailed, match="did not change"):
        checks.train_step(lambda *arguments: step(*arguments, update=False))


def test_confusion():
    def counts(labels, answers):
        return confusion_matrix(labels, answers, labels=range(10))

    def once(labels, answers):
        seen = np.zeros((10, 10), np.int64)
        seen[labels, answers] += 1
        return seen

    checks.confusion(counts)
    with pytest.raises(CheckFailed, match="swapped"):
        checks.confusion(lambda labels, answers: counts(answers, labels))
    with pytest.raises(CheckFailed, match="repetitions"):
        checks.confusion(once)


def test_worst():
    def ordered(probabilities, labels, wrong):
        return wrong[np.argsort(probabilities[wrong, labels[wrong]])]

    def mistakes(probabilities, labels):
        return np.flatnonzero(probabilities.argmax(1) != labels)

    checks.worst(lambda p, labels, count: ordered(p, labels, mistakes(p, labels))[:count])
    with pytest.raises(CheckFailed, match="read right"):
        checks.worst(lambda p, labels, count: np.flatnonzero(p.argmax(1) == labels)[:count])
    with pytest.raises(CheckFailed, match="the lowest probability comes first|argsort"):
        checks.worst(lambda p, labels, count: ordered(p, labels, mistakes(p, labels))[::-1][:count])
