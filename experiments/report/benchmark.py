"""summary.json of results/benchmark -> its tables, two figures, and what was tried, in words.

summary.json is the record: the median of each measurement, and under `rounds` what every round gave.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.errors import InputError
from debias.markdown import markdown
from experiments.benchmark.timing import PARTS, SIZES, median
from experiments.report import trials
from experiments.report.artefacts import SUMMARY, save_figure, write_texts

FOLDER, ROUNDS = "benchmark", "rounds"
TRAINERS = {  # name -> what people read
    "fixed": "one fixed batch, the bound",
    "resident": "resident",
    "streamed": "streamed from the file",
    "lab": "the course's loader and loop",
    "lab_decoding_all": "the same, decoding non-faces too",
    "torch": "PyTorch, DataLoader",
    "pillow": "PyTorch, Pillow for each image",
}
RESAMPLED = ("50k_x100", "100k_x100", "200k_x100", "400k_x100", "55k_x25", "55k_x50", "55k_x100", "55k_x200")
OTHERS = {
    "encode_images_per_s": "images encoded a second",
    "faces_per_core_s": "faces rendered, a core-second",
    "negatives_per_core_s": "negatives rendered, a core-second",
    "prepare_per_core_s": "photographs prepared, a core-second",
    "prepare_to_pillow": "the same, to Pillow without checks",
    "windows_per_s": "windows cut and scored a second",
    "windows_to_single": "the same, to each by itself",
    "runs_per_h_1_jobs": "runs an hour, one job",
    "runs_per_h_2_jobs": "runs an hour, two jobs",
    "runs_2_jobs_to_1": "two jobs to one",
}
NOTE = "small dots: rounds; large: their median and its 95 % bootstrap interval"


@dataclass(frozen=True)
class Goal:
    """What a measurement was to reach: at least `bound`, or at most where `most` is set."""

    key: str
    title: str
    bound: float
    most: bool = False

    def reached(self, value: float) -> bool:
        """Whether a value is within the bound."""
        return value <= self.bound if self.most else value >= self.bound


GOALS = (
    Goal("resident_ratio_b32", "resident to one fixed batch, batch 32", 0.97),
    Goal("resident_ratio_b128", "the same, batch 128", 0.97),
    Goal("resident_ratio_b256", "the same, batch 256", 0.97),
    Goal("streaming_ratio_b32", "streamed to one fixed batch, batch 32", 0.90),
    Goal("streaming_ratio_b128", "the same, batch 128", 0.90),
    Goal("streaming_ratio_b256", "the same, batch 256", 0.90),
    Goal("vs_lab_b32", "resident to the course's loader and loop, batch 32", 1.15),
    Goal("sampler_vs_lab", "draws of a batch to the course's", 100),
    Goal("vs_torch_b128", "resident to PyTorch, batch 128", 1.3),
    Goal("vs_pillow_b128", "resident to PyTorch with Pillow for each image, batch 128", 5),
    Goal("rss_400k_gb", "memory in GB, 400,000 images streamed", 1.5, True),
    Goal("resampling_55k_s", "seconds to resample, 55,000 x 100", 0.05, True),
    Goal("resampling_400k_x100_s", "seconds to resample, 400,000 x 100", 0.5, True),
    Goal("profile_beside_training", "part of a run beside training steps", 0.15, True),
    Goal("refresh_of_epoch", "part of an epoch that its refresh takes", 0.03, True),
)


_PROFILE = {f"profile_{part}_s" for part in PARTS}


def read(folder: Path) -> dict | None:
    """summary.json; None where there is none, or one of before it kept every round.

    Raises:
        InputError: it is damaged.
    """
    path = folder / SUMMARY
    if not path.exists():
        return None
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged: restore it from git, or measure again") from error
    return found if ROUNDS in found else None


def draw(folder: Path) -> None:
    """Tables, figures and texts from summary.json, if there is one; the same summary gives the same bytes."""
    if (summary := read(folder)) is None:
        return
    found = summary[ROUNDS]
    save_figure(folder, "speed", speed_figure(found))
    if set(found) >= _PROFILE:
        save_figure(folder, "profile", profile_figure(found))
    write_texts(folder, table(found), sentence(found), {"trials.md": trials.text(found)})


def speed_figure(found: Mapping[str, Sequence[float]]) -> Figure:
    """Images a second of every pipeline, a panel a batch size."""
    rows = [
        {"pipeline": title, **{str(size): _at(found, f"{name}_b{size}_images_per_s", number) for size in SIZES}}
        for name, title in TRAINERS.items()
        for number in range(max(map(len, found.values())))
        if any(f"{name}_b{size}_images_per_s" in found for size in SIZES)
    ]
    panels = {str(size): f"images/s, batch {size}" for size in SIZES}
    return plots.named_points(
        pd.DataFrame(rows).astype(dict.fromkeys(panels, float)), "pipeline", panels, "median", NOTE
    )


def profile_figure(found: Mapping[str, Sequence[float]]) -> Figure:
    """Seconds of each part of a run."""
    rows = pd.DataFrame({"part": PARTS, "seconds": [found[f"profile_{part}_s"][0] for part in PARTS]})
    note = "one run of transfer: DB-VAE, max, on one thread"
    return plots.named_points(rows, "part", {"seconds": "seconds"}, note=note)


def sentence(found: Mapping[str, Sequence[float]]) -> str:
    """How many goals are reached."""
    reached = [goal.reached(median(found, goal.key)) for goal in GOALS if goal.key in found]
    return f"{sum(reached)} of {len(reached)} goals of speed and memory are reached; the table has all of them."


def table(found: Mapping[str, Sequence[float]]) -> str:
    """table.md: goals, images a second, resampling, a run's parts, and the rest."""
    parts = {
        "Goals: median and range over rounds, each beside its peer in the same round": _goals(found),
        "Images trained on a second": _speeds(found),
        "Seconds from latents to probabilities, by number of faces and of latents": _resampling(found),
        "One run of `transfer` (DB-VAE, max), from the start of its process, on one thread": _profile(found),
        "Everything else": _others(found),
    }
    return "\n\n".join(f"**{title}**\n\n{text}" for title, text in parts.items()) + "\n"


def _goals(found) -> str:
    lines = []
    for goal in (goal for goal in GOALS if goal.key in found):
        value = median(found, goal.key)
        bound = f"{'at most' if goal.most else 'at least'} {goal.bound:g}"
        reached = "yes" if goal.reached(value) else f"no: {value / goal.bound:.2f} of it"
        lines.append([goal.title, _ranged(found, goal.key), bound, reached])
    return markdown(["measured", "median (range)", "goal", "reached"], lines)


def _speeds(found) -> str:
    lines = []
    for name, title in TRAINERS.items():
        cells = [_ranged(found, f"{name}_b{size}_images_per_s") for size in SIZES]
        lines += [[title, *cells]] if any(cells) else []
    return markdown(["pipeline", *(f"batch {size}" for size in SIZES)], lines)


def _resampling(found) -> str:
    lines = [[name.replace("k_x", ",000 x "), _ranged(found, f"resampling_{name}_s")] for name in RESAMPLED]
    slopes = {"faces": "resampling_slope_n", "latents": "resampling_slope_k"}
    lines += [[f"grows with {name} to the power", _ranged(found, key)] for name, key in slopes.items() if key in found]
    return markdown(["faces x latents", "seconds"], lines)


def _profile(found) -> str:
    if not set(found) >= _PROFILE:
        return "Not measured."
    seconds = {part: found[f"profile_{part}_s"][0] for part in PARTS}
    total = sum(seconds.values())
    lines = [[part, f"{second:.1f}", f"{100 * second / total:.1f}"] for part, second in seconds.items()]
    return markdown(["part", "seconds", "%"], [*lines, ["all", f"{total:.1f}", "100.0"]])


def _others(found) -> str:
    lines = [[title, _ranged(found, key)] for key, title in OTHERS.items() if key in found]
    return markdown(["measured", "median (range)"], lines)


def _at(found, key, number) -> float | None:
    values = found.get(key, ())
    return values[number] if number < len(values) else None


def _ranged(found, key) -> str:
    """'1.02 (0.98 to 1.05)'; empty where it was not measured."""
    values = found.get(key, ())
    if not values:
        return ""
    middle, low, high = (_number(value) for value in (median(found, key), min(values), max(values)))
    return f"{middle} ({low} to {high})" if len(values) > 1 else middle


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
