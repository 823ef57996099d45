"""Sliding windows on real photographs, by models that were trained on rendered faces alone: a check, not a result.

For example:

    python -m experiments detection

It takes the models of 'quick' and trains those that are missing.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.backend import keras
from debias.data.sources import photographs
from debias.detection import Windows, heat_map, image_scores, sensitivity, window_scores
from debias.errors import InputError
from debias.files import write_text
from debias.markdown import markdown
from debias.metrics import OWN_THRESHOLD
from debias.provenance import provenance
from experiments.engine.experiment import Run
from experiments.engine.store import StoredRun
from experiments.engine.sweep import Options, run_all
from experiments.quick import EXPERIMENT

FOLDER = "detection"
SETTINGS = ("cnn-camera", "max-camera")
CLOSE = Windows()  # portraits, as the paper's test has them
FAR = Windows(sizes=(0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.625, 0.75, 0.875, 1.0))  # a face may be a small part
WINDOWS = {"half to whole": CLOSE, "15 % to whole": FAR}


@dataclasses.dataclass(frozen=True)
class Photograph:
    """One that comes with a package, and the face in it.

    Attributes:
        package, path: where it is.
        face: left, top, width and height in pixels, marked by hand; None where there is none.
    """

    package: str
    path: str
    face: tuple[int, int, int, int] | None = None


# None of these is among the photographs that training and validation are made of.
PHOTOGRAPHS = {
    "astronaut": Photograph("skimage", "data/astronaut.png", (175, 60, 95, 125)),
    "cameraman": Photograph("skimage", "data/camera.png", (200, 105, 60, 95)),
    "motorcycle": Photograph("skimage", "data/motorcycle_left.png"),
    "flower": Photograph("sklearn", "datasets/images/flower.jpg"),
    "tissue": Photograph("skimage", "data/ihc.png"),
    "coins": Photograph("skimage", "data/coins.png"),
    "page": Photograph("skimage", "data/page.png"),
    "moon": Photograph("skimage", "data/moon.png"),
    "clock": Photograph("skimage", "data/clock_motion.png"),
    "brick": Photograph("skimage", "data/brick.png"),
}
DRAWN = ("astronaut", "motorcycle")


def run(cache: Path, results: Path, options: Options) -> Path:
    """Measure and write `results`/detection: table.md, summary.json and heat.png; returns the folder.

    Raises:
        InputError: models of 'quick' are missing and cannot be trained, or photographs are.
    """
    runs = [run for run in EXPERIMENT.runs() if run.setting.name in SETTINGS]
    rows, failures = run_all(runs, cache, options)
    if len(failures):
        raise InputError(f"{len(failures)} runs failed ({failures['reason'].iloc[0]}): ./run_experiments.sh quick")
    stored = [StoredRun(run, cache) for run in runs]
    singles, sets, trade = measure(stored)
    folder = results / FOLDER
    write_text(folder / "table.md", table(singles, sets, trade))
    measured = {"photographs": singles, "sets": sets, "sensitivity": trade}
    summary = {name: part.to_dict("records") for name, part in measured.items()}
    trained = {"models": sorted(rows["id"]), "model_commits": sorted(rows["commit"].unique())}
    write_text(folder / "summary.json", json.dumps({**summary, **trained, **provenance()}, indent=1) + "\n")
    plots.save(figure(stored), folder / "heat.png")
    return folder


def measure(runs: Sequence[StoredRun]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Single photographs, sets of them, and the trade-off of stride and threshold; rates over seeds, in %."""
    images = {name: photographs.bundled(each.package, each.path) for name, each in PHOTOGRAPHS.items()}
    models = [(stored.run, stored.model()) for stored in runs]
    singles = [single for run, model in models for single in _singles(run, model, images)]
    sets = [_sets(run, model, images, runs[0].cache) for run, model in models]
    faces, _, _ = photographs.course_photographs(runs[0].cache)
    others = [images[name] for name, each in PHOTOGRAPHS.items() if not each.face]
    trade = sensitivity(models[-1][1], faces, others)
    return _over_seeds(singles), _over_seeds(sets), trade.assign(model=models[-1][0].id)


def table(singles: pd.DataFrame, sets: pd.DataFrame, trade: pd.DataFrame) -> str:
    """Markdown of what was measured, and how to read it."""
    seeds = len({run.config.seed for run in EXPERIMENT.runs()})
    head = (
        f"Models of 'quick', trained on rendered faces alone, {seeds} seeds each, asked about photographs by sliding "
        "windows of stride 0.2 at their own threshold (0.5). A check on real photographs, not a result: the sets are "
        "small, and most of the course's faces are 64 pixels wide. Sizes of windows are shares of the shorter side: "
        "half to whole as for portraits, or from 15 %, where a face is a small part."
    )
    first = (
        "**Photographs bundled with scikit-image.** In % of the seeds: some window passes, and the best window's "
        "middle lies on the face."
    )
    second = (
        "**Sets.** Images detected in %, by windows of half to the whole side; then, for both choices of windows, how "
        f"many of them pass a photograph without a face, and the share of photographs with any (n={_without()})."
    )
    third = (
        f"**Stride and threshold** ({trade['model'].iloc[0]}, half to whole): recall on the course's 20 faces in %, "
        "windows that pass an image without a face, and share of those with any in %."
    )
    turned = sets.set_index("setting").T.reset_index(names="photographs")
    parts = [head, first, _markdown(singles), second, _markdown(turned), third, _markdown(trade.drop(columns="model"))]
    return "\n\n".join(parts) + "\n"


def figure(runs: Sequence[StoredRun]) -> Figure:
    """Heat maps of two photographs by the first seed of each setting."""
    images = {name: photographs.bundled(PHOTOGRAPHS[name].package, PHOTOGRAPHS[name].path) for name in DRAWN}
    heat, best = {}, {}
    for stored in (stored for stored in runs if stored.run.config.seed == runs[0].run.config.seed):
        title = stored.run.setting.title
        heat[title], best[title] = {}, {}
        found = window_scores(stored.model(), images.values(), FAR)
        for (name, image), scores in zip(images.items(), found, strict=True):
            places = FAR.places(*image.shape[:2])
            heat[title][name] = heat_map(image.shape, places, scores)
            best[title][name] = places[scores.argmax()].tolist(), float(scores.max())
    return plots.heat_maps(images, heat, best)


def _singles(run: Run, model: keras.Model, images: dict[str, np.ndarray]) -> list[dict]:
    """One row for each photograph with a face and each choice of windows."""
    chosen = {name: images[name] for name, each in PHOTOGRAPHS.items() if each.face}
    rows = []
    for sizes, windows in WINDOWS.items():
        found = window_scores(model, chosen.values(), windows)
        for (name, image), scores in zip(chosen.items(), found, strict=True):
            place = windows.places(*image.shape[:2])[scores.argmax()]
            rates = {"detected": scores.max() >= OWN_THRESHOLD, "on the face": _hits(place, PHOTOGRAPHS[name].face)}
            rates["on the face"] &= rates["detected"]
            what = {"photograph": name, "windows": sizes, "setting": run.setting.title}
            rows.append(what | {rate: 100.0 * value for rate, value in rates.items()})
    return rows


def _hits(place: np.ndarray, face: tuple[int, int, int, int]) -> bool:
    """Whether a window's middle lies on the face."""
    (top, left, side), (x, y, width, height) = place, face
    return bool(x <= left + side / 2 <= x + width and y <= top + side / 2 <= y + height)


def _sets(run: Run, model: keras.Model, images: dict[str, np.ndarray], cache: Path) -> dict:
    """Rates of one model on the course's faces by group, and false positives."""
    faces, groups, names = photographs.course_photographs(cache)
    detected = 100.0 * (image_scores(model, faces, CLOSE) >= OWN_THRESHOLD)
    row = {"setting": run.setting.title}
    row |= {f"course: {name} (n={np.sum(groups == i)})": detected[groups == i].mean() for i, name in enumerate(names)}
    others = [images[name] for name, each in PHOTOGRAPHS.items() if not each.face]
    for sizes, windows in WINDOWS.items():
        passed = np.array([np.count_nonzero(s >= OWN_THRESHOLD) for s in window_scores(model, others, windows)])
        row |= {f"false windows, {sizes}": passed.mean(), f"photographs with any, {sizes}": 100.0 * (passed > 0).mean()}
    return row


def _without() -> int:
    return sum(not each.face for each in PHOTOGRAPHS.values())


def _over_seeds(rows: Sequence[dict]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    keys = [name for name, column in table.items() if column.dtype.kind not in "fi"]
    return table.groupby(keys, sort=False).mean().reset_index()


def _markdown(part: pd.DataFrame) -> str:
    return markdown(list(part), [[_cell(name, value) for name, value in line.items()] for _, line in part.iterrows()])


def _cell(name: str, value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:g}" if name in ("stride", "threshold") else f"{value:.1f}"
