# %% [markdown]
# # Lab 1a: a first hour with TensorFlow
#
# Everything in the later labs, music and fair face detectors, is made of the things in this notebook: tensors, graphs,
# layers, three ways to build a model, gradients, and a step downhill. Each has a line or two for you to write (`TODO`),
# a check that says at once whether it is right, and something to look at.
#
# Run the cells from top to bottom with Shift-Enter. It takes about an hour to do and a minute to run. Under each
# exercise are an example and three hints; open one only when you are stuck.
#
# **When you are through, you can**
#
# * say what rank, shape and type a tensor has, and what broadcasting does to it,
# * write a layer and a model of your own, and know when `Sequential` is enough,
# * say what `training=` changes, and in which layers,
# * get the derivative of any program by a `GradientTape`, and descend along it.
#
# **TensorFlow** (`tf`) is a library that computes with tensors, on a CPU or a GPU, and finds the derivative of what it
# computed. **Keras** (`keras`) stands on top of it: layers, models, optimizers, and a training loop that you need not
# write. Keras leaves all computing to a library below it. Here that is TensorFlow; it may also be JAX or PyTorch.

# %%
# %matplotlib inline
import json
import tempfile
from pathlib import Path

import numpy as np

from debias.backend import keras, tf
from debias.files import write_text
from debias.markdown import markdown
from debias.plots import save
from debias.provenance import provenance
from debias.training import seed_everything
from labs import drawings
from labs.intro import checks, pictures

# %% tags=["parameters"]
SMOKE = False  # toy size, to see that everything runs
RESULTS = None  # folder for tables and figures; None: a temporary one

# %%
folder = Path(RESULTS or tempfile.mkdtemp())
seed_everything(0)


def show(figure, name):
    """Save a figure, and return it for the notebook to show."""
    save(figure, folder / f"{name}.png")
    return figure


# %% [markdown]
# ## 1. Tensors have a shape
#
# A tensor is a block of numbers of one type. How many axes it has is its **rank**, how long they are its **shape**:

# %%
tensors = {
    "a number": tf.constant(3.0),
    "a sentence": tf.constant(["a", "list", "of", "words"]),
    "a matrix": tf.constant([[1, 2, 3], [4, 5, 6]]),
    "4 colour images": tf.zeros((4, 32, 32, 3)),
}
for name, value in tensors.items():
    print(f"{name:<16} rank {value.ndim}   shape {str(tuple(value.shape)):<15} {value.dtype.name}")

# %% [markdown]
# An image is a tensor of shape (height, width, 3): red, green and blue, each from 0 to 1. Arithmetic on tensors
# **broadcasts**: an axis of length 1 is stretched to the length it meets. `ramp[None, :]` is one row that is stretched
# downwards, `ramp[:, None]` one column that is stretched sideways.
#
# Make an image that grows redder from left to right and greener from top to bottom, with the same blue everywhere.


# %%
def colours(size, blue):
    """An image (size, size, 3) float32."""
    ramp = tf.linspace(0.0, 1.0, size)
    # TODO: red and green, each (size, size), and one image of the three colours
    # NUDGE: Each colour is a ramp that is stretched along one axis. Which of the two forms of the ramp is stretched
    # NUDGE: downwards?
    # IDEA: tf.broadcast_to stretches a tensor to a shape, tf.fill makes a tensor of one number, tf.stack puts tensors
    # IDEA: side by side along a new axis.
    # CODE: red = tf.broadcast_to(ramp[None, :], (size, size))
    # CODE: green = ...  # the same of the column
    # CODE: return tf.stack([red, green, tf.fill((size, size), blue)], axis=...)
    # EXAMPLE: colours(2, 0.5).numpy().tolist() -> [[[0.0, 0.0, 0.5], [1.0, 0.0, 0.5]], [[0.0, 1.0, 0.5], [1.0, 1.0,
    # EXAMPLE: 0.5]]]
    ### BEGIN SOLUTION
    red = tf.broadcast_to(ramp[None, :], (size, size))
    green = tf.broadcast_to(ramp[:, None], (size, size))
    return tf.stack([red, green, tf.fill((size, size), blue)], axis=-1)
    ### END SOLUTION


# %%
checks.colours(colours)

# %% [markdown]
# Networks eat images by the batch: a tensor of rank 4, (batch, height, width, channels).


# %%
def batch(size, blues):
    """One image for each blue in the list, as a tensor (len(blues), size, size, 3)."""
    # TODO: an image for each blue, and one tensor of them
    # NUDGE: You have a function for one image. What does it take to have many?
    # IDEA: A list comprehension makes the images; tf.stack without an axis puts a new one in front.
    # CODE: return tf.stack([colours(..., ...) for blue in blues])
    # EXAMPLE: batch(2, [0.0, 1.0]).shape -> (2, 2, 2, 3)
    ### BEGIN SOLUTION
    return tf.stack([colours(size, blue) for blue in blues])
    ### END SOLUTION


# %%
checks.batch(batch)

# %%
squares = batch(64, [0.0, 0.25, 0.5, 0.75, 1.0])
print("shape", squares.shape, "- the middle pixel of the last image:", squares[-1, 32, 32].numpy().round(2))
show(pictures.images(squares.numpy()), "tensors")

# %% [markdown]
# **Slicing** takes parts out: `squares[0]` is the first image, `squares[:, 10:20]` ten rows of each, `squares[::2]`
# every second image, and `squares[..., 0]` the red of all, since `...` stands for all axes before the last. A number
# takes an axis away, a range keeps it.


# %%
def red_middle(images, size):
    """The red of the middle size x size pixels: (B, size, size), of images (B, H, W, 3)."""
    # TODO: the rows, the columns and the colour, in one slice
    # NUDGE: Where does the middle begin, if as much is left over above it as below?
    # IDEA: images.shape[1] is the height, images.shape[2] the width; // divides to a whole number.
    # CODE: top, left = (images.shape[1] - size) // 2, ...
    # CODE: return images[:, top : top + size, left : ..., 0]
    # EXAMPLE: red_middle(tf.reshape(tf.range(48.0), (1, 4, 4, 3)), 2).numpy().tolist() ->
    # EXAMPLE: [[[15.0, 18.0], [27.0, 30.0]]]
    ### BEGIN SOLUTION
    top, left = (images.shape[1] - size) // 2, (images.shape[2] - size) // 2
    return images[:, top : top + size, left : left + size, 0]
    ### END SOLUTION


# %%
checks.red_middle(red_middle)

# %%
print("red of the middle of the first image:", red_middle(squares, 2)[0].numpy().round(2))

# %% [markdown]
# ## 2. Computations are graphs
#
# Numbers flow from operation to operation. Write this little flow:
#
# $$ c = a + b, \qquad d = b + 1, \qquad e = c \cdot d $$

# %%
drawings.show("intro/graph")


# %%
def graph(a, b):
    """e, a scalar."""
    # TODO: c, d and e
    # NUDGE: Three formulas, three lines.
    # IDEA: Operators work on tensors as on numbers: +, + and *.
    # CODE: c = a + b
    # CODE: d = ...
    # CODE: return ...
    # EXAMPLE: graph(1.5, 2.5) -> 14.0
    ### BEGIN SOLUTION
    c = a + b
    d = b + 1.0
    return c * d
    ### END SOLUTION


# %%
checks.graph(graph)

# %% [markdown]
# Your function ran **eagerly**: each line is computed when Python comes to it, as in NumPy, so that you can print what
# is in between. `tf.function` makes a **graph** of it instead: it runs your Python once, with placeholders, and writes
# down the operations it meets. From then on only the graph runs: faster, since Python is left out, and on any device.
# Whatever is Python alone, such as `print`, happens in that first run only:


# %%
@tf.function
def compiled(a, b):
    """`graph`, compiled."""
    print("Python is here, and a is", a)
    return graph(a, b)


for number in (1.5, 2.5):
    print("eager", graph(number, 2.5), "- compiled", compiled(tf.constant(number), tf.constant(2.5)).numpy())

# %% [markdown]
# Write and debug eagerly, then compile what runs often. `fit`, below, compiles its step by itself. This graph is drawn
# from what `tf.function` wrote down, with the values that flow through it:

# %%
show(pictures.graph(graph, {"a": 1.5, "b": 2.5}), "graph")

# %% [markdown]
# ## 3. A dense layer, by hand
#
# The work-horse. A **perceptron** is a weighted sum of all inputs, plus a bias, through a squashing function:

# %%
drawings.show("intro/perceptron")

# %% [markdown]
# A dense layer is several of them side by side, each with a column of weights of its own:
#
# $$ y = \sigma(x W + b), \qquad \sigma(t) = \frac{1}{1 + e^{-t}} $$
#
# $x$ is (batch, inputs), $W$ (inputs, units), $b$ (units,). A layer makes its weights in `build`, once the number of
# inputs is known, and uses them in `call`. At the beginning $W$ is drawn by chance, so that no two units are alike, and
# $b$ is zero. `seed_everything(0)`, at the top, makes chance repeat itself: run all again, and get the same numbers.


# %%
class OurDenseLayer(keras.layers.Layer):
    """sigmoid(x W + b)."""

    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        inputs = input_shape[-1]
        # TODO: the weights self.W and self.b
        ### BEGIN SOLUTION
        self.W = self.add_weight(shape=(inputs, self.units))
        self.b = self.add_weight(shape=(self.units,), initializer="zeros")
        ### END SOLUTION

    def call(self, x):
        # TODO: the formula
        # NUDGE: x is (batch, inputs) and y is (batch, units): which shape must W have, and which b?
        # IDEA: self.add_weight(shape=...) makes a weight that training will find; a bias begins at zero. In call,
        # IDEA: tf.matmul multiplies matrices and tf.sigmoid squashes.
        # CODE: self.W = self.add_weight(shape=(inputs, self.units))
        # CODE: self.b = self.add_weight(shape=..., initializer="zeros")
        # CODE: # and in call:
        # CODE: return tf.sigmoid(tf.matmul(..., ...) + ...)
        # EXAMPLE: OurDenseLayer(3)(tf.zeros((1, 2))).numpy().tolist() -> [[0.5, 0.5, 0.5]]
        ### BEGIN SOLUTION
        return tf.sigmoid(tf.matmul(x, self.W) + self.b)
        ### END SOLUTION


# %%
checks.dense_layer(OurDenseLayer)

# %%
layer = OurDenseLayer(3)
print(layer(tf.constant([[1.0, 2.0]])).numpy().round(3), "from", layer.count_params(), "weights: 2 x 3 and 3")

# %% [markdown]
# ## 4. Layers in a row: `Sequential`
#
# What one dense unit sees is a plane cut in two by a soft straight edge. To see a curve, put layers in a row.


# %%
def sequential():
    """Two inputs, a hidden layer of 8 tanh units, one sigmoid output."""
    # TODO: the network
    # NUDGE: Three things in a row: what comes in, the hidden layer, the output.
    # IDEA: keras.Sequential takes a list: keras.Input says the shape without the batch, keras.layers.Dense(units,
    # IDEA: activation=...) is a layer.
    # CODE: return keras.Sequential([
    # CODE:     keras.Input((2,)),
    # CODE:     keras.layers.Dense(8, activation=...),
    # CODE:     ...,
    # CODE: ])
    # EXAMPLE: sequential().count_params() -> 33
    ### BEGIN SOLUTION
    return keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(8, activation="tanh"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    ### END SOLUTION


# %%
checks.sequential(sequential)

# %% [markdown]
# A row cannot branch. The **functional API** calls layers like functions, each on what another gave, and `keras.Model`
# takes the inputs and the outputs. Here the last layer shall see the two inputs themselves beside the hidden units.


# %%
def functional():
    """As `sequential`, but its last layer sees the hidden units and the two inputs."""
    inputs = keras.Input((2,))
    # TODO: the hidden layer, both side by side, the output, and the model
    # NUDGE: How many numbers does the last layer see?
    # IDEA: keras.layers.Dense(...)(inputs) calls a layer; keras.layers.Concatenate()([this, that]) puts two side by
    # IDEA: side.
    # CODE: hidden = keras.layers.Dense(8, activation="tanh")(inputs)
    # CODE: both = keras.layers.Concatenate()([..., ...])
    # CODE: outputs = ...
    # CODE: return keras.Model(inputs, ...)
    # EXAMPLE: functional().count_params() -> 35
    ### BEGIN SOLUTION
    hidden = keras.layers.Dense(8, activation="tanh")(inputs)
    both = keras.layers.Concatenate()([inputs, hidden])
    outputs = keras.layers.Dense(1, activation="sigmoid")(both)
    return keras.Model(inputs, outputs)
    ### END SOLUTION


# %%
checks.functional(functional)

# %%
functional().summary()

# %% [markdown]
# Teach the row a disc: 1 near the origin, 0 far from it. One unit alone (left) cannot; with a layer of eight
# before it, it can.

# %%
points = np.random.default_rng(0).uniform(-4, 4, (2000, 2)).astype(np.float32)
inside = (np.hypot(*points.T) < 2).astype(np.float32)[:, None]
alone = keras.Sequential([keras.Input((2,)), OurDenseLayer(1)])
models, accuracy = {"one unit": alone, "eight, then one": sequential()}, {}
for name, model in models.items():
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(points, inside, batch_size=50, epochs=1 if SMOKE else 15, verbose=0)
    accuracy[name] = float(model.evaluate(points, inside, verbose=0)[1])
    print(f"{name}: {100 * accuracy[name]:.1f} % of the points right")
show(pictures.plane(models), "plane")

# %% [markdown]
# ## 5. Models with a mind of their own: subclassing
#
# The third way to a model is a class of your own, derived from `keras.Model`: `__init__` makes the layers, and `call`
# says how the data go through them, in plain Python. That is the **forward pass**.
#
# Two kinds of layers act differently while a model learns, and `training=True` tells them so:
#
# * **dropout** sets units to zero by chance and scales up the others, so that none relies on another,
# * **batch norm** gives each unit mean 0 and deviation 1 over the batch, and keeps running means of both.
#
# With `training=False` dropout does nothing, and batch norm uses the running means. Dense layers and convolutions are
# the same either way. `fit` says `training=True` by itself, `evaluate` and `predict` say `False`. A plain `model(x)` is
# not training: there you say it yourself.
#
# Write the row of section 4 as a class, with dropout of half of the hidden units between its two layers.


# %%
class RowModel(keras.Model):
    """Two inputs, 8 tanh units, of which half are dropped in training, one sigmoid output."""

    def __init__(self):
        super().__init__()
        # TODO: the three layers: self.hidden, self.dropout and self.last
        ### BEGIN SOLUTION
        self.hidden = keras.layers.Dense(8, activation="tanh")
        self.dropout = keras.layers.Dropout(0.5)
        self.last = keras.layers.Dense(1, activation="sigmoid")
        ### END SOLUTION

    def call(self, inputs, training=False):
        # TODO: through the three layers; dropout has to know whether this is training
        # NUDGE: `__init__` makes layers and calls none; `call` calls them, each on what the one before gave.
        # IDEA: keras.layers.Dropout(0.5) drops half. A layer is called like a function, and dropout takes training=...
        # IDEA: as well: hand on what `call` was given.
        # CODE: self.hidden = keras.layers.Dense(8, activation=...)
        # CODE: self.dropout = keras.layers.Dropout(...)
        # CODE: self.last = ...
        # CODE: # and in call:
        # CODE: hidden = self.dropout(self.hidden(inputs), training=...)
        # CODE: return ...
        # EXAMPLE: RowModel()(tf.zeros((1, 2))).numpy().tolist() -> [[0.5]]
        ### BEGIN SOLUTION
        kept = self.dropout(self.hidden(inputs), training=training)
        return self.last(kept)
        ### END SOLUTION


# %%
checks.row_model(RowModel)

# %% [markdown]
# The same row in all three ways. With the same weights all give the same output. In training only the class, which has
# dropout, gives another, and another one in each call:

# %%
inputs = keras.Input((2,))
first, last = keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1, activation="sigmoid")
same = {"Sequential": sequential(), "functional": keras.Model(inputs, last(first(inputs))), "subclass": RowModel()}
pair = tf.constant([[1.0, 2.0]])
for name, model in same.items():
    model(pair)  # the first call makes the weights of a subclass
    model.set_weights(same["Sequential"].get_weights())
    outputs = [float(model(pair, training=training)[0, 0]) for training in (False, True, True)]
    print("{:<12}{:.3f}   in training {:.3f}, again {:.3f}".format(name, *outputs))

# %% [markdown]
# `Sequential` for a row, the functional API for branches, a subclass where the data or an argument decide which way to
# go. Such an argument may be one of your own, too: this model has a switch, and with `identity=True` it gives back what
# it got.


# %%
class IdentityModel(keras.Model):
    """A dense layer that can be switched off."""

    def __init__(self, units):
        super().__init__()
        self.dense = keras.layers.Dense(units, activation="sigmoid")

    def call(self, inputs, identity=False):
        # TODO: what comes out with the switch on, and off
        # NUDGE: A call is plain Python: it may decide by an if.
        # IDEA: One case gives the inputs back, the other puts them through self.dense.
        # CODE: return inputs if ... else self.dense(...)
        # EXAMPLE: IdentityModel(2)(tf.constant([[1.0, 2.0]]), identity=True).numpy().tolist() -> [[1.0, 2.0]]
        ### BEGIN SOLUTION
        return inputs if identity else self.dense(inputs)
        ### END SOLUTION


# %%
checks.identity_model(IdentityModel)

# %%
switch = IdentityModel(2)
print("off:", switch(pair).numpy().round(3), "  on:", switch(pair, identity=True).numpy())

# %% [markdown]
# ## 6. Gradients by themselves
#
# A `tf.GradientTape` records what happens to the tensors it watches, and plays it backwards by the chain rule.
# Variables are watched from the start, a constant after `tape.watch(x)`.
#
# In a network this is **backpropagation**. The forward pass computes the loss, layer by layer, and the tape keeps every
# step. The backward pass begins at the loss. At each operation it multiplies the derivative that has arrived by the
# operation's own, and hands it on to the inputs; what arrives by several ways is added. So one pass backwards gives the
# derivative of the loss for every weight, however many there are.


# %%
def slope(function, x):
    """The derivative of `function` at x, a scalar."""
    x = tf.constant(x, tf.float32)
    # TODO: record the function at x, and ask for the derivative
    # NUDGE: The tape only knows what happens within its `with`, and x is a constant.
    # IDEA: Within `with tf.GradientTape() as tape:` watch x and compute y; behind it, tape.gradient(what, of which).
    # CODE: with tf.GradientTape() as tape:
    # CODE:     tape.watch(...)
    # CODE:     y = ...
    # CODE: return tape.gradient(..., ...)
    # EXAMPLE: float(slope(lambda x: x**2, 3.0)) -> 6.0
    ### BEGIN SOLUTION
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x)
    ### END SOLUTION


# %%
checks.slope(slope)

# %% [markdown]
# Do it once on paper, for the graph of section 2. There $e = c \cdot d$, so $d$ arrives at $c$, and $c$ at $d$. To $b$
# lead two ways, by $c = a + b$ and by $d = b + 1$: $\partial e / \partial b = d \cdot 1 + c \cdot 1$. To $a$ leads one:

# %%
a, b = tf.Variable(1.5), tf.Variable(2.5)
with tf.GradientTape() as tape:
    e = graph(a, b)
for_a, for_b = tape.gradient(e, [a, b])  # a tape gives one answer, unless it is a GradientTape(persistent=True)
print(f"c = {a + b:.1f}, d = {b + 1:.1f}: the derivative is {for_a:.1f} for a, {for_b:.1f} for b")


# %%
def wave(x):
    """Nobody likes to differentiate this by hand."""
    return tf.sin(2 * x) * tf.exp(-(x**2) / 4)


print("the slope of x² at 3 is", slope(lambda x: x**2, 3.0).numpy())
show(pictures.tangents(wave, slope, (-1.5, 0.2, 1.1)), "tangents")

# %% [markdown]
# ## 7. Downhill
#
# Learning is this: take a step against the gradient of what you want small, and again. Let $L(x) = (x - 4)^2$, whose
# lowest point you know, so that you can see whether it is found.


# %%
def descend(start, rate, steps):
    """x before and after each step, a list of steps + 1 numbers."""
    x = tf.Variable(start, dtype=tf.float32)
    path = [float(x)]
    for _ in range(steps):
        # TODO: one step against the gradient of the loss
        # NUDGE: You know how to get a derivative. In which direction does the loss become smaller?
        # IDEA: x is a variable, so the tape watches it by itself; x.assign_sub(step) takes something away from it in
        # IDEA: place.
        # CODE: with tf.GradientTape() as tape:
        # CODE:     loss = ...
        # CODE: x.assign_sub(rate * tape.gradient(..., ...))
        # EXAMPLE: descend(0.0, 0.25, 2) -> [0.0, 2.0, 3.0]
        ### BEGIN SOLUTION
        with tf.GradientTape() as tape:
            loss = (x - 4) ** 2
        x.assign_sub(rate * tape.gradient(loss, x))
        ### END SOLUTION
        path.append(float(x))
    return path


# %%
checks.descend(descend)

# %%
paths = {f"{rate:g}": descend(0.0, rate, 30) for rate in (0.01, 0.1, 0.95)}
for rate, path in paths.items():
    print(f"rate {rate}: x = {path[-1]:.3f} after 30 steps")
show(pictures.descents(paths, 4), "descent")

# %% [markdown]
# Too small a rate crawls, too large a one jumps from side to side. What happens at 1, and beyond? Each step multiplies
# the distance from 4 by $1 - 2r$: find the best rate without trying, then try it.
#
#
# **Think.** A dense layer without an activation is a matrix. What can two of them in a row do that one cannot?
#
# <details><summary>An answer</summary>
#
# Nothing: a product of two matrices is a matrix. It is the bend of the activation between them that lets eight units
# before one enclose a disc, where one alone cuts the plane in two.
#
# </details>
#
# **Think.** At rate 1 the descent above jumps from 0 to 8 and back for ever. Why does it not explode there, and why
# does it beyond?
#
# <details><summary>An answer</summary>
#
# The distance from 4 is multiplied by 1 - 2r: that is -1 at r = 1, so it keeps its size, and less than -1 beyond, so it
# grows with each step. At r = 0.5 it is 0: one step is enough.
#
# </details>

# %% [markdown]
# ## What to hand in
#
# 1. This notebook, run from top to bottom, with every check saying "right".
# 2. The best rate of section 7 by your own calculation, and the path that it takes.
# 3. One sentence on each of the two questions above.
#
# **Next:** [music](../music/student.ipynb) by a recurrent network, or
# [handwritten digits](../mnist/student.ipynb) by a convolutional one.

# %% tags=["kept"]
if RESULTS:
    summary = {"accuracy": accuracy, "x_after_30_steps": {rate: path[-1] for rate, path in paths.items()}}
    lines = [[f"points right, {name}, in %", f"{100 * value:.1f}"] for name, value in accuracy.items()]
    lines += [[f"x after 30 steps at rate {rate}, from 0 to 4", f"{path[-1]:.3f}"] for rate, path in paths.items()]
    write_text(folder / "table.md", markdown(["what", "value"], lines) + "\n")
    write_text(folder / "summary.json", json.dumps(summary | {"smoke": SMOKE} | provenance(), indent=1) + "\n")
