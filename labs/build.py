"""One source a lab, `labs/solutions/<lab>.py`, from which both notebooks are built: the student's and the solution.

The student's is in the lab's folder, the solution beside the source: a student does not have it in sight. Both are as
deep in the repository, so that a link leads to the same file from either.

The source is in jupytext's percent format. What stands between `### BEGIN SOLUTION` and `### END SOLUTION` is taken out
of the student's notebook; the `# TODO:` lines above it stay, and hints unfold below (`labs.hints`). A cell
tagged `parameters` holds what a run may set; one tagged `kept` writes what the repository keeps of a run, which is no
business of a student's.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import jupytext
import nbformat
from nbformat.notebooknode import NotebookNode

from debias.files import write_text
from labs import hints
from labs.checking import UNFILLED

ROOT = Path(__file__).resolve().parents[1]
SOURCES, STUDENT, SUMMARY = "labs/solutions", "student.ipynb", "summary.json"
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
SHORT = 5  # seconds; a section that takes less does not say so
SOLVED = re.compile(r"^( *)### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL | re.MULTILINE)
STUB = f'raise NotImplementedError("{UNFILLED}")'
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
PLACEHOLDER = "https://github.com/OWNER/REPOSITORY"  # stands in pyproject.toml until there is an address
SET_UP = """\
# Set-up: run this cell first. On Colab it fetches the lab and the few packages that Colab lacks, in half a minute.
import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = "{repository}"  # where the lab is published


class NotFound(Exception):
    def _render_traceback_(self):
        return [str(self)]


def root():
    folders = [Path("lab").resolve(), Path.cwd(), *Path.cwd().parents]
    return next((folder for folder in folders if (folder / "labs" / "build.py").exists()), None)


if "google.colab" in sys.modules and not root() and REPOSITORY != "{placeholder}":
    environment = os.environ | {{"GIT_TERMINAL_PROMPT": "0"}}  # an address that is wrong fails instead of asking
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", REPOSITORY, "lab"], env=environment)
    if root():
        os.chdir("lab")
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--requirement", "labs/requirements.txt"]
        if subprocess.run(install).returncode:
            os.chdir("..")
            shutil.rmtree("lab")  # so that this cell tries again
            raise NotFound("The packages could not be installed, see above: run this cell again.")
if not root():
    raise NotFound(f"The lab is not at {{REPOSITORY}}: set REPOSITORY, above, to its address and run this cell again.")
sys.path.insert(0, str(root()))

from labs.checking import stop_in_one_line

stop_in_one_line()"""


def sources() -> dict[str, Path]:
    """Name of a lab -> its source."""
    return {path.stem: path for path in sorted((ROOT / SOURCES).glob("*.py"))}


def built_at(source: Path, solved: bool) -> Path:
    """Where a lab's solution notebook is, or its student's, which has no solution beside it."""
    return source.with_suffix(".ipynb") if solved else source.parents[1] / source.stem / STUDENT


def title(source: Path) -> str:
    """The heading of a lab."""
    return jupytext.read(source).cells[0].source.splitlines()[0].lstrip("# ")


def notebook(source: Path, solved: bool) -> NotebookNode:
    """A lab as a notebook without outputs, with the solutions or with stubs that raise NotImplementedError."""
    built = jupytext.read(source)
    built.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    path = built_at(source, solved).relative_to(ROOT)
    title, *cells = [cell for cell in built.cells if solved or "kept" not in cell.metadata.get("tags", [])]
    built.cells = [_badge(path), title, _set_up(), *(part for cell in cells for part in hints.unfold(cell))]
    _say_times(built, measured(source.stem))
    for number, cell in enumerate(built.cells):
        cell.id = f"cell-{number}"  # random ids would change with every build
        cell.metadata = nbformat.from_dict({"tags": cell.metadata["tags"]} if "tags" in cell.metadata else {})
        cell.source = cell.source if solved else SOLVED.sub(rf"\g<1>{STUB}", cell.source)
    return built


def texts(source: Path) -> dict[Path, str]:
    """Path -> content of both notebooks of a lab; the same source gives the same bytes."""
    return {built_at(source, solved): nbformat.writes(notebook(source, solved)) + "\n" for solved in (False, True)}


def measured(name: str) -> dict[str, str]:
    """Heading of a section -> how long its cells took in the lab's last full run, and where; only of slow sections."""
    path = ROOT / "results" / "labs" / name / SUMMARY
    summary = json.loads(path.read_text("utf-8")) if path.exists() else {}
    where = summary.get("section_host", "")
    times = {heading: seconds for heading, seconds in summary.get("section_seconds", {}).items() if seconds >= SHORT}
    return {heading: f"*Runs in {_duration(s)}, as measured ({where}).*" for heading, s in times.items()}


def stale(labs: dict[str, Path]) -> dict[Path, str]:
    """Path -> content of the notebooks that are missing or are not what their source gives."""
    return outdated({path: text for source in labs.values() for path, text in texts(source).items()})


def outdated(wanted: Mapping[Path, str]) -> dict[Path, str]:
    """Of these files and their contents those that are missing or have another content."""
    return {path: text for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text}


def write(files: Mapping[Path, str]) -> None:
    """Write files, each of them whole or not at all."""
    for path, text in files.items():
        write_text(path, text)


def parameters(cells: Iterable[NotebookNode]) -> int:
    """Position of the cell tagged `parameters`."""
    return next(number for number, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", []))


def repository() -> str:
    """The project's public address, from pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Repository"]


def _say_times(built: NotebookNode, times: Mapping[str, str]) -> None:
    """Under the heading of each section, how long it takes."""
    for cell in built.cells:
        if cell.cell_type == "markdown":
            cell.source = HEADING.sub(lambda m: f"{m[0]}\n\n{times[m[1]]}" if m[1] in times else m[0], cell.source)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"


def _badge(path: Path) -> NotebookNode:
    colab = repository().replace("https://github.com/", "https://colab.research.google.com/github/")
    return nbformat.v4.new_markdown_cell(f"[![Open in Colab]({BADGE})]({colab}/blob/main/{path.as_posix()})")


def _set_up() -> NotebookNode:
    return nbformat.v4.new_code_cell(SET_UP.format(repository=repository(), placeholder=PLACEHOLDER))
