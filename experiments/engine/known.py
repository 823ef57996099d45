"""Which experiments are known to work: results/ has rows of all their settings that today's code has made."""

import json
from collections.abc import Mapping

import pandas as pd

from debias.provenance import provenance
from experiments.engine.digests import evaluation_digest, training_digest
from experiments.engine.experiment import Experiment, Run


def is_known_to_work(experiment: Experiment, rows: pd.DataFrame | None) -> bool:
    """Whether each setting has a row of today's training and evaluating code, settings, data sets and libraries.

    Libraries count up to their minor versions. What is in the data sets does not count, nor do reports, guards,
    Python's version and the machine: tests try these.

    Args:
        rows: of the experiment in results/, None where there are none.
    """
    found = {} if rows is None else {row["id"]: row for row in rows.to_dict("records")}
    known = {run.setting.name for run in experiment.runs() if run.id in found and _is_of_today(run, found[run.id])}
    return known == {setting.name for setting in experiment.settings}


def _is_of_today(run: Run, row: Mapping) -> bool:
    """Whether this code, so set, has made a row, on data sets of these names."""
    code = {"training_digest": training_digest(run), "evaluation_digest": evaluation_digest(run)}
    same_code = all(row.get(name) == digest for name, digest in code.items())
    tests = str(row.get("test_digest")).split("-")  # of its own test, then of each further one
    same_data = row.get("data") == run.data and len(tests) == 1 + len(run.tests)
    same_settings = json.loads(row["config"]) == run.settings()
    return same_code and same_data and same_settings and _libraries(row) == _libraries(provenance())


def _libraries(row: Mapping) -> list[list[str]]:
    """Name, major and minor version of each library in a row's `versions`, 'python 3.11.7; keras 3.15.1; ...'."""
    libraries = str(row.get("versions")).split("; ")
    return [library.split(".")[:2] for library in libraries if not library.startswith("python ")]
