"""The commands behind python -m experiments. What takes long to load is imported by the command that needs it."""

from debias.commandline import parse
from experiments.commands.measure import Benchmark, Detection, Photographs
from experiments.commands.report import Compare, List, Report
from experiments.commands.run_experiment import Run

ABOUT = "Trains the experiments, and makes every table, figure and page from their rows."
COMMANDS = {
    "run": Run,
    "list": List,
    "report": Report,
    "compare": Compare,
    "benchmark": Benchmark,
    "detection": Detection,
    "photographs": Photographs,
}


def run(arguments: list[str]) -> int:
    """Parse and run one command; returns the exit code."""
    return parse(COMMANDS, "python -m experiments", ABOUT, arguments)()
