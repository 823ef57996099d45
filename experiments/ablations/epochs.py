"""When resampling acts, on the short schedule: length of training, without and with a random camera, by rule.

An epoch has 48 batches. The better a model fits its training set, the less resampling acts; the test is of the same
source as the training faces. `passes` asks the same of longer training and another camera.
"""

from experiments.ablation import CNN_AND_MAX, switch
from experiments.settings import FACES, ORACLE, with_camera

WITHOUT = {**CNN_AND_MAX, "oracle": ORACLE}
WITH = {f"{name}-camera": with_camera(setting)[1] for name, setting in WITHOUT.items()}

EXPERIMENT = switch(
    "epochs",
    "When resampling acts: length of the short training",
    {**WITHOUT, **WITH},
    "epochs",
    FACES.epochs,
    [2, 8, 16],
    log=True,
    baseline=None,
    minutes=70,
)
