"""How long is long enough: passes over the faces, with a random camera; doubling should move nothing."""

from experiments.ablation import Point, ablation
from experiments.settings import OTHER_CAMERA, SMALL, TRAINED, changed, with_camera
from experiments.transfer import LINES

PASSES = (2, 4, TRAINED.epochs, 2 * TRAINED.epochs)
CNN, MAX = (with_camera(line)[1] for line in LINES if line.name in ("cnn", "max"))


def after(default, passes: int):
    """A setting that is trained for so many passes."""
    if passes == TRAINED.epochs:
        return default
    return changed(default, f"{default.name}-{passes}", f"{default.title}, {passes} passes", epochs=passes)


EXPERIMENT = ablation(
    "passes",
    "Length of training, by another camera",
    [Point(after(each, n), n, each.title, each.name) for each in (CNN, MAX) for n in PASSES],
    "passes over the faces",
    log=True,
    baseline=None,
    minutes=110,
    seeds=tuple(range(10)),
    base=TRAINED,
    data=SMALL,
    tests=(OTHER_CAMERA,),
)
