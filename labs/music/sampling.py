"""New tunes, many at a time: the whole loop over characters is one compiled function; or character by character."""

from collections.abc import Callable, Sequence

import numpy as np

from debias.backend import keras, tf
from debias.errors import InputError
from labs.music.stepwise import Stepwise, layers_of, stepwise
from labs.music.vectoriser import MARK, PADDING, Vocabulary

LONGEST = 700  # characters, with the header: longer than 99 % of the tunes


class Generator:
    """Writes tunes under given headers, all of them at once.

    Args:
        model: layers in a row: such as work on each character by itself, as Embedding, Dense and Dropout do, recurrent
            ones from left to right, and `Stepwise` ones; the last one gives the logits.
        vocabulary: that it was trained with.

    Raises:
        InputError: the model has a layer of another kind, which cannot write one character after the other.
    """

    def __init__(self, model: keras.Model, vocabulary: Vocabulary):
        self.vocabulary = vocabulary
        self._write = _compiled(_layers(model))

    def tunes(self, headers: Sequence[str], temperature: float = 0.4, top_p: float = 0.95, seed: int = 0) -> list[str]:
        """A text (header and body) for each header.

        Args:
            headers: as `Tune.header`; what comes after the four lines is taken as the beginning of the body.
            temperature: > 0; below 1 likely characters become likelier.
            top_p: in (0, 1]; each character is drawn from the fewest that have this much probability together.
            seed: the same seed gives the same tunes.

        Raises:
            InputError: no header, one with an unknown character, or a temperature or top_p out of range.
        """
        _check(headers, temperature, top_p)
        prompts = [np.append(MARK, self.vocabulary.encode(header)) for header in headers]
        lengths = np.array([len(prompt) for prompt in prompts], np.int32)
        padded = np.stack([np.pad(prompt, (0, lengths.max() - len(prompt))) for prompt in prompts]).astype(np.int32)
        written = self._write(padded, lengths, np.float32(temperature), np.float32(top_p), np.int32([seed, 0]))
        return [self.vocabulary.decode(row) for row in written.numpy()]


def one_step(model: keras.Model) -> Callable:
    """A function: a character's number, state -> logits (1, V) of what comes next, in which padding has no chance, and
    the new state.

    The state is what the recurrent layers keep of all characters before; None before the first.

    Raises:
        InputError: as of `Generator`.
    """
    layers = _layers(model)

    @tf.function(reduce_retracing=True)
    def compiled(character, states):
        return _logits(layers, character, states)

    def step(number, state):
        state = _first_states(layers, 1) if state is None else state
        return compiled(tf.reshape(tf.cast(number, tf.int32), [1]), state)

    return step


def nucleus(logits: tf.Tensor, top_p: tf.Tensor) -> tf.Tensor:
    """Logits (B, V) with all but the likeliest characters, which have `top_p` of the probability together, at -inf.

    Holtzman et al. 2020, 'The curious case of neural text degeneration'. The likeliest one always stays.
    """
    ordered = tf.sort(logits, direction="DESCENDING")
    before = tf.cumsum(tf.nn.softmax(ordered), axis=-1, exclusive=True)  # probability of the likelier ones
    kept = tf.reduce_sum(tf.cast(before < top_p, tf.int32), axis=-1, keepdims=True)
    lowest = tf.gather(ordered, tf.maximum(kept, 1) - 1, batch_dims=1)
    return tf.where(logits >= lowest, logits, -np.inf)


def _layers(model: keras.Model) -> list[Stepwise]:
    """The layers as writing uses them: the first reads characters, the last gives logits."""
    return [stepwise(layer) for layer in layers_of(model)]


def _first_states(layers, count):
    return [layer.first_state(count) for layer in layers]


def _logits(layers, character, states):
    """Logits (B, V) of what follows a character (B,), and the new states. What a layer refuses has no chance."""
    x, new = character, []
    for layer, state in zip(layers, states, strict=True):
        x, state = layer.step(x, state)
        new.append(state)
    refused = [layer.refused(state) for layer, state in zip(layers, new, strict=True)]
    for number in [PADDING, *refused]:
        x = x if number is None else x - 1e9 * tf.one_hot(number, x.shape[-1])
    return x, new


def _shapes(layers, states):
    """Shapes of the states while tunes are written: for any number of tunes, and of any length where they grow."""
    return [
        tf.nest.map_structure(_growing if layer.grows else _fixed, state)
        for layer, state in zip(layers, states, strict=True)
    ]


def _growing(state):
    return tf.TensorShape([None, None, *state.shape[2:]])


def _fixed(state):
    return tf.TensorShape([None, *state.shape[1:]])


def _drawn(logits, noise):
    """Characters (B,) drawn by logits (B, V), by the Gumbel-max trick, of uniform noise (B, V)."""
    return tf.argmax(logits - tf.math.log(-tf.math.log(noise)), -1, tf.int32)


def _taken(tensors, rows):
    """These rows of each tensor; as they are, without a copy, where that is all of them."""
    every = tf.size(rows) == tf.shape(tf.nest.flatten(tensors)[0])[0]
    return tf.cond(every, lambda: tensors, lambda: tf.nest.map_structure(lambda x: tf.gather(x, rows), tensors))


def _compiled(layers):
    """(prompts (B, P), lengths (B,), temperature, top_p, seed (2,)) -> characters (B, T), padded behind the end."""
    integer, number = tf.int32, tf.float32

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None), integer),
            tf.TensorSpec((None,), integer),
            tf.TensorSpec((), number),
            tf.TensorSpec((), number),
            tf.TensorSpec((2,), integer),
        ]
    )
    def write(prompts, lengths, temperature, top_p, seed):
        count = tf.shape(prompts)[0]
        prompts = tf.pad(prompts, [[0, 0], [0, LONGEST]])

        def step(position, tunes, character, states, written):
            logits, states = _logits(layers, character, states)
            shape = [count, logits.shape[-1]]  # noise for all tunes: a tune does not depend on when others end
            noise = tf.gather(tf.random.stateless_uniform(shape, seed + [0, position], 1e-20), tunes)
            drawn = _drawn(nucleus(logits / temperature, top_p), noise)
            given = tf.gather(prompts[:, position + 1], tunes)
            following = tf.where(position + 1 < tf.gather(lengths, tunes), given, drawn)
            written = written.write(position + 1, tf.scatter_nd(tunes[:, None], following, [count]))
            going = tf.where(following != MARK)[:, 0]
            return position + 1, *_taken((tunes, following, states), going), written

        many, shapes = tf.TensorShape([None]), _shapes(layers, _first_states(layers, count))
        written = tf.TensorArray(integer, LONGEST, element_shape=(None,)).write(0, prompts[:, 0])
        length, *_, written = tf.while_loop(
            lambda position, tunes, character, states, written: tf.size(tunes) > 0,
            step,
            [tf.constant(0), tf.range(count), prompts[:, 0], _first_states(layers, count), written],
            shape_invariants=[tf.TensorShape([]), many, many, shapes, tf.TensorShape([])],
            maximum_iterations=LONGEST - 1,
        )
        return tf.transpose(written.stack()[: length + 1])

    return write


def _check(headers, temperature, top_p) -> None:
    if not headers:
        raise InputError("no headers: give at least one, such as 'R:jig\\nM:6/8\\nL:1/8\\nK:G\\n'")
    if (longest := max(len(header) for header in headers)) >= LONGEST:
        raise InputError(f"a header of {longest} characters: at most {LONGEST - 1} are read")
    if not temperature > 0:
        raise InputError(f"temperature must be > 0, got {temperature}")
    if not 0 < top_p <= 1:
        raise InputError(f"top_p must be in (0, 1], got {top_p}")
