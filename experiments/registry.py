"""Every experiment by name. A new one is one file and one line here; a new ablation has its line in `ablations`."""

from experiments import calibration, figures, quick, table1
from experiments.ablations import ABLATIONS
from experiments.experiment import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in (
        quick.EXPERIMENT,
        calibration.EXPERIMENT,
        table1.EXPERIMENT,
        figures.EXPERIMENT,
        *ABLATIONS,
    )
}
GROUPS = {  # name -> several experiments in one go
    "ablations": tuple(experiment.name for experiment in ABLATIONS),
    "all": tuple(EXPERIMENTS),
}
