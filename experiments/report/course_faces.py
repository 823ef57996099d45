"""Models trained on the embedded benchmark, asked about the course's 20 test faces, which nobody rendered."""

from collections.abc import Sequence

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
    try:
        faces = photographs.mitdeeplearning_faces(runs[0].cache)
    except InputError as error:
        print(f"Left out, the course's 20 test faces: {error}")
        return {}
    named = [
        {"setting": run.setting.name, "title": run.setting.title, "seed": run.config.seed}
        for run in (stored.run for stored in runs)
    ]
    rates = [_rates(stored.model(), faces) for stored in runs]
    return {PHOTOGRAPHS: pd.DataFrame([name | found for name, found in zip(named, rates, strict=True)])}


def _rates(model: keras.Model, faces: Dataset) -> dict[str, float]:
    detected = 100.0 * (predict(model, faces) >= OWN_THRESHOLD)
    counts = np.bincount(faces.groups)
    return {
        f"course: {name} (n={counts[index]})": detected[faces.groups == index].mean()
        for index, name in enumerate(faces.group_names)
    }
