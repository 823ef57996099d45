"""Pictures of the introduction: tensors as images, a computation graph, a layer's plane, a tangent, a descent."""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.figure import Figure

from debias.backend import tf
from debias.plots.style import WIDTH, colours, styled

_OPERATIONS = {"AddV2": "+", "Mul": "×", "Sub": "-", "Const": "const"}


@styled
def images(batch: np.ndarray) -> Figure:
    """A batch of images (B, H, W, 3) in 0..1, side by side under their numbers."""
    figure = Figure(figsize=(WIDTH, 2.0), layout="constrained")
    for number, (axes, image) in enumerate(zip(figure.subplots(1, len(batch)), batch, strict=True)):
        axes.imshow(np.clip(image, 0, 1))
        axes.set_title(f"batch[{number}]", fontsize=9)
        axes.set_axis_off()
    return figure


@styled
def graph(function: Callable, inputs: Mapping[str, float]) -> Figure:
    """The operations that TensorFlow traces of `function`, drawn from its inputs to its output, with their values."""
    tensors = {name: tf.constant(value, tf.float32, name=name) for name, value in inputs.items()}
    traced = tf.function(function, autograph=False).get_concrete_function(
        *[tf.TensorSpec((), tf.float32, name) for name in tensors]
    )
    operations = [x for x in traced.graph.get_operations() if x.outputs and x.type != "Identity"]
    levels, values = {}, {}
    for operation in operations:
        before = [tensor.op.name for tensor in operation.inputs]
        levels[operation.name] = 1 + max((levels[name] for name in before), default=-1)
        values[operation.name] = _value(operation, [values[name] for name in before], tensors)
    return _draw_graph(operations, levels, values)


@styled
def plane(functions: Mapping[str, Callable]) -> Figure:
    """For each name the output of a function of points (N, 2) over the square from -4 to 4."""
    side = np.linspace(-4, 4, 81, dtype=np.float32)
    points = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    figure = Figure(figsize=(WIDTH, 2.5), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(functions)))
    for axes, (name, function) in zip(panels, functions.items(), strict=True):
        values = np.asarray(function(points)).reshape(len(side), len(side))
        shown = axes.imshow(values, extent=(-4, 4, -4, 4), origin="lower", cmap="cividis", vmin=0, vmax=1)
        axes.set(title=name, xlabel="$x_1$", ylabel="$x_2$")
    figure.colorbar(shown, ax=panels, label="output")
    return figure


@styled
def tangents(function: Callable, slope: Callable, at: tuple[float, ...]) -> Figure:
    """A function with its tangents at some points, and its slope everywhere."""
    x = np.linspace(-3, 3, 241, dtype=np.float32)
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(x, [float(function(tf.constant(point))) for point in x], color="0.3")
    for point, colour in colours(at).items():
        here, height, steepness = point, float(function(tf.constant(point))), float(slope(function, point))
        near = np.array([here - 0.7, here + 0.7])
        left.plot(near, height + steepness * (near - here), color=colour, lw=2)
        left.plot(here, height, "o", color=colour)
        right.plot(here, steepness, "o", color=colour)
    right.plot(x, [float(slope(function, point)) for point in x], color="0.3", zorder=1)
    left.set(title="the function and three tangents", xlabel="x")
    right.set(title="its slope, by automatic differentiation", xlabel="x")
    return figure


@styled
def descents(paths: Mapping[str, np.ndarray], target: float) -> Figure:
    """x after each step of gradient descent, one line for each learning rate."""
    figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
    axes = figure.subplots()
    for name, colour in colours(paths).items():
        axes.plot(paths[name], color=colour, marker="o", ms=3, label=name)
    axes.axhline(target, color="0.3", lw=0.8, ls=":")
    axes.set(xlabel="step", ylabel="x", title="gradient descent on (x - 4)²")
    axes.legend(title="learning rate", frameon=False)
    return figure


def _value(operation, before, inputs) -> float:
    """What an operation gives, computed by TensorFlow itself from the values before it."""
    if operation.type == "Placeholder":
        return float(inputs[operation.name])
    if operation.type == "Const":
        return float(tf.make_ndarray(operation.get_attr("value")))
    return float(getattr(tf.raw_ops, operation.type)(**dict(zip("xy", map(tf.constant, before), strict=False))))


def _draw_graph(operations, levels, values) -> Figure:
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    axes = figure.subplots()
    columns = [[name for name in levels if levels[name] == level] for level in range(max(levels.values()) + 1)]
    places = {name: (x, -(y - (len(names) - 1) / 2)) for x, names in enumerate(columns) for y, name in enumerate(names)}
    for operation in operations:
        for tensor in operation.inputs:
            ends = {"xy": places[operation.name], "xytext": places[tensor.op.name]}
            axes.annotate("", **ends, arrowprops={"arrowstyle": "-|>", "shrinkA": 24, "shrinkB": 24, "color": "0.5"})
        colour = "#dde8f3" if levels[operation.name] else "#f3e9dd"
        text = f"{_OPERATIONS.get(operation.type, operation.name)}\n{values[operation.name]:g}"
        box = {"boxstyle": "circle,pad=0.5", "fc": colour, "ec": "0.4"}
        axes.text(*places[operation.name], text, ha="center", va="center", fontsize=9, bbox=box)
    axes.set(
        xlim=(-0.6, len(columns) - 0.4), ylim=(-max(map(len, columns)) / 2 - 0.2, max(map(len, columns)) / 2 + 0.2)
    )
    axes.set_axis_off()
    return figure
