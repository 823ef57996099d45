"""What the checks of all labs share: a student's mistake becomes one message that says what to look at.

A check raises `CheckFailed`, which a notebook shows as its message alone, without the trace.
"""

import contextlib
import linecache
import numbers
import re
import traceback
import types
from collections.abc import Callable, Iterator, Mapping

import IPython
import numpy as np

from debias.backend import keras, tf

UNFILLED = "this TODO is still to be done: put your lines in place of this one"  # what it says where lines are missing
_NAMES = re.compile(r"{{.*?}} ")  # TensorFlow's own, of operations
_WRAPPED = re.compile("\x1b\\[1m(.*?)\x1b\\[0m", re.DOTALL)  # Keras shows a layer's own error in bold, within its own


class CheckFailed(AssertionError):
    """What was expected, what came, and where to look."""

    def _render_traceback_(self) -> list[str]:
        return [f"Not yet: {self}"]


def stop_in_one_line() -> None:
    """In a notebook: a cell that calls an empty TODO, or needs what an earlier cell should have made, says so alone."""
    if shell := IPython.get_ipython():
        shell.set_custom_exc((NotImplementedError, NameError), _say)


def random_tensors(count: int, *shape: int, seed: int = 0) -> list[tf.Tensor]:
    """`count` float32 tensors of standard normal numbers, the same in each call."""
    return tf.unstack(tf.constant(np.random.default_rng(seed).normal(size=(count, *shape)), tf.float32))


def flat_weights(network: keras.Model) -> np.ndarray:
    """All weights of a network in one row."""
    return np.concatenate([np.ravel(weights) for weights in network.get_weights()])


def called(student: Callable, *arguments, **options):
    """What the student's function returns.

    Raises:
        CheckFailed: it is not written yet, or stops with an error.
    """
    try:
        return student(*arguments, **options)
    except NotImplementedError as error:
        raise CheckFailed(_unwritten(student, error)) from error
    except Exception as error:
        raise CheckFailed(_stopped(student, error)) from error


def ran(step: Callable, student: Callable, *arguments):
    """What a compiled step gives, within which the student's function was called.

    Raises:
        CheckFailed: it stops with an error that comes only when the graph runs, or the call raised it.
    """
    try:
        return step(*arguments)
    except tf.errors.OpError as error:
        raise CheckFailed(_stopped(student, error)) from error


def tensor(
    name: str, value, shape: tuple[int, ...], dtype: tf.DType = tf.float32, look: str = "over which axes does it go?"
) -> tf.Tensor:
    """`value`, once it is a finite tensor of this shape and dtype; CheckFailed says what it is instead.

    Args:
        look: where to look if the shape is another.
    """
    if not tf.is_tensor(value):
        raise CheckFailed(f"{name} is {kind(value)}: {_instead_of_a_tensor(value, shape, dtype)}")
    if tuple(value.shape) != shape:
        raise CheckFailed(f"{name} has shape {tuple(value.shape)}, expected {shape}: {look}")
    if value.dtype != dtype:
        raise CheckFailed(f"{name} is {value.dtype.name}, expected {dtype.name}")
    finite(name, value.numpy())
    return value


def array(name: str, value, shape: tuple[int, ...], dtype: type = np.float64) -> np.ndarray:
    """`value`, once it is a finite NumPy array of this shape and dtype; CheckFailed says what it is instead."""
    if not isinstance(value, np.ndarray):
        raise CheckFailed(f"{name} is {kind(value)}, expected a NumPy array{_RETURN if value is None else ''}")
    if value.shape != shape:
        raise CheckFailed(f"{name} has shape {value.shape}, expected {shape}: is the axis right?")
    if value.dtype != dtype:
        raise CheckFailed(f"{name} is {value.dtype}, expected {np.dtype(dtype)}")
    finite(name, value)
    return value


def finite(name: str, value: np.ndarray, hint: str = "a division by zero, or a logarithm or root of a negative number"):
    """Raise CheckFailed where `value` holds NaN or infinity."""
    if np.issubdtype(value.dtype, np.floating) and not np.all(np.isfinite(value)):
        raise CheckFailed(f"{name} holds NaN or infinity: {hint}")


def gradients(found: Mapping[str, tf.Tensor | None]) -> None:
    """Raise CheckFailed where an input gets no gradient."""
    for name, gradient in found.items():
        if gradient is None:
            raise CheckFailed(f"{name} gets no gradient: use all inputs, and TensorFlow's functions throughout")


def compare(name: str, came, expected, mistakes: Mapping[str, object] | None = None, look: str = "look above") -> None:
    """Raise CheckFailed unless `came` is `expected`, to float32's or float64's precision.

    Args:
        mistakes: hint -> what a plausible mistake would give; the one that was made is named.
        look: where to look if it is none of them.
    """
    came, expected = np.asarray(came), np.asarray(expected)
    if _close(came, expected):
        return
    for hint, value in (mistakes or {}).items():
        if _close(came, np.asarray(value)):
            raise CheckFailed(f"{name}: {hint}")
    place = np.unravel_index(np.abs(came - expected).argmax(), came.shape)
    where = f" at {', '.join(map(str, place))}" if place else ""
    raise CheckFailed(f"{name} is {came[place]:.4g}{where}, expected {expected[place]:.4g}: {look}")


def kind(value) -> str:
    """'nothing', or 'a list': what a value is, in words."""
    name = type(value).__name__
    return "nothing" if value is None else f"{'an' if name[0] in 'aeiouAEIOU' or name == 'ndarray' else 'a'} {name}"


@contextlib.contextmanager
def recorded_gradients() -> Iterator[list[tuple]]:
    """A list of (target, sources) of all calls of `tf.GradientTape.gradient` within."""
    calls, gradient = [], tf.GradientTape.gradient

    def recording(tape, target, sources, *arguments, **options):
        calls.append((target, sources))
        return gradient(tape, target, sources, *arguments, **options)

    tf.GradientTape.gradient = recording
    try:
        yield calls
    finally:
        tf.GradientTape.gradient = gradient


class InTrainingAlone(keras.layers.Layer):
    """Like dropout it acts in training alone, but by no chance: it doubles what it gets."""

    def call(self, inputs, training=False):
        return 2 * inputs if training else inputs


_RETURN = ": is there a return?"
_ONE_LOGIT = " (what is taken for logits has one number only: is it the values?)"
_HINTS = {  # what an error says that does not name its cause -> what is likely
    "No gradients provided for any variable": " (call the network itself, and its loss, within the tape's `with`)",
    "has no attribute '_unique_id'": " (an optimizer takes gradients first, then variables)",
    "Unknown variable": " (the optimizer is made for trainable_variables: give it these alone)",
    "[0, 1)": _ONE_LOGIT,  # in the loss; whether this or its gradient is refused first depends on timing
    "segment_ids[": _ONE_LOGIT,
    "Invalid input shape for input": " (does keras.Input have the shape of what comes, without the batch?)",
    "cannot access local variable": " (do not call a result by the name of a function that you use)",
}


def _say(shell, kind, error, trace, tb_offset=None) -> None:
    """Show what stopped a cell: one line where that says all, else the trace."""
    if UNFILLED in str(error):
        shell._showtraceback(kind, error, [f"Not yet: a TODO is still to be done{_place(error, of_call=True)}"])
    elif kind is NameError:
        line = f"Not yet: {error.name} is unknown{_place(error)}: did the cell that makes it run, and without an error?"
        shell._showtraceback(kind, error, [line])
    else:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def _name(student: Callable) -> str:
    return getattr(student, "__name__", type(student).__name__)


def _unwritten(student: Callable, error: NotImplementedError) -> str:
    """Whose TODO is empty: that of the student's function, or of one that it calls."""
    empty = list(traceback.walk_tb(error.__traceback__))[-1][0].f_code
    if UNFILLED in str(error) and isinstance(student, types.FunctionType) and empty is not student.__code__:
        name = empty.co_qualname.rpartition("<locals>.")[2]
        return f"{_name(student)} calls {name}, which is not written yet: fill in that TODO first"
    return f"{_name(student)} is not written yet: fill in its TODO and run both cells"


def _stopped(student: Callable, error: Exception) -> str:
    """Which error stopped the student's function, and where."""
    return f"{_name(student)} stops with {type(error).__name__}: {_reason(error)}{_place(error)}"


def _instead_of_a_tensor(value, shape: tuple[int, ...], dtype: tf.DType) -> str:
    """What to do about a value that is no tensor of this shape."""
    if value is None:
        return _RETURN.removeprefix(": ")
    if isinstance(value, list | tuple):
        plain = all(isinstance(each, numbers.Real) for each in value)
        way = f"tf.constant(numbers, tf.{dtype.name})" if plain else "tf.stack"
        return f"make one tensor of it, {way}" if shape else "return the one number alone"
    if callable(value):
        return "it gives its result when it is called, so call it"
    return "use TensorFlow's functions instead of NumPy's or Python's"


def _reason(error: Exception) -> str:
    """The first line of an error's message, without what Keras and TensorFlow put around it."""
    text = str(error)
    wrapped = _WRAPPED.search(text)
    lines = (wrapped[1] if wrapped else text).strip().splitlines() or [""]
    hint = next((hint for words, hint in _HINTS.items() if words in text), "")
    return _NAMES.sub("", lines[0]) + hint


def _place(error: Exception, of_call: bool = False) -> str:
    """The innermost line that a notebook's cell was at, if any; the outermost for `of_call`."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    cells = [place for place in places if "ipykernel" in place[0] and "site-packages" not in place[0]]
    cells = cells[:1] if of_call else cells
    return f", at line {cells[-1][1]} of its cell: {linecache.getline(*cells[-1]).strip()}" if cells else ""


def _close(came: np.ndarray, expected: np.ndarray) -> bool:
    rtol, atol = (1e-9, 1e-15) if came.dtype == np.float64 else (1e-4, 1e-5)
    return came.shape == expected.shape and np.allclose(came, expected, rtol, atol)
