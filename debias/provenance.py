"""Where a result comes from: commit, library versions, machine."""

import functools
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

COMMIT = "DEBIAS_COMMIT"  # set where the code runs without its git history, as on another machine of a cluster
ROOT = Path(__file__).resolve().parents[1]
_CPU = Path("/proc/cpuinfo")  # on Linux
_KIND = ("model name", "cpu family", "model", "CPU implementer", "CPU part")
_LIBRARIES = ("tensorflow", "keras", "tensorflow-probability", "numpy", "scikit-learn", "fairlearn")


@functools.cache
def provenance() -> dict[str, str]:
    """Columns commit, versions and host, as they are at the first call."""
    versions = [f"python {platform.python_version()}"]
    versions += [f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES]
    host = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores: {processor()}"
    return {"commit": commit(), "versions": "; ".join(versions), "host": host}


def processor() -> str:
    """Its kind, which decides how sums round: name, family and model where the machine tells them."""
    try:
        first = _CPU.read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine()
    told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}
    return " ".join(told[name] for name in _KIND if name in told) or platform.machine()


def commit() -> str:
    """The checked-out commit, with '-dirty' if source files differ from it; 'unknown' outside git."""
    if COMMIT in os.environ:
        return os.environ[COMMIT]
    if _git("rev-parse", "--show-prefix"):  # a copy within somebody else's repository
        return "unknown"
    head = _git("rev-parse", "--short=12", "HEAD")
    # What runs write, and pages and notebooks that are made of it, do not alter what the next run computes.
    changed = _git("status", "--porcelain", "--", ".", ":!results", ":!*.md", ":!*.ipynb")
    return (head or "unknown") + ("-dirty" if changed else "")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
