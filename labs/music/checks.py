"""One check for each TODO of the music lab: what was expected, what came, where to look.

The truths are closed forms and brute force; plausible mistakes are recognised by the numbers that they would give.
"""

from collections.abc import Callable

import numpy as np

from debias.backend import keras, tf
from labs.checking import (
    CheckFailed,
    InTrainingAlone,
    array,
    called,
    compare,
    finite,
    gradients,
    kind,
    random_tensors,
    tensor,
)
from labs.music.vectoriser import MARK, PADDING

BATCH, TIME, CHARACTERS = 3, 5, 7  # no two sizes alike, so that a wrong axis shows
DRAWS = 20_000
HEADER = (4, 2)  # of the tune that a network writes which counts on from there: 3, 4, 5, 6, then the mark


def vectorise(student: Callable) -> None:
    """Numbers of a text against a loop."""
    characters = "".join(np.random.default_rng().permutation(list("\n|:ABCDEFGabcdefg2")))
    text = "".join(np.random.default_rng().choice(list(characters), 30))
    found, look = called(student, text, characters), "one number for each character of the text"
    numbers = tensor("vectorise(...)", found, (len(text),), tf.int32, look).numpy()
    places = np.array([characters.find(character) for character in text])
    mistakes = {"the places are counted from 0: 0 and 1 are taken, so add 2": places}
    mistakes["1 is added: padding and the mark are two numbers, so add 2"] = places + 1
    compare("vectorise(...)", numbers, places + 2, mistakes, "each number is the character's place plus 2")
    print("vectorise: right")


def inputs_and_targets(student: Callable) -> None:
    """The shifted row against slices."""
    row = tf.constant(np.random.default_rng().integers(2, 50, 12), tf.int32)
    header = 4
    parts = called(student, row, header)
    if not isinstance(parts, tuple) or len(parts) != 2:
        raise CheckFailed(f"inputs_and_targets returns {kind(parts)}: return two tensors, inputs and targets")
    look = "the row without its last number, and without its first"
    inputs, targets = (
        tensor(name, part, (11,), tf.int32, look).numpy()
        for name, part in zip(("inputs", "targets"), parts, strict=True)
    )
    numbers = row.numpy()
    mistakes = {
        "these are the targets: inputs end one earlier": numbers[1:],
        "the header is read as it is: only targets become PADDING": np.where(
            np.arange(11) < header, PADDING, numbers[:-1]
        ),
    }
    compare("inputs", inputs, numbers[:-1], mistakes, "the row as it is, without its last number")
    expected = np.where(np.arange(11) < header, PADDING, numbers[1:])
    mistakes = {
        "the header is still asked for: its first targets become PADDING": numbers[1:],
        "not moved: the target is the character that follows": np.where(np.arange(11) < header, PADDING, numbers[:-1]),
        "one place too many is padding: `header` places are": np.where(np.arange(11) <= header, PADDING, numbers[1:]),
        "one place too few is padding: `header` places are": np.where(np.arange(11) < header - 1, PADDING, numbers[1:]),
        "the header is kept and the tune is padding: swap them": np.where(np.arange(11) < header, numbers[1:], PADDING),
    }
    look = f"of a header of {header} the first {header} targets are PADDING, then come the row's numbers"
    compare("targets", targets, expected, mistakes, look)
    print("inputs_and_targets: right, each target is the next character")


def build_network(student: Callable) -> None:
    """Shapes of the network, and that it reads from left to right."""
    _check_sizes(student, CHARACTERS + 2, 3, 5)
    network = _check_sizes(student, CHARACTERS, 4, 6)
    text = tf.constant(np.random.default_rng(0).integers(0, CHARACTERS, (BATCH, TIME)), tf.int32)
    logits = called(network, text)
    if any(isinstance(layer, keras.layers.TimeDistributed) for layer in network.layers):
        raise CheckFailed("Dense works on each character by itself: leave out TimeDistributed")
    if tuple(logits.shape) == (BATCH, CHARACTERS):
        raise CheckFailed("the network only speaks at the end of a sequence: give the GRU return_sequences=True")
    logits = tensor("the network's output", logits, (BATCH, TIME, CHARACTERS)).numpy()
    if np.all(logits >= 0) and np.allclose(logits.sum(-1), 1, atol=1e-4):
        raise CheckFailed("the network gives probabilities: leave out the softmax, the loss expects logits")
    _check_logits(network, text, logits)
    changed = np.asarray(network(tf.concat([text[:, :-1], (text[:, -1:] + 1) % CHARACTERS], 1)))
    if not np.allclose(logits[:, :-1], changed[:, :-1], atol=1e-5):
        raise CheckFailed("the network sees what comes later: use one GRU from left to right, not Bidirectional")
    earlier = np.asarray(network(tf.concat([(text[:, :1] + 1) % CHARACTERS, text[:, 1:]], 1)))
    if np.allclose(logits[:, 1:], earlier[:, 1:], atol=1e-7):
        raise CheckFailed("the network forgets what came before: between Embedding and Dense there must be a GRU")
    dropouts = [layer for layer in network.layers if getattr(layer, "rate", getattr(layer, "dropout", 0))]
    without = "" if dropouts else ", but it has no Dropout: it may learn tunes by heart"
    print(f"build_network: right, {network.count_params():,} weights at this toy size{without}")


def sequence_loss(student: Callable) -> None:
    """The masked cross-entropy against NumPy, and its gradient."""
    (logits,) = random_tensors(1, BATCH, TIME, CHARACTERS, seed=1)
    numbers = np.random.default_rng(1).integers(1, CHARACTERS, (BATCH, TIME))
    numbers[0, 3:] = numbers[2, :2] = PADDING
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = tensor("the loss", called(student, tf.constant(numbers, tf.int32), logits), ())
    scores = logits.numpy().astype(np.float64)
    logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    losses = -np.take_along_axis(logs, numbers[..., None], -1)[..., 0]
    real = numbers != PADDING
    mistakes = {
        "padding counts too: multiply the losses by the mask": losses.mean(),
        "it is divided by the number of all targets: divide by the sum of the mask": losses[real].sum() / real.size,
        "it is the sum, not the mean: divide by the sum of the mask": losses[real].sum(),
        "it is the mean over padding: the mask is 1 where the target is NOT padding": losses[~real].mean(),
        "the sign is wrong": -losses[real].mean(),
        "this is in bits: leave out the division by log 2": losses[real].mean() / np.log(2),
        "each tune has its own mean here: take one over all targets": np.mean(
            [row[counts].mean() for row, counts in zip(losses, real, strict=True)]
        ),
    }
    look = "the cross-entropy of logits, summed where targets are not PADDING, over the number of such targets"
    compare("the loss", loss, np.float32(losses[real].mean()), mistakes, look)
    gradients({"logits": tape.gradient(loss, logits)})
    print("sequence_loss: right, and padding does not count")


def train_step(student: Callable) -> None:
    """Weights after a step against a step by hand."""
    network, by_hand, as_in_use = _network(), _network(), _network()
    text = tf.constant(np.random.default_rng(2).integers(1, CHARACTERS, (BATCH, TIME)), tf.int32)
    optimizer = keras.optimizers.SGD(0.5)
    loss = called(student, network, optimizer, text[:, :-1], text[:, 1:])
    finite("the loss", tensor("train_step(...)", loss, ()).numpy())
    before, (expected, step) = _flat(by_hand), _loss_and_gradient(by_hand, text, training=True)
    in_use, other_step = _loss_and_gradient(as_in_use, text, training=False)
    not_training = "the network runs as if not in training, without dropout: network(inputs, training=True)"
    compare("train_step(...)", loss, expected, {not_training: in_use}, "return the loss of the batch")
    mistakes = {
        "the weights have not changed: call optimizer.apply(gradients, variables)": before,
        "the weights go uphill: apply the gradients as they are": before + 0.5 * step,
        not_training: before - 0.5 * other_step,
    }
    compare(
        "a weight after the step", _flat(network), before - 0.5 * step, mistakes, "it differs from w - 0.5 * gradient"
    )
    print("train_step: right, it goes down the gradient")


def draw(student: Callable) -> None:
    """How often each character is drawn against the softmax of logits / temperature."""
    logits = np.array([[0.0, 1.0, 2.0, -1.0]], np.float32)
    for temperature in (1.0, 0.5, 2.0):
        drawn = called(student, tf.constant(np.repeat(logits, DRAWS, 0)), temperature)
        look = "tf.random.categorical gives a row of draws for each row of logits: take the one of each"
        numbers = tensor("draw(...)", drawn, (DRAWS,), _whole(drawn), look).numpy()
        shares = np.bincount(numbers, minlength=4) / DRAWS
        mistakes = {
            "always the likeliest: draw, do not take the maximum": np.eye(4)[2],
            "the temperature is not used: divide the logits by it": _softmax(logits[0]),
            "the logits are multiplied by the temperature: divide": _softmax(logits[0] * temperature),
            "probabilities are taken for logits: no softmax before tf.random.categorical": _softmax(
                _softmax(logits[0]) / temperature
            ),
        }
        _compare_shares(shares, _softmax(logits[0] / temperature), mistakes, temperature)
    print("draw: right, at three temperatures")


def write(student: Callable) -> None:
    """The loop with a network that counts and remembers what it has read, and with one that prefers a character."""
    expected = [MARK, *HEADER, 3, 4, 5, 6]
    counted, read = _written(student, 50)
    _remembers(read, expected)
    if counted not in (expected, [*expected, MARK]):  # with the closing mark or without it
        raise CheckFailed(f"write gives {counted[:12]}, expected {[*expected, MARK]}: {_strayed(counted, read)}")
    if len(cut := _written(student, 5)[0]) != 5:
        raise CheckFailed(f"write gives {len(cut)} numbers where longest is 5: stop there if no mark has come")
    odds = tf.constant([[-1e9, -1e9, 1.0, 0.0, *[-1e9] * (CHARACTERS - 4)]])
    if 3 in list(called(student, lambda number, state: (odds, state), [2], 0.01, 80)):
        raise CheckFailed("write does not use the temperature: hand it on to draw")
    if 3 not in list(called(student, lambda number, state: (odds, state), [2], 1.0, 80)):
        raise CheckFailed("write always takes the likeliest: draw by the logits, with your draw")
    print("write: right, it hands the state on, and stops at the mark and at the longest")


class _State:
    """What a network that reads character by character has read so far."""

    def __init__(self, read: tuple[int, ...]):
        self.read = read


def _written(student: Callable, longest: int) -> tuple[list[int], list[tuple[int, ...]]]:
    """What is written where after n comes n + 1, and the mark after the last, and what the state held after each call
    of `read_one`; CheckFailed if that has no end."""
    held = []

    def read(number, state):
        if not (state is None or isinstance(state, _State)):
            raise CheckFailed(f"read_one gets {kind(state)} as its state: hand on what it returned, at first None")
        if len(held) > 100:
            raise RuntimeError("endless")
        held.append((*(state.read if state else ()), int(number)))
        following = held[-1][-1] + 1
        return 1000 * tf.one_hot([following if following < CHARACTERS else MARK], CHARACTERS), _State(held[-1])

    try:
        written = called(student, read, list(HEADER), 1.0, longest)
    except CheckFailed as error:
        if isinstance(error.__cause__, CheckFailed):
            raise error.__cause__ from None
        if len(held) > 100:
            _remembers(held, [MARK, *HEADER, 3, 4, 5, 6])
            raise CheckFailed("write does not end: it stops at the mark and at `longest` numbers") from error
        raise
    if not isinstance(written, list):
        raise CheckFailed(f"write returns {kind(written)}, expected the list of numbers")
    return [int(number) for number in written], held


def _remembers(held: list[tuple[int, ...]], expected: list[int]) -> None:
    """Raise CheckFailed where the state does not hold what is written so far, each character once."""
    if not held:
        raise CheckFailed("write does not call read_one: it gives the logits from which the next character is drawn")
    for number, (came, character) in enumerate(zip(held, expected, strict=False)):
        before = tuple(expected[:number])
        if came == (*before, character):
            continue
        if number == 0:
            raise CheckFailed("the mark is not read: read all of `written` first, which begins with the mark")
        if came == (MARK,):
            raise CheckFailed("all is read again for each character: go on from the state that read_one gave last")
        if len(came) == 1:
            raise CheckFailed("the state is not handed on: give read_one the state that it gave last, at first None")
        if came == (*before, before[-1]):
            raise CheckFailed("a character is read twice: read_one gave the logits of the next one already")
        if len(came) <= number:
            raise CheckFailed("an old state is handed on: keep the new one of each call, logits, state = read_one(...)")
        if number <= len(HEADER):
            raise CheckFailed("the header is not read before the first draw: read all its characters, one by one")


def _strayed(counted: list[int], held: list[tuple[int, ...]]) -> str:
    """What is wrong with numbers that do not count up to the mark."""
    if MARK in counted[1:-1]:
        return "the tune is over at the mark, so end the loop there"
    if counted == [MARK, *HEADER]:
        return "nothing is written: append what is drawn"
    if len(held) == len(HEADER) + 1 and len(counted) > len(held) + 1:
        return "what is drawn is not read: call read_one with it, for the next logits and the new state"
    return "each number is drawn from the logits that read_one gave last"


def _compare_shares(shares, expected, mistakes, temperature) -> None:
    array("shares", shares, (4,))
    tolerance = 5 * np.sqrt(0.25 / DRAWS)  # five standard errors
    if np.all(np.abs(shares - expected) < tolerance):
        return
    for hint, value in mistakes.items():
        if np.all(np.abs(shares - value) < tolerance):
            raise CheckFailed(f"draw at temperature {temperature:g}: {hint}")
    came, wanted = (", ".join(f"{share:.2f}" for share in each) for each in (shares, expected))
    raise CheckFailed(f"draw at temperature {temperature:g}: shares of the characters are {came}, expected {wanted}")


def _whole(drawn) -> tf.DType:
    """Its own type if that is one of whole numbers, else the one that was wanted."""
    return drawn.dtype if tf.is_tensor(drawn) and drawn.dtype.is_integer else tf.int64


def _check_sizes(student: Callable, characters: int, embedding: int, units: int) -> keras.Model:
    """The network of these sizes, once it has them."""
    network = called(student, characters, embedding, units)
    if not isinstance(network, keras.Model):
        raise CheckFailed(f"build_network returns {kind(network)}: return the keras.Sequential")
    sizes = {
        keras.layers.Embedding: {"input_dim": characters, "output_dim": embedding},
        keras.layers.RNN: {"units": units},
        keras.layers.Dense: {"units": characters},
    }
    for kind_of_layer, expected in sizes.items():
        layer = next((layer for layer in network.layers[::-1] if isinstance(layer, kind_of_layer)), None)
        found = {name: getattr(layer, name, None) for name in expected}
        if layer and found != expected:
            raise CheckFailed(
                f"build_network({characters}, {embedding}, {units}): {layer.name} has {found}, expected {expected}: "
                "give the layers the arguments, each in its place"
            )
    return network


def _check_logits(network: keras.Model, text: tf.Tensor, logits: np.ndarray) -> None:
    """Nothing bends the numbers behind the last layer: with weights of -1,000 times the size so are they."""
    for layer in [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)][-1:]:
        weights = layer.get_weights()
        layer.set_weights([-1000 * values for values in weights])
        turned = np.asarray(network(text))
        layer.set_weights(weights)
        if not np.allclose(turned, -1000 * logits, rtol=1e-3, atol=1e-2):
            raise CheckFailed("the network ends with an activation: leave it out, logits may be any number")


def _loss_and_gradient(network: keras.Model, text: tf.Tensor, training: bool) -> tuple[tf.Tensor, np.ndarray]:
    """The mean cross-entropy, and its gradient for all weights in one row."""
    with tf.GradientTape() as tape:
        logits = network(text[:, :-1], training=training)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(text[:, 1:], logits))
    slopes = map(tf.convert_to_tensor, tape.gradient(loss, network.trainable_variables))
    return loss, np.concatenate([np.ravel(slope) for slope in slopes])


def _network() -> keras.Model:
    """The same small network in each call."""
    layers = [
        keras.layers.Embedding(CHARACTERS, 4, embeddings_initializer=keras.initializers.RandomNormal(seed=0)),
        InTrainingAlone(),
        keras.layers.Dense(CHARACTERS, kernel_initializer=keras.initializers.GlorotUniform(seed=1)),
    ]
    network = keras.Sequential([keras.Input((None,), dtype="int32"), *layers])
    return network


def _flat(network) -> np.ndarray:
    return np.concatenate([np.ravel(weights) for weights in network.get_weights()])


def _softmax(logits) -> np.ndarray:
    odds = np.exp(np.asarray(logits, np.float64) - np.max(logits))
    return odds / odds.sum()
