"""What is counted beside each character, and attention, against loops and tunes that were counted by hand."""

import numpy as np
import pytest

from debias.backend import keras, tf
from labs.music import places, sampling
from labs.music.places import Places
from labs.music.recall import Recall
from labs.music.vectoriser import Vocabulary

HEADER = "R:jig\nM:C|\nL:1/8\nK:Ador\n"
VOCABULARY = Vocabulary("".join(sorted(set(HEADER + "^_=',(/-><z|:123468ABCDEFGabcdefg"))))


def counted(body):
    """(T, 6) counts at each character of a body, and the keynotes there."""
    layer = Places(VOCABULARY.characters)
    found = layer(tf.constant(VOCABULARY.encode(HEADER + body))[None])[0, len(HEADER) :].numpy()
    assert VOCABULARY.decode(found[:, 0]) == body and found.max() < layer.size
    return found[:, 2:] - layer.firsts, VOCABULARY.decode(found[:, 1])


def column(body, name):
    return counted(body)[0][:, places.Places.names.index(name) - 2].tolist()


def test_bars_of_a_section_begin_anew_at_double_bars_and_signs():
    name = "bars of the section"
    assert column("A|B|c:|A|B||A|:B::c|", name) == [0, 1, 1, 2, 2, 2, 0, 0, 1, 1, 2, 0, 0, 1, 0, 0, 0, 0, 0, 1]
    assert column("A|" * 40, name)[-1] == places.COUNTS[name] - 1


@pytest.mark.parametrize(
    ("notes", "lasting"),
    [("ABc", 3), ("A2B3", 5), ("A/B/", 1), ("A3/2", 1.5), ("A//", 0.25), ("A/4", 0.25), ("A12", 12), ("^A'2_B,", 3)]
    + [("(3ABc", 2), ("z2-A", 3), ("A>B", 2), ("A|1B2", 3)],
)
def test_plain_notes_are_counted(notes, lasting):
    assert column(notes, "plain notes of the section")[-1] == int(lasting)
    if "|" not in notes:
        assert column(notes, "quarters of a plain note in the bar")[-1] == 4 * lasting


def test_notes_of_a_bar_begin_anew_at_each_line():
    assert column("A2|B", "quarters of a plain note in the bar") == [4, 8, 0, 4]


def test_a_first_ending_lasts_to_the_end_of_its_section():
    assert column("A|1B:|2c", "within a first ending") == [0, 0, 1, 1, 1, 0, 0, 0]


def test_bars_that_are_the_same_as_earlier_ones():
    body = "AB|AB|AB|Ac|Ac|"
    one, two = (column(body, f"bars the same as {ago} earlier") for ago in ("one bar", "two bars"))
    assert one == [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 0, 1, 1, 1, 2]
    assert two == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 1]


@pytest.mark.parametrize(
    ("body", "refused"),
    [("AB|AB|AB|", "A"), ("c|AB|AB|AB|", "A"), ("AB|AB|", ""), ("AB|AB|AB", ""), ("AB|AB|AB|A", ""), ("A|AB|AB|", "")]
    + [("AB|Ac|AB|AB|", ""), ("AB|AB|AB|AB|", "A"), ("AB|AB|AB2|", ""), ("ABc|ABc|AB|", ""), ("AB|:AB|AB|AB|", "A")],
)
def test_no_fourth_equal_bar_is_begun(body, refused):
    found = Places(VOCABULARY.characters).refused(tf.constant(VOCABULARY.encode(HEADER + body))[None])
    assert VOCABULARY.decode(found.numpy()) == refused


def test_the_keynote_is_there_from_the_header_on():
    assert counted("cde|")[1] == "AAAA"


def test_since_against_a_loop():
    rng = np.random.default_rng(0)
    total, starts = (np.cumsum(rng.integers(0, high, (3, 20)), 1).astype(np.int32) for high in (5, 2))
    expected = [[row[t] - row[list(s).index(s[t])] for t in range(20)] for row, s in zip(total, starts, strict=True)]
    assert places.since(tf.constant(total), tf.constant(starts)).numpy().tolist() == expected


def test_recall_against_a_loop():
    keras.utils.set_random_seed(0)
    layer, states = Recall(4), tf.random.stateless_normal((2, 6, 5), (0, 1))
    found = layer(states).numpy()
    queries, keys, values = (np.asarray(each(states)) for each in (layer.queries, layer.keys, layer.values))
    for row, now in np.ndindex(2, 6):
        fits = [queries[row, now] @ (keys[row, t - 1] if t else np.zeros(4)) / 2 for t in range(now + 1)]
        weights = np.exp(fits) / np.exp(fits).sum()
        np.testing.assert_allclose(found[row, now], [*states[row, now], *(weights @ values[row, : now + 1])], atol=1e-5)


@pytest.fixture(scope="module")
def network():
    """An untrained network with both layers."""
    keras.utils.set_random_seed(0)
    first, size = Places(VOCABULARY.characters), len(VOCABULARY)
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            first,
            keras.layers.Embedding(first.size, 4),
            keras.layers.Reshape((-1, 4 * len(first.names))),
            keras.layers.GRU(12, return_sequences=True),
            Recall(6),
            keras.layers.Dense(size),
        ]
    )


def test_writing_step_by_step_is_as_reading_at_once(network):
    numbers, state = VOCABULARY.encode(HEADER + "A2|1AB:|2AB|A2|"), None
    at_once = network(numbers[None])[0].numpy()
    read_one = sampling.one_step(network)
    for number, expected in zip(numbers, at_once, strict=True):
        logits, state = read_one(number, state)
        np.testing.assert_allclose(logits[0, 1:], expected[1:], atol=1e-5)
    written = sampling.Generator(network, VOCABULARY).tunes([HEADER, HEADER + "AB"], 1e-6)
    assert written[1].startswith(HEADER + "AB")


def test_a_tune_is_the_same_whichever_of_its_neighbours_end_first(network):
    """The noise of the first tunes is the same, however many there are."""
    generator = sampling.Generator(network, VOCABULARY)
    many = generator.tunes([HEADER] * 6, 1.0, 1.0)
    lengths = [len(text) for text in many]
    assert len(set(lengths)) > 3 and min(lengths) < lengths[0] and max(lengths) < sampling.LONGEST
    for count in (1, 2, 4):
        assert generator.tunes([HEADER] * count, 1.0, 1.0) == many[:count]


def test_a_network_with_both_layers_is_kept_in_a_file(tmp_path):
    first = Places(VOCABULARY.characters)
    layers = [first, keras.layers.Embedding(first.size, 2), keras.layers.Reshape((-1, 16)), Recall(3)]
    network = keras.Sequential([keras.Input((None,), dtype="int32"), *layers])
    network.save(tmp_path / "network.keras")
    numbers = VOCABULARY.encode(HEADER)[None]
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "network.keras")(numbers), network(numbers))
