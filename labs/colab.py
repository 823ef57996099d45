"""The labs on Colab's stack: its Python and its versions of what they import, in an environment of their own.

A notebook on Colab leaves what Colab has as it is and adds labs/requirements.txt. Here both files are resolved
together, so that it is an error where an addition asks for another version than Colab has.
"""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from debias.errors import InputError
from debias.files import write_text
from labs import build

PYTHON = "3.13"
FILES = ("labs/colab.txt", "labs/requirements.txt")
FOLDER, STAMP = ".cache/colab", "installed.stamp"
_OFFLINE = re.compile(r"error sending request|dns error|client error \(Connect\)|timed out", re.IGNORECASE)


class Unreachable(Exception):
    """No package index answers."""


def run(names: Sequence[str]) -> int:
    """Run labs, all by default, at toy size on Colab's stack.

    Returns:
        The exit code; 0 too where no package index can be reached, after one line that says that none ran.
    """
    folder = build.ROOT / FOLDER
    try:
        python = environment(folder)
    except Unreachable as error:
        print(f"skipped, the labs on Colab's stack: {error}", file=sys.stderr)
        return 0
    command = [str(python), "-m", "labs", "run", "--smoke", *names]
    return subprocess.run(command, cwd=build.ROOT, env=os.environ | _variables(folder), check=False).returncode


def environment(folder: Path) -> Path:
    """The environment's Python; it is made by the first call, and anew once one of the two files has changed.

    Raises:
        Unreachable: no package index answers.
        InputError: the packages do not go together, or uv stops for another reason.
    """
    files = [build.ROOT / name for name in FILES]
    wanted = "".join(path.read_text("utf-8") for path in files)
    python, stamp = folder / "bin" / "python", folder / STAMP
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        print(f"Installing Colab's stack into {folder}: 1 to 5 minutes", file=sys.stderr)
        _create(folder)
        required = [word for path in files for word in ("--requirement", path)]
        _uv("pip", "install", "--python", python, "--only-binary", ":all:", *required)
        write_text(stamp, wanted)
    return python


def _variables(folder: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": str(build.ROOT),
        "NUMBA_CACHE_DIR": str(folder / "numba"),  # of one version: two that share it compile again and again
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),  # of what is imported, by the first process for all others
        "PYTHONDONTWRITEBYTECODE": "",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # or each kernel prints a warning of its debugger
        "SDL_AUDIODRIVER": "dummy",  # or games that are not heard complain that there is no sound card
    }


def _create(folder: Path) -> None:
    """An empty environment of Colab's Python; of this one where that is neither here nor can be fetched."""
    try:
        _uv("venv", "--clear", "--python", PYTHON, folder)
    except (InputError, Unreachable):
        print(f"Colab's Python {PYTHON} cannot be had: {platform.python_version()} in its place", file=sys.stderr)
        _uv("venv", "--clear", "--python", sys.executable, folder)


def _uv(*words: str | Path) -> None:
    command = [sys.executable, "-m", "uv", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | _settings(), check=False)
    if done.returncode:
        reason = " ".join(done.stderr.split())
        if _OFFLINE.search(reason):
            raise Unreachable("no package index can be reached: check network and proxy")
        raise InputError(f"{' and '.join(FILES)} could not be installed together: {reason}")


def _settings() -> dict[str, str]:
    """The index that uv is told to use, or pip, whose settings it does not read; and how it finds Colab's Python."""
    pip = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    told = subprocess.run(pip, capture_output=True, text=True, check=False).stdout.strip()
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or told
    # Under pyenv a Python that is not the usual one starts only where it is asked for.
    return {"UV_DEFAULT_INDEX": index, "PYENV_VERSION": PYTHON}
