"""Every difference between these experiments and the paper or the course's lab, each with its measured effect.

What the paper or the lab does is taken from their texts; what an ablation measures is computed from its rows.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from debias.metrics import paired_bootstrap
from experiments.common import CNN, K_WORKS, debiased, vae
from experiments.tables import interval, markdown, title

INTRODUCTION = """# Deviations

Every difference between these experiments and the paper (Amini, Soleimany et al., AIES 2019) or the course's lab (MIT
6.S191, debiasing in TensorFlow, as of 2024), by number, with its measured effect where an ablation has one. Where the
paper or the lab is not mentioned, we do as it does."""
MEASURED = """## Measured effects

Mean difference over common seeds, with its 95 % paired bootstrap interval and a star where that excludes zero. E[A] in
percentage points, Var[A] in %², both at 1 % false positives."""

UNSTATED = "Not stated."
MEASURES = {"E[A]": "mean_recall", "Var[A]": "var_recall"}
HEADER = ("deviation", *MEASURES, "seeds", "setting", "minus")
FIXED_RATE, OWN = "_fpr1", ""  # the threshold at which a measure is taken, as its column's suffix


@dataclass(frozen=True)
class Effect:
    """Two settings of an experiment whose difference, setting minus baseline, measures a deviation.

    Attributes:
        threshold: of the setting; the baseline's is always at 1 % false positives.
    """

    experiment: str
    setting: str
    baseline: str
    threshold: str = FIXED_RATE


@dataclass(frozen=True)
class Deviation:
    """One difference.

    Attributes:
        what: what differs, in a few words.
        ours: what we do.
        why: the reason.
        paper: what the paper does; empty where we do the same.
        lab: what the lab does; empty where we do the same.
        effects: what measures it.
    """

    what: str
    ours: str
    why: str
    paper: str = ""
    lab: str = ""
    effects: tuple[Effect, ...] = ()


USUAL = debiased("max").name  # what most ablations change
WORKS = debiased("product", K_WORKS).name


def _usual(experiment: str, setting: str, baseline: str = USUAL) -> Effect:
    return Effect(experiment, setting, baseline)


def _own_threshold(setting: str) -> Effect:
    return Effect("threshold", setting, setting, OWN)


DEVIATIONS: Mapping[str, tuple[Deviation, ...]] = {
    "Data": (
        Deviation(
            what="Pictures",
            paper="Faces of CelebA, cut square at the annotated box, and pictures of ImageNet without people.",
            lab="A file with parts of both, 64 x 64 pixels.",
            ours="Faces rendered from CC0 meshes with known gender, skin tone and every other factor. The negatives "
            "are rendered body parts, shapes in the colours of skin, photographs and textures.",
            why="Benchmarks with known skin tone can only be had by a signed form. Rendered faces have exact groups "
            "and need no download. `--data` takes the lab's file as it is.",
        ),
        Deviation(
            what="Number of training images",
            paper="4e5, 80 % of them for training.",
            lab="109,914.",
            ours="10,160 faces and 12,000 negatives.",
            why="A run takes less than a minute on one core, so that every setting can have many seeds.",
            effects=(_usual("size", "cnn-size12.5", CNN.name), _usual("size", "max-size12.5")),
        ),
        Deviation(
            what="How rare darker faces are",
            paper="Unknown: CelebA is not labelled by skin tone.",
            lab="Unknown, as in the paper.",
            ours="1.6 % of the training faces: 88 darker men and 72 darker women, beside 10,000 lighter faces.",
            why="The CNN then has about the E[A] and Var[A] of the paper's 'no debiasing': see results/calibration.",
            effects=(
                _usual("darker", "cnn-darker1600", CNN.name),
                _usual("darker", "max-darker1600"),
                Effect("lighter", "cnn-lighter50", "cnn-lighter98.4"),
            ),
        ),
        Deviation(
            what="Which darker faces",
            paper="One training set for all retrainings.",
            lab="One training set.",
            ours="Every seed draws its 160 darker training faces out of 1,600.",
            why="Two benchmarks that differ only in their people differ in Var[A] about as much as seeds of "
            "training do: see results/calibration.",
        ),
        Deviation(
            what="Lighter and darker",
            paper="Fitzpatrick types that a dermatologist gave to the portraits of the test set.",
            ours="Fitzpatrick types I to III and IV to VI, rendered from each type's range of individual typology "
            "angles. 5 % of the darker faces are of type IV, 25 % of type V and 70 % of type VI.",
            why="The colour of rendered skin is set, not judged. Mostly dark types make the benchmark as hard as "
            "the paper's.",
        ),
        Deviation(
            what="Order of the colours",
            lab="The model trains on RGB, but the histograms are made of images in BGR.",
            ours="RGB in both.",
            why="A mistake of the lab: the encoder has never seen such faces.",
        ),
        Deviation(
            what="Mirrored images",
            paper=UNSTATED,
            lab="None.",
            ours="Half of each batch is mirrored, for every method.",
            why="Few darker faces are seen in twice as many ways.",
        ),
    ),
    "Networks": (
        Deviation(
            what="Filters",
            paper=UNSTATED,
            ours="12, 24, 48 and 72, the lab's.",
            why="They are the only ones published by the authors.",
        ),
        Deviation(
            what="Kernels and fully connected layers",
            paper="5 x 5 pixels in all layers; 1000 units; two fully connected layers in the decoder.",
            ours="The lab's: 5, 5, 3 and 3 pixels; 512 units; one fully connected layer in the decoder.",
            why="The lab's network is published whole. `preset='paper'` has the paper's.",
        ),
        Deviation(
            what="Where batch norm stands",
            paper="In all layers.",
            ours="The lab's: after the encoder's convolutions only.",
            why="As above; `preset='paper'` has it in all layers but the last.",
        ),
        Deviation(
            what="Batch norm while training",
            lab="Inference mode: models are called without `training=True`, so mean 0 and variance 1 stay for ever "
            "and the layer only scales and shifts.",
            ours="Statistics of the batch while training, their running averages later.",
            why="A mistake of the lab.",
        ),
        Deviation(
            what="Momentum of batch norm",
            paper=UNSTATED,
            lab="Keras' 0.99, without effect because of its mode.",
            ours="0.9.",
            why="At 0.99 the averages lag behind the weights after so few steps; in trials, of which no row is "
            "kept, recall at a threshold of 0.5 then swung by tens of points between seeds.",
        ),
        Deviation(
            what="Output of the decoder",
            paper=UNSTATED,
            lab="A ReLU.",
            ours="No activation.",
            why="Where the ReLU gives 0, it passes no gradient.",
        ),
        Deviation(
            what="Number of latents, k",
            paper=UNSTATED,
            lab="100.",
            ours=f"100, and {K_WORKS}: the most at which Eq. 4 still draws from 1 % of the faces at every alpha.",
            why="With 100 latents the product falls on a few faces. The smaller k is chosen by the effective sample "
            "size in training, never by a test.",
            effects=(Effect("k", debiased("product").name, WORKS), Effect("k", USUAL, debiased("max", K_WORKS).name)),
        ),
    ),
    "Loss": (
        Deviation(
            what="Weights c1 to c3 of Eq. 2",
            paper=UNSTATED,
            ours="1, 1 and 0.0005, the lab's.",
            why="They are the only ones published by the authors.",
            effects=(_usual("kl", "max-kl5e-05"), _usual("kl", "max-kl0.005")),
        ),
        Deviation(
            what="Reconstruction error",
            paper="L2 norm.",
            ours="The lab's: absolute error, averaged over pixels and channels.",
            why="The lab's weights belong to it.",
            effects=(
                _usual("reconstruction", "max-l2"),
                _usual("reconstruction", f"product-k{K_WORKS}-l2", WORKS),
            ),
        ),
        Deviation(
            what="Divergence from the prior",
            paper="1/2 sum(sigma + mu^2 - 1 - log sigma).",
            ours="The KL divergence of two normal distributions, which is that formula if sigma stands for the "
            "variance.",
            why="The lab reads it the same way.",
        ),
        Deviation(
            what="Who trains the autoencoder",
            lab="Every image. A mask (B, 1) times losses (B,) gives a table (B, B), so its mean gives faces and "
            "non-faces the same share of the autoencoder's loss.",
            ours="Faces only, as in the paper; non-faces are taken out before the decoder.",
            why="A mistake of the lab. A mask alone would leave non-faces in the decoder's batch statistics.",
        ),
    ),
    "Resampling": (
        Deviation(
            what="Rule",
            paper="Product over the latents of 1 / (Q + alpha), Eq. 4.",
            lab="Maximum over the latents of the same, each normalised over the faces.",
            ours="Both, the product in log space.",
            why="Over 100 latents the product as printed leaves all of the mass on a face or two, see ESS in table 1.",
            effects=(Effect("rule", debiased("product").name, USUAL), Effect("rule", USUAL, vae().name)),
        ),
        Deviation(
            what="alpha",
            paper="0.1, 0.05, 0.01 and 0.001.",
            lab="0.001.",
            ours="The paper's in table 1; 0.01 where another setting varies.",
            why="One has to be held.",
            effects=(
                _usual("alpha", debiased("max", alpha=0.001).name),
                _usual("alpha", debiased("product", K_WORKS, 0.001).name, WORKS),
            ),
        ),
        Deviation(
            what="What the histograms are made of",
            paper="A sample of the posterior, z ~ q(z|x).",
            ours="The posterior's mean, as in the lab.",
            why="A sample blurs the histograms with the posterior's noise.",
            effects=(_usual("latents", "max-sample"), _usual("latents", f"product-k{K_WORKS}-sample", WORKS)),
        ),
        Deviation(
            what="Density or mass",
            paper=UNSTATED,
            ours="Density, as in the lab.",
            why="It is the authors' only published code. A density depends on the scale of its latent, and so does "
            "what an alpha means.",
            effects=(_usual("histogram", "max-mass"), _usual("histogram", f"product-k{K_WORKS}-mass", WORKS)),
        ),
        Deviation(
            what="Bins",
            paper=UNSTATED,
            ours="10 equal ones between the extremes of each latent over all training faces, as in the lab.",
            why="As above.",
            effects=(_usual("bins", "max-b5"), _usual("bins", "max-b30")),
        ),
        Deviation(
            what="Replacement",
            paper=UNSTATED,
            lab="No face twice in one batch.",
            ours="Faces are drawn with replacement.",
            why="Without it no face can have more than one place in a batch, whatever its probability, which hides "
            "how few faces the product leaves.",
        ),
        Deviation(
            what="Negatives in a batch",
            paper=UNSTATED,
            ours="Half of it, drawn uniformly, as in the lab.",
            why="A threshold of 0.5 belongs to equal halves.",
        ),
        Deviation(
            what="Refresh of the probabilities",
            paper="At the start of each of 50 epochs.",
            lab="At the start of each of 1 to 6 epochs; with one, an untrained encoder decides alone.",
            ours="Four times in little more than one pass over the faces.",
            why="The first refresh always sees an untrained encoder; in a pass cut in four, three quarters of the "
            "draws do not.",
            effects=(_usual("refresh", "max-refresh4"), _usual("refresh", f"product-k{K_WORKS}-refresh4", WORKS)),
        ),
    ),
    "Training": (
        Deviation(
            what="Length",
            paper="50 epochs.",
            lab="2 epochs of the CNN and 1 to 6 of the DB-VAE, by year.",
            ours="192 steps, 1.2 passes over the faces, for every method.",
            why="Resampling acts less the better a model fits its training set (Byrd and Lipton 2019). Methods that "
            "train for different times cannot be compared.",
            effects=(_usual("epochs", "cnn-epochs16", CNN.name), _usual("epochs", "max-epochs16")),
        ),
        Deviation(
            what="Batch size",
            paper=UNSTATED,
            lab="32.",
            ours="128.",
            why="Larger batches train faster and have steadier statistics.",
        ),
        Deviation(
            what="Optimiser",
            paper=UNSTATED,
            lab="Adam at a constant rate of 0.0005.",
            ours="Adam at a rate that falls from 0.001 to zero along a cosine.",
            why="In trials, of which no row is kept, single seeds swung by ten points without annealing.",
        ),
        Deviation(
            what="What 'no debiasing' is",
            paper="The CNN, trained with cross-entropy alone.",
            ours="The CNN and, beside it, the DB-VAE with uniform sampling.",
            why="Only the second tells resampling from what the autoencoder does to the shared encoder.",
            effects=(Effect("rule", vae().name, CNN.name),),
        ),
        Deviation(
            what="Retrainings",
            paper="5, with the standard error of the mean.",
            lab="1.",
            ours="10 in table 1, 5 or more in the ablations, the same seeds for every setting; standard errors, and "
            "95 % bootstrap intervals of paired differences.",
            why="Seeds differ as much as methods do; pairing takes out what they have in common.",
        ),
        Deviation(
            what="Arithmetic",
            paper=UNSTATED,
            lab="Whatever the machine gives.",
            ours="One thread a run, and kernels that repeat bit for bit.",
            why="Same settings, same row, however many runs share the machine.",
        ),
    ),
    "Evaluation": (
        Deviation(
            what="Test set",
            paper="Pilot Parliaments Benchmark: 318 darker men, 271 darker women, 386 lighter men and 295 lighter "
            "women.",
            lab="20 pictures, five of each group.",
            ours="500 rendered faces of each group; people and photographs are in no other split.",
            why="As for the pictures. One face of 500 is 0.2 % of recall, one of five is 20 %.",
        ),
        Deviation(
            what="Negatives in the test",
            paper="None: accuracy is recall.",
            lab="None.",
            ours="2,000, for false positives and precision.",
            why="Recall alone rewards a model that calls everything a face.",
        ),
        Deviation(
            what="Windows",
            paper="Windows of several sizes slide over a portrait, which counts as detected if one of them does.",
            ours="One picture, one decision, as in the lab.",
            why="The maximum over windows raises recall and false positives together, and the latter are not reported.",
        ),
        Deviation(
            what="What is averaged over faces",
            lab="The predicted probability.",
            ours="Whether it exceeds the threshold: recall.",
            why="A probability of 0.9 instead of 0.99 is no face missed.",
        ),
        Deviation(
            what="Threshold",
            paper="The model's own.",
            lab="None, see above.",
            ours="The model's own, 0.5, and beside it the one that 1 % of the validation negatives exceed.",
            why="Recall rises with the false-positive rate: methods compare fairly only at the same rate.",
            effects=(_own_threshold(CNN.name), _own_threshold(USUAL)),
        ),
        Deviation(
            what="Validation split",
            paper="A fifth of the data; its use is not stated.",
            lab="None.",
            ours="Faces with the imbalance of training, and 2,000 negatives that fix the threshold. Neither chooses "
            "a model: the last epoch's is reported.",
            why="A choice by a balanced or labelled set would leak the groups.",
        ),
        Deviation(
            what="Variance over groups",
            paper="The sample variance over four groups, by its numbers.",
            lab="None.",
            ours="The same, averaged over seeds. For four groups the population variance is exactly 3/4 of it: the "
            "column `var_recall_population`.",
            why="Both conventions are in use.",
        ),
    ),
}


@dataclass(frozen=True)
class Measurement:
    """An effect in numbers.

    Attributes:
        ours: title of the setting.
        theirs: title of what is subtracted from it.
        seeds: how many both have in common.
        differences: measure -> mean difference, with low and high of its 95 % bootstrap interval.
    """

    ours: str
    theirs: str
    seeds: int
    differences: Mapping[str, Mapping[str, float]]


def render(rows: Mapping[str, pd.DataFrame]) -> str:
    """Markdown: the measured effects in one table, then every deviation with its reason and its effects.

    Args:
        rows: experiment's name -> its committed rows.
    """
    parts, lines, numbers = [], [], itertools.count(1)
    for area, deviations in DEVIATIONS.items():
        parts.append(f"## {area}")
        for deviation in deviations:
            number, found = next(numbers), {effect: _measured(effect, rows) for effect in deviation.effects}
            lines += [_line(deviation, number, measured) for measured in found.values() if measured]
            parts.append(_entry(deviation, number, found))
    return "\n\n".join([INTRODUCTION, *_overview(lines), *parts]) + "\n"


def measure(effect: Effect, rows: pd.DataFrame) -> Measurement | None:
    """The effect in an experiment's rows, paired by seed; None where fewer than two seeds have both settings."""
    ours, theirs = (rows[rows["setting"] == name].set_index("seed") for name in (effect.setting, effect.baseline))
    seeds = ours.index.intersection(theirs.index)
    if len(seeds) < 2:
        return None
    differences = {
        name: _difference(ours.loc[seeds, column + effect.threshold], theirs.loc[seeds, column + FIXED_RATE])
        for name, column in MEASURES.items()
    }
    return Measurement(*_contrast(effect, title(ours), title(theirs)), len(seeds), differences)


def _measured(effect: Effect, rows: Mapping[str, pd.DataFrame]) -> Measurement | None:
    return measure(effect, rows[effect.experiment]) if effect.experiment in rows else None


def _difference(ours: pd.Series, theirs: pd.Series) -> dict[str, float]:
    return dict(zip(("mean", "low", "high"), paired_bootstrap(ours, theirs), strict=True))


def _contrast(effect: Effect, ours: str, theirs: str) -> tuple[str, str]:
    return (ours, theirs) if effect.threshold == FIXED_RATE else (f"{ours}, own threshold", f"{theirs}, 1 % FPR")


def _overview(lines: list[list[str]]) -> list[str]:
    return [MEASURED, markdown(HEADER, lines)] if lines else []


def _line(deviation: Deviation, number: int, measured: Measurement) -> list[str]:
    differences = [interval(difference) for difference in measured.differences.values()]
    return [f"{number}. {deviation.what}", *differences, str(measured.seeds), measured.ours, measured.theirs]


def _entry(deviation: Deviation, number: int, found: Mapping[Effect, Measurement | None]) -> str:
    said = {"Paper": deviation.paper, "Lab": deviation.lab, "Here": deviation.ours, "Why": deviation.why}
    lines = [f"- **{name}:** {text}" for name, text in said.items() if text]
    measured = dict.fromkeys(_sentence(effect, measurement) for effect, measurement in found.items())
    lines += [f"- **Measured:** {sentence}" for sentence in measured or ["no."]]
    return "\n".join([f"### {number}. {deviation.what}", "", *lines])


def _sentence(effect: Effect, measured: Measurement | None) -> str:
    if measured is None:
        return f"not yet, `./run_experiments.sh {effect.experiment}` does."
    differences = ", ".join(f"{name} {interval(difference)}" for name, difference in measured.differences.items())
    return f"{measured.ours}, minus {measured.theirs}: {differences}; {measured.seeds} seeds of `{effect.experiment}`."
