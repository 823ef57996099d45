"""Models trained on the embedded benchmark, asked about real photographs: faces that nobody rendered."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from debias.backend import keras
from debias.data.dataset import Dataset
from debias.data.sources import photographs
from debias.errors import InputError
from debias.evaluation import predict
from debias.metrics import OWN_THRESHOLD
from experiments.engine.store import StoredRun
from experiments.report.figure_data import FigureData
from experiments.report.quick import PHOTOGRAPHS

IMAGE_SHAPE = (photographs.SIZE, photographs.SIZE, 3)


def rates_on_photographs(runs: Sequence[StoredRun]) -> FigureData:
    """The share of real photographs, in %, that each run's model detects; nothing for other image sizes."""
    if not runs or runs[0].splits.train.image_shape != IMAGE_SHAPE:
        return {}
    sets = _available(runs[0].cache)
    named = [{"setting": stored.run.setting.name, "title": stored.run.setting.title} for stored in runs]
    rates = [_rates(stored.model(), sets) for stored in runs]
    return {PHOTOGRAPHS: pd.DataFrame([name | found for name, found in zip(named, rates, strict=True)])}


def _available(cache: Path) -> dict[str, Dataset]:
    sets = {"LFW": photographs.lfw_subset()}
    try:
        sets["course"] = photographs.mitdeeplearning_faces(cache)
    except InputError as error:
        print(f"Left out, the course's 20 test faces: {error}")
    return sets


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
