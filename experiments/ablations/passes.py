"""How long to train, with a random camera: 2 to 32 passes over the faces.

What resampling is worth after so many passes: every method against the CNN that is trained as long.
"""

from experiments.ablation import Point, ablation
from experiments.settings import OTHER_CAMERA, SMALL, TRAINED, changed, with_camera
from experiments.transfer import LINES

USUAL = TRAINED.epochs
PASSES = {"cnn": (2, 4, USUAL, 16, 32), "max": (2, 4, USUAL, 16), "vae": (2, 4, USUAL)}
PASSES |= dict.fromkeys(("jtt", "neighbours", "oracle"), (USUAL, 16))
WITH_CAMERA = {line.name: with_camera(line)[1] for line in LINES}


def after(default, passes: int):
    """A setting that is trained for so many passes."""
    if passes == USUAL:
        return default
    return changed(default, f"{default.name}-{passes}", f"{default.title}, {passes} passes", epochs=passes)


def point(default, passes: int) -> Point:
    """A length beside the usual one, or, where it is longer, beside half of it: what does doubling change?"""
    against = after(default, passes // 2) if passes > USUAL else default
    return Point(after(default, passes), passes, default.title, against.name)


EXPERIMENT = ablation(
    "passes",
    "Length of training, by another camera",
    [
        point(default, passes)
        for default, lengths in ((WITH_CAMERA[name], lengths) for name, lengths in PASSES.items())
        for passes in lengths
    ],
    "passes over the faces",
    log=True,
    baseline=None,
    minutes=250,
    seeds=tuple(range(10)),
    base=TRAINED,
    data=SMALL,
    tests=(OTHER_CAMERA,),
)
