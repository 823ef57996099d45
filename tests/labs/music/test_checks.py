"""The music lab's checks: right answers pass, however written, and each plausible mistake is named."""

import numpy as np
import pytest

from debias.backend import keras, tf
from labs.checking import UNFILLED
from labs.music import checks, sampling
from labs.music.vectoriser import MARK, PADDING, Vocabulary
from tests.labs.refusing import refused

layers = keras.layers


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("train_step", lambda network, optimizer, inputs, targets: sequence_loss(targets, network(inputs))),
        ("write", lambda read_one, header, temperature, longest: [draw(read_one(MARK, None)[0], temperature)]),
    ],
)
def test_an_earlier_todo_that_is_empty_is_named(name, calls):
    called = {"train_step": "sequence_loss", "write": "draw"}[name]
    refused(getattr(checks, name), calls, f"<lambda> calls {called}, which is not written yet")


def sequence_loss(targets, logits):
    raise NotImplementedError(UNFILLED)


def draw(logits, temperature):
    raise NotImplementedError(UNFILLED)


def places(text, characters):
    return [characters.index(character) for character in text]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda text, known: tf.constant(places(text, known), tf.int32), ["add 2"]),
        (lambda text, known: tf.constant(places(text, known), tf.int32) + 1, ["two numbers"]),
        (lambda text, known: tf.constant(places(text, known)[::-1], tf.int32) + 2, ["expected"]),
        (lambda text, known: tf.constant(places(text, known), tf.int64) + 2, ["int64", "int32"]),
        (
            lambda text, known: [place + 2 for place in places(text, known)],
            ["a list", "tf.constant(numbers, tf.int32)"],
        ),
        (lambda text, known: tf.constant(places(text.strip(), known), tf.int32) + 2, ["(28,)", "line breaks"]),
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
        (lambda row, header: targets(row, tf.range(11) < header)[::-1], ["swapped", "return inputs first"]),
        (lambda row, header: targets(row, (tf.range(11) < header) | (row[1:] == MARK)), ["closing mark", "keep it"]),
        (lambda row, header: ([*row.numpy()[:-1]], [*row.numpy()[1:]]), ["a list", "tf.constant(numbers, tf.int32)"]),
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


def test_other_ways_to_the_targets_pass():
    def by_parts(row, header):
        return row[:-1], tf.concat([tf.fill([header], PADDING), row[1 + header :]], 0)

    checks.inputs_and_targets(by_parts)
    checks.inputs_and_targets(lambda row, header: list(by_parts(row, header)))


def recurrent(kind, **options):
    return lambda units: kind(units, return_sequences=True, **options)


def dropping_layer():
    return layers.Dropout(0.3)


def of_a_cell(units):
    return layers.RNN(layers.GRUCell(units), return_sequences=True)


class OutOfOrder(keras.Model):
    """A right network that makes its Dense first."""

    def __init__(self, size, width, units):
        super().__init__()
        self.logits = layers.Dense(size)
        self.vectors, self.states = layers.Embedding(size, width), recurrent(layers.GRU)(units)

    def call(self, text):
        return self.logits(self.states(self.vectors(text)))


def network(*middle, last=None, embedding=None, dense=True, end=()):
    """A builder of the usual network, with other layers in places."""

    def build(size, width, units):
        first = layers.Embedding(size, embedding or width)
        between = [make(units) for make in middle] or [layers.GRU(units, return_sequences=True)]
        logits = [layers.Dense(size, activation=last)] if dense else []
        return keras.Sequential(
            [keras.Input((None,), dtype="int32"), first, *between, *logits, *(make() for make in end)]
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
        (network(recurrent(layers.GRU, go_backwards=True)), ["what comes later", "without go_backwards"]),
        (network(recurrent(layers.GRU), end=[dropping_layer]), ["Dropout comes before Dense", "gives the logits"]),
        (network(recurrent(layers.GRU), dense=False), ["(3, 5, 6)", "not a Dense with a logit for every character"]),
        (lambda *sizes: OutOfOrder(*sizes), ["Dense, Embedding, GRU", "Embedding the first and Dense the last"]),
        (network(recurrent(layers.SimpleRNN)), ["no gates", "keras.layers.GRU"]),
        (network(recurrent(layers.GRU, activation="relu")), ["activation is not tanh"]),
        (network(recurrent(layers.GRU), lambda units: layers.Dropout(0.7)), ["leaves out 0.7", "expected 0.3"]),
        (network(lambda units: layers.Dropout(0.3), recurrent(layers.GRU)), ["Dropout comes behind the GRU"]),
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


@pytest.mark.parametrize(
    "right",
    [
        functional,
        network(recurrent(layers.LSTM)),
        network(recurrent(layers.GRU), recurrent(layers.GRU)),
        network(of_a_cell),
        network(recurrent(layers.GRU, activation=tf.tanh)),
        network(recurrent(layers.GRU), lambda units: layers.Dropout(0.3)),
    ],
)
def test_other_networks_pass(right, capsys):
    checks.build_network(right)
    assert "right" in capsys.readouterr().out


@pytest.mark.parametrize("build", [functional, network(recurrent(layers.GRU)), network(of_a_cell)])
def test_form_is_put_into_a_network_however_it_is_built(solution, build):
    vocabulary = Vocabulary("ABC|:\n")
    with_form = solution["with_form"](build(len(vocabulary), 4, 6), vocabulary, 3)
    assert with_form(tf.constant([[MARK, 2, 3]])).shape == (1, 3, len(vocabulary))
    assert [type(layer).__name__ for layer in with_form.layers][-2:] == ["Recall", "Dense"]
    assert sampling.one_step(with_form)(MARK, None)[0].shape == (1, len(vocabulary))


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


def probabilities(targets, logits):
    return keras.losses.sparse_categorical_crossentropy(targets, logits), crossed(targets, logits)[1]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda targets, logits: mean(*crossed(targets, tf.nn.softmax(logits))), ["softmax is taken twice"]),
        (lambda targets, logits: mean(*probabilities(targets, logits)), ["from_logits=True"]),
        (
            lambda targets, logits: mean(crossed(targets, logits)[0], tf.cast(targets > MARK, tf.float32)),
            ["the mark is left out"],
        ),
    ],
)
def test_losses_of_other_numbers(wrong, words):
    refused(checks.sequence_loss, wrong, *words)


def test_other_losses_pass():
    def by_selection(targets, logits):
        losses, mask = crossed(targets, logits)
        return tf.reduce_mean(tf.boolean_mask(losses, mask > 0))

    checks.sequence_loss(by_selection)
    checks.sequence_loss(keras.losses.SparseCategoricalCrossentropy(True, ignore_class=PADDING, reduction="mean"))


def right_loss(inputs, targets, logits):
    return mean(*crossed(targets, logits))


def step(sign=1.0, update=True, training=True, returned=lambda loss: loss, loss_of=right_loss):
    def train_step(network, optimizer, inputs, targets):
        with tf.GradientTape() as tape:
            loss = loss_of(inputs, targets, network(inputs, training=training))
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
        ({"returned": lambda loss: tf.constant(loss.numpy())}, ["within tf.function", "no .numpy()"]),
        ({"loss_of": lambda inputs, targets, logits: mean(*crossed(inputs, logits))}, ["the targets are `targets`"]),
        (
            {"loss_of": lambda inputs, targets, logits: right_loss(inputs, targets, tf.nn.softmax(logits))},
            ["softmax before the loss"],
        ),
        (
            {"loss_of": lambda inputs, targets, logits: right_loss(inputs, targets[:, 1:], logits[:, :-1])},
            ["moved once more"],
        ),
        ({"loss_of": lambda inputs, targets, logits: tf.reduce_mean(crossed(targets, logits)[0])}, ["padding counts"]),
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


def test_the_loss_after_the_step_is_named():
    def train_step(network, optimizer, inputs, targets):
        step()(network, optimizer, inputs, targets)
        return right_loss(inputs, targets, network(inputs, training=True))

    refused(checks.train_step, train_step, "loss after the step", "the one before it")


def test_a_step_without_the_optimizer_is_named():
    def train_step(network, optimizer, inputs, targets):
        with tf.GradientTape() as tape:
            loss = right_loss(inputs, targets, network(inputs, training=True))
        for weight, slope in zip(
            network.trainable_variables, tape.gradient(loss, network.trainable_variables), strict=True
        ):
            weight.assign_sub(optimizer.learning_rate * tf.convert_to_tensor(slope))
        return loss

    refused(checks.train_step, train_step, "not the optimizer's", "optimizer.apply")


def test_a_step_of_all_variables_is_named():
    def train_step(network, optimizer, inputs, targets):
        with tf.GradientTape() as tape:
            loss = right_loss(inputs, targets, network(inputs, training=True))
        optimizer.apply(tape.gradient(loss, network.variables), network.variables)
        return loss

    refused(checks.train_step, train_step, "trainable_variables")


def test_other_steps_pass():
    checks.train_step(step())
    checks.train_step(tf.function(step()))


def seeded(logits):
    tf.random.set_seed(0)
    return tf.random.categorical(logits, 1)[:, 0]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda logits, t: tf.argmax(logits, 1), ["always the likeliest"]),
        (lambda logits, t: tf.random.categorical(logits, 1)[:, 0], ["temperature is not used"]),
        (lambda logits, t: tf.random.categorical(logits * t, 1)[:, 0], ["divide"]),
        (lambda logits, t: tf.random.categorical(tf.nn.softmax(logits) / t, 1)[:, 0], ["no softmax"]),
        (lambda logits, t: tf.random.categorical(logits / t, 1), ["(40, 1)", "row of draws"]),
        (lambda logits, t: tf.random.categorical(logits / t, 1)[0], ["(1,)", "(40,)"]),
        (lambda logits, t: tf.squeeze(tf.random.categorical(logits / t, 1)), ["shape ()", "(1,)", "tf.squeeze"]),
        (lambda logits, t: tf.random.categorical(logits / t, logits.shape[0])[0], ["first row"]),
        (lambda logits, t: tf.random.categorical(logits[:1] / t, logits.shape[0])[0], ["first row"]),
        (lambda logits, t: tf.random.categorical(logits[::-1] / t, 1)[:, 0], ["in the same order"]),
        (lambda logits, t: seeded(logits / t), ["same in each call", "no seed"]),
        (lambda logits, t: tf.random.categorical(logits / t, 1)[:, 0] + 1, ["draw gives 4", "add nothing"]),
        (lambda logits, t: tf.random.categorical(logits / t, 1)[:, 0] - 1, ["draw gives -1", "add nothing"]),
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


def loop(
    begin=lambda header: [MARK, *header],
    draw=drawn,
    mark=MARK,
    cut=True,
    hand_on=lambda new, old: new,
    skip=0,
    earlier=0,
):
    """A loop over characters, right but for what is said."""

    def write(read_one, header, temperature, longest):
        written, state = begin(header), None
        for number in written[skip:]:
            logits, new = read_one(number, state)
            state = hand_on(new, state)
        for _ in range(longest - earlier - len(written) if cut else 90):
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


def on_top_of_the_old_state(read_one, header, temperature, longest):
    written, state = [MARK, *header], None
    while len(written) < longest:
        for number in written:
            logits, state = read_one(number, state)
        written.append(drawn(logits, temperature))
        if written[-1] == MARK:
            break
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
        (loop(earlier=1), ["4 numbers where longest is 5", "one too early"]),
        (loop(earlier=-3), ["8 numbers where longest is 5", "the mark and the header count"]),
        (on_top_of_the_old_state, ["read again on top of the old state"]),
        (lambda read_one, header, *others: loop()(read_one, header, *others)[1:], ["belong in front"]),
        (lambda read_one, header, *others: loop()(read_one, header, *others)[1 + len(header) :], ["belong in front"]),
        (lambda *arguments: [*loop()(*arguments), MARK], ["nothing is added behind"]),
        (lambda *arguments: [*without_the_mark(*arguments), MARK], ["6 numbers", "nothing is added behind"]),
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


def without_the_mark(*arguments):
    written = loop()(*arguments)
    return written[:-1] if written[-1] == MARK else written


def test_a_loop_without_the_closing_mark_passes():
    checks.write(without_the_mark)


def test_a_list_of_tensors_passes():
    checks.write(loop(draw=lambda logits, temperature: tf.random.categorical(logits / temperature, 1)[0, 0]))
