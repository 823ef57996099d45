"""Which experiments are known to work: results/ has rows of all their settings that today's code has made."""

import json
from collections.abc import Mapping

import pandas as pd

from debias.provenance import provenance
from experiments.engine.digests import evaluation_digest, training_digest
from experiments.engine.experiment import Experiment, Run


def is_known_to_work(experiment: Experiment, rows: pd.DataFrame | None) -> bool:
    """Whether each setting has a row of today's code, settings and libraries, those up to their minor versions.

    The images that it was trained on do not count, nor does Python's version.

    Args:
        rows: of the experiment in results/, None where there are none.
    """
    found = {} if rows is None else {row["id"]: row for row in rows.to_dict("records")}
    known = {run.setting.name for run in experiment.runs() if run.id in found and _is_of_today(run, found[run.id])}
    return known == {setting.name for setting in experiment.settings}


def _is_of_today(run: Run, row: Mapping) -> bool:
    """Whether this code, so set, has made a row."""
    code = {"training_digest": training_digest(run), "evaluation_digest": evaluation_digest(run)}
    same_code = all(row.get(name) == digest for name, digest in code.items())
    return same_code and json.loads(row["config"]) == run.settings() and _libraries(row) == _libraries(provenance())


def _libraries(row: Mapping) -> list[list[str]]:
    """Name, major and minor version of each library in a row's `versions`, 'python 3.11.7; keras 3.15.1; ...'."""
    libraries = str(row.get("versions")).split("; ")
    return [library.split(".")[:2] for library in libraries if not library.startswith("python ")]
