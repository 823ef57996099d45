"""Vectors, batches, loss, checkpoints and writing, against brute force and closed forms."""

import math

import numpy as np
import pytest

from debias.backend import keras, tf
from debias.errors import InputError
from labs.music import course, sampling, training, vectoriser
from labs.music.corpus import Corpus
from labs.music.notation import Tune
from labs.music.sampling import Generator, nucleus
from labs.music.sequences import batches
from labs.music.vectoriser import MARK, PADDING, Vocabulary, vocabulary_of

HEADER = "R:reel\nM:C\nL:1/8\nK:C\n"
BODIES = ["CDEFGABc|", "c2B2A2G2|FEDC|", "C8|D8|", "GGGGAAAA|BBBBcccc|c8|"]
TUNES = tuple(Tune("reel", "C", "1/8", "C", body) for body in BODIES)


@pytest.fixture(scope="module")
def vocabulary():
    return vocabulary_of(TUNES)


def small(vocabulary, units, dropout=0.3):
    """A network as the lab's students build it."""
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(len(vocabulary), 8),
            keras.layers.GRU(units, return_sequences=True),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(len(vocabulary)),
        ]
    )


@pytest.fixture(scope="module")
def network(vocabulary):
    """A small untrained network."""
    keras.utils.set_random_seed(0)
    return small(vocabulary, 32)


def test_vocabulary_there_and_back(vocabulary):
    numbers = vocabulary.sequence(TUNES[1])
    assert numbers[0] == numbers[-1] == MARK and PADDING not in numbers
    assert vocabulary.decode(np.append(numbers, [PADDING, 5])) == TUNES[1].text


def test_unknown_characters_and_an_empty_corpus_are_one_line(vocabulary):
    with pytest.raises(InputError, match="unknown characters '?!"):
        vocabulary.encode(HEADER + "!")
    with pytest.raises(InputError, match="empty corpus"):
        vocabulary_of([])


def test_targets_are_the_next_characters_of_the_body(vocabulary):
    for inputs, targets in batches(TUNES, vocabulary, 2):
        for row, wanted in zip(inputs.numpy(), targets.numpy(), strict=True):
            tune = next(tune for tune in TUNES if vocabulary.decode(row) == tune.text)
            assert (wanted[: len(HEADER)] == PADDING).all()
            assert vocabulary.decode(wanted[len(HEADER) :]) == tune.body
            assert np.count_nonzero(wanted) == len(tune.body) + 1  # its end is predicted, too


def test_every_tune_comes_once_an_epoch_in_an_order_of_its_own(vocabulary):
    dataset = batches(TUNES, vocabulary, 1, seed=0)
    orders = [[vocabulary.decode(inputs[0].numpy()) for inputs, _ in dataset] for _ in range(6)]
    assert all(sorted(order) == sorted(tune.text for tune in TUNES) for order in orders)
    assert len(set(map(tuple, orders))) > 1


def test_loss_and_bits_ignore_padding():
    targets = tf.constant([[2, 3, PADDING, PADDING], [1, PADDING, PADDING, PADDING]])
    logits = tf.random.stateless_normal((2, 4, 5), (0, 0))
    chances = tf.nn.softmax(logits).numpy()
    by_hand = -np.mean(np.log([chances[0, 0, 2], chances[0, 1, 3], chances[1, 0, 1]]))
    assert float(training.sequence_loss(targets, logits)) == pytest.approx(by_hand, rel=1e-5)
    bits = training.BitsPerCharacter()
    bits.update_state(targets[:1], logits[:1])
    bits.update_state(targets[1:], logits[1:])
    assert float(bits.result()) == pytest.approx(by_hand / math.log(2), rel=1e-5)


def test_an_untrained_network_costs_about_log2_of_the_characters(network, vocabulary):
    assert training.bits_per_character(network, TUNES, vocabulary) == pytest.approx(math.log2(len(vocabulary)), abs=0.2)


@pytest.fixture(scope="module")
def trained(vocabulary, tmp_path_factory):
    """A network that knows four tunes by heart, its folder and history."""
    folder = tmp_path_factory.mktemp("music")
    corpus = Corpus(TUNES * 160, TUNES, TUNES, {}, {})
    keras.utils.set_random_seed(1)
    network = small(vocabulary, 96, dropout=0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "LEARNING_RATE", 0.02)  # four tunes are soon known
        return network, folder, training.train(network, corpus, vocabulary, folder, epochs=3)


def test_training_learns_logs_and_keeps_the_best(trained, vocabulary):
    network, folder, history = trained
    best = min(float(row["val_bits"]) for row in history)
    assert best < 0.5 < float(history[0]["val_bits"])
    minutes = [row["minutes"] for row in history]
    assert minutes == sorted(minutes) and minutes[0] > 0
    assert len((folder / "log.csv").read_text().splitlines()) == len(history) + 1
    loaded, _ = training.load(folder, vocabulary)
    for each in (network, loaded):
        assert training.bits_per_character(each, TUNES, vocabulary) == pytest.approx(best, rel=1e-3)


def test_the_step_that_is_given_is_the_one_that_trains(network, vocabulary, tmp_path):
    """A step that moves nothing and says 1 nat leaves the weights as they are, and is logged in bits."""
    corpus, before = Corpus(TUNES, TUNES, TUNES, {}, {}), network.get_weights()
    rows = training.train(
        network, corpus, vocabulary, tmp_path, epochs=1, step=lambda network, optimizer, *batch: tf.constant(1.0)
    )
    assert float(rows[0]["bits"]) == pytest.approx(1 / math.log(2), rel=1e-5)
    assert all(map(np.array_equal, before, network.get_weights()))


def test_a_loss_that_is_no_number_brings_back_no_earlier_training(trained, network, vocabulary, tmp_path):
    (tmp_path / training.MODEL).write_bytes((trained[1] / training.MODEL).read_bytes())  # as a cell run again finds it

    def broken(network, optimizer, *batch):
        for weight in network.trainable_variables:
            weight.assign(weight * float("nan"))
        return tf.constant(float("nan"))

    copy = keras.models.clone_model(network)
    with pytest.raises(InputError, match="lower the learning rate"):
        training.train(copy, Corpus(TUNES, TUNES, TUNES, {}, {}), vocabulary, tmp_path, epochs=1, step=broken)


def test_a_network_that_knows_its_tunes_writes_them_under_their_header(trained, vocabulary):
    written = Generator(trained[0], vocabulary).tunes([HEADER] * 8, temperature=0.3, top_p=0.5)
    assert all(text.startswith(HEADER) for text in written)
    assert {text.removeprefix(HEADER) for text in written} <= set(BODIES)


def test_checkpoints_of_another_vocabulary_or_damaged_ones_are_one_line(trained, vocabulary, tmp_path):
    folder = trained[1]
    with pytest.raises(InputError, match="another vocabulary"):
        training.load(folder, Vocabulary("abc"))
    (tmp_path / training.MODEL).write_bytes((folder / training.MODEL).read_bytes()[:5000])
    with pytest.raises(InputError, match="no vocabulary"):
        training.load(tmp_path)
    vectoriser.save(vocabulary, tmp_path / training.VOCABULARY)
    with pytest.raises(InputError, match="not a whole model") as caught:
        training.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_functional_network_writes_as_the_sequential_one_does(network, vocabulary):
    same = keras.Model(network.inputs, network.outputs)
    one, other = (Generator(each, vocabulary).tunes([HEADER], temperature=1e-6) for each in (network, same))
    assert one == other


def test_the_students_loop_writes_what_compiled_writing_does(network, vocabulary, solution):
    written = Generator(network, vocabulary).tunes([HEADER], temperature=1e-6)[0]
    numbers = solution["write"](sampling.one_step(network), vocabulary.encode(HEADER), 1e-6, longest=60)
    assert written.startswith(vocabulary.decode(numbers)) and len(vocabulary.decode(numbers)) > len(HEADER)


def test_a_step_with_the_state_of_the_one_before_is_as_reading_it_all(vocabulary):
    keras.utils.set_random_seed(0)
    recurrent = keras.layers.GRU(12, return_sequences=True), keras.layers.LSTM(10, return_sequences=True)
    deep = keras.Sequential(
        [keras.layers.Embedding(len(vocabulary), 8), *recurrent, keras.layers.Dense(len(vocabulary))]
    )
    numbers, state = vocabulary.sequence(TUNES[1]), None
    at_once = deep(numbers[None])[0].numpy()
    read_one = sampling.one_step(deep)
    for number, expected in zip(numbers, at_once, strict=True):
        logits, state = read_one(number, state)
        assert logits.shape == (1, len(vocabulary)) and logits[0, PADDING] < -1e8
        np.testing.assert_allclose(logits[0, PADDING + 1 :], expected[PADDING + 1 :], atol=1e-5)
    assert sum(int(tf.size(part)) for part in tf.nest.flatten(state)) == 12 + 2 * 10


def test_compiled_writing_is_the_step_by_step_argmax(network, vocabulary):
    assert_writes_the_argmax(network, vocabulary)


def test_layers_that_work_on_each_character_are_part_of_writing(vocabulary):
    layers, size = keras.layers, len(vocabulary)
    network = keras.Sequential(
        [
            layers.Embedding(size, 8),
            layers.GRU(12, return_sequences=True, seed=1),
            layers.LayerNormalization(gamma_initializer=keras.initializers.RandomUniform(-3, 3, seed=2)),
            layers.Activation("tanh"),
            layers.Dropout(0.5),
            layers.Dense(size),
        ]
    )
    network.build((None, None))
    assert_writes_the_argmax(network, vocabulary)


def test_layers_that_mix_characters_are_refused(vocabulary):
    layers, size = keras.layers, len(vocabulary)
    network = keras.Sequential(
        [layers.Embedding(size, 8), layers.Conv1D(8, 3, padding="causal", name="three"), layers.Dense(size)]
    )
    network.build((None, None))
    with pytest.raises(InputError, match=r"layer three \(Conv1D\) cannot write one character after the other"):
        Generator(network, vocabulary)


def assert_writes_the_argmax(network, vocabulary):
    """At a temperature near zero both take the likeliest character each time, whatever the noise."""
    written = Generator(network, vocabulary).tunes([HEADER, HEADER + "CDE"], temperature=1e-6, top_p=1e-6)
    read = tf.function(network, input_signature=[tf.TensorSpec((1, None), tf.int32)])
    for text, prompt in zip(written, (HEADER, HEADER + "CDE"), strict=True):
        numbers = [MARK, *vocabulary.encode(prompt)]
        for _ in range(min(30, len(text) - len(prompt))):
            logits = np.array(read(np.array([numbers], np.int32))[0, -1])
            logits[PADDING] = -np.inf
            numbers.append(int(logits.argmax()))
        assert text.startswith(vocabulary.decode(numbers))


def test_same_seed_same_tunes_and_tunes_do_not_depend_on_the_other_headers_lengths(network, vocabulary):
    generator = Generator(network, vocabulary)
    once, again, other = (generator.tunes([HEADER] * 3, 1.0, 1.0, seed) for seed in (0, 0, 1))
    assert once == again != other
    assert all(len(text) < sampling.LONGEST for text in once)


def test_nucleus_keeps_the_fewest_that_have_the_probability():
    chances = np.array([[0.5, 0.3, 0.15, 0.05]])
    logits = tf.constant(np.log(chances), tf.float32)
    kept = {
        top_p: np.isfinite(nucleus(logits, tf.constant(top_p))).sum() for top_p in (0.01, 0.49, 0.51, 0.79, 0.81, 1.0)
    }
    assert kept == {0.01: 1, 0.49: 1, 0.51: 2, 0.79: 2, 0.81: 3, 1.0: 4}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.5}, "top_p"),
        ({"headers": []}, "no headers"),
        ({"headers": ["C" * 800]}, "header of 800"),
        ({"headers": ["?"]}, "unknown characters"),
    ],
)
def test_bad_settings_of_writing_are_one_line(network, vocabulary, options, words):
    with pytest.raises(InputError, match=words) as caught:
        Generator(network, vocabulary).tunes(**{"headers": [HEADER], **options})
    assert "\n" not in str(caught.value)


def test_the_courses_loop_is_its_own_network(vocabulary):
    keras.utils.set_random_seed(0)
    network = course.build(len(vocabulary), 8)
    writer = course.build(len(vocabulary), 8, stateful=True)
    writer.set_weights(network.get_weights())
    text = course.write(writer, vocabulary, HEADER, 5)
    assert text.startswith(HEADER)
    assert course.write(writer, vocabulary, HEADER, 5) == text  # the state of the first tune is forgotten
    inputs, targets = next(iter(course.windows(TUNES, vocabulary, 0)))
    assert inputs.shape == (course.BATCH, course.WINDOW) and np.array_equal(inputs[:, 1:], targets[:, :-1])
