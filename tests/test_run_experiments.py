"""The entry script, in copies of it with a requirement so small that the set-up takes seconds and no network."""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOISE = ("PYTHON", "PIP_", "VIRTUAL_ENV")
EXPERIMENTS = """
import sys
import tiny
print("tiny", tiny.VERSION, *sys.argv[1:])
sys.exit(7 if "--fail" in sys.argv else 0)
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    """A folder of wheels: tiny 1.0 and tiny 2.0, one module each."""
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        _write_wheel(folder, version)
    return folder


@pytest.fixture
def tree(tmp_path) -> Path:
    """A copy of the script, without its environment, in a folder with spaces in its name."""
    return _make_tree(tmp_path / "a fresh clone")


@pytest.fixture(scope="module")
def ready(tmp_path_factory, wheels) -> Path:
    """A copy that is set up; every test leaves it set up."""
    tree = _make_tree(tmp_path_factory.mktemp("ready") / "a used clone")
    assert _call(tree, "quick", **_local(wheels)).returncode == 0
    return tree


def test_help_lists_every_command_with_its_minutes():
    from experiments.commands import COMMANDS
    from experiments.registry import EXPERIMENTS, GROUPS

    result = _call(ROOT, "--help")
    listed = set(re.findall(r"^  (\w+) +\d+ min  \S", result.stdout, re.MULTILINE))
    one_by_one = re.search(r"^One ablation alone: (.*)$", result.stdout, re.MULTILINE)[1].split()
    assert result.returncode == 0
    assert tuple(one_by_one) == GROUPS["ablations"]
    assert listed == (set(COMMANDS) - {"run"}) | (set(EXPERIMENTS) - set(one_by_one)) | set(GROUPS) | {"labs", "test"}


def test_unknown_artefact_is_one_line_and_sets_nothing_up(tree):
    result = _call(tree, "tabel1")
    _assert_one_error(result, "unknown artefact 'tabel1'")
    assert not (tree / ".venv").exists()


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.10", "3.14"])
def test_python_of_another_version_is_one_line(tree, version):
    _assert_one_error(_call(tree, PYTHON=_fake_python(tree, f"echo {version}")), f"found {version}")


def test_only_an_old_python_on_the_path_is_one_line(tree):
    folder = tree / "bin"
    folder.mkdir()
    for name in ("python3.13", "python3.12", "python3.11", "python3"):
        shutil.copy(_fake_python(tree, "echo 3.8"), folder / name)
    _assert_one_error(_call(tree, PATH=f"{folder}:{os.environ['PATH']}"), "found 3.8")


def test_python_without_venv_module_is_one_line(tree):
    python = _fake_python(tree, 'case "$2" in *venv*) exit 1 ;; *) echo 3.12 ;; esac')
    _assert_one_error(_call(tree, PYTHON=python), "apt install python3.12-venv")


def test_short_disk_is_one_line(tree):
    folder = tree / "bin"
    folder.mkdir()
    _write_script(folder / "df", "echo header; echo /dev/disk 9000000 8000000 1000000 90% /")
    result = _call(tree, PYTHON=sys.executable, PATH=f"{folder}:{os.environ['PATH']}")
    _assert_one_error(result, "976 MiB left")


def test_read_only_folder_is_one_line(tree):
    (tree / ".cache").write_text("in the way: root may write to read-only folders, so that a mode would not stop it")
    _assert_one_error(_call(tree, PYTHON=sys.executable), "cannot write to")


def test_unreachable_registry_is_one_line_and_the_next_call_completes(tree, wheels):
    offline = {"PYTHON": sys.executable, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    result = _call(tree, **offline)
    _assert_one_error(result, "registry cannot be reached", "setup.log")
    assert not (tree / ".venv" / "installed.stamp").exists()
    assert _call(tree, **_local(wheels)).stdout == "tiny 1.0 run quick\n"


def test_killed_while_pip_waits_then_called_again(tree, wheels):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        process = _start(tree, PYTHON=sys.executable, PIP_INDEX_URL=index)
        silent.settimeout(60)
        silent.accept()  # pip has come; it will get no answer
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert not (tree / ".venv" / "installed.stamp").exists()
    assert _call(tree, **_local(wheels)).stdout == "tiny 1.0 run quick\n"


def test_killed_while_venv_is_made_then_called_again(tree, wheels):
    process = _start(tree, PYTHON=sys.executable)
    _wait_until((tree / ".venv" / "bin" / "python").exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tree / ".venv" / "created.stamp").exists()
    assert _call(tree, **_local(wheels)).stdout == "tiny 1.0 run quick\n"


def test_package_that_was_half_copied_is_installed_again(ready, wheels):
    (site_packages,) = (ready / ".venv").glob("lib/python*/site-packages")
    (site_packages / "tiny-1.0.dist-info" / "INSTALLER").unlink()
    (site_packages / "tiny.py").write_text("")
    (ready / ".venv" / "installed.stamp").unlink()
    assert _call(ready, **_local(wheels)).stdout == "tiny 1.0 run quick\n"


def test_second_call_runs_no_pip(ready):
    log = ready / ".cache" / "setup.log"
    before = log.stat().st_mtime_ns
    started = time.monotonic()
    result = _call(ready, PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert (result.returncode, result.stdout, result.stderr) == (0, "tiny 1.0 run quick\n", "")
    assert log.stat().st_mtime_ns == before
    assert time.monotonic() - started < 3  # 0.1 s on an idle machine


def test_another_version_than_the_environment_is_refused(ready):
    _assert_one_error(_call(ready, PYTHON=_fake_python(ready, "echo 3.9")), "found 3.9")
    assert _call(ready).returncode == 0


def test_changed_requirements_are_followed(ready, wheels):
    requirements = ready / "requirements.txt"
    requirements.write_text("tiny~=2.0\n")
    assert _call(ready, **_local(wheels)).stdout == "tiny 2.0 run quick\n"
    requirements.write_text("tiny~=1.0\n")
    assert _call(ready, **_local(wheels)).stdout == "tiny 1.0 run quick\n"


def test_two_calls_take_turns(ready, wheels):
    (ready / ".venv" / "installed.stamp").unlink()
    with (ready / ".cache" / "setup.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = _start(ready, **_local(wheels))
        assert "waiting" in process.stderr.readline()
        assert not (ready / ".venv" / "installed.stamp").exists()
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "tiny 1.0 run quick\n")


@pytest.mark.parametrize(
    ("words", "passed"),
    [
        ((), "run quick"),
        (("--data", "digits"), "run quick --data digits"),
        (("quick", "--help"), "run quick --help"),
        (("table1", "--data", "a b.h5"), "run table1 --data a b.h5"),
        (("k", "--smoke"), "run k --smoke"),
        (("report",), "report"),
    ],
)
def test_words_reach_python(ready, words, passed):
    assert _call(ready, *words).stdout == f"tiny 1.0 {passed}\n"


def test_exit_code_is_passed_on(ready):
    assert _call(ready, "--fail").returncode == 7


def test_works_through_a_link_and_beside_a_folder_that_shadows_ours(ready, tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "__main__.py").write_text("raise SystemExit('the wrong package')")
    link = tmp_path / "link.sh"
    link.symlink_to(ready / "run_experiments.sh")
    result = subprocess.run([link], cwd=tmp_path, env=_environment(), capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "tiny 1.0 run quick\n")


def _write_wheel(folder: Path, version: str) -> None:
    info = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(folder / f"tiny-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", f"VERSION = {version!r}\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"tiny.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


def _make_tree(tree: Path) -> Path:
    (tree / "experiments").mkdir(parents=True)
    shutil.copy(ROOT / "run_experiments.sh", tree)
    (tree / "experiments" / "__main__.py").write_text(EXPERIMENTS)
    (tree / "requirements.txt").write_text("tiny~=1.0\n")
    return tree


def _fake_python(tree: Path, body: str) -> str:
    return _write_script(tree / "fake-python", body)


def _write_script(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def _local(wheels: Path) -> dict[str, str]:
    """Settings with which pip finds the wheels and asks no registry."""
    return {"PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}


def _environment(**settings: str) -> dict[str, str]:
    """The environment without Python's and pip's settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOISE)}
    return kept | {"PIP_CONFIG_FILE": os.devnull} | settings


def _call(tree: Path, *words: str, **settings: str) -> subprocess.CompletedProcess:
    command = [tree / "run_experiments.sh", *words]
    return subprocess.run(command, env=_environment(**settings), capture_output=True, text=True, check=False)


def _start(tree: Path, **settings: str) -> subprocess.Popen:
    return subprocess.Popen(
        [tree / "run_experiments.sh"],
        env=_environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the set-up did not get that far"
        time.sleep(0.01)


def _assert_one_error(result: subprocess.CompletedProcess, *parts: str) -> None:
    errors = [line for line in result.stderr.splitlines() if not line.startswith("Setting up")]
    assert result.returncode == 2
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert all(part in errors[0] for part in parts), errors[0]
