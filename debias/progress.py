"""What long work shows: a bar of what is done, the time so far and the time left; and remarks."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn


def progress_bar(console: Console) -> Progress:
    """A bar that shows a task's description, its count, the time elapsed and the time left."""
    return Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        "elapsed",
        TimeElapsedColumn(),
        "left",
        TimeRemainingColumn(),
        console=console,
        speed_estimate_period=300,  # runs of different methods differ in speed: judge by the last five minutes
    )


def say(*lines: str) -> None:
    """Tell whoever watches; standard output holds results alone. Empty lines are left out."""
    for line in lines:
        if line:
            print(line, file=sys.stderr)
