"""The paper's own test: trained for eight passes on one source of faces, tested on another; ten paired seeds.

./run_experiments.sh transfer

Every setting without and with a random camera in training. 'Balanced' is the CNN on as many faces without the
imbalance: what is left of a gap there is not the imbalance's.
"""

from experiments.engine.experiment import Experiment, Setting
from experiments.settings import EVEN, FEW, K_THAT_WORKS, OTHER_CAMERA, RARE, SMALL, TRAINED, resampled, with_camera

_CNN, _VAE, _MAX, *_OTHERS = resampled(FEW, EVEN)
LINES = (
    _CNN,
    _VAE,
    _MAX,
    Setting(
        f"product-k{K_THAT_WORKS}",
        "dbvae-product",
        {"latent_dim": K_THAT_WORKS},
        FEW,
        title=f"DB-VAE, product, k = {K_THAT_WORKS}",
    ),
    *_OTHERS,
)

# Whether our rule harms where there is no imbalance; the CNN of the same faces is its measure.
HARM = with_camera(Setting("balanced-neighbours", "neighbours", draw=EVEN, title="Ours, balanced training set"))[1]

EXPERIMENT = Experiment(
    name="transfer",
    title="Tested by another camera",
    settings=(*(setting for line in LINES for setting in with_camera(line)), HARM),
    seeds=tuple(range(10)),
    base=TRAINED,
    data=SMALL,
    rare=RARE,
    minutes=150,
    tests=(OTHER_CAMERA,),
)
