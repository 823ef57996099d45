"""The music lab's checks: right answers pass, however written, and each plausible mistake is named."""

import numpy as np
import pytest

from debias.backend import keras, tf
from labs.checking import CheckFailed
from labs.music import checks
from labs.music.vectoriser import MARK, PADDING

TODOS = ("vectorise", "inputs_and_targets", "build_network", "sequence_loss", "train_step", "draw", "write")
layers = keras.layers


def refused(check, student, *words):
    with pytest.raises(CheckFailed) as caught:
        check(student)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert len(message.splitlines()) == 1 and "{{" not in message, message


@pytest.mark.parametrize("name", TODOS)
def test_the_solution_passes(solution, name, capsys):
    getattr(checks, name)(solution[name])
    assert "right" in capsys.readouterr().out


@pytest.mark.parametrize("name", TODOS)
def test_stubs_and_forgotten_returns_are_named(name):
    def stub(*_):
        raise NotImplementedError

    refused(getattr(checks, name), stub, "not written yet")
    refused(getattr(checks, name), lambda *_: None, "nothing")


def places(text, characters):
    return [characters.index(character) for character in text]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda text, known: tf.constant(places(text, known), tf.int32), ["add 2"]),
        (lambda text, known: tf.constant(places(text, known), tf.int32) + 1, ["two numbers"]),
        (lambda text, known: tf.constant(places(text, known)[::-1], tf.int32) + 2, ["expected"]),
        (lambda text, known: tf.constant(places(text, known), tf.int64) + 2, ["int64", "int32"]),
        (lambda text, known: [place + 2 for place in places(text, known)], ["a list", "one tensor"]),
        (lambda text, known: tf.constant([1, *(n + 2 for n in places(text, known)), 1]), ["(32,)", "each character"]),
        (lambda text, known: np.array(places(text, known)) + 2, ["an ndarray", "TensorFlow's functions"]),
    ],
)
def test_wrong_numbers_of_a_text(wrong, words):
    refused(checks.vectorise, wrong, *words)


def test_other_ways_to_number_a_text_pass():
    checks.vectorise(lambda text, known: tf.constant(np.array(places(text, known)) + 2, tf.int32))
    checks.vectorise(lambda text, known: tf.stack([known.index(character) + 2 for character in text]))


def targets(row, mask):
    return row[:-1], tf.where(mask, PADDING, row[1:])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda row, header: (row[1:], row[:-1]), ["these are the targets"]),
        (lambda row, header: (row[:-1], row[1:]), ["header is still asked for"]),
        (lambda row, header: targets(row, tf.range(tf.size(row) - 1) <= header), ["one place too many"]),
        (lambda row, header: targets(row, tf.range(tf.size(row) - 1) < header - 1), ["one place too few"]),
        (lambda row, header: (tf.where(tf.range(11) < header, PADDING, row[:-1]), row[1:]), ["only targets"]),
        (lambda row, header: (row[header:-1], row[1 + header :]), ["(7,)", "without its last"]),
        (lambda row, header: targets(row, tf.range(tf.size(row) - 1) >= header), ["swap"]),
        (lambda row, header: (row[:-1], tf.where(tf.range(11) < header, PADDING, row[:-1])), ["not moved"]),
        (lambda row, header: row[:-1], ["two tensors"]),
        (lambda row, header: (row, row), ["(12,)", "(11,)"]),
    ],
)
def test_wrong_inputs_and_targets(wrong, words):
    refused(checks.inputs_and_targets, wrong, *words)


def test_another_way_to_the_targets_passes():
    def by_parts(row, header):
        return row[:-1], tf.concat([tf.fill([header], PADDING), row[1 + header :]], 0)

    checks.inputs_and_targets(by_parts)


def network(*middle, last=None, embedding=None, end=()):
    """A builder of the usual network, with other layers in places."""

    def build(size, width, units):
        first = layers.Embedding(size, embedding or width)
        between = [make(units) for make in middle] or [layers.GRU(units, return_sequences=True)]
        dense = layers.Dense(size, activation=last)
        return keras.Sequential(
            [keras.Input((None,), dtype="int32"), first, *between, dense, *(make() for make in end)]
        )

    return build


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda size, width, units: network()(size, units, width), ["output_dim", "in its place"]),
        (network(embedding=4), ["output_dim", "expected"]),
        (network(lambda units: layers.GRU(6, return_sequences=True)), ["units", "expected"]),
        (lambda size, width, units: network()(7, width, units), ["7", "expected"]),
        (network(last="relu"), ["activation", "logits"]),
        (network(last="tanh"), ["activation", "logits"]),
        (network(end=[layers.ReLU]), ["activation", "logits"]),
        (network(last="softmax"), ["probabilities", "softmax"]),
        (network(end=[layers.Softmax]), ["probabilities", "softmax"]),
        (network(layers.GRU), ["return_sequences=True"]),
        (network(lambda units: layers.Bidirectional(layers.GRU(units, return_sequences=True))), ["what comes later"]),
        (network(layers.Dense), ["forgets what came before"]),
        (network(lambda units: layers.TimeDistributed(layers.Dense(units))), ["leave out TimeDistributed"]),
    ],
)
def test_wrong_networks(wrong, words):
    refused(checks.build_network, wrong, *words)


def functional(size, width, units):
    text = keras.Input((None,), dtype="int32")
    x = layers.GRU(units, return_sequences=True)(layers.Embedding(size, width)(text))
    return keras.Model(text, layers.Dense(size, activation="linear")(x))


def recurrent(kind):
    return lambda units: kind(units, return_sequences=True)


@pytest.mark.parametrize(
    "right",
    [
        functional,
        network(recurrent(layers.LSTM)),
        network(recurrent(layers.GRU), recurrent(layers.GRU)),
        network(recurrent(layers.GRU), lambda units: layers.Dropout(0.3)),
    ],
)
def test_other_networks_pass(right, capsys):
    checks.build_network(right)
    assert "right" in capsys.readouterr().out


def test_a_network_without_dropout_is_told_so(capsys):
    checks.build_network(network())
    assert "no Dropout" in capsys.readouterr().out
    for between in ([recurrent(layers.GRU), lambda units: layers.Dropout(0.3)], [dropping]):
        checks.build_network(network(*between))
    assert "no Dropout" not in capsys.readouterr().out


def dropping(units):
    return layers.GRU(units, return_sequences=True, dropout=0.3)


def crossed(targets, logits):
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    return losses, tf.cast(targets != PADDING, tf.float32)


def mean(losses, mask):
    return tf.reduce_sum(losses * mask) / tf.reduce_sum(mask)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda losses, mask: tf.reduce_mean(losses), ["padding counts"]),
        (lambda losses, mask: tf.reduce_mean(losses * mask), ["number of all targets"]),
        (lambda losses, mask: tf.reduce_sum(losses * mask), ["sum, not the mean"]),
        (lambda losses, mask: mean(losses, 1 - mask), ["NOT padding"]),
        (lambda losses, mask: -mean(losses, mask), ["sign"]),
        (lambda losses, mask: mean(losses, mask) / tf.math.log(2.0), ["bits"]),
        (
            lambda losses, mask: tf.reduce_mean(tf.reduce_sum(losses * mask, 1) / tf.reduce_sum(mask, 1)),
            ["its own mean"],
        ),
        (lambda losses, mask: 2 * mean(losses, mask), ["expected", "not PADDING"]),
        (lambda losses, mask: mean(losses, mask).numpy(), ["TensorFlow's functions"]),
        (lambda losses, mask: losses * mask, ["shape (3, 5)"]),
    ],
)
def test_wrong_losses(wrong, words):
    refused(checks.sequence_loss, lambda targets, logits: wrong(*crossed(targets, logits)), *words)


def test_other_losses_pass():
    def by_selection(targets, logits):
        losses, mask = crossed(targets, logits)
        return tf.reduce_mean(tf.boolean_mask(losses, mask > 0))

    checks.sequence_loss(by_selection)
    checks.sequence_loss(keras.losses.SparseCategoricalCrossentropy(True, ignore_class=PADDING, reduction="mean"))


def step(sign=1.0, update=True, training=True, returned=lambda loss: loss):
    def train_step(network, optimizer, inputs, targets):
        with tf.GradientTape() as tape:
            loss = mean(*crossed(targets, network(inputs, training=training)))
        gradients = [sign * tf.convert_to_tensor(g) for g in tape.gradient(loss, network.trainable_variables)]
        if update:
            optimizer.apply(gradients, network.trainable_variables)
        return returned(loss)

    return train_step


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sign": -1.0}, ["uphill"]),
        ({"update": False}, ["not changed"]),
        ({"training": False}, ["training=True"]),
        ({"returned": lambda loss: 2 * loss}, ["return the loss"]),
        ({"returned": float}, ["a float", "TensorFlow's functions"]),
    ],
)
def test_wrong_steps(options, words):
    refused(checks.train_step, step(**options), *words)


def test_a_network_outside_the_tape_is_named():
    def train_step(network, optimizer, inputs, targets):
        logits = network(inputs, training=True)
        with tf.GradientTape() as tape:
            loss = mean(*crossed(targets, logits))
        optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)

    refused(checks.train_step, train_step, "No gradients", "within the tape's `with`")


def test_gradients_and_variables_in_the_wrong_order_are_named():
    def train_step(network, optimizer, inputs, targets):
        with tf.GradientTape() as tape:
            loss = mean(*crossed(targets, network(inputs, training=True)))
        optimizer.apply(network.trainable_variables, tape.gradient(loss, network.trainable_variables))

    refused(checks.train_step, train_step, "gradients first, then variables")


def test_other_steps_pass():
    checks.train_step(step())
    checks.train_step(tf.function(step()))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda logits, t: tf.argmax(logits, 1), ["always the likeliest"]),
        (lambda logits, t: tf.random.categorical(logits, 1)[:, 0], ["temperature is not used"]),
        (lambda logits, t: tf.random.categorical(logits * t, 1)[:, 0], ["divide"]),
        (lambda logits, t: tf.random.categorical(tf.nn.softmax(logits) / t, 1)[:, 0], ["no softmax"]),
        (lambda logits, t: tf.random.categorical(logits / t, 1), ["(20000, 1)", "row of draws"]),
        (lambda logits, t: tf.random.categorical(logits / t, 1)[0], ["(1,)", "(20000,)"]),
        (lambda logits, t: tf.cast(tf.random.categorical(logits / t, 1)[:, 0], tf.float32), ["float32"]),
    ],
)
def test_wrong_draws(wrong, words):
    refused(checks.draw, wrong, *words)


@pytest.mark.parametrize(
    "right",
    [
        lambda logits, t: tf.random.categorical(logits / t, 1, dtype=tf.int32)[:, 0],
        lambda logits, t: tf.squeeze(tf.random.categorical(logits / t, 1), 1),
        lambda logits, t: tf.argmax(logits / t - tf.math.log(-tf.math.log(tf.random.uniform(tf.shape(logits)))), 1),
    ],
)
def test_other_draws_pass(right, capsys):
    checks.draw(right)
    assert "right" in capsys.readouterr().out


def drawn(logits, temperature):
    return int(tf.random.categorical(logits / temperature, 1)[0, 0])


def loop(begin=lambda header: [MARK, *header], draw=drawn, mark=MARK, cut=True, hand_on=lambda new, old: new, skip=0):
    """A loop over characters, right but for what is said."""

    def write(read_one, header, temperature, longest):
        written, state = begin(header), None
        for number in written[skip:]:
            logits, new = read_one(number, state)
            state = hand_on(new, state)
        for _ in range(longest - len(written) if cut else 90):
            written.append(draw(logits, temperature))
            if written[-1] == mark:
                break
            logits, new = read_one(written[-1], state)
            state = hand_on(new, state)
        return written

    return write


def endless(read_one, header, temperature, longest):
    written, state = [MARK, *header], None
    for number in written:
        logits, state = read_one(number, state)
    while True:
        written.append(drawn(logits, temperature))
        logits, state = read_one(written[-1], state)


def from_the_beginning(read_one, header, temperature, longest):
    written = [MARK, *header]
    while len(written) < longest and (len(written) == 1 + len(header) or written[-1] != MARK):
        state = None
        for number in written:
            logits, state = read_one(number, state)
        written.append(drawn(logits, temperature))
    return written


def changed(after_header=lambda read_one, written, logits, state: (logits, state), later=None):
    """A loop that reads the header rightly, then goes on by `later`: read_one, number, logits, state -> both."""

    def write(read_one, header, temperature, longest):
        written, state = [MARK, *header], None
        for number in written:
            logits, state = read_one(number, state)
        logits, state = after_header(read_one, written, logits, state)
        while len(written) < longest:
            written.append(drawn(logits, temperature))
            if written[-1] == MARK:
                break
            logits, state = (later or (lambda read, number, logits, state: read(number, state)))(
                read_one, written[-1], logits, state
            )
        return written

    return write


def the_mark_alone(read_one, header, temperature, longest):
    written = [MARK, *header]
    logits, state = read_one(MARK, None)
    while len(written) < longest and written[-1] != MARK:
        written.append(drawn(logits, temperature))
        logits, state = read_one(written[-1], state)
    return written


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (loop(hand_on=lambda new, old: None), ["state is not handed on", "at first None"]),
        (from_the_beginning, ["read again for each character"]),
        (loop(begin=list), ["mark is not read"]),
        (loop(skip=1), ["mark is not read"]),
        (loop(begin=lambda header: [MARK]), ["header is not read"]),
        (the_mark_alone, ["header is not read"]),
        (changed(lambda read, written, logits, state: read(written[-1], state)), ["read twice"]),
        (changed(later=lambda read, number, logits, state: (read(number, state)[0], state)), ["an old state"]),
        (changed(later=lambda read, number, logits, state: read(number, None)), ["state is not handed on"]),
        (changed(later=lambda read, number, logits, state: (logits, state)), ["what is drawn is not read"]),
        (changed(later=lambda read, number, logits, state: read(number, logits)), ["an EagerTensor as its state"]),
        (changed(lambda read, written, logits, state: (1000 * tf.one_hot([5], 7), state)), ["read_one gave last"]),
        (loop(draw=lambda logits, temperature: drawn(logits, 1.0)), ["temperature"]),
        (loop(draw=lambda logits, temperature: int(tf.argmax(logits[0]))), ["likeliest"]),
        (loop(mark=None), ["over at the mark"]),
        (loop(cut=False), ["longest is 5"]),
        (endless, ["does not end"]),
        (lambda read_one, header, temperature, longest: [MARK, *header], ["does not call read_one"]),
        (lambda *arguments: loop()(*arguments)[:3], ["nothing is written"]),
        (lambda *arguments: tf.constant(loop()(*arguments)), ["EagerTensor", "the list"]),
    ],
)
def test_wrong_loops(wrong, words):
    refused(checks.write, wrong, *words)


def in_one_loop(read_one, header, temperature, longest):
    """The header is read in the loop that writes, and the closing mark is read, too."""
    written, given, state = [MARK], list(header), None
    while len(written) < longest:
        logits, state = read_one(written[-1], state)
        written.append(given.pop(0) if given else drawn(logits, temperature))
        if written[-1] == MARK:
            read_one(written[-1], state)
            break
    return written


def by_recursion(read_one, header, temperature, longest, written=None, state=None):
    logits = None
    for number in [MARK, *header] if written is None else written[-1:]:
        logits, state = read_one(number, state)
    written = [MARK, *header] if written is None else written
    written = [*written, drawn(logits, temperature)]
    if written[-1] == MARK or len(written) == longest:
        return written
    return by_recursion(read_one, header, temperature, longest, written, state)


@pytest.mark.parametrize("right", [loop(), changed(), in_one_loop, by_recursion])
def test_other_loops_pass(right, capsys):
    checks.write(right)
    assert "right" in capsys.readouterr().out


def test_a_loop_without_the_closing_mark_passes():
    def without_the_mark(*arguments):
        written = loop()(*arguments)
        return written[:-1] if written[-1] == MARK else written

    checks.write(without_the_mark)
