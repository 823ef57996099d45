"""The digit lab's checks: right answers pass, and each plausible mistake is named."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from debias.backend import keras, tf
from labs.checking import CheckFailed
from labs.mnist import checks


def dense_net(hidden="relu", last=None, units=128):
    layers = keras.layers
    return lambda: keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Flatten(),
            layers.Dense(units, activation=hidden),
            layers.Dense(10, activation=last),
        ]
    )


def cnn(pools=2, padding="valid", relu=lambda: "relu"):
    layers = keras.layers
    first = [layers.Conv2D(24, 3, activation=relu(), padding=padding), layers.MaxPooling2D()]
    second = [layers.Conv2D(36, 3, activation=relu(), padding=padding), layers.MaxPooling2D()]
    end = [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(10)]
    return lambda: keras.Sequential([keras.Input((28, 28, 1)), *first, *second[: pools or None], *end])


def test_dense_net():
    checks.dense_net(dense_net())
    for options, message in [
        ({"units": 64}, r"\[64, 10\], expected \[128, 10\]"),
        ({"hidden": None}, "relu"),
        ({"hidden": "tanh"}, "relu"),
        ({"last": "softmax"}, "logits"),
        ({"last": "relu"}, "logits"),
        ({"last": "sigmoid"}, "logits"),
    ]:
        with pytest.raises(CheckFailed, match=message):
            checks.dense_net(dense_net(**options))
    with pytest.raises(CheckFailed, match="nothing"):
        checks.dense_net(lambda: None)
    with pytest.raises(CheckFailed, match="shape of what comes"):
        checks.dense_net(lambda: keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)]))
    hidden, last = keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10)
    with pytest.raises(CheckFailed, match="is it flattened"):
        checks.dense_net(lambda: keras.Sequential([keras.Input((28, 28, 1)), hidden, last]))
    rows = [keras.Input((28, 28, 1)), keras.layers.Dense(128, activation="relu"), keras.layers.Flatten()]
    with pytest.raises(CheckFailed, match="flattened first"):
        checks.dense_net(lambda: keras.Sequential([*rows, keras.layers.Dense(10)]))


def test_other_ways_to_the_dense_net_pass():
    layers, images = keras.layers, keras.Input((28, 28, 1))
    checks.dense_net(dense_net(hidden=tf.nn.relu))
    checks.dense_net(dense_net(last="linear"))
    rows = [images, layers.Reshape((784,)), layers.Dense(128), layers.ReLU(), layers.Dense(10)]
    checks.dense_net(lambda: keras.Sequential(rows))
    hidden = layers.Activation("relu")(layers.Dense(128)(layers.Flatten()(images)))
    checks.dense_net(lambda: keras.Model(images, layers.Dense(10)(hidden)))


def test_cnn():
    checks.cnn(cnn())
    checks.cnn(cnn(relu=lambda: keras.activations.relu))
    with pytest.raises(CheckFailed, match="MaxPooling2D layers 1, expected 2"):
        checks.cnn(cnn(pools=1))
    with pytest.raises(CheckFailed, match="without padding"):
        checks.cnn(cnn(padding="same"))
    with pytest.raises(CheckFailed, match='without activation="relu"'):
        checks.cnn(cnn(relu=lambda: None))


def test_loss():
    each = keras.losses.sparse_categorical_crossentropy

    def one_after_the_other(labels, logits):
        return -tf.reduce_mean(tf.math.log(tf.gather(tf.nn.softmax(logits), labels, batch_dims=1)))

    checks.loss(lambda labels, logits: tf.reduce_mean(each(labels, logits, from_logits=True)))
    checks.loss(keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    checks.loss(lambda labels, logits: -tf.reduce_mean(tf.gather(tf.nn.log_softmax(logits), labels, batch_dims=1)))
    for wrong, message in [
        (lambda labels, logits: tf.reduce_mean(each(labels, logits)), "from_logits=True"),
        (lambda labels, logits: each(labels, logits, from_logits=True), "mean"),
        (lambda labels, logits: tf.reduce_sum(each(labels, logits, from_logits=True)), "sum over the batch"),
        (lambda labels, logits: -tf.reduce_mean(each(labels, logits, from_logits=True)), "sign"),
        (
            lambda labels, logits: tf.reduce_mean(each(labels, tf.nn.softmax(logits), from_logits=True)),
            "softmax is taken",
        ),
        (
            lambda labels, logits: -tf.reduce_mean(tf.one_hot(labels, 10) * tf.nn.log_softmax(logits)),
            "mean over all logits",
        ),
        (lambda labels, logits: tf.constant(float("nan")), "NaN"),
        (one_after_the_other, "inf, expected 200: softmax and logarithm fail there"),
        (lambda labels, logits: None, "return"),
        (keras.losses.SparseCategoricalCrossentropy, "so call it"),
        (lambda labels, logits: each(labels, logits, from_logits=True).numpy().mean(), "TensorFlow's functions"),
    ]:
        with pytest.raises(CheckFailed, match=message):
            checks.loss(wrong)


def test_other_ways_to_save_and_load_pass():
    def by_name(model, path):
        keras.saving.save_model(model, str(path))
        return keras.models.load_model(str(path), compile=False)

    def compiled(model, path):
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
        model.save(path)
        return keras.saving.load_model(path)

    checks.reopened(by_name)
    checks.reopened(compiled)


def test_wrong_ways_to_save_and_load():
    def like(model):
        return keras.models.clone_model(model)  # its layers, with weights of its own

    def saved(model, path, returned, first=lambda model: model):
        first(model).save(path)
        return returned(path)

    load = keras.saving.load_model
    for wrong, message in [
        (lambda model, path: model.save(path), "nothing"),
        (lambda model, path: saved(model, path, lambda path: model), "the model that was saved"),
        (lambda model, path: saved(model, path, lambda path: path), "returns a PosixPath|returns a WindowsPath"),
        (lambda model, path: saved(model, path, lambda path: like(model)), "loaded model is .* just saved"),
        (lambda model, path: saved(model, path, load, like), "the file's model is .* that the function is given"),
        (lambda model, path: saved(model, path.with_name("other.keras"), load), "no file model.keras"),
        (lambda model, path: like(model), "no file model.keras"),
        (lambda model, path: load(path), "stops with ValueError: File not found"),
        (lambda model, path: model.save_weights(path), "stops with ValueError"),
    ]:
        with pytest.raises(CheckFailed, match=message) as caught:
            checks.reopened(wrong)
        assert "\n" not in str(caught.value)


def step(sign=1.0, update=True, training=True, times=1, returned=lambda value: value):
    def train_step(model, optimizer, images, labels):
        with tf.GradientTape() as tape:
            logits = model(images, training=training)
            value = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))
        gradients = [sign * gradient for gradient in tape.gradient(value, model.trainable_variables)]
        for _ in range(times if update else 0):
            optimizer.apply(gradients, model.trainable_variables)
        return returned(value)

    return train_step


def test_train_step():
    checks.train_step(step())
    for options, message in [
        ({"sign": -1.0}, "goes up"),
        ({"update": False}, "did not change"),
        ({"training": False}, "training=True"),
        ({"times": 2}, "applied once"),
        ({"returned": lambda value: None}, "return"),
        ({"returned": float}, "TensorFlow's functions"),
    ]:
        with pytest.raises(CheckFailed, match=message):
            checks.train_step(step(**options))


def test_a_loss_that_hides_its_function_is_named():
    def train_step(model, optimizer, images, labels):
        loss = loss(labels, model(images, training=True))  # noqa: F821
        return loss

    with pytest.raises(CheckFailed, match="by the name of a function"):
        checks.train_step(train_step)


def test_other_training_steps_pass():
    def old_style(model, optimizer, images, labels):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        with tf.GradientTape() as tape:
            value = loss(labels, model(images, training=True))
        weights = model.trainable_weights
        optimizer.apply_gradients(zip(tape.gradient(value, weights), weights, strict=True))
        return value

    checks.train_step(old_style)
    checks.train_step(tf.function(step()))


def test_confusion():
    def counts(labels, answers):
        return confusion_matrix(labels, answers, labels=range(10))

    def once(labels, answers):
        seen = np.zeros((10, 10), np.int64)
        seen[labels, answers] += 1
        return seen

    checks.confusion(counts)
    checks.confusion(lambda labels, answers: counts(labels, answers).tolist())
    checks.confusion(lambda labels, answers: np.bincount(10 * labels + answers, minlength=100).reshape(10, 10))
    for wrong, message in [
        (lambda labels, answers: counts(answers, labels), "swapped"),
        (once, "repetitions"),
        (confusion_matrix, r"\(7, 7\), expected \(10, 10\)"),
        (lambda labels, answers: counts(labels, answers) / 300, "float64"),
        (lambda labels, answers: counts(labels, answers) * (1 - np.eye(10, dtype=int)), "diagonal"),
        (lambda labels, answers: None, "return"),
    ]:
        with pytest.raises(CheckFailed, match=message):
            checks.confusion(wrong)


def truths(probabilities, labels):
    return probabilities[np.arange(len(labels)), labels]


def mistakes(probabilities, labels):
    return np.flatnonzero(probabilities.argmax(1) != labels)


def ordered(probabilities, labels):
    wrong = mistakes(probabilities, labels)
    return wrong[np.argsort(truths(probabilities, labels)[wrong])]


def surest(probabilities, labels, count):
    wrong = mistakes(probabilities, labels)
    return wrong[np.argsort(-probabilities[wrong].max(1))][:count]


def first_ordered(probabilities, labels, count):
    first = mistakes(probabilities, labels)[:count]
    return first[np.argsort(truths(probabilities, labels)[first])]


@pytest.mark.parametrize(
    "right",
    [
        lambda p, labels, count: ordered(p, labels)[:count],
        lambda p, labels, count: ordered(p, labels)[:count].tolist(),
        lambda p, labels, count: ordered(p, labels)[:count].astype(np.int32),
        lambda p, labels, count: sorted(mistakes(p, labels), key=lambda i: p[i, labels[i]])[:count],
        lambda p, labels, count: [i for i in np.argsort(truths(p, labels)) if p[i].argmax() != labels[i]][:count],
    ],
)
def test_right_lists_of_the_worst(right):
    for _ in range(3):
        checks.worst(right)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda p, labels, count: np.flatnonzero(p.argmax(1) == labels)[:count], "read right"),
        (lambda p, labels, count: np.argsort(truths(p, labels))[:count], "read right"),
        (lambda p, labels, count: ordered(p, labels), "keep the first `count`"),
        (lambda p, labels, count: ordered(p, labels)[::-1][:count], "the lowest probability comes first"),
        (lambda p, labels, count: mistakes(p, labels)[:count], "in the order of the images"),
        (
            lambda p, labels, count: np.argsort(truths(p, labels)[mistakes(p, labels)])[:count],
            "places among the mistakes",
        ),
        (first_ordered, "then cut"),
        (surest, "by those of the truth"),
        (lambda p, labels, count: ordered(p, labels)[:8], "shape"),
        (lambda p, labels, count: np.sort(truths(p, labels))[:count], "float64|read right"),
        (lambda p, labels, count: None, "return"),
    ],
)
def test_wrong_lists_of_the_worst(wrong, message):
    for _ in range(3):
        with pytest.raises(CheckFailed, match=message) as caught:
            checks.worst(wrong)
        assert "\n" not in str(caught.value)


def trained(optimizer=lambda given: given, logits=True, epochs=1, batch=64, returned=None, metrics=("accuracy",)):
    """The four calls, right but for what is said."""

    def compile_and_fit(model, given, train, others):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
        model.compile(optimizer(given), loss, metrics=list(metrics), jit_compile=False)
        model.fit(*train, batch_size=batch, epochs=epochs, verbose=0)
        answers = model.predict(others[0], verbose=0).argmax(axis=1)
        return (
            returned(model, train, others, answers)
            if returned
            else (
                model.evaluate(*others, verbose=0)[1],
                answers,
            )
        )

    return compile_and_fit


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": lambda given: "sgd"}, "another optimizer"),
        ({"logits": False}, "from_logits=True"),
        ({"epochs": 0}, "0 steps on 64 digits"),
        ({"batch": 32}, "2 steps on 64 digits"),
        ({"returned": lambda model, train, others, answers: answers}, "returns an ndarray"),
        ({"returned": lambda model, train, others, answers: (answers, 0.5)}, "not one number"),
        (
            {"returned": lambda model, train, others, answers: (model.evaluate(*others, verbose=0), answers)},
            "return the second alone",
        ),
        (
            {
                "metrics": (),
                "returned": lambda model, train, others, answers: (model.evaluate(*others, verbose=0), answers),
            },
            "unless you ask",
        ),
        (
            {"returned": lambda model, train, others, answers: (100 * np.mean(answers == others[1]), answers)},
            "from 0 to 1",
        ),
        ({"returned": lambda model, train, others, answers: (model.evaluate(*others, verbose=0)[0], answers)}, "loss"),
        ({"returned": lambda model, train, others, answers: (model.evaluate(*train, verbose=0)[1], answers)}, "others"),
        (
            {
                "returned": lambda model, train, others, answers: (
                    model.evaluate(*others, verbose=0)[1],
                    model.predict(others[0], verbose=0),
                )
            },
            r"\(49, 3\)",
        ),
    ],
)
def test_wrong_training_by_keras(options, message):
    with pytest.raises(CheckFailed, match=message):
        checks.compile_and_fit(trained(**options))


def test_training_by_keras(solution):
    checks.compile_and_fit(trained())
    checks.compile_and_fit(solution["compile_and_fit"])
    own = {"returned": lambda model, train, others, answers: (np.mean(answers == others[1]), answers)}
    checks.compile_and_fit(trained(metrics=(), **own))
    with pytest.raises(CheckFailed, match="fit is for train"):
        checks.compile_and_fit(lambda model, given, train, others: trained()(model, given, others, train))
    with pytest.raises(CheckFailed, match="not compiled"):
        checks.compile_and_fit(lambda *arguments: None)
