"""The first table: every method of the registry, four groups, three paired seeds, and pictures.

./run_experiments.sh                 # the embedded benchmark
./run_experiments.sh --data digits   # the same job on handwritten digits
"""

from collections.abc import Sequence

import pandas as pd

from baselines import METHODS
from experiments import photographs, pictures
from experiments.common import DATA, DRAW, FACES
from experiments.evidence import Evidence
from experiments.experiment import Experiment, Run, Setting
from experiments.store import Store

SEEDS = (0, 1, 2)
SETTINGS = tuple(Setting(name, name, draw=DRAW) for name in METHODS)


def collect(runs: Sequence[Run], store: Store) -> Evidence:
    """What each rule prefers, reconstructions, and rates on real photographs."""
    first = [run for run in runs if run.config.seed == runs[0].config.seed]
    resampled = [run for run in first if run.setting.method.startswith("dbvae")]
    autoencoders = [run for run in first if run.setting.method == "vae"] + resampled
    found = {**pictures.sampling(resampled, store), **pictures.reconstructions(autoencoders, store)}
    return {**found, **photographs.check(runs, store)}


def figures(rows: pd.DataFrame, evidence: Evidence) -> dict:
    """Recall by group, what resampling prefers, and what the autoencoders see."""
    titles = dict(zip(rows["setting"], rows["title"], strict=True))
    return {
        "groups": pictures.group_figure(rows, titles),
        "sampling": pictures.sampling_figure(evidence, titles),
        "reconstructions": pictures.reconstruction_figure(evidence, titles),
    }


EXPERIMENT = Experiment(
    "quick",
    "Every method on four groups",
    SETTINGS,
    SEEDS,
    FACES,
    DATA,
    figures=figures,
    texts=photographs.texts,
    collect=collect,
    minutes=8,
)
