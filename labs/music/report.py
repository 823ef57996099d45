"""What the lab leaves: the table of quality, the curves of training, and how fast tunes are written."""

import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

from matplotlib.figure import Figure

from debias.backend import keras
from debias.markdown import markdown
from debias.plots.style import NOTE, WIDTH, colours, styled
from labs.music import course
from labs.music.sampling import Generator
from labs.music.structure import Measure

ROUNDS, CHARACTERS = 3, 200

ROWS = {  # key of the summary -> what people read
    "parse_rate": "tunes that can be played, %",
    "full_bars": "bars that fill the metre, %",
    "exact_copies": "exact copies of training tunes",
    "longest_common_run": "longest run shared with a training tune, characters",
    "median_common_run": "the same, median over tunes",
}
FORM = {  # measure of `structure` -> what people read
    "usual_sections": "sections of 4, 8 or 16 bars, %",
    "two_parts": "tunes of two parts, each played twice (AABB), %",
    "cadence": "tunes that end on the keynote, %",
    "equal_run": "tunes with four equal bars in a row, %",
    "bars_again": "bars equal to the one before, %",
    "distinct_bars": "different bars among those of a tune, %",
    "reach": "from the lowest to the highest note, semitones",
}


def table(
    generated: Mapping[str, float],
    real: Mapping[str, float],
    form: Mapping[str, Mapping[str, Measure]],
    summary: Mapping[str, float],
) -> str:
    """Markdown: quality and form of generated tunes beside real ones that were held out, and those of the course.

    Args:
        form: 'generated' and 'real' -> what `structure.measure` says of them.
    """
    lines = [[title, _shown(key, generated[key]), _shown(key, real[key])] for key, title in ROWS.items()]
    compared = [
        [
            "bits per character, held-out tunes",
            f"{summary['bits_per_char']:.3f}",
            f"{summary['course_bits_per_char']:.3f}",
        ],
        ["minutes of training", f"{summary['minutes']:.1f}", f"{summary['course_minutes']:.1f}"],
        [
            "characters written per second",
            *(f"{summary[f'{whose}chars_per_second']:,.0f}" for whose in ("", "course_")),
        ],
    ]
    forms = [
        [title, *(_interval(key, form[whose][key]) for whose in ("generated", "real"))] for key, title in FORM.items()
    ]
    counts = f"{generated['tunes']} generated tunes, {real['tunes']} real ones that were held out"
    return (
        f"{counts}; none is filtered out.\n\n{markdown(['quality', 'generated', 'real'], lines)}\n\n"
        f"Their form, with 95 % intervals over tunes:\n\n{markdown(['form', 'generated', 'real'], forms)}\n\n"
        f"Against the course's recipe (LSTM-1024, random windows) on the same tunes, in the same time:\n\n"
        f"{markdown(['', 'this lab', 'course'], compared)}\n"
    )


@styled
def curves(histories: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure:
    """Validation bits per character against minutes of training, a line for each model."""
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    for name, colour in colours(histories).items():
        rows = histories[name]
        axes.plot(
            [row["minutes"] for row in rows], [row["val_bits"] for row in rows], "o-", ms=3, color=colour, label=name
        )
    axes.set(xlabel="minutes of training on this machine", ylabel="validation, bits per character")
    axes.set_title("lower is better: how many bits the next character still costs", loc="left", **NOTE)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend()
    return figure


def writing_speed(
    generator: Generator,
    headers: Sequence[str],
    theirs: keras.Model,
    rounds: int = ROUNDS,
    characters: int = CHARACTERS,
) -> dict[str, float]:
    """Characters a second of both ways to write, in turns; the ratio is the median over rounds.

    Args:
        theirs: the course's model, stateful.
        characters: that the course's model writes in each round.
    """
    generator.tunes(headers[:2])  # compiles
    course.write(theirs, generator.vocabulary, headers[0], 2)
    ours, other = [], []
    for seed in range(rounds):
        ours.append(_rate(lambda seed=seed: sum(map(len, generator.tunes(headers, seed=seed)))))
        other.append(
            _rate(lambda seed=seed: _write_as_the_course_does(theirs, generator, headers[0], characters, seed))
        )
    return {
        "chars_per_second": statistics.median(ours),
        "course_chars_per_second": statistics.median(other),
        "chars_per_second_ratio": statistics.median(a / b for a, b in zip(ours, other, strict=True)),
    }


def _write_as_the_course_does(model, generator, header, characters, seed) -> int:
    """The number of characters that were written, those of the header and behind an early end included."""
    course.write(model, generator.vocabulary, header, characters, seed)
    return len(header) + characters


def _rate(write: Callable[[], int]) -> float:
    began = time.perf_counter()
    return write() / (time.perf_counter() - began)


def _interval(key: str, measure: Measure) -> str:
    if math.isnan(measure.value):
        return "nothing to measure"
    value, low, high = (each if key == "reach" else 100 * each for each in dataclasses.astuple(measure))
    return f"{value:.1f} ({low:.1f} to {high:.1f})"


def _shown(key: str, value: float) -> str:
    return f"{100 * value:.1f}" if key in ("parse_rate", "full_bars") else f"{value:,}"
