# %% [markdown]
# # Lab 2b: a face detector that debiases itself
#
# A face detector is trained on ten thousand faces, of which 1.6 % are darker. On average it does well. It misses darker
# faces several times as often as lighter ones, and an average does not tell. That happens to real people:
# [Buolamwini and Gebru (2018)](https://proceedings.mlr.press/v81/buolamwini18a.html) tested three commercial programs
# that tell gender from a face. They erred for up to 34.7 % of darker women, and for at most 0.8 % of lighter men.
#
# In this lab you build the **debiasing variational autoencoder** (DB-VAE) of
# [Amini, Soleimany et al. (2019)](https://doi.org/10.1145/3306618.3314243):
# one encoder that says "face or not" and, beside it, learns what faces vary in. Faces that are rare in what it learned
# are then drawn more often. Nobody tells it what skin tone is, and no group label is used in training.
#
# You write the parts that matter: the VAE's loss, the sampling of its latents, the encoder's block, the parts of the
# head, the forward pass, the loss of the DB-VAE, the resampling rule and the training step. They are plugged into the
# model of `debias`, so what you write is what trains. Then you find out what the method does, and what it does not do.
#
# The whole takes an hour or two; training takes five minutes on two cores. Under each exercise are an example and
# three hints; open one only when you are stuck.
#
# **When you are through, you can**
#
# * say what bias is, of a data set and of a classifier,
# * measure a detector by group, with intervals and at a fixed false-positive rate,
# * write the losses of a VAE and of the DB-VAE, and see where a shape goes wrong in silence,
# * turn latents into sampling probabilities, and say from how many faces they really draw,
# * tell debiasing from a shifted threshold, and a result from the luck of one seed.

# %%
import dataclasses
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import Image, Markdown, display

from baselines import METHODS
from debias import plots
from debias.backend import keras, tf
from debias.callbacks import Resample, encode
from debias.data import catalog
from debias.data.parliament.realism import contact_sheet, sample_rows, save_png
from debias.data.pipeline import BalancedBatches
from debias.dbvae import DBVAE
from debias.evaluation import RATES, predict
from debias.files import write_text
from debias.latents import REACH, as_uint8, influence, traversal
from debias.metrics import FPR, OWN_THRESHOLD, group_report, mass_by_group, threshold_at_fpr
from debias.networks import build_decoder
from debias.presets import network
from debias.provenance import ROOT, provenance
from debias.resampling import effective_sample_size
from debias.training import fit, seed_everything
from experiments.registry import EXPERIMENTS
from experiments.report.comparisons import difference, interval
from experiments.report.models import some_of_each_group
from labs import drawings, sliders
from labs.debiasing import checks
from labs.debiasing import evaluation as ev

# %% tags=["parameters"]
SMOKE = False  # toy size, to see that everything runs
RESULTS = None  # folder for tables and figures; None: a temporary one

# %%
folder = Path(RESULTS or tempfile.mkdtemp())
seconds = {}  # model -> how long it trained


def show(figure, name):
    """Save a figure and return its picture."""
    plots.save(figure, folder / f"{name}.png")
    return Image(str(folder / f"{name}.png"))


# %% [markdown]
# ## 1. The data, and who is in it
#
# Real benchmarks with known skin tone can only be had by signed form, so these faces are rendered: 64 x 64 pixels, from
# a model of the head whose every factor is known ([data card](../../debias/data/parliament/README.md)). The first call
# renders them, two to four minutes on two cores.
#
# **Darker** and **lighter** mean skin tone by the Fitzpatrick scale of dermatology, which has six types, I the
# lightest. Types I to III are lighter, IV to VI darker, as in the paper. There people judged the type of each
# photograph; here it is what the renderer was told.
#
# **Bias** is said of two things. A *data set* is biased when some groups are rarer in it than among those it is used
# for. A *classifier* is biased when it errs more often for some groups than for others. The paper calls it fair with
# respect to a feature, such as skin tone, if no decision changes once it is told that feature as well. The first kind
# of bias often leads to the second. (The bias $b$ of a layer is neither.)
#
# The training has a face's *label* (face or not). The four *groups* are for you, who judge the result:

# %%
experiment = EXPERIMENTS["rule"].at_smoke_size() if SMOKE else EXPERIMENTS["rule"]
config = experiment.base
splits = catalog.load(experiment.data, ROOT / ".cache").draw(experiment.settings[0].draw, config.seed)
faces, test = splits.train.positives(), splits.test
visible = splits.visible_to("class")  # what training sees: no groups, no factors, no test images
assert visible.train.groups is None and visible.test is None

save_png(folder / "faces.png", contact_sheet(sample_rows(test, 13), 13))
display(Image(str(folder / "faces.png")))
counts = {
    name: [int(np.sum(part.groups[part.labels == 1] == group)) for part in (splits.train, test)]
    for group, name in enumerate(test.group_names)
}
pd.DataFrame(counts, index=["training faces", "test faces"]).transpose()

# %% [markdown]
# ## 2. The standard detector
#
# A convolutional network with one logit and the cross-entropy loss, from `baselines`. It is trained for little more
# than one pass over the faces, as the DB-VAE will be: drawing some faces more often (section 5) acts less, the better a
# model fits its training set.


# %%
def epoch_line(epochs, batches=None):
    """A callback that prints one line an epoch, with the time left."""
    began = time.perf_counter()

    def line(epoch, logs):
        left = (time.perf_counter() - began) / (epoch + 1) * (epochs - epoch - 1)
        ess = f", draws from {effective_sample_size(batches.sampler.probabilities):,.0f} faces" if batches else ""
        print(
            f"epoch {epoch + 1}/{epochs}: loss {logs['loss']:.3f}, "
            f"validation {logs['val_loss']:.3f}{ess}, {left:.0f} s left"
        )

    return keras.callbacks.LambdaCallback(on_epoch_end=line)


began = time.perf_counter()
cnn = METHODS["cnn"].train(splits, dataclasses.replace(config, callbacks=(epoch_line(config.epochs),)))
seconds["CNN"] = time.perf_counter() - began

# %% [markdown]
# How good is it on average? Validation images have the imbalance of the training:

# %%
known = splits.validation
right = np.mean((predict(cnn, known) > OWN_THRESHOLD) == (known.labels == 1))
print(f"It is right about {100 * right:.1f} % of the validation images.")

# %% [markdown]
# A good average, then, in which those who are rare hardly count. So look at each group by itself, on test images that
# have as many faces of each.
#
# How many faces of each group does it find? A recall on 500 faces is uncertain by a point or two, so each comes with
# its 95 % Wilson interval, in which the recall on endlessly many faces would lie in 95 of 100 such tests. `E[A]` is the
# mean recall over groups and `Var[A]` its variance between them, the two numbers of the paper's table; `FPR` is the
# share of non-faces that it takes for faces.

# %%
scores = {"CNN": predict(cnn, test)}  # P(face) of every test image


def report(title, threshold=OWN_THRESHOLD):
    """Rates by group on the test split."""
    return group_report(test.labels, scores[title], test.groups, test.group_names, threshold)


Markdown(ev.recall_table({title: report(title) for title in scores}))

# %%
recall = report("CNN").recall
worst, best = min(recall, key=recall.get), max(recall, key=recall.get)
print(
    f"Of 100 faces it misses {100 - recall[worst]:.1f} in the worst group, {worst}, and in the best, {best}, "
    f"{100 - recall[best]:.1f}."
)
show(ev.recall_figure({"CNN": report("CNN")}), "recall")

# %% [markdown]
# That is the bias, before anything is done about it: does the interval of the worst group overlap that of the best?
#
# **Think.** Darker faces are 1.6 % of the training faces. If they were half of them, would the groups then be equal?
#
# <details><summary>An answer</summary>
#
# Not necessarily: a group may also be harder, for example by less contrast. The oracle of section 10 draws all groups
# equally often: look there at how much of the gap is left.
#
# </details>
#
# One remedy is plain: label every face by its group, and draw all groups equally often. The oracle of section 10 does
# that. But somebody has to label every face, and has to know beforehand which groups to look for: skin tone, but also
# hats, glasses, pose? The DB-VAE needs no labels of groups. It looks for what is rare by itself.
#
# ## 3. A variational autoencoder learns what faces vary in
#
# A **latent variable** stands behind the data without being in them: light, pose and tone make the pixels of a face
# what they are, and no pixel is one of them. A variational autoencoder (VAE) looks for $k$ such numbers $z$ by itself.
#
# * The **prior** is what it assumes of $z$ before it sees an image: $N(0, I)$, independent standard normal numbers.
# * The **posterior** is what is known of $z$ once the image $x$ is seen. The encoder approximates it by a normal
#   distribution, $q(z|x) = N(\mu, \sigma^2)$. It gives the mean $\mu$ and, so that it can be any number, the logarithm
#   of the variance, $\log\sigma^2$.
# * The **decoder** makes an image $\hat x$ from a $z$. It is made of transposed convolutions. One of stride 2 spreads
#   each number over the pixels of a kernel, two pixels further for the next number, and adds up where these overlap: so
#   4 x 4 become 8 x 8, and so on up to 64 x 64.

# %%
drawings.show("debiasing/vae")

# %% [markdown]
# Two terms train them:
#
# * the **reconstruction** error, here $|x - \hat x|$ averaged over the pixels and channels of an image,
# * the **KL divergence** of the posterior $q(z|x)$ from the prior $N(0, I)$, which keeps the latents in a common range:
#
# $$ KL = \frac12 \sum_{j=1}^{k} \left(\sigma_j^2 + \mu_j^2 - 1 - \log \sigma_j^2\right) $$


# %%
def vae_loss(images, rebuilt, mean, log_variance):
    """Reconstruction error and KL divergence of each image, both (B,).

    Args:
        images, rebuilt: (B, H, W, C).
        mean, log_variance: (B, k), of q(z|x).
    """
    # TODO: reconstruction and kl, both (B,)
    # NUDGE: Each is one formula of the text. Over which axes does the mean of the first go, over which the sum of the
    # NUDGE: second?
    # IDEA: tf.reduce_mean and tf.reduce_sum take axis=...; tf.exp(log_variance) is the variance.
    # CODE: reconstruction = tf.reduce_mean(tf.abs(...), axis=(1, 2, 3))
    # CODE: kl = 0.5 * tf.reduce_sum(tf.exp(log_variance) + ... - 1 - ..., axis=...)
    # EXAMPLE: [part.numpy().tolist() for part in vae_loss(tf.ones((1, 2, 2, 3)), tf.zeros((1, 2, 2, 3)),
    # EXAMPLE: tf.constant([[1.0, 2.0]]), tf.zeros((1, 2)))] -> [[1.0], [2.5]]
    ### BEGIN SOLUTION
    reconstruction = tf.reduce_mean(tf.abs(images - rebuilt), axis=(1, 2, 3))
    kl = 0.5 * tf.reduce_sum(tf.exp(log_variance) + mean**2 - 1 - log_variance, axis=1)
    ### END SOLUTION
    return reconstruction, kl


# %%
checks.vae_loss(vae_loss)

# %% [markdown]
# To decode, a $z$ has to be drawn from $q(z|x)$. A draw has no gradient, so the noise is drawn apart from the
# parameters and then shifted and scaled, which does have one (reparameterisation):
#
# $$ z = \mu + \sigma \epsilon, \qquad \epsilon \sim N(0, I) $$


# %%
def reparameterize(mean, log_variance, noise):
    """Latents (B, k) from the posterior's mean and log-variance and standard normal noise, all (B, k)."""
    # TODO: z by the formula
    # NUDGE: You have the logarithm of the variance, and need the standard deviation.
    # IDEA: The root of exp(a) is exp(a / 2).
    # CODE: return mean + tf.exp(... * log_variance) * noise
    # EXAMPLE: reparameterize(tf.constant([[1.0]]), tf.constant([[0.0]]), tf.constant([[2.0]])).numpy().tolist() ->
    # EXAMPLE: [[3.0]]
    ### BEGIN SOLUTION
    return mean + tf.exp(0.5 * log_variance) * noise
    ### END SOLUTION


# %%
checks.reparameterize(reparameterize)

# %% [markdown]
# ## 4. The loss of the DB-VAE

# %%
drawings.show("debiasing/dbvae")

# %% [markdown]
# The encoder halves the image four times, each time by the same **block**: a convolution that goes two pixels at a time
# and a ReLU, then batch norm. Batch norm gives each channel mean 0 and deviation 1 over the batch; for tests it keeps a
# running mean of both. Here that forgets a tenth in each step (momentum 0.9): Keras' usual 0.99 remembers hundreds of
# steps, longer than this training lasts.


# %%
def block(x, filters, kernel):
    """(B, H, W, C) -> (B, H / 2, W / 2, filters), by a convolution of kernel x kernel pixels."""
    # TODO: the convolution, then batch norm
    # NUDGE: Layers are called like functions, as in lab 1a. What keeps the edge, so that 64 becomes 32 and not 30?
    # IDEA: keras.layers.Conv2D has strides, padding and activation; keras.layers.BatchNormalization has momentum.
    # CODE: x = keras.layers.Conv2D(filters, kernel, strides=..., padding="same", activation=...)(x)
    # CODE: return keras.layers.BatchNormalization(momentum=...)(x)
    # EXAMPLE: block(keras.Input((64, 64, 3)), 12, 5).shape -> (None, 32, 32, 12)
    ### BEGIN SOLUTION
    x = keras.layers.Conv2D(filters, kernel, strides=2, padding="same", activation="relu")(x)
    return keras.layers.BatchNormalization(momentum=0.9)(x)
    ### END SOLUTION


# %%
checks.block(block)

# %% [markdown]
# These are the two networks that you will train: the encoder is made of your blocks, the decoder goes the way back.


# %%
def encoder(sizes, shape):
    """Images (B, *shape) -> features (B, F)."""
    images = x = keras.Input(shape)
    for filters, kernel in zip(sizes.filters, sizes.kernels, strict=True):
        x = block(x, filters, kernel)
    features = keras.layers.Dense(sizes.dense, activation="relu")(keras.layers.Flatten()(x))
    return keras.Model(images, features, name="encoder")


sizes, shape = network(config), visible.train.image_shape
encoder(sizes, shape).summary()
build_decoder(sizes, shape).summary()

# %% [markdown]
# What is missing between them is a dense layer of $2k + 1$ numbers for each image, the **head**. Its first number is
# the logit, the next $k$ are the mean $\mu$, the last $k$ are $\log\sigma^2$. Take them apart.


# %%
def split_head(outputs, k):
    """Logits (B,), mean (B, k) and log-variance (B, k) from the head's outputs (B, 2k + 1)."""
    # TODO: the three parts
    # NUDGE: Which columns are which? And one of the three has no second axis.
    # IDEA: A slice with a range keeps an axis, a number takes it away: outputs[:, 0] is (B,).
    # CODE: return outputs[:, 0], outputs[:, 1 : ...], outputs[:, ... :]
    # EXAMPLE: [part.numpy().tolist() for part in split_head(tf.constant([[9.0, 1.0, 2.0, 3.0, 4.0]]), 2)] -> [[9.0],
    # EXAMPLE: [[1.0, 2.0]], [[3.0, 4.0]]]
    ### BEGIN SOLUTION
    return outputs[:, 0], outputs[:, 1 : k + 1], outputs[:, k + 1 :]
    ### END SOLUTION


# %%
checks.split_head(split_head)

# %% [markdown]
# Now put the parts together. The **forward pass** of the DB-VAE is the way of an image through the drawing above: the
# encoder makes features of it, the head $2k + 1$ numbers; these are split into logit, mean and log-variance, a $z$ is
# drawn, and the decoder makes an image of that. You have functions for two of these steps. The others are parts of
# `model`:
#
# * `model.encoder(images, training=...)` gives features, `model.head(features)` the $2k + 1$ numbers,
# * `model.latent_dim` is $k$, and `model.decode(z, training)` gives images.
#
# `training` is True in a training step and False in a test. Hand it on: batch norm has to know (lab 1a).


# %%
def forward(model, images, noise, training):
    """Logits (B,), mean (B, k), log-variance (B, k) and rebuilt images (B, H, W, C).

    Args:
        images: (B, H, W, C).
        noise: (B, k), standard normal.
        training: whether this is a training step.
    """
    # TODO: from images to rebuilt images, and return the four
    # NUDGE: Follow the arrows of the drawing: what does each part take, and which part gave it?
    # IDEA: split_head takes the head's numbers apart, reparameterize draws z. The encoder and model.decode both take
    # IDEA: `training`.
    # CODE: features = model.encoder(images, training=training)
    # CODE: logits, mean, log_variance = split_head(model.head(...), model.latent_dim)
    # CODE: z = reparameterize(...)
    # CODE: return logits, mean, log_variance, model.decode(..., ...)
    # EXAMPLE: of two images of 64 x 64 pixels, with 100 latents, the four shapes are (2,), (2, 100), (2, 100) and
    # EXAMPLE: (2, 64, 64, 3).
    ### BEGIN SOLUTION
    outputs = model.head(model.encoder(images, training=training))  # (B, 2k + 1)
    logits, mean, log_variance = split_head(outputs, model.latent_dim)
    rebuilt = model.decode(reparameterize(mean, log_variance, noise), training)
    return logits, mean, log_variance, rebuilt
    ### END SOLUTION


# %%
checks.forward(forward)

# %% [markdown]
# The VAE's loss of an image weighs its two terms:
#
# $$ \text{VAE loss} = c_2 \cdot \text{reconstruction} + c_3 \cdot KL, \qquad c_2 = 1, \quad c_3 = 0.0005 $$
#
# ([`Loss.kl_weight`](../../debias/config.py), which a `Config` may change). Why is $c_3$ so small? The reconstruction
# error is a mean over 64 x 64 x 3 numbers and ends at about 0.13; the KL divergence is a sum over 100 latents and ends
# at about 33. With $c_3 = 1$ it would rule. The cheapest posterior is then the prior, for every image: its KL is 0, and
# the latents say nothing about a face. That is **posterior collapse**, and leaves nothing to resample by. With $c_3$
# ten times as large the KL fell to 7 and the error rose to 0.16; with a tenth the KL rose to 118 and the error fell to
# 0.12 (means of five seeds, `results/ablations/kl`).
#
# One encoder feeds both: a logit, trained with cross-entropy on all images, and the VAE, trained **on faces only**.
# What the latents learn must describe faces, so a non-face ($y = 0$) must give the VAE no gradient:
#
# $$ L = \frac1B \sum_{i=1}^{B} \left( \text{cross-entropy}_i + y_i \cdot \text{VAE loss}_i \right) $$
#
# There is a trap, and the original version of this lab fell into it. Labels often come as a column, (B, 1). Look at
# what happens to the mask then:

# %%
column, per_image = tf.constant([[1.0], [0.0]]), tf.constant([0.2, 0.9])
print(column * per_image)  # (2, 1) times (2,) is (2, 2)

# %% [markdown]
# No error: every mask meets every loss. The mean over it is (share of faces) x (mean VAE loss of *all* images), and
# the non-faces, whose loss is 0.9 here, train the VAE as much as the faces do. The check below asks for the gradient,
# because a loss alone looks plausible either way.


# %%
def debiasing_loss(labels, logits, vae):
    """The loss of a batch, a scalar.

    Args:
        labels: (B,) or (B, 1), 1 for faces.
        logits: (B,), the classifier's.
        vae: (B,), the VAE's loss of each image.
    """
    # TODO: the mean of the classification loss and of the VAE's loss of faces
    # NUDGE: First look at the shapes: which of the three may be a column?
    # IDEA: tf.reshape(labels, [-1]) is (B,) in both cases; tf.nn.sigmoid_cross_entropy_with_logits gives the
    # IDEA: classification loss of each image; a label of 0 takes the VAE's loss away.
    # CODE: labels = tf.reshape(labels, [-1])
    # CODE: classification = tf.nn.sigmoid_cross_entropy_with_logits(..., logits)
    # CODE: return tf.reduce_mean(classification + ...)
    # EXAMPLE: round(float(debiasing_loss(tf.constant([[1.0], [0.0]]), tf.zeros(2), tf.constant([0.2, 0.9]))), 3) ->
    # EXAMPLE: 0.793
    ### BEGIN SOLUTION
    labels = tf.reshape(labels, [-1])
    classification = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
    return tf.reduce_mean(classification + labels * vae)
    ### END SOLUTION


# %%
checks.debiasing_loss(debiasing_loss)

# %% [markdown]
# (Our own [`DBVAE`](../../debias/dbvae.py) takes the non-faces out *before* the decoder. For this decoder the loss is
# the same and the work is halved; with batch norm in the decoder, as in the paper, a mask on the loss would still let
# non-faces into its statistics.)
#
# ## 5. The resampling rule
#
# At the start of every epoch all training faces are encoded. For each latent $i$, the histogram $\hat Q_i$ over all
# faces says how common a value is; a face whose value is rare there should be drawn more often. $\alpha$ keeps empty
# bins from ruling: the larger, the closer to uniform.
#
# First, for every face and latent, $1 / (\hat Q_i(z_i) + \alpha)$. As in the original lab the histogram has 10 equal
# bins between the latent's extremes and is a *density*: it integrates to one.


# %%
def rarity(latents, alpha, bins):
    """1 / (Q_i(z_i) + alpha) for latents (N, k): (N, k) float64."""
    # TODO: 1 / (density + alpha) for each face and latent
    # NUDGE: Do it for one latent first: a histogram, then the bin of each face, then the density of that bin.
    # IDEA: np.histogram(values, bins, density=True) gives density and edges; np.searchsorted(edges[1:-1], values,
    # IDEA: side="right") gives bins from 0 to bins - 1.
    # CODE: rare = np.empty(latents.shape)
    # CODE: for i, values in enumerate(latents.T):
    # CODE:     density, edges = np.histogram(values, ..., density=True)
    # CODE:     places = np.searchsorted(edges[1:-1], values, side="right")
    # CODE:     rare[:, i] = 1 / (...)
    # EXAMPLE: rarity(np.array([[0.0], [0.0], [0.0], [1.0]]), 0.0, 2)[:, 0].round(2).tolist() -> [0.67, 0.67, 0.67,
    # EXAMPLE: 2.0]
    ### BEGIN SOLUTION
    rare = np.empty(latents.shape)
    for i, values in enumerate(latents.T.astype(np.float64)):
        density, edges = np.histogram(values, bins, density=True)
        rare[:, i] = 1 / (density[np.searchsorted(edges[1:-1], values, side="right")] + alpha)
    ### END SOLUTION
    return rare


# %%
checks.rarity(rarity)

# %% [markdown]
# Now $k$ numbers a face have to become one probability. The paper's Eq. 4 **multiplies** them:
#
# $$ W(z(x)) \propto \prod_i \frac{1}{\hat Q_i(z_i) + \alpha} $$
#
# The course's lab takes the **maximum** instead: each latent's column is divided by its sum, so that it is a
# distribution over the faces, then each face gets its largest one. Write both. A product of hundreds of
# factors can overflow, so add logarithms and take off the largest before `np.exp`.


# %%
def max_rule(rare):
    """Sampling probabilities (N,) of the faces: the maximum over latents, from rarities (N, k)."""
    # TODO: probabilities by the largest of each face
    # NUDGE: Three things in turn: columns that sum to one, the largest of each row, a sum of one.
    # IDEA: rare.sum(axis=0) is the sum of each column; .max(axis=1) the largest of each row.
    # CODE: largest = np.max(rare / rare.sum(axis=...), axis=...)
    # CODE: return largest / ...
    # EXAMPLE: max_rule(np.array([[1.0, 1.0], [3.0, 1.0]])).round(3).tolist() -> [0.4, 0.6]
    ### BEGIN SOLUTION
    largest = np.max(rare / rare.sum(axis=0), axis=1)
    return largest / largest.sum()
    ### END SOLUTION


# %%
checks.max_rule(max_rule)


# %%
def product_rule(rare):
    """Sampling probabilities (N,) of the faces: the product over latents (Eq. 4), from rarities (N, k)."""
    # TODO: probabilities by the product of each face
    # NUDGE: The logarithm of a product is a sum. What may be subtracted from all logarithms without changing the
    # NUDGE: result?
    # IDEA: np.log(rare).sum(axis=1), less its largest, through np.exp, divided by the sum.
    # CODE: log_weights = np.log(rare).sum(axis=...)
    # CODE: weights = np.exp(log_weights - ...)
    # CODE: return weights / ...
    # EXAMPLE: product_rule(np.array([[1.0, 1.0], [3.0, 1.0]])).round(3).tolist() -> [0.25, 0.75]
    ### BEGIN SOLUTION
    log_weights = np.log(rare).sum(axis=1)
    weights = np.exp(log_weights - log_weights.max())
    return weights / weights.sum()
    ### END SOLUTION


# %%
checks.product_rule(product_rule)

# %% [markdown]
# ## 6. The training step
#
# `model.batches(step)` draws a batch *inside* the compiled graph: half of it faces, by the sampler's probabilities,
# half non-faces. It inverts the cumulative distribution by binary search, O(log N) a face; the original lab draws
# with `np.random.choice(replace=False, p=...)`, O(N) a batch, outside the graph. The step number decides the draw:
# `model.optimizer.iterations` counts. `model.loss_terms(images, labels, training=True)` makes your forward pass and
# gives a dict of scalars, of which `"loss"`, your loss from above, is to go down. `training=True`, since this is a
# training step: batch norm then takes the moments of the batch.


# %%
def train_step(model):
    """One step of gradient descent on a batch of its own; returns the loss terms of that batch."""
    # TODO: draw a batch, compute the terms under a tape, take the step
    # NUDGE: As in lab 1a: tape, gradient, step. New is that the step draws its batch itself.
    # IDEA: model.batches(number of the step) gives images and labels; model.loss_terms(images, labels, training=True)
    # IDEA: a dict whose "loss" goes down.
    # CODE: images, labels = model.batches(model.optimizer.iterations)
    # CODE: with tf.GradientTape() as tape:
    # CODE:     terms = model.loss_terms(..., ..., training=True)
    # CODE: variables = model.trainable_variables
    # CODE: model.optimizer.apply(tape.gradient(terms["loss"], ...), ...)
    # EXAMPLE: it returns a dict with the key 'loss', a scalar below 2 from the start.
    ### BEGIN SOLUTION
    images, labels = model.batches(model.optimizer.iterations)
    with tf.GradientTape() as tape:
        terms = model.loss_terms(images, labels, training=True)
    variables = model.trainable_variables
    model.optimizer.apply(tape.gradient(terms["loss"], variables), variables)
    ### END SOLUTION
    return terms


# %%
checks.train_step(train_step)

# %% [markdown]
# ## 7. Plug in and train
#
# The model is [`debias.dbvae.DBVAE`](../../debias/dbvae.py); its forward pass in training, its loss, its step and the
# rule are replaced by yours. Keras compiles the step once.


# %%
class LabDBVAE(DBVAE):
    """The DB-VAE with your forward pass, your loss and your step."""

    terms = ("loss",)

    def loss_terms(self, images, labels, training):
        noise = keras.random.normal((tf.shape(images)[0], self.latent_dim), seed=self.noise)
        logits, mean, log_variance, rebuilt = forward(self, images, noise, training)
        reconstruction, kl = vae_loss(images, rebuilt, mean, log_variance)
        weights = self.objective  # c2 and c3 of Eq. 2; c1 is 1
        vae = weights.reconstruction_weight * reconstruction + weights.kl_weight * kl
        return {"loss": debiasing_loss(labels, logits, vae)}

    def train_step(self, data):
        terms = train_step(self)
        for metric in self.metrics:
            metric.update_state(terms[metric.name])
        return {metric.name: metric.result() for metric in self.metrics}


def lab_rule(rule, histograms):
    """Posterior means (N, k) -> probabilities (N,), by your functions."""
    combine = {"max": max_rule, "product": product_rule}[rule]
    return lambda latents: combine(rarity(latents, histograms.alpha, histograms.bins))


def train(title, rule, **changes):
    """Train a DB-VAE whose faces are drawn by `rule`; returns it and the last epoch's probabilities."""
    began, chosen = time.perf_counter(), dataclasses.replace(config, **changes)
    seed_everything(chosen.seed)
    sizes, shape = network(chosen), visible.train.image_shape
    model = LabDBVAE(encoder(sizes, shape), build_decoder(sizes, shape), sizes.loss, chosen.seed)
    batches = BalancedBatches(visible.train, chosen.batch_size, chosen.seed, chosen.flip)
    refresh = Resample(lab_rule(rule, chosen), batches)
    fit(model, batches, visible.validation, chosen, [refresh, epoch_line(chosen.epochs, batches)])
    seconds[title] = time.perf_counter() - began
    return model, batches.sampler.probabilities.numpy()


debiased, p_max = train("DB-VAE, max", "max")
scores["DB-VAE, max"] = predict(debiased, test)
Markdown(ev.recall_table({title: report(title) for title in scores}))

# %% [markdown]
# Keep what you have trained: `save` writes the network, its weights and the optimizer's state into one `.keras` file.
# It holds the name of your class but not its code, so whoever opens it has to say which class that is.

# %%
path = Path(tempfile.mkdtemp()) / "dbvae.keras"  # a temporary folder: take one of your own
debiased.save(path)
opened = keras.saving.load_model(path, custom_objects={"LabDBVAE": LabDBVAE})
some = test.images(slice(100)).astype(np.float32) / 255
apart = np.abs(opened(some) - debiased(some)).max()
print(f"{path.stat().st_size / 1e6:.1f} MB; the logits of saved and opened model differ by {apart:.1g} at most")

# %% [markdown]
# ### What it has learned, and whom it prefers
#
# After so short a training the autoencoder sees light, pose and tone, not yet a face. Four times as many steps, three
# minutes of one core, make faces of it. They stay soft, after seven times as many too: what the latents do not tell,
# such as hair, is averaged. Whose faces come last? (The rest of this lab stays with the short training, in which
# resampling acts more.)

# %%
longer = debiased
if not SMOKE:
    longer, _ = train("DB-VAE, max, longer", "max", steps_per_epoch=4 * config.steps_per_epoch)
originals = some_of_each_group(test.positives(), 12)
rebuilt = {
    title: as_uint8(model.reconstruct(originals.astype(np.float32) / 255))
    for title, model in {"reconstructed": debiased, "after four times as many steps": longer}.items()
}
show(plots.reconstructions(originals, rebuilt), "reconstructions")

# %% [markdown]
# What does a latent hold? Here are the four that change the image most. In a running notebook the slider moves them.
# Nothing says what they show: you have to look.

# %%
reach = np.linspace(-REACH, REACH, 13)  # standard deviations to either side of the mean
population = encode(longer, BalancedBatches(visible.train, 2).positives)
strongest = np.argsort(influence(longer, population))[::-1][:4]
tiles = traversal(longer, population, strongest, len(reach))  # (4, 13, H, W, C)


def moved(*places):
    """Decoded faces: each row has one latent moved to these places, in standard deviations."""
    title, columns = "the four strongest latents, all others at their mean", np.searchsorted(reach, places)
    return plots.traversals({title: tiles[:, columns]}, {title: [f"z{latent}" for latent in strongest]}, places)


display(show(moved(*reach[::2]), "traversals"))
sliders.picture(moved, standard_deviations=reach)

# %% [markdown]
# The least and the most likely faces of the last epoch. What do the likely ones have in common? The **effective sample
# size**, ESS $= 1 / \sum p^2$, says from how many faces an epoch really draws.

# %%
show(ev.sampling_figure({"max": p_max}, faces), "sampling")

# %% [markdown]
# And who receives more? Now the groups come in, to judge, not to train. How much of the sampling, in %, goes to darker
# faces, compared with their share of the faces? It is not that the latents do not know: a linear model that sees all
# 100 latents tells darker faces from lighter ones with an AUC of 0.92 (`results/figures/latents.md`). That is, of a
# darker and a lighter face it says rightly in 92 of 100 cases which is the darker.

# %%
share = np.full(len(faces), 1 / len(faces))
mass = {title: mass_by_group(p, faces.groups, faces.group_names) for title, p in {"share": share, "max": p_max}.items()}
pd.DataFrame(mass).round(2)

# %% [markdown]
# ## 8. Eq. 4 as printed collapses
#
# Before training with the product, apply it to the latents that you have. With 1, 2, 5, ... of them, from how many
# faces would an epoch draw?

# %%
latents = encode(debiased, BalancedBatches(visible.train, 2).positives)
rare = rarity(latents, config.alpha, config.bins)
ks = [k for k in (1, 2, 5, 10, 20, 50, 100) if k <= rare.shape[1]]
ess = {rule.__name__: [effective_sample_size(rule(rare[:, :k])) for k in ks] for rule in (max_rule, product_rule)}
pd.DataFrame(ess, index=pd.Index(ks, name="latents")).round(0)

# %% [markdown]
# A hundred factors, each of which is a few times larger for a rare value: their product differs between faces by many
# orders of magnitude, and one face takes it all. Logarithms guard against overflow, not against this. Train with it and
# see:

# %%
collapsed, p_product = train("DB-VAE, product", "product")
scores["DB-VAE, product"] = predict(collapsed, test)
reports = {title: report(title) for title in scores}
Markdown(ev.recall_table(reports))

# %%
show(ev.recall_figure(reports), "recall")

# %%
show(ev.sampling_figure({"max": p_max, "product": p_product}, faces), "sampling")

# %% [markdown]
# ## 9. A shifted threshold is not debiasing
#
# Any detector finds more faces when it says "face" more often. Here is the CNN, as trained, at other thresholds:

# %%
Markdown(ev.recall_table({f"CNN at {t:g}": report("CNN", t) for t in (0.9, 0.5, 0.1, 0.02)}))

# %% [markdown]
# Recall rises, the groups come closer, and nothing was learned: look at the FPR. So a fair comparison fixes it. The
# threshold at which 1 % of the *validation* negatives (non-faces) pass is each model's own; the test split never
# chooses one:

# %%
models = {"CNN": cnn, "DB-VAE, max": debiased, "DB-VAE, product": collapsed}
negatives = {title: predict(model, splits.validation.negatives()) for title, model in models.items()}
fixed = {title: report(title, threshold_at_fpr(negatives[title], FPR)) for title in models}
Markdown(ev.recall_table(fixed))

# %% [markdown]
# On the test negatives, other images, the rate that comes out is not 1 % and not the same for all. So plot recall over
# the rate that was *measured*, for several thresholds. A threshold moves a model *along* its curve; a better model is
# *another* curve. (With one seed there are no bands.)

# %%
rates = [
    {"setting": title, "seed": config.seed, "target": rate, "fpr": at.fpr, "gap": at.gap, "mean_recall": at.mean_recall}
    for title in ("CNN", "DB-VAE, max")
    for rate in RATES
    if rate / 100 * len(negatives[title]) >= 1
    for at in [report(title, threshold_at_fpr(negatives[title], rate / 100))]
]
show(plots.thresholds(pd.DataFrame(rates)), "thresholds")

# %% [markdown]
# ## 10. One seed proves nothing
#
# You have trained each model once. `./run_experiments.sh rule` trained the same settings with ten seeds, each with
# its own draw of the darker faces; the rows are in the repository. One dot is one seed:

# %%
rows = pd.read_csv(ROOT / "results" / "ablations" / "rule" / "runs.csv")
settings = {"cnn": "CNN", "max-a0.01": "DB-VAE, max", "product-a0.01": "DB-VAE, product", "oracle": "oracle"}
rows = rows[rows["setting"].isin(settings)].assign(model=rows["setting"].map(settings))
measures = {"mean_recall": "E[A] in %", "var_recall": "Var[A] in %²", "var_recall_fpr1": "Var[A] at 1 % FPR"}
show(plots.setting_points(rows, "model", measures), "ten_seeds")

# %% [markdown]
# You trained seed 0. Here is what the same seed, data and settings gave when the rows were made. The CNN does not even
# draw noise: all that differs is the order of sums, as with another number of threads. How far apart is yours?

# %%
rows[rows["seed"] == config.seed].set_index("model")[list(measures)].rename(columns=measures).round(1)

# %% [markdown]
# The oracle draws each group equally often, for which it needs the labels that the DB-VAE does without. Seeds differ as
# much as methods, hence *paired* differences, each seed with itself, and a 95 % interval of their mean (Student's t):

# %%
pair = [rows[rows["setting"] == name] for name in ("max-a0.01", "cnn")]
shown = {**measures, "mean_recall_fpr1": "E[A] at 1 % FPR"}
pd.Series({title: interval(difference(*pair, name)) for name, title in shown.items()}, name="max minus CNN").to_frame()

# %% tags=["kept"]
sampled = {"CNN": share, "DB-VAE, max": p_max, "DB-VAE, product": p_product}
summary = {
    title: {
        "own_threshold": ev.as_dict(reports[title]),
        "fpr_1_percent": ev.as_dict(fixed[title]),
        "ess": effective_sample_size(p),
        "mass": mass_by_group(p, faces.groups, faces.group_names),
        "seconds": seconds[title],
    }
    for title, p in sampled.items()
}
if RESULTS:  # what the repository keeps of this run
    run = {"data": splits.name, "data_digest": splits.training_digest(), "config": config.settings()}
    write_text(folder / "summary.json", json.dumps({"models": summary, **run, **provenance()}, indent=1) + "\n")
    write_text(folder / "table.md", ev.table(reports, fixed, summary, config.seed))

# %% [markdown]
# ## 11. What have you found?
#
# Answer for yourself, then by letter: `answers` is a dict from the number of a question (an int) to a letter (a str,
# "a", "b" or "c"). There is one best answer each.
#
# 1. Labels come as (B, 1), the VAE's losses as (B,). `tf.reduce_mean(labels * losses)` ...
#    **a** raises an error. **b** gives the loss of the faces. **c** trains the VAE on non-faces too, silently.
# 2. The product over 100 latents draws from one face. What helps?
#    **a** Float64. **b** Logarithms. **c** Fewer latents, or the maximum.
# 3. A vendor shows that all groups gained recall after 'debiasing'. You ask first for ...
#    **a** the false-positive rate before and after. **b** the network's size. **c** the mean over groups.
# 4. Your DB-VAE has a lower Var[A] than your CNN, with one seed each. That ...
#    **a** proves it. **b** says little; paired seeds with an interval do. **c** shows that it is the seed.
# 5. Why does little of the sampling go to darker faces, though the latents do encode skin tone?
#    **a** The labels are missing. **b** Other rare things (light, pose) count as much. **c** Alpha is too small.

# %%
# TODO: the dict `answers`: an int, the question's number, to a str, its letter
# NUDGE: Each question was answered by something that you saw: go back to the section.
# IDEA: 1: section 4. 2: section 8. 3: section 9. 4: section 10. 5: section 7.
# CODE: answers = {1: "...", 2: "...", 3: "...", 4: "...", 5: "..."}
# EXAMPLE: for two questions it would be {1: "a", 2: "b"}.
### BEGIN SOLUTION
answers = {1: "c", 2: "c", 3: "a", 4: "b", 5: "b"}
### END SOLUTION

# %%
checks.quiz(answers)

# %% [markdown]
# **Think.** Questions without a letter:
#
# * The faces are rendered. Which conclusions carry over to photographs of people, and which do not?
# * Equal recall is one notion of fairness. What would you need to know to say that it is the right one here?
# * Whoever chooses *which* latents count as bias makes a decision. Who should?
# * Where would you *not* debias like this? Should whoever sells a detector have to show its rates by group, and to
#   whom?
#
# ## 12. What to hand in
#
# 1. This notebook, run from top to bottom, with every check saying "right".
# 2. The worst group's recall of CNN and DB-VAE at 1 % false positives, each with its interval.
# 3. Half a page: what the method does, what it does not do, and one of the questions above.
# 4. If your own idea raises the worst group: a line in the [leaderboard](../debiasing/leaderboard.md).
#
# ## 13. Extend it
#
# Each template runs as it is, in minutes; replace its middle by your idea. In a terminal, in the repository:
#
# **A method** (a CNN with label smoothing), compared with others over three seeds:
#
#     cp experiments/templates/method.py baselines/smoothed.py
#     # baselines/__init__.py, in METHODS:  ("smoothed", Method("Label smoothing", "baselines.smoothed")),
#     ./run_experiments.sh quick --reuse
#
# **A data set** (discs, dark ones rare, against squares); your own arrays or a folder of images work the same way:
#
#     cp experiments/templates/dataset.py shapes.py
#     .venv/bin/python -m shapes && ./run_experiments.sh quick --data shapes.h5
#
# **Photographs**: the faces of the course's lab, in its own file:
#
#     ./run_experiments.sh --data path/to/train_face.h5
#
# **An ablation** (the learning rate; any field of `Config` will do):
#
#     cp experiments/templates/ablation.py experiments/ablations/learning_rate.py
#     ./run_experiments.sh learning_rate
#
# **An encoder** (four residual blocks), for the CNN, the VAE and the DB-VAE:
#
#     cp experiments/templates/encoder.py debias/trunks/residual.py
#     # debias/presets.py, in PRESETS:  "residual": dataclasses.replace(LAB, trunk="debias.trunks.residual"),
#     ./run_experiments.sh encoder
#
# Ideas: a rule between the product and the maximum (a power of the product whose ESS is a tenth of the faces, the five
# rarest latents); a density that sees latents together; rarity of the *misclassified* faces.
