"""Which report an experiment has: its own, else that of all ablations or a table alone."""

from experiments.ablation import Ablation
from experiments.engine.experiment import Experiment
from experiments.report import (
    ablation,
    calibration,
    length,
    methods,
    methods_search,
    paper_figures,
    quick,
    rare_groups,
    replication,
    table1,
    threshold,
    transfer,
)
from experiments.report.report import Report

REPORTS = {
    "quick": quick.REPORT,
    "table1": table1.REPORT,
    "figures": paper_figures.REPORT,
    "calibration": calibration.REPORT,
    "threshold": threshold.REPORT,
    "methods_search": methods_search.REPORT,
    "methods": methods.REPORT,
    "replication": replication.REPORT,
    "transfer": transfer.REPORT,
    "digits": rare_groups.REPORT,
    "tumours": rare_groups.REPORT,
    "pose": rare_groups.REPORT,
    "passes": length.REPORT,
    "epochs": length.REPORT,
}


def report_of(experiment: Experiment) -> Report:
    """The report of an experiment, whichever data set it was run on."""
    usual = ablation.REPORT if isinstance(experiment, Ablation) else Report()
    return REPORTS.get(experiment.name, usual)
