"""A table of tumours, malignant against benign, small malignant ones nearly absent: DB-VAE, JTT and ours beyond images.

./run_experiments.sh tumours

Each seed draws its own 4 of 42 small tumours, beside all 42 large ones. Nothing of the rules is retuned. The length of
training was chosen on seeds 100 to 104, which are in no comparison, by the validation loss of the CNN alone: of 320
steps the last fifth no longer lowers it, and twice as many lower it by a hundredth of a nat.
"""

from experiments.engine.experiment import TUMOURS, Experiment
from experiments.settings import resampled

FEW = {"small": 4}
EVEN = {"small": 23, "large": 23}  # as many tumours, without the imbalance

EXPERIMENT = Experiment(
    name="tumours",
    title="Tumours: a table, small malignant ones nearly absent",
    settings=resampled(FEW, EVEN),
    seeds=tuple(range(10)),
    base=TUMOURS,
    data="tumours",
    rare=tuple(FEW),
    minutes=13,
)
