"""How long is long enough, with a random camera: doubling the passes over the faces should move nothing.

What resampling is worth after more passes: our rule and the oracle against the CNN that is trained as long.
"""

from experiments.ablation import Point, ablation
from experiments.settings import OTHER_CAMERA, SMALL, TRAINED, changed, with_camera
from experiments.transfer import LINES

LONGEST = 2 * TRAINED.epochs
PASSES = (2, 4, TRAINED.epochs, LONGEST)
CNN, MAX, OURS, ORACLE = (with_camera(line)[1] for line in LINES if line.name in ("cnn", "max", "neighbours", "oracle"))


def after(default, passes: int):
    """A setting that is trained for so many passes."""
    if passes == TRAINED.epochs:
        return default
    return changed(default, f"{default.name}-{passes}", f"{default.title}, {passes} passes", epochs=passes)


EXPERIMENT = ablation(
    "passes",
    "Length of training, by another camera",
    [
        *(Point(after(each, n), n, each.title, each.name) for each in (CNN, MAX) for n in PASSES),
        *(
            Point(after(each, n), n, each.title, after(CNN, n).name)
            for each in (OURS, ORACLE)
            for n in (TRAINED.epochs, LONGEST)
        ),
    ],
    "passes over the faces",
    log=True,
    baseline=None,
    minutes=170,
    seeds=tuple(range(10)),
    base=TRAINED,
    data=SMALL,
    tests=(OTHER_CAMERA,),
)
