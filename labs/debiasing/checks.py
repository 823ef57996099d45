"""One check for each TODO of the debiasing lab: what was expected, what came, where to look.

The truths do not come from the solution: TensorFlow Probability, brute force, gradients, a training step by hand.
Plausible mistakes are recognised by the very numbers that they would give.
"""

import functools
from collections.abc import Callable, Mapping

import numpy as np

from debias.backend import keras, tf, tfp
from debias.config import Histograms
from debias.data.dataset import Dataset
from debias.data.pipeline import BalancedBatches
from debias.dbvae import DBVAE
from debias.detector import Classifier
from debias.resampling import sampling_probabilities
from labs.checking import (
    CheckFailed,
    InTrainingAlone,
    array,
    called,
    compare,
    finite,
    flat_weights,
    gradients,
    kind,
    ran,
    random_tensors,
    tensor,
)

tfd = tfp.distributions

BATCH, SHAPE, K = 5, (4, 6, 3), 7  # no two sizes alike, so that a wrong axis shows
FACES, BINS = 400, 10
STEPS = 3
ANSWERS = {  # the letter, and where to look
    1: ("c", "(B, 1) times (B,) is (B, B): look at the second column of what the cell before debiasing_loss prints."),
    2: ("c", "Your product_rule adds logarithms of 64-bit numbers already: look at the table of latents against ESS."),
    3: ("a", "Look at the CNN at a threshold of 0.02: all groups gained recall, and nothing was learned."),
    4: ("b", "Look at the figure with ten seeds: how far apart are the dots of one model?"),
    5: ("b", "Look at the ten most likely faces: what is rare about them?"),
}


def vae_loss(student: Callable) -> None:
    """Reconstruction error against NumPy, KL divergence against TensorFlow Probability, and their gradients."""
    images, rebuilt = random_tensors(2, BATCH, *SHAPE)
    mean, log_variance = random_tensors(2, BATCH, K)
    with tf.GradientTape() as tape:
        tape.watch([rebuilt, mean, log_variance])
        terms = called(student, images, rebuilt, mean, log_variance)
        if not isinstance(terms, tuple) or len(terms) != 2:
            raise CheckFailed(f"vae_loss returns {kind(terms)}: return two tensors, reconstruction and kl")
        terms = [tensor(name, term, (BATCH,)) for name, term in zip(("reconstruction", "kl"), terms, strict=True)]
    reconstruction, kl = terms
    error, divergences = _reconstructions((rebuilt - images).numpy()), _divergences(mean, log_variance)
    swapped = {"reconstruction and kl are swapped": divergences[0]}
    compare(
        "reconstruction",
        reconstruction,
        error[0],
        error[1] | swapped,
        "the mean of tf.abs(images - rebuilt) over each image",
    )
    compare("kl", kl, *divergences, look="is each of the four terms of the formula there, with its sign?")
    inputs = {"rebuilt": rebuilt, "mean": mean, "log_variance": log_variance}
    gradients(tape.gradient(terms, inputs))
    print("vae_loss: right, the KL divergence agrees with TensorFlow Probability")


def reparameterize(student: Callable) -> None:
    """z against NumPy, and a gradient for the posterior's parameters."""
    mean, log_variance, noise = random_tensors(3, BATCH, K)
    with tf.GradientTape() as tape:
        tape.watch([mean, log_variance])
        latents = tensor("z", called(student, mean, log_variance, noise), (BATCH, K))
    m, s, n = (x.numpy() for x in (mean, log_variance, noise))
    mistakes = {
        "noise is scaled by the variance: sigma is its square root, tf.exp(0.5 * log_variance)": m + np.exp(s) * n,
        "noise is scaled by log_variance itself: undo the logarithm first": m + s * n,
        "noise is scaled by half the log-variance: tf.exp is missing": m + 0.5 * s * n,
        "sigma is 1 / sigma: the sign in the exponent is wrong": m + np.exp(-0.5 * s) * n,
        "noise is not scaled: multiply it by sigma": m + n,
        "this is mean alone: add sigma * noise": m,
        "mean is missing: add it": np.exp(0.5 * s) * n,
        "noise is taken away: add it": m - np.exp(0.5 * s) * n,
    }
    look = "mean + sigma * noise, with the noise that the function is given"
    compare("z", latents, m + np.exp(0.5 * s) * n, mistakes, look)
    gradients(tape.gradient(latents, {"mean": mean, "log_variance": log_variance}))
    print("reparameterize: right, and its parameters get a gradient")


def block(student: Callable) -> None:
    """What it gives in training, then at test, against TensorFlow's own convolution and NumPy's moments."""
    for filters, size in ((K, 3), (4, 5)):
        model, images = _block_model(student, filters, size), random_tensors(1, BATCH, *SHAPE)[0]
        shape = (BATCH, SHAPE[0] // 2, SHAPE[1] // 2, filters)
        look = 'strides=2 halves height and width, padding="same" keeps the edge'
        trained, tested = (tensor("block", model(images, training=each), shape, look=look) for each in (True, False))
        convolved = _convolved(model, images, size)
        positive = np.maximum(convolved, 0)
        look = 'a convolution with strides=2, padding="same" and ReLU, then batch norm, and nothing else'
        compare("block in training", trained, _standardised(positive), _block_mistakes(convolved), look)
        mistakes = {"its momentum is Keras' usual 0.99: say momentum=0.9": _standardised(positive, 0.99)}
        compare("block at test after one step", tested, _standardised(positive, 0.9), mistakes, "is the momentum 0.9?")
    print("block: right, it halves height and width")


def split_head(student: Callable) -> None:
    """The three parts against NumPy's slices, for two numbers of latents."""
    for k in (K, 3):
        outputs = random_tensors(1, BATCH, 2 * k + 1)[0]
        parts = called(student, outputs, k)
        if not isinstance(parts, (tuple, list)) or len(parts) != 3:
            raise CheckFailed(f"split_head returns {kind(parts)}: return three tensors, logits, mean and log_variance")
        if tf.is_tensor(parts[0]) and parts[0].shape == (BATCH, 1):
            raise CheckFailed(f"logits has shape ({BATCH}, 1): a number takes the axis away, outputs[:, 0]")
        x = outputs.numpy()
        first, second = x[:, 1 : k + 1], x[:, k + 1 :]
        swapped = "mean and log_variance are swapped: the mean comes first"
        last = "the logit is the first of the numbers, not the last"
        look = "outputs[:, ...] takes columns, and begin : end stops before end"
        logits, mean, log_variance = (
            tensor(name, part, shape, look=look)
            for name, part, shape in zip(
                ("logits", "mean", "log_variance"), parts, ((BATCH,), (BATCH, k), (BATCH, k)), strict=True
            )
        )
        compare("logits", logits, x[:, 0], {last: x[:, -1]}, "it is the first column, as it is")
        mistakes = {swapped: second, "it begins with the logit: the mean is behind it": x[:, :k]}
        compare("mean", mean, first, mistakes, "columns 1 to k, as they are")
        compare("log_variance", log_variance, second, {swapped: first}, "the last k columns, as they are")
    print("split_head: right, each of the 2k + 1 numbers is where it belongs")


def forward(student: Callable) -> None:
    """The four outputs of a small DB-VAE in training and at test, by matrices in NumPy, and their gradient."""
    model, (images,), (noise,) = _autoencoder(), random_tensors(1, BATCH, *SHAPE), random_tensors(1, BATCH, K)
    names = ("logits", "mean", "log_variance", "rebuilt")
    for training in (True, False):
        with tf.GradientTape() as tape:
            parts = called(student, model, images, noise, training)
        if not isinstance(parts, (tuple, list)) or len(parts) != len(names):
            raise CheckFailed(f"forward returns {kind(parts)}: return four tensors, {', '.join(names)}")
        shapes = ((BATCH,), (BATCH, K), (BATCH, K), (BATCH, *SHAPE))
        look = f"the four are {', '.join(names)}, in this order"
        came = {name: tensor(name, *each, look=look) for name, *each in zip(names, parts, shapes, strict=True)}
        right, other = (_passed(model, images.numpy(), noise.numpy(), flag) for flag in (training, not training))
        flag = f"with training={training} the encoder runs as with {not training}: hand on training=training"
        swapped = "mean and log_variance are swapped: split_head gives logits, mean and log_variance"
        others = {"mean": "log_variance", "log_variance": "mean"}
        for name in names[:3]:
            mistakes = {flag: other[name]} | ({swapped: right[others[name]]} if name in others else {})
            compare(name, came[name], right[name], mistakes, "split_head of model.head of model.encoder of the images")
        look = "model.decode of reparameterize(mean, log_variance, noise), with the noise that the function is given"
        mistakes = _rebuilt_mistakes(model, right["mean"], right["log_variance"], noise.numpy(), training)
        compare("rebuilt", came["rebuilt"], right["rebuilt"], mistakes, look)
        gradients({"the encoder": tape.gradient(came["rebuilt"], model.encoder.trainable_variables[0])})
    print("forward: right, from an image to its reconstruction")


def debiasing_loss(student: Callable) -> None:
    """The loss against NumPy, and by gradient that each face trains the VAE and no other image does."""
    labels = tf.constant([1.0, 0.0, 1.0, 1.0, 0.0])
    logits, vae = random_tensors(2, BATCH, seed=1)  # of which some images are read wrong
    for given in (labels, labels[:, None]):
        shape = f"labels of shape {tuple(given.shape)}"
        with tf.GradientTape() as tape:
            tape.watch(vae)
            loss = tensor(f"the loss for {shape}", called(student, given, logits, vae), ())
        _check_mask(tape.gradient(loss, vae), labels.numpy(), shape)
        compare(f"the loss for {shape}", loss, *_losses(labels.numpy(), logits.numpy(), vae.numpy()))
    print("debiasing_loss: right, non-faces give the VAE no gradient")


def rarity(student: Callable) -> None:
    """1 / (Q + alpha) by brute force, on latents of different scales."""
    latents, alpha = _latents(), 0.05
    for bins in (BINS, BINS // 2):
        rare = array("rarity", _binned(student, latents, alpha, bins), latents.shape)
        mistakes = _rarity_mistakes(latents, alpha, bins)
        if bins != BINS:
            always = f"with bins={bins} it still makes {BINS}: give np.histogram the argument"
            mistakes[always] = _rarities(latents, alpha)
        look = "1 / (density + alpha), of the bin that the face's value lies in"
        compare("rarity", rare, _rarities(latents, alpha, bins), mistakes, look)
    print("rarity: right, it agrees with a count face by face")


def max_rule(student: Callable) -> None:
    """The maximum over latents, against debias."""
    latents, alpha = _latents(), 0.05
    rare = _rarities(latents, alpha)
    p = _probabilities("max_rule", student, rare)
    columns = rare / rare.sum(0)
    mistakes = {
        "the columns are not divided by their sums first: rare.sum(axis=0)": _normalised(rare.max(1)),
        "the rows are divided by their sums: divide the columns, axis=0": _normalised(
            (rare / rare.sum(1, keepdims=True)).max(1)
        ),
        "probabilities must sum to 1: divide by the sum in the end": columns.max(1),
        "this is the mean over latents: take the maximum": _normalised(columns.mean(1)),
        "this is the minimum over latents: take the maximum": _normalised(columns.min(1)),
    }
    look = "each column by its sum, the largest of each row, then all by their sum"
    compare("max_rule", p, sampling_probabilities(latents, "max", Histograms(alpha, BINS)), mistakes, look)
    print("max_rule: right, it agrees with debias.resampling")


def product_rule(student: Callable) -> None:
    """The product over latents, against debias; then over so many that a plain product overflows, then underflows."""
    latents, alpha = _latents(), 0.05
    rare = _rarities(latents, alpha)
    p = _probabilities("product_rule", student, rare)
    mistakes = {
        "probabilities must sum to 1: divide by the sum in the end": np.exp(_log_weights(rare)),
        "this is the sum over latents: np.exp of the sum of logarithms is the product": _normalised(rare.sum(1)),
        "these are the logarithms: np.exp is missing": _normalised(np.log(rare).sum(1)),
        "these are logarithms less the largest: np.exp is missing": _normalised(_log_weights(rare)),
        "this is a mean of logarithms: sum them": _normalised(np.exp(np.log(rare).mean(1))),
        "the product is upside down: rare faces must weigh more": _normalised(np.exp(-_log_weights(rare))),
    }
    look = "np.exp of the sum of logarithms less its largest, divided by the sum"
    compare("product_rule", p, sampling_probabilities(latents, "product", Histograms(alpha, BINS)), mistakes, look)
    many = 10.0 ** np.random.default_rng(1).uniform(2, 3, (FACES, 400))
    common = np.where(np.arange(FACES)[:, None], many, 1.0)  # a first face that is nowhere rare
    for flow, table in (("overflows", many), ("underflows", 1 / many), ("overflows in np.exp", common)):
        p = called(student, table)
        hint = f"a product of {table.shape[1]} factors {flow}: add logarithms instead, and take off the largest"
        finite("product_rule", p, hint)
        compare(f"product_rule of {table.shape[1]} latents", p, _normalised(np.exp(_log_weights(table))))
    print("product_rule: right, it agrees with debias.resampling and does not overflow")


def _probabilities(name: str, student: Callable, rare: np.ndarray) -> np.ndarray:
    """What the student's rule gives of the rarities, once it leaves them as they are."""
    given = rare.copy()
    p = array(name, called(student, given), (FACES,))
    if not np.array_equal(given, rare):
        raise CheckFailed(f"{name} writes into rare, which is used again: make an array of your own")
    return p


def train_step(student: Callable) -> None:
    """Three compiled steps of a small detector, against the same steps by hand."""
    model = _detector()
    step = tf.function(lambda: called(student, model), autograph=False)
    for _ in range(STEPS):
        terms = ran(step, student)
    if not isinstance(terms, dict) or "loss" not in terms:
        raise CheckFailed(f"train_step returns {kind(terms)}: return terms, the dict that model.loss_terms gave")
    if model.optimizer.iterations != STEPS:
        raise CheckFailed(
            f"{STEPS} training steps applied {int(model.optimizer.iterations)} updates: "
            "call model.optimizer.apply(gradients, variables) once, with the model's own optimizer"
        )
    mistakes = {
        "batch norm ran as in a test: give model.loss_terms training=True": _by_hand(training=False),
        "every step saw the same batch: give model.batches the step number, model.optimizer.iterations": _by_hand(
            batches=1
        ),
        "the step goes up the gradient": _by_hand(sign=-1.0),
    }
    look = "draw from model.batches, differentiate terms['loss'] for all trainable variables, apply once"
    compare("after three steps a weight", flat_weights(model), _by_hand(), mistakes, look)
    print("train_step: right, it compiles and draws a new batch in every step")


def quiz(answers: Mapping[int, str]) -> None:
    """The letters; a wrong one is told where to look."""
    if not isinstance(answers, Mapping) or set(answers) != set(ANSWERS):
        raise CheckFailed(f"answers is a dict from each of {', '.join(map(str, ANSWERS))} (int) to a letter (str)")
    wrong = {n: hint for n, (letter, hint) in ANSWERS.items() if str(answers[n]).strip().lower() != letter}
    if wrong:
        raise CheckFailed(
            " ".join(f"Question {number}: not {answers[number]!r}. {hint}" for number, hint in wrong.items())
        )
    print(f"quiz: all {len(ANSWERS)} right")


# --- truths, and what plausible mistakes give ----------------------------------------------------------------------


def _block_model(student: Callable, filters: int, size: int) -> keras.Model:
    """From images to what the student's block gives."""
    images = keras.Input(SHAPE)
    outputs = called(student, images, filters, size)
    if not isinstance(outputs, keras.KerasTensor):
        raise CheckFailed(f"block returns {kind(outputs)}: return what the last layer gives")
    return keras.Model(images, outputs)


def _all_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Its layers, and those of models within it."""
    nested = [_all_layers(layer) if isinstance(layer, keras.Model) else [layer] for layer in model.layers]
    return sum(nested, [])


def _convolved(model: keras.Model, images: tf.Tensor, size: int) -> np.ndarray:
    """What the convolution of a block should give before its activation."""
    layers = [layer for layer in _all_layers(model) if isinstance(layer, keras.layers.Conv2D)]
    if len(layers) != 1:
        raise CheckFailed(f"block has {len(layers)} convolutions: one of them, keras.layers.Conv2D, is what it needs")
    kernel, *bias = map(np.asarray, layers[0].get_weights())
    if kernel.shape[:2] != (size, size):
        raise CheckFailed(f"its kernel has {kernel.shape[0]} x {kernel.shape[1]} pixels, expected {size} x {size}")
    return tf.nn.conv2d(images, kernel, 2, "SAME").numpy() + sum(bias)


def _standardised(x: np.ndarray, momentum: float = 0.0) -> np.ndarray:
    """Batch norm of (B, H, W, C), by running moments that began at 0 and 1 and have seen this batch once."""
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return (x - (1 - momentum) * mean) / np.sqrt(momentum + (1 - momentum) * variance + 1e-3)


def _block_mistakes(convolved: np.ndarray) -> dict:
    positive = np.maximum(convolved, 0)
    return {
        'the ReLU is missing: activation="relu"': _standardised(convolved),
        "batch norm is missing: it comes after the convolution": positive,
        "batch norm comes before the ReLU: it should come last": np.maximum(_standardised(convolved), 0),
        "this is the convolution alone: ReLU and batch norm are missing": convolved,
    }


def _reconstructions(error) -> tuple[np.ndarray, dict]:
    axes = (1, 2, 3)
    return np.abs(error).mean(axes), {
        "it is summed over pixels: take the mean, tf.reduce_mean": np.abs(error).sum(axes),
        "the error is squared: this model uses its absolute value, tf.abs": np.square(error).mean(axes),
        "errors of opposite sign cancel: take tf.abs before the mean": error.mean(axes),
        "errors of opposite sign cancel: take tf.abs, before the mean": -error.mean(axes),
    }


def _divergences(mean, log_variance) -> tuple[np.ndarray, dict]:
    posterior = tfd.MultivariateNormalDiag(mean, tf.exp(0.5 * log_variance))
    prior = tfd.MultivariateNormalDiag(tf.zeros_like(mean), tf.ones_like(mean))
    truth = tfd.kl_divergence(posterior, prior).numpy()
    m, s = mean.numpy(), log_variance.numpy()
    return truth, {
        "its sign is wrong: a divergence is never negative": -truth,
        "the factor 1/2 is missing": 2 * truth,
        "it is averaged over the latents: sum them, tf.reduce_sum(..., axis=1)": truth / m.shape[1],
        "the first term is sigma, the standard deviation: it must be the variance, tf.exp(log_variance)": 0.5
        * (np.exp(0.5 * s) + m**2 - 1 - s).sum(1),
        "log_variance is taken for log sigma: it is the logarithm of sigma squared already": 0.5
        * (np.exp(2 * s) + m**2 - 1 - 2 * s).sum(1),
        "log_variance is taken for the variance: undo the logarithm, tf.exp(log_variance)": 0.5
        * (s + m**2 - 1 - s).sum(1),
        "the -1 of each latent is missing": truth + 0.5 * m.shape[1],
        "the mean is not squared": 0.5 * (np.exp(s) + m - 1 - s).sum(1),
        "the mean is missing: add its square": 0.5 * (np.exp(s) - 1 - s).sum(1),
    }


def _autoencoder() -> DBVAE:
    """A DB-VAE of matrices, the same in each call, whose encoder and decoder double what they get in training."""
    sizes = int(np.prod(SHAPE))
    encoder = [keras.Input(SHAPE), keras.layers.Flatten(), InTrainingAlone(), keras.layers.Dense(6)]
    decoder = [keras.Input((K,)), InTrainingAlone(), keras.layers.Dense(sizes), keras.layers.Reshape(SHAPE)]
    model = DBVAE(keras.Sequential(encoder), keras.Sequential(decoder))
    random = np.random.default_rng(3)
    for part in (model.encoder, model.head, model.decoder):
        part.set_weights([0.2 * random.normal(size=weight.shape) for weight in part.get_weights()])
    return model


def _passed(model, images, noise, training) -> dict[str, np.ndarray]:
    """What its forward pass gives, by matrices."""
    (w, b), (u, c) = (_doubles(part) for part in (model.encoder, model.head))
    outputs = ((1 + training) * images.reshape(len(images), -1) @ w + b) @ u + c
    mean, log_variance = outputs[:, 1 : K + 1], outputs[:, K + 1 :]
    rebuilt = _decoded(model, mean + np.exp(0.5 * log_variance) * noise, training)
    return {"logits": outputs[:, 0], "mean": mean, "log_variance": log_variance, "rebuilt": rebuilt}


def _rebuilt_mistakes(model, mean, log_variance, noise, training) -> dict:
    z = mean + np.exp(0.5 * log_variance) * noise
    return {
        "the decoder is given the mean: draw z, reparameterize(mean, log_variance, noise)": _decoded(
            model, mean, training
        ),
        "the decoder is given the noise alone: draw z, reparameterize(mean, log_variance, noise)": _decoded(
            model, noise, training
        ),
        "noise is scaled by the variance: use your reparameterize": _decoded(
            model, mean + np.exp(log_variance) * noise, training
        ),
        "mean and log_variance are swapped on the way to reparameterize": _decoded(
            model, log_variance + np.exp(0.5 * mean) * noise, training
        ),
        f"with training={training} the decoder runs as with {not training}: hand on training": _decoded(
            model, z, not training
        ),
    }


def _decoded(model, z, training) -> np.ndarray:
    w, b = _doubles(model.decoder)
    return ((1 + training) * z @ w + b).reshape(-1, *SHAPE)


def _doubles(part) -> list[np.ndarray]:
    return [np.asarray(weight, np.float64) for weight in part.get_weights()]


def _check_mask(gradient, labels, shape) -> None:
    """d loss / d vae_i must be labels_i / B: the proof that non-faces do not train the VAE."""
    if gradient is None:
        raise CheckFailed("the VAE's loss gets no gradient: add labels * vae to the loss, with TensorFlow's functions")
    gradient, faces = gradient.numpy(), labels == 1
    if np.allclose(gradient, labels / BATCH, rtol=1e-4):
        return
    came = f"with {shape}, d loss / d vae is {np.round(gradient, 3)} for the images' labels {labels.astype(int)}"
    if np.allclose(gradient, labels.mean() / BATCH, rtol=1e-4):
        why = "each mask met each loss, (B, 1) times (B,) is (B, B): reshape first, tf.reshape(labels, [-1])"
    elif np.allclose(gradient, (1 - labels) / BATCH, rtol=1e-4):
        why = "the mask is upside down, non-faces train the VAE: multiply by labels, which are 1 for faces"
    elif np.any(np.abs(gradient[~faces]) > 1e-7):
        why = "non-faces train the VAE, the mask is missing: multiply vae by labels"
    elif np.allclose(gradient, labels / faces.sum(), rtol=1e-4):
        why = "the VAE's loss is divided by the number of faces: take the mean over the whole batch"
    elif np.allclose(gradient, labels, rtol=1e-4):
        why = "the loss is summed over the batch: take the mean, tf.reduce_mean"
    else:
        why = f"expected {np.round(labels / BATCH, 3)}: labels / B, so 0 for non-faces"
    raise CheckFailed(f"{came}: {why}")


def _losses(labels, logits, vae) -> tuple[np.ndarray, dict]:
    classification = np.logaddexp(0, logits) - labels * logits
    p = 1 / (1 + np.exp(-logits))
    return np.mean(classification + labels * vae), {
        "the classification loss is missing": np.mean(labels * vae),
        "the classification loss of non-faces is masked too: mask vae only": np.mean(labels * (classification + vae)),
        "labels and logits are swapped": np.mean(np.logaddexp(0, labels) - labels * logits + labels * vae),
        "the sigmoid is applied twice: give the function logits, not probabilities": np.mean(
            np.logaddexp(0, p) - labels * p + labels * vae
        ),
        "logits are taken for probabilities: from_logits=True": float(
            keras.losses.binary_crossentropy(tf.constant(labels), tf.constant(logits))
        )
        + np.mean(labels * vae),
    }


def _binned(student: Callable, latents: np.ndarray, alpha: float, bins: int):
    """What the student's `rarity` gives; a place behind the last bin is named."""
    try:
        return called(student, latents, alpha, bins)
    except CheckFailed as error:
        if f"index {bins} is out of bounds" in str(error):
            behind = "with np.digitize the largest value stands behind the last edge: the last bin is number bins - 1"
            raise CheckFailed(f"{error}: {behind}") from error
        raise


def _latents() -> np.ndarray:
    """(FACES, K) float64; each latent has its own scale, so that a histogram over the wrong axis or over all shows.

    In float32, as in training, NumPy rounds the edges: right answers would differ in the seventh digit.
    """
    return np.random.default_rng(0).normal(size=(FACES, K)) * np.geomspace(0.2, 3, K)


def _rarities(latents, alpha, count=BINS) -> np.ndarray:
    """By definition: for each face and latent, count the faces between the edges of its bin."""
    rare = np.empty(latents.shape)
    for i, values in enumerate(latents.T):
        width = np.ptp(values) / count
        bins = np.minimum(np.floor((values - values.min()) / width), count - 1)
        rare[:, i] = [1 / (np.sum(bins == bin) / (len(values) * width) + alpha) for bin in bins]
    return rare


def _rarity_mistakes(latents, alpha, bins) -> dict:
    density = 1 / _rarities(latents, alpha, bins) - alpha
    width = np.ptp(latents, axis=0) / bins
    count = density * FACES * width
    # A wrong axis: one histogram a face, over its latents.
    across = np.stack([_histogrammed(row, alpha, bins) for row in latents])
    pooled = _histogrammed(latents.ravel(), alpha, bins).reshape(latents.shape)
    return {
        "the histogram holds counts: it must be a density, density=True": 1 / (count + alpha),
        "the histogram holds shares: it must be a density, density=True": 1 / (count / FACES + alpha),
        "these are densities plus alpha: take 1 / (density + alpha)": density + alpha,
        "alpha is added outside: it belongs below the fraction, 1 / (density + alpha)": 1 / density + alpha,
        "alpha is missing": 1 / density,
        "each histogram runs over the latents of one face, the wrong axis: take one over all faces for each latent, "
        "a column of latents": across,
        "one histogram is made of all latents together: make one for each column of latents": pooled,
    }


def _histogrammed(values, alpha, bins) -> np.ndarray:
    density, edges = np.histogram(values, bins, density=True)
    return 1 / (density[np.searchsorted(edges[1:-1], values, side="right")] + alpha)


def _log_weights(rare) -> np.ndarray:
    log_weights = np.log(rare).sum(1)
    return log_weights - log_weights.max()


def _normalised(weights) -> np.ndarray:
    return weights / weights.sum()


def _detector() -> Classifier:
    """A detector with batch norm on noise, the same in each call, whose sampler draws one face almost always."""
    images = np.random.default_rng(0).integers(0, 255, (24, *SHAPE), np.uint8)
    dataset = Dataset(images, np.arange(24), np.repeat(np.array([1, 0], np.uint8), 12))
    layers = [keras.Input(SHAPE), keras.layers.Flatten(), _dense(6), keras.layers.BatchNormalization(momentum=0.5)]
    model = Classifier(keras.Sequential(layers))
    model.head.kernel.assign(np.random.default_rng(1).normal(size=model.head.kernel.shape))
    model.batches = BalancedBatches(dataset, 8, seed=3, flip=False)
    model.batches.sampler.assign(np.r_[0.5, np.full(11, 0.5 / 11)])
    model.compile(keras.optimizers.SGD(0.2))
    model.optimizer.build(model.trainable_variables)
    return model


def _dense(units):
    return keras.layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seed=2))


@functools.cache
def _by_hand(training=True, batches=STEPS, sign=1.0) -> np.ndarray:
    """All weights after three steps of gradient descent without an optimizer, on so many different batches."""
    model = _detector()
    for step in range(STEPS):
        images, labels = model.batches(tf.constant(step % batches, tf.int64))
        with tf.GradientTape() as tape:
            loss = model.loss_terms(images, labels, training=training)["loss"]
        for variable, gradient in zip(
            model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
        ):
            variable.assign_sub(sign * 0.2 * gradient)
    return flat_weights(model)
