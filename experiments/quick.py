"""Five methods on four groups, three paired seeds: table, figures and rows in results/quick.

./run_experiments.sh                 # the embedded benchmark: 8 minutes on two cores
./run_experiments.sh --data digits   # the same job on handwritten digits

A method of your own joins them by its line in the registry; those that `methods` compares stay there.
"""

from baselines import METHODS
from experiments.engine.experiment import Experiment, Setting
from experiments.methods import ALL
from experiments.settings import DATA, DRAW, FACES, RARE

PAPER = ("cnn", "vae", "dbvae-product", "dbvae-max", "oracle")
ELSEWHERE = {compared.method for compared in ALL} - set(PAPER)

EXPERIMENT = Experiment(
    name="quick",
    title="Five methods on four groups",
    settings=tuple(Setting(name, name, draw=DRAW) for name in METHODS if name not in ELSEWHERE),
    seeds=(0, 1, 2),
    base=FACES,
    data=DATA,
    rare=RARE,
    minutes=8,
)
