"""The benchmark shows the bias of the paper, and a method that sees the groups mends it: CNN and oracle, ten seeds.

./run_experiments.sh calibration   # 15 minutes on two cores

Ten training seeds, none of which is reported elsewhere, of the CNN and of the oracle, also on a benchmark of other
people, and of the CNN on a balanced benchmark. No debiasing method takes part in it.

The settings were chosen by looking at some of these seeds: the table describes the benchmark, it does not confirm it.
"""

from experiments.engine.experiment import Experiment, Setting
from experiments.settings import FACES, RARE

EXPERIMENT = Experiment(
    name="calibration",
    title="The benchmark shows the paper's bias",
    settings=(
        Setting("cnn", "cnn"),
        Setting("oracle", "oracle"),
        Setting("other-cnn", "cnn", data="parliament-other", title="CNN, other people"),
        Setting("other-oracle", "oracle", data="parliament-other", title="Oracle, other people"),
        Setting("balanced-cnn", "cnn", data="parliament-balanced", title="CNN, balanced groups"),
    ),
    seeds=tuple(range(100, 110)),
    base=FACES,
    data="parliament",
    rare=RARE,
    minutes=15,
)
