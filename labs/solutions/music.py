# %% [markdown]
# # Lab 1b: a network that writes Irish folk tunes
#
# A recurrent network reads tunes as text, character by character, and learns to say what comes next. Let it go on by
# itself and it writes tunes. In this lab you build it: numbers from text, batches, the network, its loss, a training
# step, and the drawing of characters. Then you listen to what it wrote, and find out by numbers whether it is any good.
#
# The network is small and the training short: five to fifteen minutes on two cores, and as long again in section 11,
# where a second network is trained for comparison. Under each exercise are an example and three hints; open one only
# when you are stuck.
#
# **When you are through, you can**
#
# * turn text into numbers, and a text into a question at each of its places,
# * build a recurrent network, and say what each of its layers and its state are for,
# * train it by a step of your own, with a loss that leaves padding out,
# * give it what form needs: it counts, and looks back at what it has read,
# * write with it, handing its state on from character to character, and keep it in a file,
# * say by numbers how good and how new the result is.

# %%
# %matplotlib inline
import dataclasses
import json
import math
import tempfile
import time
from pathlib import Path

import pandas as pd
from IPython.display import SVG, Audio, Image, Markdown, display

from debias import plots
from debias.backend import keras, tf
from debias.errors import InputError
from debias.files import write_text
from debias.provenance import ROOT, provenance
from debias.training import seed_everything
from labs import drawings, sliders
from labs.music import checks, corpus, course, playing, quality, report, sampling, sequences, structure, training
from labs.music.places import Places
from labs.music.recall import Recall
from labs.music.stepwise import anew
from labs.music.vectoriser import MARK, PADDING, vocabulary_of

# %% tags=["parameters"]
SMOKE = False  # toy size, to see that everything runs
RESULTS = None  # folder for tables, curves, scores and sounds; None: a temporary one

# %%
folder = Path(RESULTS or tempfile.mkdtemp())
work = Path(tempfile.mkdtemp())  # for checkpoints
seed_everything(0)

# %% [markdown]
# ## 1. The tunes
#
# Three old collections: O'Neill's *Music of Ireland* and *Ryan's Mammoth Collection*, which come with music21, a Python
# library for music, and the tunes of MIT 6.S191, the course on whose material this lab is built. What does not sound
# (titles, comments, chord symbols) is dropped, broken tunes are skipped and counted, and of tunes that occur twice, in
# whatever key, one is kept: a model must not be tested on a tune that it has seen. Validation and test hold tunes, not
# pieces of tunes.

# %%
tunes = corpus.load(ROOT / ".cache")
if SMOKE:
    shortest = {name: sorted(getattr(tunes, name), key=lambda tune: len(tune.text)) for name in tunes.parts}
    tunes = dataclasses.replace(tunes, **{name: tuple(part[:16]) for name, part in shortest.items()})
print(tunes)
print("left out most often:", *(f"{count} {reason}" for reason, count in [*tunes.skipped.items()][:5]), sep="\n  ")
example = tunes.train[0]
print(example.abc())

# %% [markdown]
# This is [ABC notation](https://abcnotation.com/learn): letters are notes, numbers lengths, `|` ends a bar. The header
# tells the kind of tune (`R:`), its metre (`M:`), the length of a plain note (`L:`) and the key (`K:`). A bar of a jig,
# in 6/8, holds six eighths. As a printed score, and as sound:

# %%
display(SVG(playing.as_svg(example.abc())))
playing.save_midi(example.abc(), work / "example.mid")
print(playing.save_wav(work / "example.mid", work / "example.wav"))
Audio(str(work / "example.wav"))

# %% [markdown]
# ## 2. Text to numbers
#
# A network computes with numbers. Each character gets one: its place in the alphabet of all characters that occur,
# counted from 2, because 0 is kept for *padding* (batches are rectangles, tunes are not) and 1 for a *mark* that stands
# before and after every tune. In the code they are `PADDING` and `MARK`.


# %%
def vectorise(text, characters):
    """Numbers of a text: int32 of shape (len(text),).

    Args:
        characters: all that occur, as one string.
    """
    # TODO: a tensor of numbers
    # NUDGE: Each character by itself: where does it stand in the alphabet, and which numbers are taken?
    # IDEA: characters.index(character) is a place counted from 0; tf.constant makes a tensor of a list and a dtype.
    # CODE: return tf.constant([characters.index(character) + ... for character in text], tf.int32)
    # EXAMPLE: vectorise("ba", "abc").numpy().tolist() -> [3, 2]
    ### BEGIN SOLUTION
    return tf.constant([characters.index(character) + 2 for character in text], tf.int32)
    ### END SOLUTION


# %%
checks.vectorise(vectorise)

# %% [markdown]
# The vocabulary of all tunes, and the beginning of one in its numbers:

# %%
vocabulary = vocabulary_of(tunes.train + tunes.validation + tunes.test)
print(f"{len(vocabulary)} numbers: padding, the mark, and", repr(vocabulary.characters))
beginning = example.text[:8]
for character, number in zip(beginning, vectorise(beginning, vocabulary.characters).numpy(), strict=True):
    print(f"{character!r:>5} -> {number}")

# %% [markdown]
# ## 3. What to predict
#
# At every place the network sees a character and is asked for the next one. So the targets are the inputs, moved by
# one. Whatever the network answers, at the next place it is given the character that really came, not its own answer:
# that is called **teacher forcing**. All places can be learnt from at once, and one early mistake does not spoil the
# rest of the tune.
#
# The header is not asked for: when the network writes, you give it one, so it need not invent it. There the target is
# padding, which the loss will not count.


# %%
def inputs_and_targets(row, header):
    """Two tensors, each one shorter than the row.

    Args:
        row: (T,) int32, the T numbers of a tune between its two marks.
        header: how many of its characters belong to the header.
    """
    # TODO: both tensors; the targets of the header are PADDING
    # NUDGE: Write a row of five numbers on paper, and under each the one that follows. Which two pieces of the row
    # NUDGE: are these?
    # IDEA: Slices without the last and without the first number; tf.where(condition, this, that) chooses place by
    # IDEA: place.
    # CODE: inputs, targets = row[:-1], row[...]
    # CODE: targets = tf.where(tf.range(tf.size(targets)) < ..., PADDING, ...)
    # EXAMPLE: [part.numpy().tolist() for part in inputs_and_targets(tf.constant([1, 5, 6, 7, 1]), 2)] -> [[1, 5, 6,
    # EXAMPLE: 7], [0, 0, 7, 1]]
    ### BEGIN SOLUTION
    inputs, targets = row[:-1], row[1:]
    targets = tf.where(tf.range(tf.size(targets)) < header, PADDING, targets)
    ### END SOLUTION
    return inputs, targets


# %%
checks.inputs_and_targets(inputs_and_targets)

# %% [markdown]
# Step by step, where the header ends and the tune begins:


# %%
def shown(number):
    """A character, by its number."""
    return {PADDING: "nothing", MARK: "the mark"}.get(int(number)) or repr(vocabulary.decode([number]))


length = len(example.header)
read, asked = inputs_and_targets(tf.constant(vocabulary.sequence(example)), length)
for step in range(length - 2, length + 5):
    print(f"step {step}: it reads {shown(read[step]):>5} and is asked for {shown(asked[step])}")

# %% [markdown]
# A **batch** is some tunes that the network reads side by side, and from which it makes one step of learning: its
# gradient is the mean over all of them, so it is less noisy than that of one tune, and one large computation is faster
# than many small ones. `sequences.batches` does the same as you did, in a `tf.data` pipeline, and puts tunes of like
# length into one batch. In shapes, B is the number of tunes in a batch, T the number of places in each, V the number of
# characters, padding and mark among them.
#
# Here a row is a whole tune. The course's lab puts all tunes into one long text and cuts **windows** of 100 characters
# out of it, at random places: all rows have the same length, but most begin in the middle of a tune, where the network
# does not know its key and metre. Section 11 compares both.

# %%
inputs, targets = next(iter(sequences.batches(tunes.train, vocabulary, batch_size=4, seed=0)))
print("a batch:", inputs.shape, "of", len(vocabulary), "characters")
print(repr(vocabulary.decode(inputs[0].numpy())[:60]))

# %% [markdown]
# ## 4. The network
#
# * An `Embedding` turns a character's number into a vector. The numbers themselves say nothing: 7 is not more than 6,
#   only another character. The vectors are learned, a row of a table for each character, and characters that are used
#   alike get similar ones.
# * A `GRU` goes through the sequence and keeps a **state**, its memory of all that came before: without it the network
#   would know the last character alone. It needs `return_sequences=True`, or it would only speak at the end.
# * A `Dropout` of 0.3 leaves out some of the state's numbers while it trains, against learning by heart.
# * A `Dense` layer reads from the state what may come next: a *logit* for every character, any number, which a softmax
#   will turn into a probability.
#
# A plain recurrent layer writes its state anew at each step, and over many steps both memory and gradient fade. A GRU
# has **gates**, which decide what to keep. An `LSTM` has three of them instead of two, and a second state beside the
# first, so a third more weights. It does the same job, and can take the place of the GRU in this lab.

# %%
drawings.show("music/rnn")

# %% [markdown]
# What happens in a GRU at step $t$: two gates $r_t$ and $z_t$, numbers between 0 and 1, say how much of the state $h$
# is used for a proposal $\tilde h_t$, and how much of the old state is kept ($\odot$ multiplies number by number):
#
# $$ z_t = \sigma(x_t W_z + h_{t-1} U_z + b_z), \qquad r_t = \sigma(x_t W_r + h_{t-1} U_r + b_r) $$
#
# $$ \tilde h_t = \tanh\left(x_t W_h + r_t \odot (h_{t-1} U_h + c_h) + b_h\right), \qquad
# h_t = z_t \odot h_{t-1} + (1 - z_t) \odot \tilde h_t $$
#
# $x_t$ is the character's vector; $W$, $U$, $b$ and $c$ are weights that are learned; $\sigma$, the sigmoid, turns any
# number into one between 0 and 1. In the drawing, $\hat y_t$ are the logits.
#
# Where $z_t$ is near 1 the state is kept as it is: that is how a key or a repeat is remembered over many characters.
#
# **Think.** The loss counts all characters of a tune in one go, one at each place. Why is that not cheating, although
# the network is given the right characters all along?
#
# <details><summary>An answer</summary>
#
# At each place the state holds only what came before, so no answer is seen. In writing, though, it reads its own
# characters, with their slips: it never met those in training. That is why a slip can lead it astray.
#
# </details>


# %%
def build_network(vocabulary_size, embedding, units):
    """Characters (B, T) int32 -> logits (B, T, vocabulary_size).

    Args:
        embedding: how many numbers a character's vector has.
        units: how many numbers the state has.
    """
    # TODO: the layers of the list above, one after the other
    # NUDGE: Follow a batch (B, T) through the list: what shape has it behind each layer?
    # IDEA: keras.Sequential of keras.Input((None,), dtype="int32"), where None is any length, then Embedding(how many
    # IDEA: characters, how many numbers each), GRU, Dropout and Dense.
    # CODE: return keras.Sequential([
    # CODE:     keras.Input((None,), dtype="int32"),
    # CODE:     keras.layers.Embedding(vocabulary_size, ...),
    # CODE:     keras.layers.GRU(units, return_sequences=...),
    # CODE:     keras.layers.Dropout(0.3),
    # CODE:     keras.layers.Dense(...),
    # CODE: ])
    # EXAMPLE: build_network(50, 8, 32)(tf.zeros((2, 7), tf.int32)).shape -> (2, 7, 50)
    ### BEGIN SOLUTION
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(vocabulary_size, embedding),
            keras.layers.GRU(units, return_sequences=True),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(vocabulary_size),
        ]
    )
    ### END SOLUTION


# %%
checks.build_network(build_network)

# %% [markdown]
# Before it has learned anything, each of its guesses is as good as any other character:

# %%
untrained = build_network(len(vocabulary), 16, 64)
at_first = untrained.get_weights()
guesses = tf.random.categorical(untrained(inputs[:1])[0], 1)[:60, 0]
print("read:   ", repr(vocabulary.decode(inputs[0].numpy())[:60]))
print("guessed:", repr(vocabulary.decode([number for number in guesses.numpy() if number != MARK])))

# %% [markdown]
# ## 5. The loss
#
# Cross-entropy: minus the logarithm of the probability that the network gave to the character that came. Padding must
# not count, neither in the sum nor in the number it is divided by.
#
# What should it be at the start? A network that has learned nothing gives each of $V$ characters about the same
# probability, $1/V$. So the loss begins near $-\log(1/V) = \log V$, which is 3.9 for 50 characters. If yours begins far
# above, it is sure of something wrong, and there is a mistake.


# %%
def sequence_loss(targets, logits):
    """Mean cross-entropy (natural logarithm) over all targets that are not padding, a scalar.

    Args:
        targets: (B, T) int32.
        logits: (B, T, V) float32.
    """
    # TODO: the mean cross-entropy of the targets that count
    # NUDGE: A mean is a sum divided by a number. Padding belongs neither in the one nor in the other.
    # IDEA: tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits) is (B, T); multiply it by a mask of ones
    # IDEA: and zeros, tf.cast of a comparison.
    # CODE: losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    # CODE: mask = tf.cast(targets != ..., tf.float32)
    # CODE: return tf.reduce_sum(...) / tf.reduce_sum(...)
    # EXAMPLE: round(float(sequence_loss(tf.constant([[3, 0]]), tf.zeros((1, 2, 4)))), 3) -> 1.386
    ### BEGIN SOLUTION
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(targets, tf.int32), logits)
    mask = tf.cast(targets != PADDING, logits.dtype)
    return tf.reduce_sum(losses * mask) / tf.reduce_sum(mask)
    ### END SOLUTION


# %%
checks.sequence_loss(sequence_loss)

# %% [markdown]
# ## 6. A training step
#
# The tape records what is computed; then the gradient of the loss says in which direction the loss grows, and each
# weight goes a step the other way: `optimizer.apply(gradients, variables)` makes that step. In training the network
# must be called with `training=True`, or Dropout does nothing.


# %%
def train_step(network, optimizer, inputs, targets):
    """One step of gradient descent; returns the loss before it."""
    # TODO: the loss under a tape, then a step of the optimizer
    # NUDGE: As in the descent of lab 1a, with all weights of a network in the place of x.
    # IDEA: The tape must see both the call of the network and its loss. tape.gradient takes a list of weights as well:
    # IDEA: network.trainable_variables.
    # CODE: with tf.GradientTape() as tape:
    # CODE:     loss = sequence_loss(targets, network(inputs, training=True))
    # CODE: variables = network.trainable_variables
    # CODE: optimizer.apply(tape.gradient(..., ...), ...)
    # EXAMPLE: `train_step(untrained, keras.optimizers.Adam(), inputs, targets)` gives about 4, the logarithm of the
    # EXAMPLE: number of characters.
    ### BEGIN SOLUTION
    with tf.GradientTape() as tape:
        loss = sequence_loss(targets, network(inputs, training=True))
    variables = network.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    ### END SOLUTION
    return loss


# %%
checks.train_step(train_step)

# %% [markdown]
# Some steps on one batch, compiled by `tf.function`: the loss begins near the logarithm of the number of characters, as
# it should, and falls.

# %%
untrained.set_weights(at_first)  # the cell may run again, and the example has made a step
optimizer = keras.optimizers.Adam(0.01)
optimizer.build(untrained.trainable_variables)
compiled = tf.function(train_step)
losses = [float(compiled(untrained, optimizer, inputs, targets)) for _ in range(10)]
print(f"log({len(vocabulary)}) is {math.log(len(vocabulary)):.2f}; the losses:", *(f"{loss:.2f}" for loss in losses))

# %% [markdown]
# ## 7. Form
#
# Dance tunes are built of sections of eight bars, now and then of four or sixteen; most have two, and play each twice:
# *AABB*. Within a section bars come again, and the last note is the keynote. A network such as yours learns notes and
# bars, but hardly any of this: trained as below, it wrote sections of 4, 8 or 16 bars about once in five, where real
# tunes nearly always do, and now and then it played one bar over and over. For two reasons. To end after eight bars it
# would have to count them in its state, over a hundred characters. And to repeat what was heard eight bars ago, it
# would have to keep all of that in its state, which is overwritten at each step. Two layers help:
#
# * `Places` stands in front of the embedding and does the counting. Beside each character it puts the keynote; how many
#   bars and how many plain notes (`c` is one, `c2` two) this section has had; how many quarters of a plain note the bar
#   has had; and whether a first ending has begun (`|1`: bars that are played the first time only). The last two numbers
#   say for how many bars the tune has been the same as one bar earlier, and as two bars earlier: 0 if something in this
#   bar was different, 1 if nothing was so far, 2 if nothing was in the bar before either. It has no weights.
# * `Recall` stands behind the GRU and does the remembering, by **attention**. All states are kept. The present state
#   asks: where was I in a state like this before, and what came then? The answer is a mean over all earlier places,
#   weighted by how well they fit, and `Dense` reads it beside the state.
#
# What `Places` says of some bars of a tune, where a part of a bar comes again:

# %%
places = Places(vocabulary.characters)
numbers = places(tf.constant(vocabulary.sequence(example))[None])[0].numpy()
counts = numbers[:, 2:] - places.firsts  # for each count another number stands for 0
begin = 1 + len(example.header)  # behind the mark and the header
begin += (counts[begin:, -1] > 0).argmax()  # there it is the same as two bars earlier
rows = slice(begin, begin + 24)
counted = pd.DataFrame(counts[rows], [shown(number) for number in numbers[rows, 0]], places.names[2:])
counted.assign(keynote=[shown(number) for number in numbers[rows, 1]])

# %% [markdown]
# **Think.** Does this not give something away? If the network were told how many bars are *left*, each character would
# cost fewer bits, and that would prove nothing. Why is it fair to tell it how many there *were*?
#
# <details><summary>An answer</summary>
#
# All of it follows from the characters that were read before: a reader with paper and pencil could find it out. So the
# network still gives the probability of the next character after those before it, and its bits can be compared with
# those of a network that does not count. How many bars are left depends on what is yet to come.
#
# </details>
#
# Here both are put into your network, whatever its middle is. Eight numbers at each place become eight vectors of the
# same table, and `Reshape` makes one long vector of them. All else, the loss, the step, and the loop that writes, stays
# as it is.


# %%
def with_form(network, vocabulary, recalled):
    """A new network with the layers of this one, (B, T) int32 -> (B, T, V), which counts and looks back."""
    embedding, *middle, dense = anew(network)  # its layers once more, without their weights
    places, width = Places(vocabulary.characters), embedding.output_dim
    layers = [
        keras.Input((None,), dtype="int32"),
        places,  # (B, T, 8)
        keras.layers.Embedding(places.size, width),  # (B, T, 8, width)
        keras.layers.Reshape((-1, len(places.names) * width)),
        *middle,  # (B, T, units)
        Recall(recalled),  # (B, T, units + recalled)
        dense,
    ]
    return keras.Sequential(layers)


# %% [markdown]
# ## 8. Train
#
# This network goes through all tunes by your step, again and again, with a learning rate that falls along a cosine.
# Once through all of them, batch by batch, is an **epoch**. After each the *bits per character* of the validation
# tunes say how many yes-or-no questions the next character still costs (the loss divided by $\log 2$). The best epoch
# is kept.
#
# A gradient goes back through hundreds of steps, and is now and then far too long. One that is longer than 1, over all
# weights together, is therefore shortened to 1; its direction stays (**clipping**, `optimizer.global_clipnorm = 1.0`).
#
# 24 numbers for a character, 384 for the state, 32 tunes in a batch, a rate of 0.006 at first, 12 epochs: these are
# **hyperparameters**, which no gradient finds. They were chosen by validation tunes.

# %%
sizes, recalled = ((4, 32), 8) if SMOKE else ((24, 384), 64)
network = with_form(build_network(len(vocabulary), *sizes), vocabulary, recalled)
network.summary()
history = training.train(network, tunes, vocabulary, work, 1 if SMOKE else training.EPOCHS, step=train_step)
minutes = history[-1]["minutes"]

# %% [markdown]
# Minutes of work are now in its weights, so keep them: `save` writes layers and weights into one file, and
# `load_model` makes the same network of it, in another notebook or next year. The vocabulary belongs to it: without it
# nobody knows which number is which character.
#
# What is written while the training still runs is called a **checkpoint**: if it breaks off, or gets worse again, the
# work is not lost. `training.train` did that. Each epoch that was better than all before went to `model.keras`, and at
# the end the best came back from there. In another program, `training.load(folder)` gives that network and its
# vocabulary.

# %%
network.save(work / "tunes.keras")  # give it a folder of your own to keep it; this one is temporary
again = keras.saving.load_model(work / "tunes.keras")
print("files:", sorted(path.name for path in work.iterdir() if path.suffix in (".keras", ".txt")))
print("the same logits:", bool(tf.reduce_all(network(inputs) == again(inputs))))

# %% [markdown]
# ## 9. Draw a character
#
# The network gives logits. Always to take the likeliest character makes dull tunes that go in circles; to draw by the
# probabilities as they are makes slips. A **temperature** divides the logits: below 1 the likely become likelier.
# `tf.random.categorical` takes the softmax itself: give it logits.


# %%
def draw(logits, temperature):
    """Characters (B,) drawn by logits (B, V), int64."""
    # TODO: characters drawn at this temperature
    # NUDGE: Below 1 the differences between logits should grow.
    # IDEA: tf.random.categorical(logits, how many) draws from logits, a row of draws for each row of logits.
    # CODE: return tf.random.categorical(logits / ..., 1)[:, ...]
    # EXAMPLE: draw(tf.constant([[0.0, 100.0]]), 1.0).numpy().tolist() -> [1]
    ### BEGIN SOLUTION
    return tf.random.categorical(logits / temperature, 1)[:, 0]
    ### END SOLUTION


# %%
checks.draw(draw)

# %% [markdown]
# ## 10. Write tunes
#
# A tune is written under a header. The network reads it, character by character, and gives logits for the next one. A
# character is drawn, and is read next, and so on, until the mark is drawn.

# %%
drawings.show("music/writing")

# %% [markdown]
# What was read before is not read again: it is in the **state**. In training whole tunes are read at once, and Keras
# hands the state on within them. Here you do it yourself. `read_one(number, state)` reads one more character, after
# those that are in the state. It gives two things, the logits for the next character, (1, V), and the new state.
# Before the first character there is no state: `None`. Each layer that remembers has its own, `Places`, the GRU and
# `Recall` (two tensors): `state` holds them all.

# %%
read_one = sampling.one_step(network)
logits, state = read_one(MARK, None)
print("behind the mark: logits", logits.shape, "and a state of", [int(tf.size(x)) for x in tf.nest.flatten(state)])
for number in vocabulary.encode("R:"):
    logits, state = read_one(number, state)
    print(f"behind {shown(number)} the likeliest is {shown(tf.argmax(logits[0]))}")


# %%
def write(read_one, header, temperature, longest):
    """Numbers of a tune, a list: the mark, its header, then what is drawn, with the closing mark or without it.

    Args:
        read_one: a function: number, state -> logits (1, V) of the next number, new state; the first state is None.
        header: numbers.
        longest: how many numbers there are at most, the mark and the header among them.
    """
    written, state = [MARK, *header], None
    # TODO: read what is written so far, one after the other; then the loop: draw, append, stop or read
    # NUDGE: What comes out of one call of read_one, and which of it goes into the next call? And there are two reasons
    # NUDGE: to end: the tune is over, or it is too long.
    # IDEA: logits, state = read_one(number, state) puts the new state in the place of the old one. draw gives a tensor
    # IDEA: of one number: int(...[0]) is the number itself; break leaves a loop.
    # CODE: for number in written:
    # CODE:     logits, state = read_one(number, ...)
    # CODE: while len(written) < longest:
    # CODE:     written.append(int(draw(..., temperature)[0]))
    # CODE:     if written[-1] == ...:
    # CODE:         break
    # CODE:     logits, state = read_one(..., ...)
    # EXAMPLE: write(lambda number, state: (1000 * tf.one_hot([number + 1], 9), state), [5, 6], 0.5, 5) -> [1, 5, 6,
    # EXAMPLE: 7, 8]
    ### BEGIN SOLUTION
    for number in written:
        logits, state = read_one(number, state)
    while len(written) < longest:
        written.append(int(draw(logits, temperature)[0]))
        if written[-1] == MARK:
            break
        logits, state = read_one(written[-1], state)
    ### END SOLUTION
    return written


# %%
checks.write(write)

# %% [markdown]
# With your network behind it:

# %%
longest = 60 if SMOKE else sampling.LONGEST


def tune_under(header, temperature):
    """A text, by your loop."""
    return vocabulary.decode(write(read_one, vocabulary.encode(header), temperature, longest))


JIG = "R:jig\nM:6/8\nL:1/8\nK:G\n"
began = time.perf_counter()
tune = tune_under(JIG, 0.6)
print(tune)
print(f"{len(tune) / (time.perf_counter() - began):,.0f} characters a second")

# %% [markdown]
# Your loop is in Python and writes one tune at a time. To *measure* how good the network is takes hundreds of tunes, so
# `sampling.Generator` compiles the same loop and writes many at a time. It also cuts off unlikely characters (*top-p*):
# each is drawn from the fewest that have 95 % of the probability. And where bars are counted, both refuse to begin a
# fourth equal bar in a row, which one of the 3,215 tunes of training has. Near temperature 0, where nothing is left to
# chance, both must write the same; `False` would say that your loop reads or draws something else:

# %%
generator = sampling.Generator(network, vocabulary)
yours, fast = tune_under(JIG, 1e-6), generator.tunes([JIG], 1e-6)[0]
print("the same tune:", fast[: len(yours)] == yours)

# %% [markdown]
# The temperature is a choice, so it is made on *validation* tunes: the one at which the form of what is written is
# nearest to theirs. `structure.measure` counts sections, repeats and so on, see below; what is compared is the mean
# difference of all shares.

# %%
count = 4 if SMOKE else 200
asked = [tune.header for tune in tunes.validation[:count]]
wanted = structure.measure([tune.text for tune in tunes.validation[:count]])
by_temperature = {t: structure.measure(generator.tunes(asked, temperature=t)) for t in (0.7, 0.8, 0.9, 1.0, 1.1)}
far = {t: structure.distance(found, wanted) for t, found in by_temperature.items()}
temperature = min(far, key=far.get)
print("how far from real validation tunes, by temperature:", {t: f"{100 * d:.1f} points" for t, d in far.items()})
print("chosen:", temperature)

# %%
headers = [tune.header for tune in tunes.test[:count]]  # the kinds, metres and keys of tunes that it has never seen
began = time.perf_counter()
written = generator.tunes(headers, temperature)
print(f"{len(written)} tunes, {sum(map(len, written)) / (time.perf_counter() - began):,.0f} characters a second")
print(written[0])

# %% [markdown]
# ## 11. Is it any good?
#
# Five questions, asked of all of them, none left out. Can the tune be played? Are its bars as long as the metre says?
# Is it copied? Has it the form of a tune? And how many bits does the next character of a tune cost that was held out?
# Real tunes do not fill every bar either: pick-ups and endings are short. A *common run* is a passage that stands in a
# training tune, character by character: `longest_common_run` is the longest of all tunes, `median_common_run` that of
# the tune in the middle.

# %%
made = dataclasses.asdict(quality.measure(written, tunes.train, sampling.LONGEST))
real = dataclasses.asdict(quality.measure([t.text for t in tunes.test[:count]], tunes.train, sampling.LONGEST))
form = {"generated": structure.measure(written), "real": structure.measure([t.text for t in tunes.test[:count]])}
pd.DataFrame({"generated": made, "real, held out": real}).round(3)

# %% [markdown]
# **Think.** A network that copied long passages of training tunes would have perfect bars. Which line of the table
# would betray it, and how long a run shared with some tune is suspicious?
#
# <details><summary>An answer</summary>
#
# The longest common run; if it copied whole tunes, the exact copies as well. Real tunes share long runs, too, because
# they come from one tradition: so the measure is the column beside it. Runs that are clearly longer than those of real
# tunes that were held out are copies.
#
# </details>
#
# The course's own recipe for comparison: an LSTM of 1,024 units, trained on random windows of 100 characters for the
# same time, and written with by a loop in Python.

# %%
theirs = course.build(len(vocabulary), 32 if SMOKE else course.UNITS)
quick = {"minutes": 0.01, "steps": 1} if SMOKE else {"minutes": minutes}
their_history = course.train(theirs, tunes, vocabulary, **quick)
writer = course.build(len(vocabulary), 32 if SMOKE else course.UNITS, stateful=True)
writer.set_weights(theirs.get_weights())
summary = {
    **made,
    "real_full_bars": real["full_bars"],
    "form": {whose: {name: dataclasses.asdict(m) for name, m in each.items()} for whose, each in form.items()},
    "temperature": temperature,
    "validation_distance": far,
    "bits_per_char": training.bits_per_character(network, tunes.test, vocabulary),
    "course_bits_per_char": training.bits_per_character(theirs, tunes.test, vocabulary),
    "minutes": minutes,
    "course_minutes": minutes,
    **report.writing_speed(generator, headers, writer, **({"rounds": 1, "characters": 5} if SMOKE else {})),
}
Markdown(report.table(made, real, form, summary))

# %%
plots.save(report.curves({"this lab": history, "course": their_history}), folder / "training.png")
Image(str(folder / "training.png"))

# %% [markdown]
# ## 12. Listen
#
# The first tunes of some kinds, as they came: by your network, trained by your step, written by your loop. That draws
# without top-p, so now and then one has a bar or a repeat that cannot be played.

# %%
if SMOKE:  # what a toy network writes cannot be played
    playable = {"jig": tunes.test[0].abc()}
else:
    kinds = {"jig": JIG, "reel": "R:reel\nM:C|\nL:1/8\nK:Ador\n", "hornpipe": "R:hornpipe\nM:C|\nL:1/8\nK:D\n"}
    seed_everything(1)
    texts = {kind: tune_under(header, temperature) for kind, header in kinds.items()}
    playable = {kind: f"X:1\nT:{kind.capitalize()}, by the network\n{text}\n" for kind, text in texts.items()}
sounds = {}
for kind, abc in playable.items():
    try:
        sounds[kind] = playing.save(abc, folder, kind)
    except InputError as error:
        print(f"{kind} cannot be played: {error}")
        continue
    print(kind, sounds[kind])
    display(SVG(filename=str(folder / f"{kind}.svg")))
    display(Audio(str(folder / f"{kind}.wav")))

# %% [markdown]
# What temperature and top-p do can be heard. Here is how a jig begins with some of them; in a running notebook the
# sliders write a whole one and play it. What is too wild to be played gives no sound.


# %%
def jig(temperature, top_p):
    """A jig in ABC."""
    return f"X:1\nT:Jig\n{generator.tunes([JIG], temperature, top_p)[0]}\n"


def heard(temperature, top_p):
    """The same jig as WAV; empty where it cannot be played."""
    try:
        playing.save_midi(jig(temperature, top_p), work / "jig.mid")
    except InputError:
        return b""
    playing.save_wav(work / "jig.mid", work / "jig.wav")
    return (work / "jig.wav").read_bytes()


for place in ((0.3, 0.95), (0.7, 0.95), (1.0, 0.95), (1.0, 1.0)):
    print("temperature {}, top-p {}:".format(*place), repr(jig(*place).partition("K:G\n")[2][:70]))
sliders.sound(heard, temperature=(0.1, 0.3, 0.5, 0.7, 0.85, 1.0, 1.2), top_p=(0.5, 0.8, 0.9, 0.95, 1.0))

# %% tags=["kept"]
if RESULTS:  # what the repository keeps of this run
    kept = {
        **summary,
        "found": tunes.found,
        "skipped": tunes.skipped,
        "history": history,
        "course_history": their_history,
    }
    kept |= {"sounds": {kind: dataclasses.asdict(sound) for kind, sound in sounds.items()}, **provenance()}
    write_text(folder / "summary.json", json.dumps(kept, indent=1) + "\n")
    write_text(folder / "table.md", report.table(made, real, form, summary))
    write_text(folder / "tunes.abc", "\n".join(f"X:{n}\n{text}\n" for n, text in enumerate(written, 1)))

# %% [markdown]
# ## 13. What to hand in
#
# 1. This notebook, run from top to bottom, with every check saying "right"; a "but" behind it is advice.
# 2. The tables of section 11, and the best of your tunes as a sound (its `.wav` is in the folder that `folder` names).
# 3. One sentence on each of the three questions ("Think").
# 4. If it beats ours, with fewer bits per character: a line in the [leaderboard](../music/leaderboard.md). The minutes
#    of training may differ.
#
# ## 14. Extend it
#
# * Change one hyperparameter: guess first, then train, and choose by the bits of the validation tunes.
# * What is learnt first, characters, bars or sections? Train a new network by `training.train` for one epoch, into a
#   folder of its own (the rate then falls to zero within that epoch), and read what it writes under `JIG`.
# * Leave out `Places`, or `Recall`: which of them makes the sections, which the repeats, and what do the bits say?
# * Draw with other values of top-p, or without: how do `full_bars` and the sound change? Choose on validation.
# * Which metres fail most? Count `full_bars` by metre, and look at how many training tunes each has.
# * Give the network a header that no tune has, such as a slip jig in Bb minor.
# * Two GRU layers, or an LSTM, in the same time: fewer bits? What is in `state` then?
# * Move all tunes to one key before training, or each to several: which helps?
# * Train on your own ABC file: `corpus.split(*corpus.read({"mine": text}))` takes the place of `tunes`.
