"""Real photographs beside the table: models trained on the embedded benchmark, asked about faces nobody rendered."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from debias.backend import keras
from debias.data.dataset import Dataset
from debias.data.sources import photographs
from debias.errors import InputError
from debias.metrics import OWN_THRESHOLD
from experiments.evaluate import predict
from experiments.runner import Run, load_model
from experiments.tables import markdown, title

IMAGE_SHAPE = (photographs.SIZE, photographs.SIZE, 3)


def check(runs: Sequence[Run], work: Path, cache: Path) -> str:
    """Markdown: share of the real photographs that each method detects, mean over seeds, and what was left out."""
    sets, skipped = _available(cache)
    rows = [{"method": run.method, **_rates(load_model(work, run), sets)} for run in runs]
    means = pd.DataFrame(rows).groupby("method", sort=False).mean()
    lines = [[title(name), *(f"{value:.1f}" for value in rates)] for name, rates in means.iterrows()]
    head = "Detected in %, mean over seeds, at the model's own threshold. A check on real photographs, not a result."
    return "\n\n".join([head, markdown(["method", *means.columns], lines), *skipped]) + "\n"


def _available(cache: Path) -> tuple[dict[str, Dataset], list[str]]:
    sets, skipped = {"LFW": photographs.lfw_subset()}, []
    try:
        sets["course"] = photographs.mitdeeplearning_faces(cache)
    except InputError as error:
        skipped.append(f"Left out, the course's 20 test faces: {error}")
    return sets, skipped


def _rates(model: keras.Model, sets: dict[str, Dataset]) -> dict[str, float]:
    rates = {}
    for name, dataset in sets.items():
        detected = 100.0 * (predict(model, dataset) >= OWN_THRESHOLD)
        for part, members in _parts(dataset).items():
            rates[f"{name}: {part} (n={members.sum()})"] = detected[members].mean()
    return rates


def _parts(dataset: Dataset) -> dict[str, np.ndarray]:
    """Masks (N,) of what is reported apart: groups where known, else faces and non-faces."""
    if dataset.groups is not None:
        return {name: dataset.groups == index for index, name in enumerate(dataset.group_names)}
    return {"faces": dataset.labels == 1, "non-faces": dataset.labels == 0}
