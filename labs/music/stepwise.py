"""Layers that work on one character after the other, as writing needs it; while training they read whole tunes."""

from typing import Any

from debias.backend import keras, tf
from debias.errors import InputError

# Not TimeDistributed, which does what Dense does: of Keras 3.15 it is wrong where the number of steps is not known.
_OF_ONE_CHARACTER = (
    keras.layers.Dense,
    keras.layers.Embedding,
    keras.layers.Reshape,
    keras.layers.Activation,
    keras.layers.Dropout,
    keras.layers.LayerNormalization,
)


class Stepwise:
    """What writing asks of a layer. A layer of your own inherits it beside `keras.layers.Layer`.

    Attributes:
        grows: whether the tensors of its state become longer, along axis 1, with each character.
    """

    grows = False

    def first_state(self, count: int) -> Any:
        """What the layer keeps before the first character of so many tunes; nothing by default."""
        return ()

    def step(self, x: tf.Tensor, state: Any) -> tuple[tf.Tensor, Any]:
        """What the layer gives for one more character of each tune, (B, ...), and its new state."""
        raise NotImplementedError

    def refused(self, state: Any) -> tf.Tensor | None:
        """The character that must not come next, (B,), padding where any may; None where it never refuses one."""
        return None


def stepwise(layer: keras.layers.Layer) -> Stepwise:
    """The layer as writing uses it.

    Raises:
        InputError: it is of a kind that cannot write one character after the other.
    """
    if isinstance(layer, Stepwise):
        return layer
    if isinstance(layer, keras.layers.RNN):
        return _Recurrent(layer)
    if isinstance(layer, _OF_ONE_CHARACTER):
        return _OfOneCharacter(layer)
    raise InputError(
        f"layer {layer.name} ({type(layer).__name__}) cannot write one character after the other: use recurrent layers "
        "from left to right and layers that work on each character by itself"
    )


def layers_of(network: keras.Model) -> list[keras.layers.Layer]:
    """The layers of a network in their order, without the one for its input, which a functional model has."""
    return [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]


def anew(network: keras.Model) -> list[keras.layers.Layer]:
    """The layers of a network once more, without their weights: what they read may have another size."""
    configs = [layer.get_config() for layer in layers_of(network)]
    for config in configs:
        config.get("cell", {}).pop("build_config", None)  # else the cell of keras.layers.RNN keeps its old size
    return [layer.from_config(config) for layer, config in zip(layers_of(network), configs, strict=True)]


class _Recurrent(Stepwise):
    def __init__(self, layer: keras.layers.RNN):
        self.cell = layer.cell

    def first_state(self, count):
        return self.cell.get_initial_state(batch_size=count)

    def step(self, x, state):
        return self.cell(x, state, training=False)


class _OfOneCharacter(Stepwise):
    def __init__(self, layer: keras.layers.Layer):
        self.layer = layer

    def step(self, x, state):
        return self.layer(x[:, None], training=False)[:, 0], state  # (B, ...) -> (B, 1, ...) -> (B, G)
