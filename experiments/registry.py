"""Every experiment by name, found by its file: a module here or in `ablations` that sets EXPERIMENT."""

import collections
import importlib
import re
from pathlib import Path

from debias.errors import InputError
from experiments.engine.experiment import Experiment

_FOLDER = Path(__file__).parent
_HOLDS_ONE = re.compile(r"^EXPERIMENT *[:=]", re.MULTILINE)  # looked for in the text: other modules load TensorFlow


def _found(package: str, folder: Path) -> list[Experiment]:
    """The experiments in the modules of a folder, by name."""
    files = sorted(folder.glob("[a-z]*.py"))
    names = [path.stem for path in files if _HOLDS_ONE.search(path.read_text(encoding="utf-8"))]
    return [importlib.import_module(f"{package}.{name}").EXPERIMENT for name in names]


_ABLATIONS = _found("experiments.ablations", _FOLDER / "ablations")
_OTHERS = sorted(_found("experiments", _FOLDER), key=lambda experiment: experiment.minutes)  # the quick ones first

EXPERIMENTS: dict[str, Experiment] = {experiment.name: experiment for experiment in (*_OTHERS, *_ABLATIONS)}
if len(EXPERIMENTS) < len(_OTHERS) + len(_ABLATIONS):
    counts = collections.Counter(experiment.name for experiment in (*_OTHERS, *_ABLATIONS))
    raise InputError(f"two experiments are called {counts.most_common(1)[0][0]}: give each file's its own name")
GROUPS = {  # name -> several experiments in one go
    "ablations": tuple(experiment.name for experiment in _ABLATIONS),
    "all": tuple(name for name, experiment in EXPERIMENTS.items() if not experiment.prepares),
}
