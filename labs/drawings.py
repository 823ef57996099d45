"""Drawings that the labs' text refers to: what a perceptron, a graph, an RNN, a CNN, a VAE and an RL loop look like.

Each is a function of no arguments, and an SVG in its lab's folder that `python -m labs build` makes from it. They have
a light ground of their own, so they can be read in a dark notebook, too.
"""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import matplotlib
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Polygon

from debias.plots.style import styled

_FOLDER = Path(__file__).resolve().parent
_INK, _GREY, _GROUND = "#222222", "#777777", "#ffffff"
_DATA, _WEIGHTS, _RESULT, _LOSS = "#f3e9dd", "#dde8f3", "#e0f0e0", "#f6dede"  # what a box holds


def show(name: str) -> HTML:
    """A drawing such as 'intro/perceptron' for a notebook, with its description for those who do not see it."""
    picture = base64.b64encode((_FOLDER / f"{name}.svg").read_bytes()).decode()
    return HTML(f'<img alt="{DESCRIPTIONS[name]}" src="data:image/svg+xml;base64,{picture}">')


def texts() -> dict[Path, str]:
    """Path -> content of all drawings; the same code and Matplotlib give the same bytes."""
    return {_FOLDER / f"{name}.svg": _svg(draw(), DESCRIPTIONS[name]) for name, draw in DRAWINGS.items()}


@styled
def perceptron() -> Figure:
    """Inputs, weights, sum, activation, output."""
    figure, axes = _canvas(6.6, 2.7)
    for row, (name, y) in enumerate({"$1$": 2.25, "$x_1$": 1.6, "$x_2$": 0.95, "$x_m$": 0.3}.items()):
        _circle(axes, (0.9, y), name, _DATA)
        _arrow(axes, (1.12, y), (2.72, 1.35 + 0.13 * (1.5 - row)), ("$b$", "$w_1$", "$w_2$", "$w_m$")[row])
    axes.text(0.9, 0.63, "⋮", ha="center", va="center", color=_INK)
    _circle(axes, (3.0, 1.35), "Σ", _WEIGHTS, 0.3)
    _box(axes, (4.3, 1.35), "σ", _WEIGHTS, 0.6, 0.6)
    _circle(axes, (5.5, 1.35), "$y$", _RESULT)
    _arrow(axes, (3.32, 1.35), (3.98, 1.35))
    _arrow(axes, (4.62, 1.35), (5.26, 1.35))
    for x, text in {0.9: "inputs", 2.0: "weights", 3.0: "sum", 4.3: "activation", 5.5: "output"}.items():
        axes.text(x, 2.58, text, ha="center", va="center", fontsize=9, color=_GREY)
    axes.text(4.25, 0.35, r"$y = \sigma\,(x_1 w_1 + \dots + x_m w_m + b)$", ha="center", va="center", color=_INK)
    return figure


@styled
def graph() -> Figure:
    """The flow from a and b to e of the lab's second section."""
    figure, axes = _canvas(5.0, 2.4)
    places = {"a": (0.6, 1.8), "b": (0.6, 0.6), "c": (2.3, 1.8), "d": (2.3, 0.6), "e": (4.2, 1.2)}
    sums = {"a": "$a$", "b": "$b$", "c": "$c = a + b$", "d": "$d = b + 1$", "e": r"$e = c \cdot d$"}
    for name, place in places.items():
        if name in "ab":
            _circle(axes, place, sums[name], _DATA, 0.26)
        else:
            _box(axes, place, sums[name], _RESULT if name == "e" else _WEIGHTS, 1.15, 0.5)
    for begin, end in (((0.88, 1.8), (1.7, 1.8)), ((0.82, 0.76), (1.7, 1.64)), ((0.88, 0.6), (1.7, 0.6))):
        _arrow(axes, begin, end)
    _arrow(axes, (2.9, 1.7), (3.6, 1.34))
    _arrow(axes, (2.9, 0.7), (3.6, 1.06))
    return figure


@styled
def rnn() -> Figure:
    """A recurrent network as a loop, and unrolled over four characters of a tune."""
    figure, axes = _canvas(7.2, 3.1)
    _column(axes, 0.75, ("$x_t$", "GRU", "$\\hat y_t$"))
    axes.annotate("", (1.06, 1.68), (1.06, 1.42), arrowprops=_ARROW | {"connectionstyle": "arc3,rad=2.2"})
    axes.text(1.52, 1.56, "$h_t$", ha="center", va="center", color=_INK)
    axes.text(1.97, 1.55, "=", ha="center", va="center", fontsize=16, color=_GREY)
    for step, (read, asked) in enumerate((("G", "A"), ("A", "B"), ("B", "c"), ("c", "|"))):
        x = 3.15 + 1.12 * step
        _column(axes, x, (f"'{read}'", "GRU", f"'{asked}'?"))
        _arrow(axes, (x - 0.74, 1.55), (x - 0.34, 1.55), f"$h_{step}$")
    _arrow(axes, (3.15 + 1.12 * 3 + 0.33, 1.55), (7.15, 1.55), "$h_4$")
    axes.text(4.83, 0.12, "the same weights at every step", ha="center", va="center", fontsize=9, color=_GREY)
    axes.text(4.83, 2.98, "asked for: the next character", ha="center", va="center", fontsize=9, color=_GREY)
    return figure


@styled
def writing() -> Figure:
    """The loop that writes: a character and the state go in, the next character is drawn and is read next."""
    figure, axes = _canvas(7.2, 2.9)
    y = 1.45
    _circle(axes, (0.6, y), "'A'", _DATA, 0.24)
    _box(axes, (1.95, y), "network", _WEIGHTS, 1.0, 0.7)
    _bars(axes, 3.15, y, {"A": 1.0, "B": 1.6, "c": 1.2, "|": 0.2})
    _box(axes, (4.75, y), "$\\div$ temperature\nsoftmax", _WEIGHTS, 1.3, 0.7)
    _circle(axes, (6.45, y), "'B'", _RESULT, 0.24)
    for begin, end in ((0.86, 1.43), (2.47, 2.83), (3.82, 4.08)):
        _arrow(axes, (begin, y), (end, y))
    _arrow(axes, (5.42, y), (6.19, y), "draw")
    axes.annotate("", (1.6, 1.82), (2.3, 1.82), arrowprops=_ARROW | {"connectionstyle": "arc3,rad=1.3"})
    axes.text(1.95, 2.5, "state $h_t$, handed on to the next step", ha="center", va="center", fontsize=9, color=_INK)
    axes.plot((6.45, 6.45, 0.6), (1.19, 0.5, 0.5), color=_GREY, lw=1)
    _arrow(axes, (0.6, 0.5), (0.6, 1.2))
    axes.text(3.6, 0.65, "what was drawn is read next", ha="center", va="center", fontsize=9, color=_INK)
    axes.text(3.6, 0.2, "until the mark is drawn: the tune is over", ha="center", va="center", fontsize=9, color=_GREY)
    return figure


@styled
def cnn() -> Figure:
    """The sizes of a digit on its way through the convolutional network."""
    figure, axes = _canvas(7.2, 2.6)
    maps = [("28 x 28 x 1", 0.65, 1.04, 1), ("26 x 26 x 24", 1.95, 0.96, 4), ("13 x 13 x 24", 3.15, 0.7, 4)]
    maps += [("11 x 11 x 36", 4.15, 0.6, 5), ("5 x 5 x 36", 5.1, 0.35, 5)]
    for size, x, side, sheets in maps:
        for sheet in reversed(range(sheets)):
            place = (x - side / 2 + 0.05 * sheet, 1.35 - side / 2 + 0.05 * sheet)
            axes.add_patch(_patch(*place, side, side, _WEIGHTS if sheets > 1 else _DATA, 0.01))
        axes.text(x, 0.42, size, ha="center", va="center", fontsize=8, color=_INK)
    _box(axes, (6.0, 1.35), "", _WEIGHTS, 0.16, 1.4)
    _box(axes, (6.75, 1.35), "", _RESULT, 0.16, 0.8)
    axes.text(6.0, 0.42, "128", ha="center", va="center", fontsize=8, color=_INK)
    axes.text(6.75, 0.42, "10 logits", ha="center", va="center", fontsize=8, color=_INK)
    steps = {1.2: "conv 3 x 3\nReLU", 2.6: "pool\n2 x 2", 3.68: "conv 3 x 3\nReLU", 4.68: "pool\n2 x 2"}
    steps |= {5.55: "flatten\ndense\nReLU", 6.38: "dense"}
    for x, text in steps.items():
        axes.text(x, 2.35, text, ha="center", va="center", fontsize=8, color=_GREY)
    corner = (0.8, 1.5)  # a window of 3 x 3 pixels becomes one number
    axes.add_patch(_patch(*corner, 0.18, 0.18, _LOSS, 0.01))
    for y in (1.5, 1.68):
        axes.plot((0.98, 1.85), (y, 1.59), color=_GREY, lw=0.7)
    for begin, end in ((2.6, 2.78), (3.67, 3.83), (4.68, 4.9), (5.5, 5.9), (6.1, 6.65)):
        _arrow(axes, (begin, 1.35), (end, 1.35))
    axes.text(3.6, 0.12, "height x width x channels", ha="center", va="center", fontsize=8, color=_GREY)
    return figure


@styled
def vae() -> Figure:
    """Encoder, latents drawn by the reparameterisation, decoder, and the two losses."""
    figure, axes = _canvas(7.2, 2.7)
    _autoencoder(axes, 1.35)
    _box(axes, (3.05, 0.35), "KL from N(0, I)", _LOSS, 1.35, 0.42)
    _arrow(axes, (3.05, 0.86), (3.05, 0.6))
    _box(axes, (3.6, 2.4), "reconstruction error", _LOSS, 1.8, 0.42)
    for image, side in ((0.45, 2.68), (6.75, 4.52)):
        _arrow(axes, (image, 1.67), (side, 2.4), bend="angle,angleA=90,angleB=0")
    return figure


@styled
def dbvae() -> Figure:
    """The VAE with a logit beside its latents, and the resampling that feeds back from the latents of all faces."""
    figure, axes = _canvas(7.2, 3.3)
    _autoencoder(axes, 1.75)
    _circle(axes, (3.05, 2.85), "$y$", _RESULT, 0.24)
    _arrow(axes, (2.12, 2.05), (2.85, 2.72))
    axes.text(3.4, 2.98, "face or not: cross-entropy, on all images", va="center", fontsize=9, color=_INK)
    axes.text(3.4, 2.74, "the VAE's loss: on faces alone", va="center", fontsize=9, color=_GREY)
    _box(axes, (3.05, 0.55), "histogram of each latent\nover all faces", _DATA, 1.9, 0.56)
    _arrow(axes, (3.05, 1.26), (3.05, 0.86))
    _box(axes, (0.95, 0.55), "rare faces are\ndrawn more often", _LOSS, 1.4, 0.56)
    _arrow(axes, (2.08, 0.55), (1.68, 0.55))
    _arrow(axes, (0.45, 0.85), (0.45, 1.42))
    axes.text(5.5, 0.55, "at the start of each epoch,\nwithout any label of a group", ha="center", va="center")
    axes.texts[-1].set(fontsize=9, color=_GREY)
    return figure


@styled
def loop() -> Figure:
    """Agent and environment, and what goes from one to the other."""
    figure, axes = _canvas(5.4, 2.5)
    _box(axes, (1.0, 1.25), "agent\n\npolicy $\\pi(a|s)$", _WEIGHTS, 1.4, 1.0)
    _box(axes, (4.4, 1.25), "environment", _DATA, 1.4, 1.0)
    _arrow(axes, (1.0, 1.78), (4.4, 1.78), "", "arc3,rad=-0.25")
    _arrow(axes, (4.4, 0.72), (1.0, 0.72), "", "arc3,rad=-0.25")
    axes.text(2.7, 2.36, "action $a_t$", ha="center", va="center", color=_INK)
    axes.text(2.7, 0.13, "reward $r_t$, next observation $s_{t+1}$", ha="center", va="center", color=_INK)
    axes.text(2.7, 1.25, "until the\nepisode ends", ha="center", va="center", fontsize=9, color=_GREY)
    return figure


DRAWINGS: dict[str, Callable[[], Figure]] = {
    "intro/perceptron": perceptron,
    "intro/graph": graph,
    "music/rnn": rnn,
    "music/writing": writing,
    "mnist/cnn": cnn,
    "debiasing/vae": vae,
    "debiasing/dbvae": dbvae,
    "rl/loop": loop,
}
DESCRIPTIONS = {
    "intro/perceptron": "A perceptron: each input times its weight and the bias go into one sum, which goes through an "
    "activation to the output.",
    "intro/graph": "A graph: a and b flow into c = a + b, b alone into d = b + 1, and c and d into e = c times d.",
    "music/rnn": "A GRU with a loop to itself equals a row of GRUs, one for each character: each reads a character "
    "and the state of the one before it, and is asked for the next character.",
    "music/writing": "A character and the state go into the network. It gives logits, which are divided by the "
    "temperature; the next character is drawn and is read next, together with the new state.",
    "mnist/cnn": "The image of 28 x 28 pixels becomes 24 maps of 26 x 26 by a convolution, 13 x 13 by a pool, 36 maps "
    "of 11 x 11, then 5 x 5, then 128 numbers and 10 logits.",
    "debiasing/vae": "The encoder makes mean and log-variance of an image, a draw z from them goes through the "
    "decoder. The losses are the divergence from N(0, I) and the difference of both images.",
    "debiasing/dbvae": "A VAE whose encoder also gives a logit, face or not. Histograms of the latents of all faces "
    "say which faces are rare, and these are drawn more often.",
    "rl/loop": "The agent sends an action to the environment, which answers with a reward and the next observation, "
    "until the episode ends.",
}
_ARROW = {"arrowstyle": "-|>", "color": _GREY, "shrinkA": 0, "shrinkB": 0}


def _svg(figure: Figure, description: str) -> str:
    text = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "labs"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Title": description})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty figure whose coordinates are inches."""
    figure = Figure(figsize=(width, height), facecolor=_GROUND)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    return figure, axes


def _patch(x, y, width, height, colour, rounding=0.06):
    style = f"round,pad=0,rounding_size={rounding}"
    return FancyBboxPatch((x, y), width, height, boxstyle=style, fc=colour, ec=_INK, lw=0.8)


def _box(axes, place, text, colour, width, height) -> None:
    axes.add_patch(_patch(place[0] - width / 2, place[1] - height / 2, width, height, colour))
    axes.text(*place, text, ha="center", va="center", fontsize=10, color=_INK)


def _circle(axes, place, text, colour, radius=0.22) -> None:
    axes.add_patch(Circle(place, radius, fc=colour, ec=_INK, lw=0.8))
    axes.text(*place, text, ha="center", va="center", fontsize=11, color=_INK)


def _arrow(axes, begin, end, text="", bend="arc3,rad=0") -> None:
    axes.annotate("", end, begin, arrowprops=_ARROW | {"connectionstyle": bend})
    if text:
        middle = ((begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2 + 0.14)
        axes.text(*middle, text, ha="center", va="center", fontsize=9, color=_INK)


def _column(axes, x, texts) -> None:
    """One step of a recurrent network: what it reads, the cell, what it gives."""
    below, cell, above = texts
    _circle(axes, (x, 0.55), below, _DATA, 0.24)
    _box(axes, (x, 1.55), cell, _WEIGHTS, 0.62, 0.5)
    _circle(axes, (x, 2.55), above, _RESULT, 0.24)
    _arrow(axes, (x, 0.8), (x, 1.28))
    _arrow(axes, (x, 1.81), (x, 2.29))


def _bars(axes, x, y, logits) -> None:
    """A logit for each character, as bars to the right."""
    for row, (name, length) in enumerate(logits.items()):
        place = y + 0.36 - 0.24 * row
        axes.text(x - 0.08, place, name, ha="right", va="center", fontsize=9, color=_INK)
        axes.add_patch(_patch(x, place - 0.07, 0.4 * length, 0.14, _RESULT, 0.01))
    axes.text(x + 0.25, y + 0.7, "logits", ha="center", va="center", fontsize=9, color=_GREY)


def _autoencoder(axes, y) -> None:
    """An image, encoder, mean and log-variance, a draw, decoder and another image, from left to right."""
    _box(axes, (0.45, y), "$x$", _DATA, 0.6, 0.6)
    _trapezium(axes, (1.62, y), "encoder", 0.62, 0.36)
    for sign, text in ((1, "$\\mu$"), (-1, r"$\log\,\sigma^2$")):
        _box(axes, (3.05, y + 0.26 * sign), text, _WEIGHTS, 0.85, 0.42)
    _box(axes, (4.45, y), r"$z = \mu + \sigma\,\epsilon$", _RESULT, 1.2, 0.5)
    _trapezium(axes, (5.72, y), "decoder", 0.36, 0.62)
    _box(axes, (6.75, y), "$\\hat x$", _DATA, 0.6, 0.6)
    for begin, end in ((0.77, 1.14), (2.12, 2.6), (3.5, 3.83), (5.07, 5.24), (6.22, 6.43)):
        _arrow(axes, (begin, y), (end, y))


def _trapezium(axes, place, text, left, right) -> None:
    x, y = place
    corners = [(x - 0.46, y - left), (x - 0.46, y + left), (x + 0.46, y + right), (x + 0.46, y - right)]
    axes.add_patch(Polygon(corners, fc=_WEIGHTS, ec=_INK, lw=0.8))
    axes.text(x, y, text, ha="center", va="center", fontsize=10, color=_INK)
