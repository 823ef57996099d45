"""Table 1 of the paper: no debiasing and four values of alpha, by two rules, with two numbers of latents; ten seeds.

./run_experiments.sh table1   # 75 minutes on two cores
"""

from experiments.engine.experiment import Experiment
from experiments.settings import (
    ALPHAS,
    CNN,
    DATA,
    FACES,
    K_THAT_WORKS,
    ORACLE,
    RARE,
    K,
    debiased,
    vae,
)

GRID = [(rule, k) for k in (K, K_THAT_WORKS) for rule in ("product", "max")]
# Fig. 5B: with and without debiasing
BARS = (
    CNN,
    vae(),
    debiased("max"),
    vae(K_THAT_WORKS),
    debiased("product", K_THAT_WORKS),
    ORACLE,
)

EXPERIMENT = Experiment(
    name="table1",
    title="Table 1: recall by group without and with debiasing",
    settings=(
        CNN,
        *(vae(k) for k in (K, K_THAT_WORKS)),
        *(debiased(rule, k, alpha) for rule, k in GRID for alpha in ALPHAS),
        ORACLE,
    ),
    seeds=tuple(range(10)),
    base=FACES,
    data=DATA,
    rare=RARE,
    minutes=75,
)
