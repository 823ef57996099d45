"""Every method of the registry on four groups, three paired seeds: table, figures and rows in results/quick.

./run_experiments.sh                 # the embedded benchmark: 8 minutes on two cores
./run_experiments.sh --data digits   # the same job on handwritten digits
"""

from baselines import METHODS
from experiments.engine.experiment import Experiment, Setting
from experiments.settings import DATA, DRAW, FACES, RARE

EXPERIMENT = Experiment(
    name="quick",
    title="Every method on four groups",
    settings=tuple(Setting(name, name, draw=DRAW) for name in METHODS),
    seeds=(0, 1, 2),
    base=FACES,
    data=DATA,
    rare=RARE,
    minutes=8,
)
