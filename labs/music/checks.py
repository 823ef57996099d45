"""One check for each TODO of the music lab: what was expected, what came, where to look.

The truths are closed forms and brute force; plausible mistakes are recognised by the numbers that they would give.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import softmax

from debias.backend import keras, tf
from labs.checking import (
    CheckFailed,
    InTrainingAlone,
    called,
    compare,
    flat_weights,
    gradients,
    kind,
    random_tensors,
    tensor,
)
from labs.music.stepwise import layers_of
from labs.music.vectoriser import MARK, PADDING

BATCH, TIME, CHARACTERS = 3, 5, 7  # no two sizes alike, so that a wrong axis shows
DRAWS = 20_000
HEADER = (4, 2)  # of the tune that a network writes which counts on from there: 3, 4, 5, 6, then the mark
_OF_EACH_ROW = "tf.random.categorical gives a row of draws for each row of logits: take the one of each"
_NOT_TRAINING = "the network runs as if not in training, without dropout: network(inputs, training=True)"


def vectorise(student: Callable) -> None:
    """Numbers of a text against a loop; a text may begin and end with a line break."""
    random = np.random.default_rng(0)
    characters = "".join(random.permutation(list("\n|:ABCDEFGabcdefg2")))
    text = "\n" + "".join(random.choice(list(characters), 28)) + "\n"
    found, look = called(student, text, characters), "one number for each character of the text, line breaks as well"
    numbers = tensor("vectorise(...)", found, (len(text),), tf.int32, look).numpy()
    places = np.array([characters.find(character) for character in text])
    mistakes = {"the places are counted from 0: 0 and 1 are taken, so add 2": places}
    mistakes["1 is added: padding and the mark are two numbers, so add 2"] = places + 1
    compare("vectorise(...)", numbers, places + 2, mistakes, "each number is the character's place plus 2")
    print("vectorise: right")


def inputs_and_targets(student: Callable) -> None:
    """The shifted row of a tune between its two marks, against slices."""
    numbers, header = np.array([MARK, *np.random.default_rng().integers(2, 50, 10), MARK], np.int32), 4
    parts = called(student, tf.constant(numbers), header)
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        raise CheckFailed(f"inputs_and_targets returns {kind(parts)}: return two tensors, inputs and targets")
    look = "the row without its last number, and without its first"
    inputs, targets = (
        tensor(name, part, (11,), tf.int32, look).numpy()
        for name, part in zip(("inputs", "targets"), parts, strict=True)
    )
    place, read, asked = np.arange(11), numbers[:-1], numbers[1:]
    expected = np.where(place < header, PADDING, asked)
    mistakes = {
        "the two are swapped: return inputs first": expected,
        "these are the targets: inputs end one earlier": asked,
        "the header is read as it is: only targets become PADDING": np.where(place < header, PADDING, read),
    }
    compare("inputs", inputs, read, mistakes, "the row as it is, without its last number")
    mistakes = {
        "the header is still asked for: its first targets become PADDING": asked,
        "not moved: the target is the character that follows": np.where(place < header, PADDING, read),
        "one place too many is padding: `header` places are": np.where(place <= header, PADDING, asked),
        "one place too few is padding: `header` places are": np.where(place < header - 1, PADDING, asked),
        "the header is kept and the tune is padding: swap them": np.where(place < header, asked, PADDING),
        "the closing mark is asked for, too, or the network never learns to end: keep it": np.where(
            asked == MARK, PADDING, expected
        ),
    }
    look = f"of a header of {header} the first {header} targets are PADDING, then come the row's numbers"
    compare("targets", targets, expected, mistakes, look)
    print("inputs_and_targets: right, each target is the next character")


def build_network(student: Callable) -> None:
    """Its layers and shapes, and that it reads from left to right."""
    _check_sizes(student, CHARACTERS + 2, 3, 5)
    network = _check_sizes(student, CHARACTERS, 4, 6)
    text = tf.constant(np.random.default_rng(0).integers(0, CHARACTERS, (BATCH, TIME)), tf.int32)
    _check_logits(network, text)
    _check_order(network)
    _check_direction(network, text)
    _check_recurrent(network)
    advice = _checked_dropout(network)
    print(f"build_network: right, {network.count_params():,} weights at this toy size{advice}")


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
    real, marked = numbers != PADDING, numbers == MARK
    twice, bare = (_cross_entropy(numbers, tf.nn.softmax(logits)), _cross_entropy_of_probabilities(numbers, logits))
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
        "the softmax is taken twice: the cross-entropy takes it itself, so give it the logits": twice,
        "logits are taken for probabilities: from_logits=True": bare,
        "the mark is left out: only padding is, so that the network learns to end": losses[real & ~marked].mean(),
    }
    look = "the cross-entropy of logits, summed where targets are not PADDING, over the number of such targets"
    compare("the loss", loss, np.float32(losses[real].mean()), mistakes, look)
    gradients({"logits": tape.gradient(loss, logits)})
    print("sequence_loss: right, and padding does not count")


def train_step(student: Callable) -> None:
    """Loss and weights of a step against one by hand, then a step within tf.function, as the lab compiles it."""
    network, by_hand, optimizer, batch = _network(), _network(), keras.optimizers.SGD(0.5), _batch()
    optimizer.build(network.trainable_variables)
    loss = tensor("train_step(...)", called(student, network, optimizer, *batch), ())
    _check_loss(loss, network, by_hand, *batch)
    _check_weights(network, by_hand, *batch)
    if int(optimizer.iterations) != 1:
        raise CheckFailed("the step is not the optimizer's: change no weight by hand, call optimizer.apply")
    _check_compiled(student, network, optimizer, *batch)
    print("train_step: right, it goes down the gradient")


def draw(student: Callable) -> None:
    """Rows that differ, how often each character is drawn, one row alone, and another draw in each call."""
    wanted = np.arange(40) % 4
    by_row = _drawn(student, 100 * np.eye(4)[wanted], 1.0)  # few rows first: n draws for each of n fill the memory
    if np.all(by_row == by_row[0]):
        raise CheckFailed("draw takes all characters from the first row of logits: each row has a draw of its own")
    for temperature in (1.0, 0.5, 2.0):
        _check_shares(student, np.array([0.0, 1.0, 2.0, -1.0]), temperature)
    compare("draw(...)", by_row, wanted, look="each row of logits has a draw of its own, in the same order")
    _drawn(student, np.zeros((1, 4)), 1.0, "one row of logits gives one number in a row: [:, 0] instead of tf.squeeze")
    once, again = (_drawn(student, np.zeros((DRAWS, 4)), 1.0) for _ in range(2))
    if np.array_equal(once, again):
        raise CheckFailed("draw gives the same in each call: set no seed in it")
    print("draw: right, at three temperatures")


def write(student: Callable) -> None:
    """The loop with a network that counts and remembers what it has read, and with one that prefers a character."""
    expected = [MARK, *HEADER, 3, 4, 5, 6]
    counted, read = _written(student, 50)
    _remembers(read, expected)
    if counted not in (expected, [*expected, MARK]):  # with the closing mark or without it
        raise CheckFailed(f"write gives {counted[:12]}, expected {[*expected, MARK]}: {_strayed(counted, read)}")
    if len(cut := _written(student, 5)[0]) != 5:
        raise CheckFailed(f"write gives {len(cut)} numbers where longest is 5: {_too_long_or_short(cut)}")
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
        if came[-1] == MARK:
            raise CheckFailed("all is read again on top of the old state: read only what was drawn last")
        raise CheckFailed(
            f"{came[-1]} is read and not {character}: each number is drawn from the logits that read_one gave last"
        )


def _strayed(counted: list[int], held: list[tuple[int, ...]]) -> str:
    """What is wrong with numbers that do not count up to the mark."""
    if counted[: len(HEADER) + 1] != [MARK, *HEADER]:
        return "the mark and the header belong in front of what is drawn"
    if counted[-2:] == [MARK, MARK]:
        return "nothing is added behind the last one"
    if MARK in counted[1:-1]:
        return "the tune is over at the mark, so end the loop there"
    if counted == [MARK, *HEADER]:
        return "nothing is written: append what is drawn"
    if len(held) == len(HEADER) + 1 and len(counted) > len(held) + 1:
        return "what is drawn is not read: call read_one with it, for the next logits and the new state"
    return "each number is drawn from the logits that read_one gave last"


def _too_long_or_short(cut: list[int]) -> str:
    """What is wrong with numbers that should be five, without a mark at their end."""
    if len(cut) == 4:
        return "it stops one too early"
    if cut[5:] == [MARK]:
        return "nothing is added behind the last one"
    return "stop there if no mark has come; the mark and the header count as well"


def _check_shares(student: Callable, logits: np.ndarray, temperature: float) -> None:
    """How often each character is drawn against the softmax of logits / temperature."""
    shares = np.bincount(_drawn(student, np.tile(logits, (DRAWS, 1)), temperature), minlength=4) / DRAWS
    expected, tolerance = softmax(logits / temperature), 5 * np.sqrt(0.25 / DRAWS)  # five standard errors
    if np.all(np.abs(shares - expected) < tolerance):
        return
    mistakes = {
        "always the likeliest: draw, do not take the maximum": np.eye(4)[2],
        "the temperature is not used: divide the logits by it": softmax(logits),
        "the logits are multiplied by the temperature: divide": softmax(logits * temperature),
        "probabilities are taken for logits: no softmax before tf.random.categorical": softmax(
            softmax(logits) / temperature
        ),
    }
    for hint, value in mistakes.items():
        if np.all(np.abs(shares - value) < tolerance):
            raise CheckFailed(f"draw at temperature {temperature:g}: {hint}")
    came, wanted = (", ".join(f"{share:.2f}" for share in each) for each in (shares, expected))
    raise CheckFailed(f"draw at temperature {temperature:g}: shares of the characters are {came}, expected {wanted}")


def _drawn(student: Callable, logits: np.ndarray, temperature: float, look: str = _OF_EACH_ROW) -> np.ndarray:
    """What is drawn, one of the characters 0 to 3 for each row."""
    drawn = called(student, tf.constant(logits, tf.float32), temperature)
    numbers = tensor("draw(...)", drawn, (len(logits),), _whole(drawn), look).numpy()
    if outside := set(numbers.tolist()) - {0, 1, 2, 3}:
        raise CheckFailed(
            f"draw gives {min(outside)}, but there are only the characters 0 to 3: "
            "add nothing to what tf.random.categorical gives"
        )
    return numbers


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
        found = {name: getattr(getattr(layer, "cell", layer), name, None) for name in expected}
        if layer and found != expected:
            raise CheckFailed(
                f"build_network({characters}, {embedding}, {units}): {layer.name} has {found}, expected {expected}: "
                "give the layers the arguments, each in its place"
            )
    return network


def _check_logits(network: keras.Model, text: tf.Tensor) -> None:
    """A logit for every character at every place, and nothing that bends these numbers."""
    logits = called(network, text)
    if any(isinstance(layer, keras.layers.TimeDistributed) for layer in network.layers):
        raise CheckFailed("Dense works on each character by itself: leave out TimeDistributed")
    if tuple(logits.shape) == (BATCH, CHARACTERS):
        raise CheckFailed("the network only speaks at the end of a sequence: give the GRU return_sequences=True")
    look = "the last layer is not a Dense with a logit for every character"
    logits = tensor("the network's output", logits, (BATCH, TIME, CHARACTERS), look=look).numpy()
    if np.all(logits >= 0) and np.allclose(logits.sum(-1), 1, atol=1e-4):
        raise CheckFailed("the network gives probabilities: leave out the softmax, the loss expects logits")
    for layer in [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)][-1:]:
        weights = layer.get_weights()
        layer.set_weights([-1000 * values for values in weights])  # then the logits are of -1,000 times the size
        turned = np.asarray(network(text))
        layer.set_weights(weights)
        if not np.allclose(turned, -1000 * logits, rtol=1e-3, atol=1e-2):
            raise CheckFailed("the network ends with an activation: leave it out, logits may be any number")


def _check_order(network: keras.Model) -> None:
    """Section 7 puts layers behind the first one and before the last."""
    layers = layers_of(network)
    if not isinstance(layers[-1], keras.layers.Dense) and isinstance(layers[0], keras.layers.Embedding):
        raise CheckFailed(f"{type(layers[-1]).__name__} comes before Dense: the last layer gives the logits")
    if not isinstance(layers[0], keras.layers.Embedding) or not isinstance(layers[-1], keras.layers.Dense):
        names = ", ".join(type(layer).__name__ for layer in layers)
        raise CheckFailed(f"the network's layers are {names}: make Embedding the first and Dense the last")


def _check_direction(network: keras.Model, text: tf.Tensor) -> None:
    """What comes later changes nothing, what came before does."""
    logits = np.asarray(network(text))
    changed = np.asarray(network(tf.concat([text[:, :-1], (text[:, -1:] + 1) % CHARACTERS], 1)))
    if not np.allclose(logits[:, :-1], changed[:, :-1], atol=1e-5):
        raise CheckFailed(
            "the network sees what comes later: use a GRU from left to right, without go_backwards or Bidirectional"
        )
    earlier = np.asarray(network(tf.concat([(text[:, :1] + 1) % CHARACTERS, text[:, 1:]], 1)))
    if np.allclose(logits[:, 1:], earlier[:, 1:], atol=1e-7):
        raise CheckFailed("the network forgets what came before: between Embedding and Dense there must be a GRU")


def _check_recurrent(network: keras.Model) -> None:
    """Gates, and the activation that keeps a state between -1 and 1."""
    for cell in [layer.cell for layer in network.layers if isinstance(layer, keras.layers.RNN)]:
        if isinstance(cell, keras.layers.SimpleRNNCell):
            raise CheckFailed("a plain recurrent layer has no gates, so its memory fades: use keras.layers.GRU")
        if not np.isclose(getattr(cell, "activation", tf.tanh)(tf.constant(2.0)), np.tanh(2.0)):
            raise CheckFailed("the GRU's activation is not tanh, which keeps its state small: leave out activation=...")


def _checked_dropout(network: keras.Model) -> str:
    """What to say of a network without dropout; CheckFailed where its place or its rate is not that of the text."""
    layers = layers_of(network)
    dropouts = [layer for layer in layers if isinstance(layer, keras.layers.Dropout)]
    first = next((place for place, layer in enumerate(layers) if isinstance(layer, keras.layers.RNN)), 0)
    if dropouts and not any(layer in layers[first:] for layer in dropouts):
        raise CheckFailed("Dropout comes behind the GRU, where it leaves out some of the state's numbers")
    for rate in (layer.rate for layer in dropouts):
        if not np.isclose(rate, 0.3):
            raise CheckFailed(f"Dropout leaves out {rate:g} of the numbers, expected 0.3: keras.layers.Dropout(0.3)")
    without = not any(getattr(layer, "rate", getattr(layer, "dropout", 0)) for layer in layers)
    return ", but it has no Dropout: it may learn tunes by heart" if without else ""


def _batch() -> tuple[tf.Tensor, tf.Tensor]:
    """Inputs and targets of three texts: the second is shorter, the third has a header, which is not asked for."""
    numbers = np.random.default_rng(2).integers(1, CHARACTERS, (BATCH, TIME + 1))
    numbers[1, 4:] = PADDING
    targets = numbers[:, 1:].copy()
    targets[2, :2] = PADDING
    return tf.constant(numbers[:, :-1], tf.int32), tf.constant(targets, tf.int32)


def _check_loss(loss, network: keras.Model, by_hand: keras.Model, inputs, targets) -> None:
    """The loss of a batch before the step, which `by_hand` has not made."""
    logits = by_hand(inputs, training=True)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    mistakes = {
        _NOT_TRAINING: _cross_entropy(targets, by_hand(inputs)),
        "this is the loss after the step: return the one before it": _cross_entropy(
            targets, network(inputs, training=True)
        ),
        "the loss is of `inputs`: the targets are `targets`": _cross_entropy(inputs, logits),
        "there is a softmax before the loss: hand the logits on as they are": _cross_entropy(
            targets, tf.nn.softmax(logits)
        ),
        "the targets are moved once more: they are the next characters already": _cross_entropy(
            targets[:, 1:], logits[:, :-1]
        ),
        "padding counts: take your sequence_loss, which leaves it out": tf.reduce_mean(losses),
    }
    compare("train_step(...)", loss, _cross_entropy(targets, logits), mistakes, "return the loss of the batch")


def _check_weights(network: keras.Model, by_hand: keras.Model, inputs, targets) -> None:
    before, step = flat_weights(by_hand), _gradient(by_hand, inputs, targets, training=True)
    mistakes = {
        "the weights have not changed: call optimizer.apply(gradients, variables)": before,
        "the weights go uphill: apply the gradients as they are": before + 0.5 * step,
        _NOT_TRAINING: before - 0.5 * _gradient(by_hand, inputs, targets, training=False),
    }
    look = "it differs from w - 0.5 * gradient"
    compare("a weight after the step", flat_weights(network), before - 0.5 * step, mistakes, look)


def _gradient(network: keras.Model, inputs, targets, training: bool) -> np.ndarray:
    """That of the mean cross-entropy for all weights, in one row."""
    with tf.GradientTape() as tape:
        loss = _cross_entropy(targets, network(inputs, training=training))
    slopes = map(tf.convert_to_tensor, tape.gradient(loss, network.trainable_variables))
    return np.concatenate([np.ravel(slope) for slope in slopes])


def _check_compiled(student: Callable, *arguments) -> None:
    try:
        tf.function(student)(*arguments)
    except Exception as error:  # of any type: what comes is that of the student's lines
        reason = str(error).strip().splitlines()[-1].strip()
        raise CheckFailed(
            f"train_step stops within tf.function, which compiles it in the next cell: {reason}: "
            "take TensorFlow's functions for all, no .numpy()"
        ) from error


def _cross_entropy(targets, logits: tf.Tensor) -> tf.Tensor:
    """The mean over all targets that are not padding."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    return tf.reduce_mean(losses[targets != PADDING])


def _cross_entropy_of_probabilities(targets, probabilities: tf.Tensor) -> tf.Tensor:
    """The same of numbers that Keras takes for probabilities."""
    losses = keras.losses.sparse_categorical_crossentropy(targets, probabilities)
    return tf.reduce_mean(losses[targets != PADDING])


def _network() -> keras.Model:
    """The same small network in each call. Its Dropout drops nothing, but has a variable that is not to be trained."""
    layers = [
        keras.layers.Embedding(CHARACTERS, 4, embeddings_initializer=keras.initializers.RandomNormal(seed=0)),
        InTrainingAlone(),
        keras.layers.Dropout(1e-9, seed=0),
        keras.layers.Dense(CHARACTERS, kernel_initializer=keras.initializers.GlorotUniform(seed=1)),
    ]
    return keras.Sequential([keras.Input((None,), dtype="int32"), *layers])
