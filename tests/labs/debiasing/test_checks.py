"""Each check approves of the solution and refuses plausible mistakes, with words that name the mistake."""

import numpy as np
import pytest
from scipy.special import softmax

from debias.backend import keras, tf
from labs.debiasing import checks
from tests.labs.refusing import refused

# --- the VAE's loss -------------------------------------------------------------------------------------------------


def l1(images, rebuilt):
    return tf.reduce_mean(tf.abs(images - rebuilt), axis=(1, 2, 3))


def kl(mean, log_variance):
    return 0.5 * tf.reduce_sum(tf.exp(log_variance) + mean**2 - 1 - log_variance, axis=1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda m, s: -kl(m, s), ["kl", "sign"]),
        (lambda m, s: 2 * kl(m, s), ["kl", "1/2"]),
        (
            lambda m, s: 0.5 * tf.reduce_sum(tf.exp(0.5 * s) + m**2 - 1 - s, axis=1),
            ["kl", "standard deviation", "variance"],
        ),
        (lambda m, s: 0.5 * tf.reduce_sum(s + m**2 - 1 - tf.math.log(s), axis=1), ["kl", "NaN"]),
        (lambda m, s: 0.5 * tf.reduce_mean(tf.exp(s) + m**2 - 1 - s, axis=1), ["kl", "averaged"]),
        (lambda m, s: 0.5 * tf.reduce_sum(tf.exp(s) + m**2 - 1 - s, axis=0), ["kl", "shape (7,)", "(5,)"]),
        (lambda m, s: tf.reduce_sum(kl(m, s)), ["kl", "shape ()"]),
        (lambda m, s: 0.5 * tf.reduce_sum(tf.exp(s) + m**2 - s, axis=1), ["kl", "-1"]),
        (lambda m, s: 0.5 * tf.reduce_sum(tf.exp(s) + m - 1 - s, axis=1), ["kl", "squared"]),
        (lambda m, s: 0.5 * tf.reduce_sum(tf.exp(s) - 1 - s, axis=1), ["kl", "mean is missing"]),
        (lambda m, s: kl(m, s) + 0.1, ["kl", "expected"]),
        (lambda m, s: kl(m, s).numpy(), ["kl", "NumPy"]),
        (lambda m, s: tf.cast(kl(m, s), tf.float64), ["kl", "float64", "float32"]),
        (lambda m, s: kl(tf.stop_gradient(m), s), ["mean gets no gradient"]),
    ],
)
def test_a_wrong_divergence_is_named(wrong, words):
    refused(checks.vae_loss, lambda x, y, m, s: (l1(x, y), wrong(m, s)), *words)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda x, y: tf.reduce_mean((x - y) ** 2, axis=(1, 2, 3)), ["reconstruction", "squared"]),
        (lambda x, y: tf.reduce_sum(tf.abs(x - y), axis=(1, 2, 3)), ["reconstruction", "summed"]),
        (lambda x, y: tf.reduce_mean(y - x, axis=(1, 2, 3)), ["reconstruction", "cancel", "tf.abs"]),
        (lambda x, y: tf.reduce_mean(x - y, axis=(1, 2, 3)), ["reconstruction", "cancel", "tf.abs"]),
        (lambda x, y: tf.reduce_mean(tf.abs(x - y)), ["reconstruction", "shape ()"]),
        (lambda x, y: tf.reduce_mean(tf.abs(x - y), axis=-1), ["reconstruction", "shape (5, 4, 6)"]),
        (lambda x, y: np.abs(x - y).mean((1, 2, 3)), ["reconstruction", "NumPy"]),
    ],
)
def test_a_wrong_reconstruction_is_named(wrong, words):
    refused(checks.vae_loss, lambda x, y, m, s: (wrong(x, y), kl(m, s)), *words)


def test_terms_in_the_wrong_order_are_named():
    refused(checks.vae_loss, lambda x, y, m, s: (kl(m, s), l1(x, y)), "swapped")


def test_one_loss_instead_of_two_terms_is_refused():
    refused(checks.vae_loss, lambda x, y, m, s: l1(x, y) + kl(m, s), "two tensors")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda m, s, n: m + tf.exp(s) * n, ["variance"]),
        (lambda m, s, n: m + s * n, ["logarithm"]),
        (lambda m, s, n: m + tf.exp(-0.5 * s) * n, ["sign"]),
        (lambda m, s, n: m + n, ["not scaled"]),
        (lambda m, s, n: m, ["mean alone"]),
        (lambda m, s, n: m + tf.exp(0.5 * s) * tf.random.normal(m.shape), ["expected", "is given"]),
        (lambda m, s, n: tf.exp(0.5 * s) * n, ["mean is missing"]),
        (lambda m, s, n: m - tf.exp(0.5 * s) * n, ["taken away"]),
        (lambda m, s, n: m.numpy() + np.exp(0.5 * s) * n.numpy(), ["NumPy"]),
        (lambda m, s, n: m + tf.exp(0.5 * tf.stop_gradient(s)) * n, ["log_variance", "gradient"]),
        (lambda m, s, n: m + tf.sqrt(s) * n, ["NaN"]),
    ],
)
def test_a_wrong_draw_of_latents_is_named(wrong, words):
    refused(checks.reparameterize, wrong, *words)


# --- the DB-VAE's loss ----------------------------------------------------------------------------------------------


def cross_entropy(labels, logits):
    return tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)


def flat(labels):
    return tf.reshape(labels, [-1])


def broadcast(labels, logits, vae):
    """The original lab's: the mask keeps the column that labels came in."""
    return tf.reduce_mean(cross_entropy(flat(labels), logits) + labels * vae)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (broadcast, ["(5, 1)", "(B, B)", "reshape"]),
        (lambda y, o, v: tf.reduce_mean(cross_entropy(flat(y), o) + v), ["mask is missing"]),
        (lambda y, o, v: tf.reduce_mean(cross_entropy(flat(y), o) + (1 - flat(y)) * v), ["upside down"]),
        (lambda y, o, v: tf.reduce_mean(cross_entropy(flat(y), o) + tf.where(o > 0, v, 0.0)), ["non-faces", "mask"]),
        (lambda y, o, v: tf.reduce_sum(cross_entropy(flat(y), o) + flat(y) * v), ["summed"]),
        (
            lambda y, o, v: tf.reduce_mean(cross_entropy(flat(y), o)) + tf.reduce_mean(v[flat(y) > 0.5]),
            ["number of faces"],
        ),
        (lambda y, o, v: tf.reduce_mean(flat(y) * v), ["classification", "missing"]),
        (lambda y, o, v: tf.reduce_mean(cross_entropy(flat(y), o)), ["no gradient"]),
        (lambda y, o, v: tf.reduce_mean(flat(y) * (cross_entropy(flat(y), o) + v)), ["mask vae only"]),
        (lambda y, o, v: tf.reduce_mean(cross_entropy(flat(y), tf.sigmoid(o)) + flat(y) * v), ["sigmoid", "twice"]),
        (lambda y, o, v: tf.reduce_mean(cross_entropy(o, flat(y)) + flat(y) * v), ["swapped"]),
        (
            lambda y, o, v: keras.losses.binary_crossentropy(flat(y), o) + tf.reduce_mean(flat(y) * v),
            ["from_logits=True"],
        ),
        (lambda y, o, v: cross_entropy(flat(y), o) + flat(y) * v, ["shape (5,)", "()"]),
        (lambda y, o, v: tf.reduce_mean(cross_entropy(flat(y), o) + flat(y) * v).numpy(), ["NumPy"]),
        (lambda y, o, v: tf.reduce_mean(cross_entropy(y, o) + y * v), ["stops with ValueError"]),
        (lambda y, o, v: tf.reduce_mean(cross_entropy(flat(y), o) + flat(y) * v) / 0.0, ["NaN or infinity"]),
    ],
)
def test_a_wrong_mask_is_proved_by_its_gradient(wrong, words):
    refused(checks.debiasing_loss, wrong, *words)


# --- the resampling rule --------------------------------------------------------------------------------------------


def right_rarity(latents, alpha, bins, density=True):
    rare = np.empty(latents.shape)
    for i, values in enumerate(latents.T.astype(np.float64)):
        counts, edges = np.histogram(values, bins, density=density)
        rare[:, i] = 1 / (counts[np.searchsorted(edges[1:-1], values, side="right")] + alpha)
    return rare


def as_in_the_original_lab(latents, alpha, bins):
    """Open outer bins and np.digitize, whose bins count from one."""
    rare = np.empty(latents.shape)
    for i in range(latents.shape[1]):
        density, edges = np.histogram(latents[:, i], density=True, bins=bins)
        edges[0], edges[-1] = -np.inf, np.inf
        rare[:, i] = 1 / (density[np.digitize(latents[:, i], edges) - 1] + alpha)
    return rare


def without_last_bin(latents, alpha, bins):
    """np.digitize with all edges counts from one, and the largest value falls out of the last bin."""
    rare = np.empty(latents.shape)
    for i, values in enumerate(latents.T):
        density, edges = np.histogram(values, bins, density=True)
        rare[:, i] = 1 / (density[np.digitize(values, edges)] + alpha)
    return rare


def one_bin_off(latents, alpha, bins):
    rare = np.empty(latents.shape)
    for i, values in enumerate(latents.T):
        density, edges = np.histogram(values, bins, density=True)
        rare[:, i] = 1 / (density[np.searchsorted(edges[1:-1], values) - 1] + alpha)
    return rare


def pooled(latents, alpha, bins):
    return right_rarity(latents.reshape(-1, 1), alpha, bins).reshape(latents.shape)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda z, a, b: right_rarity(z.T, a, b).T, ["wrong axis"]),
        (lambda z, a, b: right_rarity(z.T, a, b), ["shape (7, 400)", "(400, 7)"]),
        (pooled, ["all latents together"]),
        (lambda z, a, b: right_rarity(z, a, b, density=False), ["counts", "density"]),
        (lambda z, a, b: right_rarity(z, a * len(z), b, density=False) * len(z), ["shares", "density"]),
        (lambda z, a, b: 1 / right_rarity(z, a, b), ["1 / (density + alpha)"]),
        (lambda z, a, b: right_rarity(z, 0.0, b), ["alpha", "missing"]),
        (lambda z, a, b: right_rarity(z, 0.0, b) + a, ["alpha", "outside"]),
        (without_last_bin, ["stops with IndexError", "bins - 1"]),
        (one_bin_off, ["rarity", "expected"]),
        (lambda z, a, b: right_rarity(z, a, b).astype(np.float32), ["float32", "float64"]),
        (lambda z, a, b: right_rarity(z, a, b).tolist(), ["list", "NumPy array"]),
        (lambda z, a, b: np.where(z > z.max(0) - 0.1, np.nan, right_rarity(z, a, b)), ["NaN"]),
        (lambda z, a, b: right_rarity(z, a, b + 1), ["rarity", "expected"]),
        (lambda z, a, b: right_rarity(z, a, 10), ["bins=5", "still makes 10"]),
        (lambda z, a, b: None, ["nothing", "return"]),
    ],
)
def test_a_wrong_rarity_is_named(wrong, words):
    refused(checks.rarity, wrong, *words)


def normalised(weights):
    return weights / weights.sum()


def in_place(rare):
    rare /= rare.sum(0)
    return normalised(rare.max(1))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (in_place, ["writes into rare"]),
        (lambda r: normalised(r.max(1)), ["columns", "axis=0"]),
        (lambda r: (r / r.sum(0)).max(1), ["sum to 1"]),
        (lambda r: normalised((r / r.sum(0)).mean(1)), ["mean", "maximum"]),
        (lambda r: normalised((r / r.sum(1, keepdims=True)).max(1)), ["rows", "axis=0"]),
        (lambda r: normalised((r / r.sum(0)).max(0)), ["shape (7,)", "(400,)"]),
        (lambda r: normalised((r / r.sum(0)).max(1)).astype(np.float32), ["float32", "float64"]),
        (lambda r: np.full(400, np.nan), ["NaN"]),
        (lambda r: np.full(400, 1 / 400), ["expected"]),
    ],
)
def test_a_wrong_maximum_is_named(wrong, words):
    refused(checks.max_rule, wrong, "max_rule", *words)


def less_the_smallest(rare):
    logs = np.log(rare).sum(1)
    return normalised(np.exp(logs - logs.min()))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda r: normalised(r.prod(1)), ["400 factors overflows", "logarithms"]),
        (lambda r: normalised(np.exp(np.log(r).sum(1))), ["overflows"]),
        (less_the_smallest, ["overflows in np.exp", "take off the largest"]),
        (lambda r: np.exp(np.log(r).sum(1) - np.log(r).sum(1).max()), ["sum to 1"]),
        (lambda r: normalised(r.sum(1)), ["sum", "product"]),
        (lambda r: normalised(np.log(r).sum(1)), ["np.exp is missing"]),
        (lambda r: normalised(np.log(r).sum(1) - np.log(r).sum(1).max()), ["np.exp is missing"]),
        (lambda r: normalised(np.exp(np.log(r).mean(1))), ["sum them"]),
        (lambda r: normalised(1 / r.prod(1)), ["upside down"]),
        (lambda r: normalised(r.prod(0)), ["shape (7,)"]),
        (lambda r: normalised(r.prod(1)).astype(np.float16), ["float16", "float64"]),
    ],
)
def test_a_wrong_product_is_named(wrong, words):
    with np.errstate(all="ignore"):
        refused(checks.product_rule, wrong, "product", *words)


def test_a_product_that_only_underflows_is_refused():
    def clipped(rare):
        return normalised(np.exp(np.minimum(np.log(rare).sum(1), 700) - 700))

    def shifted_by_a_constant(rare):
        shift = 400 * np.log(10**2.5) if rare.shape[1] == 400 and rare[0, 0] > 1 else 0
        return normalised(np.exp(np.log(rare).sum(1) - shift))

    with np.errstate(all="ignore"):
        refused(checks.product_rule, shifted_by_a_constant, "underflows")
        refused(checks.product_rule, clipped, "product")


# --- the training step ----------------------------------------------------------------------------------------------


def step(model, number=None, training=True, sign=1.0, times=1, which=lambda model: model.trainable_variables):
    images, labels = model.batches(model.optimizer.iterations if number is None else number)
    with tf.GradientTape() as tape:
        terms = model.loss_terms(images, labels, training=training)
    variables = which(model)
    gradients = [sign * gradient for gradient in tape.gradient(terms["loss"], variables)]
    for _ in range(times):
        model.optimizer.apply(gradients, variables)
    return terms


def unapplied(model):
    images, labels = model.batches(model.optimizer.iterations)
    return model.loss_terms(images, labels, training=True)


def drawn_uniformly(model):
    """np.random draws while the step is traced: the same batch for ever, and no weights."""
    rng = np.random.default_rng(0)
    index = tf.constant(rng.choice(12, 4))
    faces, others = model.batches.positives.gather(index), model.batches.negatives.gather(index)
    images = tf.cast(tf.concat([faces, others], 0), tf.float32) / 255
    with tf.GradientTape() as tape:
        terms = model.loss_terms(images, tf.repeat([1.0, 0.0], 4), training=True)
    model.optimizer.apply(tape.gradient(terms["loss"], model.trainable_variables), model.trainable_variables)
    return terms


def eager(model):
    terms = step(model)
    return {"loss": float(terms["loss"])}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda model: step(model, training=False), ["training=True"]),
        (lambda model: step(model, number=tf.constant(0, tf.int64)), ["same batch", "iterations"]),
        (lambda model: step(model, sign=-1.0), ["up the gradient"]),
        (lambda model: step(model, times=2), ["3 training steps", "6 updates"]),
        (unapplied, ["0 updates", "apply"]),
        (drawn_uniformly, ["weight", "expected"]),
        (lambda model: step(model)["loss"], ["return terms"]),
        (lambda model: step(model, which=lambda model: model.head.trainable_variables), ["weight", "expected"]),
        (eager, ["stops with TypeError", "SymbolicTensor"]),
    ],
)
def test_a_wrong_step_is_named(wrong, words):
    refused(checks.train_step, wrong, *words)


# --- the quiz -------------------------------------------------------------------------------------------------------


def test_the_solution_knows_the_answers(solution, capsys):
    checks.quiz(solution["answers"])
    assert "right" in capsys.readouterr().out


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_wrong_answer_is_told_where_to_look(solution, number):
    for letter in {"a", "b", "c"} - {solution["answers"][number]}:
        answers = {**solution["answers"], number: letter}
        refused(checks.quiz, answers, f"Question {number}", f"'{letter}'")
    hints = checks.ANSWERS[number][1]
    assert "ook at" in hints


@pytest.mark.parametrize("answers", [None, {}, {1: "c"}, "ccabb"])
def test_answers_that_are_not_a_letter_each_are_refused(answers):
    refused(checks.quiz, answers, "a dict from each of 1, 2, 3, 4, 5 (int) to a letter")


# --- other right answers --------------------------------------------------------------------------------------------


def masked_before(labels, logits, vae):
    faces = tf.squeeze(labels) > 0.5 if labels.shape.rank == 2 else labels > 0.5
    total = tf.reduce_sum(cross_entropy(tf.cast(faces, tf.float32), logits))
    return (total + tf.reduce_sum(tf.boolean_mask(vae, faces))) / len(logits)


def old_style(model):
    with tf.GradientTape() as tape:
        images, labels = model.batches(model.optimizer.iterations)
        terms = model.loss_terms(images, labels, training=True)
        loss = terms["loss"]
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return terms


def by_matrix(images, rebuilt, mean, log_variance):
    error = tf.reshape(tf.abs(rebuilt - images), [len(images), -1])
    terms = tf.square(mean) + tf.square(tf.exp(log_variance / 2)) - log_variance - 1
    return tf.reduce_mean(error, -1), tf.linalg.matvec(terms, tf.fill([mean.shape[1]], 0.5))


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (checks.vae_loss, by_matrix),
        (checks.reparameterize, lambda m, s, n: tf.sqrt(tf.exp(s)) * n + m),
        (checks.debiasing_loss, masked_before),
        (checks.rarity, as_in_the_original_lab),
        (checks.max_rule, lambda r: normalised(np.max([c / np.sum(c) for c in r.T], axis=0))),
        (checks.product_rule, lambda r: softmax(np.sum(np.log(r), axis=-1))),
        (checks.train_step, old_style),
    ],
)
def test_another_right_answer_passes(check, right, capsys):
    check(right)
    assert "right" in capsys.readouterr().out


# --- the encoder's block --------------------------------------------------------------------------------------------


def block(x, filters, kernel, activation="relu", last=None, momentum=0.9, strides=2, padding="same", norm=True, **more):
    x = keras.layers.Conv2D(filters, kernel, strides, padding, activation=activation, **more)(x)
    x = keras.layers.BatchNormalization(momentum=momentum)(x) if norm else x
    return keras.layers.Activation(last)(x) if last else x


def in_three_layers(x, filters, kernel):
    x = keras.layers.ReLU()(keras.layers.Conv2D(filters, (kernel, kernel), (2, 2), "same")(x))
    return keras.layers.BatchNormalization(axis=-1, momentum=0.9)(x)


def as_a_model_of_its_own(x, filters, kernel):
    convolution = keras.layers.Conv2D(filters, kernel, 2, "same", activation="relu")
    return keras.Sequential([convolution, keras.layers.BatchNormalization(momentum=0.9)])(x)


@pytest.mark.parametrize(
    "right", [block, in_three_layers, as_a_model_of_its_own, lambda *given: block(*given, use_bias=False)]
)
def test_a_block_may_be_written_in_other_ways(right):
    checks.block(right)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda *given: block(*given, activation=None), ["ReLU is missing"]),
        (lambda *given: block(*given, activation=None, last="relu"), ["before the ReLU"]),
        (lambda *given: block(*given, activation="tanh"), ["block in training", "expected"]),
        (lambda *given: block(*given, norm=False), ["batch norm is missing"]),
        (lambda *given: block(*given, activation=None, norm=False), ["convolution alone"]),
        (lambda *given: block(*given, momentum=0.99), ["0.99", "momentum=0.9"]),
        (lambda *given: block(*given, momentum=0.5), ["at test", "expected"]),
        (lambda *given: block(*given, strides=1), ["shape (5, 4, 6, 7)", "(5, 2, 3, 7)"]),
        (lambda *given: block(*given, padding="valid"), ["shape (5, 1, 2, 7)", "keeps the edge"]),
        (lambda x, filters, kernel: block(x, kernel, kernel), ["shape (5, 2, 3, 3)"]),
        (lambda x, filters, kernel: block(x, filters, 5), ["5 x 5", "3 x 3"]),
        (lambda x, filters, kernel: keras.layers.BatchNormalization()(x), ["shape (5, 4, 6, 3)", "(5, 2, 3, 7)"]),
        (lambda x, *sizes: keras.layers.Conv2D(*sizes), ["a Conv2D", "the last layer gives"]),
    ],
)
def test_a_wrong_block_is_named(wrong, words):
    refused(checks.block, wrong, *words)


# --- the head's parts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "right",
    [
        lambda x, k: [x[:, 0], x[:, 1 : 1 + k], x[:, -k:]],
        lambda x, k: (tf.squeeze(x[:, :1], 1), *tf.split(x[:, 1:], 2, axis=1)),
    ],
)
def test_the_head_may_be_split_in_other_ways(right):
    checks.split_head(right)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda x, k: tf.split(x, [1, k, k], axis=1), ["logits", "(5, 1)", "outputs[:, 0]"]),
        (lambda x, k: (x[:, 0], x[:, k + 1 :], x[:, 1 : k + 1]), ["mean", "swapped"]),
        (lambda x, k: (x[:, -1], x[:, :k], x[:, k : 2 * k]), ["logits", "not the last"]),
        (lambda x, k: (x[:, 0], x[:, :k], x[:, k + 1 :]), ["mean", "behind it"]),
        (lambda x, k: (x[:, 0], x[:, 1 : k + 1], x[:, 1 : k + 1]), ["log_variance", "swapped"]),
        (lambda x, k: (x[:, 0], x[:, 1:8], x[:, 8:]), ["mean", "shape"]),
        (lambda x, k: (x[:, 0], x[:, 1:k], x[:, k + 1 :]), ["mean", "shape (5, 6)", "stops before end"]),
        (lambda x, k: (x[0], x[1 : k + 1], x[k + 1 :]), ["logits", "takes columns"]),
        (lambda x, k: (x[:, 0], x[:, 1:]), ["three tensors"]),
        (lambda x, k: x, ["three tensors"]),
        (lambda x, k: (x.numpy()[:, 0], x[:, 1 : k + 1], x[:, k + 1 :]), ["logits", "ndarray"]),
    ],
)
def test_a_wrong_split_of_the_head_is_named(wrong, words):
    refused(checks.split_head, wrong, *words)


# --- the forward pass -----------------------------------------------------------------------------------------------


def split(x, k):
    return x[:, 0], x[:, 1 : k + 1], x[:, k + 1 :]


def drawn(mean, log_variance, noise):
    return mean + tf.exp(0.5 * log_variance) * noise


def passing(draw=drawn, parts=split, encoder=None, decoder=None, order=lambda *four: four):
    """A forward pass with places for mistakes; `encoder` and `decoder` are what they take for `training`."""

    def forward(model, images, noise, training):
        told = [training if own is None else own for own in (encoder, decoder)]
        outputs = model.head(model.encoder(images, training=told[0]))
        logits, mean, log_variance = parts(outputs, model.latent_dim)
        return order(logits, mean, log_variance, model.decode(draw(mean, log_variance, noise), told[1]))

    return forward


def by_keras_layers(model, images, noise, training):
    numbers = model.head(model.encoder(images, training=training))
    logits, mean, log_variance = tf.split(numbers, [1, model.latent_dim, model.latent_dim], axis=1)
    z = noise * tf.sqrt(tf.exp(log_variance)) + mean
    return [tf.squeeze(logits, 1), mean, log_variance, model.decoder(z, training=training)]


@pytest.mark.parametrize("right", [passing(), by_keras_layers, passing(order=lambda *four: list(four))])
def test_a_forward_pass_may_be_written_in_other_ways(right, capsys):
    checks.forward(right)
    assert "right" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"encoder": False}, ["logits", "training=True the encoder runs as with False"]),
        ({"encoder": True}, ["logits", "training=False the encoder runs as with True"]),
        ({"decoder": False}, ["rebuilt", "training=True the decoder runs as with False"]),
        ({"decoder": True}, ["rebuilt", "training=False the decoder runs as with True"]),
        ({"draw": lambda m, s, n: m}, ["rebuilt", "given the mean"]),
        ({"draw": lambda m, s, n: n}, ["rebuilt", "noise alone"]),
        ({"draw": lambda m, s, n: m + tf.exp(s) * n}, ["rebuilt", "scaled by the variance"]),
        ({"draw": lambda m, s, n: drawn(s, m, n)}, ["rebuilt", "on the way to reparameterize"]),
        ({"draw": lambda m, s, n: drawn(m, s, tf.random.normal(m.shape))}, ["rebuilt", "the function is given"]),
        ({"draw": lambda m, s, n: drawn(*map(tf.stop_gradient, (m, s)), n)}, ["the encoder gets no gradient"]),
        ({"parts": lambda x, k: (x[:, 0], x[:, k + 1 :], x[:, 1 : k + 1])}, ["mean", "swapped"]),
        ({"parts": lambda x, k: tf.split(x, [1, k, k], axis=1)}, ["logits has shape (5, 1)", "(5,)"]),
        ({"parts": lambda x, k: (tf.sigmoid(x[:, 0]), *split(x, k)[1:])}, ["logits", "expected"]),
        ({"order": lambda logits, mean, s, rebuilt: (rebuilt, logits, mean, s)}, ["(5, 4, 6, 3)", "in this order"]),
        ({"order": lambda *four: four[:3]}, ["four tensors"]),
        ({"order": lambda *four: four[3]}, ["four tensors"]),
        ({"order": lambda *four: (*four[:3], four[3].numpy())}, ["rebuilt", "ndarray"]),
    ],
)
def test_a_wrong_forward_pass_is_named(options, words):
    refused(checks.forward, passing(**options), *words)
