"""Run a lab's solution notebook from start to end in a clean kernel, and keep what it makes when all of it ran."""

import contextlib
import datetime
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat.notebooknode import NotebookNode
from rich.console import Console

from debias.errors import InputError
from debias.files import make_folder, write_text
from debias.progress import progress_bar
from debias.provenance import provenance
from labs import build, leaderboard

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def run(name: str, smoke: bool) -> int:
    """Run a lab; what it saves replaces its folder in results/labs/ (in .cache/labs/ for `smoke`).

    Returns:
        0, or 1 after one line on the cell that failed; nothing is kept then.
    """
    results = build.ROOT / (".cache/labs" if smoke else "results/labs") / name
    notebook = build.notebook(build.sources()[name], solved=True)
    try:
        with replacing_folder(results) as folder:
            executed = execute(set_parameters(notebook, smoke, folder), name)
            keep_times(seconds_by_section(executed), folder)
    except (CellExecutionError, RuntimeError) as error:
        print(f"error: lab {name}, {_failed_cell(notebook)}: {reason(error)}", file=sys.stderr)
        return 1
    if not smoke:  # the notebooks say how long each section takes, the leaderboards what came out
        build.write(build.texts(build.sources()[name]) | leaderboard.texts(build.ROOT))
    print(f"{name}: everything ran; tables, figures and sounds: {results}")
    return 0


def set_parameters(notebook: NotebookNode, smoke: bool, results: Path) -> NotebookNode:
    """Give the parameters of a notebook other values, in a cell of their own behind the usual ones; returns it."""
    cell = nbformat.v4.new_code_cell(f"SMOKE = {smoke}\nRESULTS = {str(results)!r}", id="parameters-of-this-run")
    notebook.cells.insert(build.parameters(notebook.cells) + 1, cell)
    return notebook


def execute(notebook: NotebookNode, title: str) -> NotebookNode:
    """Run all cells of `notebook` in the repository's root, with a progress bar; returns it with its outputs.

    Args:
        title: shown beside the bar.

    Raises:
        CellExecutionError: a cell failed.
        RuntimeError: the kernel did not start; a DeadKernelError, which is one: it died.
    """
    with progress_bar(Console(stderr=True)) as progress:
        task = progress.add_task(title, total=sum(cell.cell_type == "code" for cell in notebook.cells))

        def advance(**_):
            progress.advance(task)

        client = NotebookClient(
            notebook,
            timeout=None,
            startup_timeout=300,  # seconds; on a busy machine a minute is not enough
            kernel_name="python3",
            on_cell_executed=advance,
            resources={"metadata": {"path": str(build.ROOT)}},
            extra_arguments=["--log-level=40"],  # errors alone
        )
        # A kernel takes the folder it starts in off its path; with a safe path it would then not find our packages.
        paths = {"PYTHONPATH": str(build.ROOT), "PYTHONSAFEPATH": ""}
        try:
            client.execute(env=os.environ | paths | {"TF_CPP_MIN_LOG_LEVEL": "3"})
        except AssertionError:  # nbclient takes Ctrl-C for itself, ends the kernel, and then misses it
            if client.km is None:
                raise KeyboardInterrupt from None
            raise
    return notebook


def reason(error: Exception) -> str:
    """One line: what the cell raised, without the trace."""
    if isinstance(error, CellExecutionError):
        message = _COLOURS.sub("", error.evalue).strip().splitlines() or [""]
        return f"{error.ename}: {message[0]}"
    if isinstance(error, DeadKernelError):
        return "the kernel died: is there enough memory?"
    return f"the kernel did not start: {str(error).strip().splitlines()[-1] if str(error).strip() else 'no message'}"


def seconds_by_section(executed: NotebookNode) -> dict[str, float]:
    """Heading of each section -> seconds that its cells took, of a notebook that ran; students have no cell `kept`."""
    seconds, section = {}, None
    for cell in executed.cells:
        if cell.cell_type == "markdown":
            section = (build.HEADING.findall(cell.source) or [section])[-1]
        elif section and "kept" not in cell.metadata.get("tags", []) and (times := cell.metadata.get("execution")):
            begin, end = (times[event] for event in ("iopub.execute_input", "shell.execute_reply"))
            took = datetime.datetime.fromisoformat(end) - datetime.datetime.fromisoformat(begin)
            seconds[section] = seconds.get(section, 0) + took.total_seconds()
    return seconds


def keep_times(seconds: dict[str, float], folder: Path) -> None:
    """Put the seconds of each section into the summary that a lab left in `folder`, if it did."""
    if (path := folder / build.SUMMARY).exists():
        times = {heading: round(taken, 1) for heading, taken in seconds.items()}
        kept = json.loads(path.read_text("utf-8")) | {"section_seconds": times, "section_host": provenance()["host"]}
        write_text(path, json.dumps(kept, indent=1) + "\n")


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `folder` on success, and is removed on any failure.

    InputError where it cannot be made.
    """
    make_folder(folder.parent)
    try:
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise InputError(f"cannot write {folder.parent}: {error.strerror}") from error
    temporary, old = made / "new", made / "old"
    try:
        temporary.mkdir()
        yield temporary
        if os.path.lexists(folder):
            os.replace(folder, old)  # moved, since what some disk does not let go must not cost hours; a link moves too
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _failed_cell(notebook: NotebookNode) -> str:
    """'the cell that begins with ...': the last that ran."""
    ran = [cell for cell in notebook.cells if cell.get("execution_count")]
    return f"the cell that begins with {ran[-1].source.splitlines()[0]!r}" if ran else "before its first cell"
