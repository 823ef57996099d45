"""Makes .venv and installs the packages in it, by a bare Python: run_experiments.sh calls this before anything else.

    python experiments/environment.py python    # the Python whose version .venv is to have

Killed at any moment and called again, it goes on from the last stamp. Once everything is there it does nothing.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CREATED = VENV / "created.stamp"  # there once the empty environment is whole
INSTALLED = VENV / "installed.stamp"  # the requirements, once every package is in
CACHE = ROOT / ".cache"
LOG = CACHE / "setup.log"
GPU = os.environ.get("GPU", "") not in ("", "0")
NEEDED_GIB = 10 if GPU else 5
PLATFORMS = "Linux with glibc on x86_64 or aarch64, macOS on Apple silicon, or Windows through WSL2"
PIP = (PYTHON, "-m", "pip")
PIP_INSTALL = (*PIP, "install", "--disable-pip-version-check", "--no-input", "--only-binary", ":all:")
# What the installers said -> what is wrong; the last that is found.
REASONS = {
    "": "the packages could not be installed",
    "from versions:": f"a package has no build for this machine, which must be {PLATFORMS}",
    "Connection|timed out": "the package registry cannot be reached: check network and proxy",
    "No space left|quota exceeded": "the disk is full",
}


class Failure(Exception):
    """What keeps the environment from being set up: one line."""


def main(python: str) -> int:
    """Set up; returns the exit code."""
    try:
        set_up(python)
    except (Failure, OSError) as error:  # the latter for a disk that is full, or a folder that was taken away
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: the same command continues where it stopped", file=sys.stderr)
        return 130
    return 0


def set_up(python: str) -> None:
    """Create what is missing of .venv.

    Raises:
        Failure: it cannot be done here and now.
    """
    if is_complete():
        return
    check_platform()
    with turn() as lock:
        if is_complete():
            return
        LOG.write_bytes(b"")
        if not has_environment():
            create(python, lock)
        INSTALLED.unlink(missing_ok=True)
        print(
            f"Setting up .venv with Python {version_of(PYTHON)}: 1 to 5 minutes, 900 MB to download the first time.",
            file=sys.stderr,
        )
        install(lock)


def is_complete() -> bool:
    """What was installed for a GPU begins with what is needed without one."""
    return (
        has_environment() and INSTALLED.is_file() and INSTALLED.read_text("utf-8", "replace").startswith(requirements())
    )


def has_environment() -> bool:
    """Whether there is an environment, of the version that the user asks for."""
    asked = os.environ.get("PYTHON")
    is_whole = CREATED.is_file() and os.access(PYTHON, os.X_OK)
    return is_whole and (not asked or version_of(asked) == version_of(PYTHON))


def version_of(python: str | Path) -> str:
    """Such as 3.12; '' where it does not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()


def requirements() -> str:
    """All that is to be installed, in the form of requirements.txt."""
    return (ROOT / "requirements.txt").read_text("utf-8") + "tensorflow[and-cuda]\n" * GPU


def check_platform() -> None:
    """Raise Failure where TensorFlow has no packages."""
    platform = _said("uname", "-sm")
    if "musl" in _said("ldd", "--version", also_errors=True):  # that of musl knows no such option
        platform += " with musl"
    if platform == "Darwin arm64":
        if GPU:
            raise Failure("GPU=1 is for NVIDIA cards on Linux: leave it out")
    elif platform not in ("Linux x86_64", "Linux aarch64"):
        raise Failure(f"TensorFlow has no packages for {platform}: use {PLATFORMS}")


@contextlib.contextmanager
def turn() -> Iterator[int]:
    """Waits until no other call is setting up; gives the lock, which whatever inherits it goes on holding."""
    try:
        CACHE.mkdir(exist_ok=True)
        LOG.touch()
        lock = (CACHE / "setup.lock").open("a")
    except OSError as error:
        raise Failure(f"cannot write to {ROOT}: clone to a folder of your own") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another call is setting up: waiting for it.", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def create(python: str, lock: int) -> None:
    """Make an environment without packages."""
    free_mib = shutil.disk_usage(ROOT).free >> 20
    if free_mib < NEEDED_GIB << 10:
        raise Failure(
            f"{ROOT} has {free_mib} MiB left, the packages need {NEEDED_GIB} GiB: free some space and run again"
        )
    CREATED.unlink(missing_ok=True)
    if not succeeds((python, "-m", "venv", "--clear", VENV), lock):
        raise Failure(f"{python} could not create {VENV}: see {LOG}")
    CREATED.touch()


def install(lock: int) -> None:
    """By uv, several times as fast as pip; by pip where uv cannot be had, or fails."""
    wanted = INSTALLED.with_suffix(".part")
    wanted.write_text(requirements(), "utf-8")
    os.environ["PIP_USER"] = "0"  # a user's own 'user = true' is an error inside an environment
    os.environ["UV_DEFAULT_INDEX"] = os.environ.get("UV_DEFAULT_INDEX") or registry()
    uv = (VENV / "bin" / "uv", "pip", "install", "--python", PYTHON, "--only-binary", ":all:", "--compile-bytecode")
    forget_half_installed()
    by_uv = succeeds((*PIP_INSTALL, "--retries", "2", "uv"), lock) and succeeds((*uv, "--requirement", wanted), lock)
    if not by_uv:
        forget_half_installed()
        if not succeeds((*PIP_INSTALL, "--requirement", wanted), lock):
            raise Failure(f"{reason(LOG.read_text('utf-8', 'replace'))}; then run again, see {LOG}")
    wanted.replace(INSTALLED)


def registry() -> str:
    """Where pip is told to look for packages: of its settings uv is given this one alone."""
    return os.environ.get("PIP_INDEX_URL") or _said(*PIP, "config", "get", "global.index-url")


def forget_half_installed() -> None:
    """Installers write INSTALLER last: where it is missing, the package was being copied when the set-up was killed."""
    for info in VENV.glob("lib/python*/site-packages/*.dist-info"):
        if not (info / "INSTALLER").exists():
            shutil.rmtree(info)


def succeeds(command: Sequence[str | Path], lock: int) -> bool:
    """Whether a command does; meanwhile one line of the terminal tells the time so far and what it said last."""
    with LOG.open("ab") as log:
        try:
            process = subprocess.Popen(command, stdout=log, stderr=log, pass_fds=[lock])
        except OSError as error:  # it is not there, or may not be run
            log.write(f"{error}\n".encode())
            return False
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1)
                show(LOG.read_text("utf-8", "replace").rstrip("\n").rpartition("\n")[2])
        finally:
            show()
    return process.returncode == 0


def show(said: str | None = None) -> None:
    """Write over the terminal's line; nothing where there is no terminal."""
    if sys.stderr.isatty():
        seconds = int(time.monotonic() - BEGUN)
        line = "" if said is None else f"{seconds // 60}:{seconds % 60:02d}  {said:.70}"
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def reason(log: str) -> str:
    """What is wrong, by what the installers said."""
    return [told for pattern, told in REASONS.items() if re.search(pattern, log)][-1]


def _said(*command: str | Path, also_errors: bool = False) -> str:
    """What a command prints; '' where there is no such command."""
    errors = subprocess.STDOUT if also_errors else subprocess.DEVNULL
    try:
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, check=False).stdout
    except OSError:
        return ""
    return said.decode(errors="replace").strip()


BEGUN = time.monotonic()

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
