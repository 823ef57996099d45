"""Files of packages that are read as data: downloaded by pip, never installed, checked by their SHA-256."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from debias.errors import InputError
from debias.files import replacing

# Old source packages import pkg_resources while pip reads their metadata; later setuptools no longer carry it.
BUILD_CONSTRAINTS = "setuptools<75\n"


def fetch(requirement: str, filename: str, sha256: str, cache: Path, options: Sequence[str] = ()) -> Path:
    """Path in `cache/downloads` of the file that pip downloads for `requirement`; downloaded once.

    Args:
        requirement: "name==version".
        filename: the name under which the file arrives.
        sha256: its expected hexadecimal digest.
        options: further options of `pip download`.

    Raises:
        InputError: pip fails (its last line is quoted), the file is not the expected one, or it cannot be written.
    """
    path = Path(cache) / "downloads" / filename
    if not path.is_file() or digest(path) != sha256:
        with replacing(path) as temporary, tempfile.TemporaryDirectory() as folder:
            _pip_download(requirement, Path(folder), options)
            temporary.write_bytes(_checked(Path(folder) / filename, requirement, sha256))
    return path


def pip(verb: str, requirement: str, options: Sequence[str], variables: Mapping[str, str]) -> None:
    """Have pip 'download' or 'install' a requirement; InputError with its last line where it cannot.

    Args:
        variables: of the environment, on top of this process' own.
    """
    command = [sys.executable, "-m", "pip", verb, "--quiet", "--disable-pip-version-check", "--no-input"]
    command += [*options, requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | variables)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"pip could not {verb} {requirement} ({reason}): check the network and run again")


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pip_download(requirement: str, folder: Path, options: Sequence[str]) -> None:
    constraints = folder / "constraints.txt"
    constraints.write_text(BUILD_CONSTRAINTS)
    # Which of the two names applies to the packages of an isolated build depends on pip's version.
    variables = {"PIP_CONSTRAINT": str(constraints), "PIP_BUILD_CONSTRAINT": str(constraints)}
    pip("download", requirement, ["--no-deps", *options, "--dest", str(folder)], variables)


def _checked(path: Path, requirement: str, sha256: str) -> bytes:
    if not path.is_file():
        raise InputError(f"pip downloaded {requirement} under another name than {path.name}: check the package index")
    found = digest(path)
    if found != sha256:
        raise InputError(f"{path.name} has SHA-256 {found}, expected {sha256}: check the package index")
    return path.read_bytes()
