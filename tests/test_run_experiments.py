"""The entry script, in copies of it with fake Pythons and installers: a set-up takes no time and no network."""

import fcntl
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOISE = ("PYTHON", "PIP_", "UV_", "VIRTUAL_ENV", "GPU", "NUMBA_")
PYTHON_VERSIONS = ("python3.13", "python3.12", "python3.11", "python3")
# A Python with venv, pip and, under the name uv, uv. It installs 'name~=version' as installers do: what has a folder
# .dist-info is there, and INSTALLER is written last. HANG, FAIL and SAYS tell at which stage it hangs or fails, and
# what it says then; FAIL_ALL=p lets all installers fail.
FAKE = f"""#!/bin/sh
site=$(dirname "$(dirname "$0")")/lib/python3.12/site-packages
stage() {{
    echo "$1" >>"$CALLS"
    case "$1" in "$FAIL" | *"${{FAIL_ALL:-nothing}}"*) echo "$SAYS" >&2; exit 1 ;; esac
    if [ "$HANG" = "$1" ]; then echo "$SAYS" >&2; touch "$CALLS.hangs"; sleep "${{SECONDS_OF_HANG:-60}}"; fi
}}
install() {{
    sed -E 's/~=| /-/; s/^tensorflow.and-cuda.$/cuda-1.0/' "$1" | grep . | while read -r package; do
        if [ -d "$site/$package.dist-info" ]; then continue; fi
        mkdir "$site/$package.dist-info"
        stage "half $2"
        echo "$package" >"$site/${{package%-*}}"
        echo "$2" >"$site/$package.dist-info/INSTALLER"
    done || exit 1
}}
for last; do :; done
case "$(basename "$0") $*" in
    *" -c import sys; "*) echo "${{VERSION:-3.12}}" ;;
    *" -c import ensurepip"*) test -z "$WITHOUT_VENV" ;;
    *" $(dirname "$CALLS")/experiments/environment.py "*) exec '{sys.executable}' "$@" ;;
    *" -m venv --clear "*)
        rm -rf "$4" && mkdir -p "$4/bin" "$4/lib/python3.12/site-packages" && cp "$0" "$4/bin/python"
        stage venv ;;
    *" -m pip config get global.index-url") echo "$INDEX"; test -n "$INDEX" ;;
    *" -m pip install "*" --only-binary :all: --retries 2 uv")
        if [ "$PIP_USER" != 0 ]; then echo "Can not perform a '--user' install"; exit 1; fi
        stage "pip uv"
        cp "$0" "$(dirname "$0")/uv" ;;
    *" -m pip install "*" --only-binary :all: --requirement "*) stage pip; install "$last" pip ;;
    "uv pip install --python $(dirname "$0")/python --only-binary :all: --compile-bytecode --requirement "*)
        stage uv; echo "$UV_DEFAULT_INDEX" >"$CALLS.index"; install "$last" uv ;;
    "python -m "*) shift; echo "$(cat "$site/tiny") $*"; if [ -n "$SHOW" ]; then printenv "$SHOW"; fi
        case "$*" in *--fail*) exit 7 ;; esac ;;
    *) echo "unexpected: $0 $*" >&2; exit 9 ;;
esac
"""
DONE = "tiny-1.0 experiments run quick\n"


@pytest.fixture
def tree(tmp_path) -> Path:
    """A copy of the script, without its environment, in a folder with spaces in its name."""
    return _make_tree(tmp_path / "a fresh clone")


@pytest.fixture(scope="module")
def ready(tmp_path_factory) -> Path:
    """A copy that is set up; every test leaves it set up."""
    tree = _make_tree(tmp_path_factory.mktemp("ready") / "a used clone")
    assert _call(tree).stdout == DONE
    return tree


def test_help_lists_what_there_is_with_its_minutes():
    from experiments.commands import COMMANDS
    from experiments.registry import EXPERIMENTS, GROUPS

    minutes = _minutes(ROOT)
    assert set(minutes) == (set(COMMANDS) - {"run"}) | set(EXPERIMENTS) | set(GROUPS) | {"labs", "test"}
    assert {name: minutes[name] for name in EXPERIMENTS} == {name: e.minutes for name, e in EXPERIMENTS.items()}
    for group, names in GROUPS.items():  # what several of them share is trained once
        trained, total = set(), 0.0
        for experiment in (EXPERIMENTS[name] for name in names):
            ours = {json.dumps([run.data, run.settings()]) for run in experiment.runs()}
            total += experiment.minutes * len(ours - trained) / len(ours)
            trained |= ours
        assert minutes[group] == pytest.approx(total, rel=0.02)


def test_an_ablation_is_found_by_its_file(ready):
    template = ROOT / "experiments" / "templates" / "ablation.py"
    shutil.copy(template, ready / "experiments" / "ablations" / "learning_rate.py")
    assert _minutes(ready)["learning_rate"] == int(re.search(r"minutes=(\d+)", template.read_text())[1])
    assert _call(ready, "learning_rate").stdout == "tiny-1.0 experiments run learning_rate\n"


@pytest.mark.parametrize("word", ["tabel1", "registry", "base", "../quick", "quick .*", "min", "[a-z]+"])
def test_unknown_artefact_is_one_line_and_sets_nothing_up(tree, word):
    _assert_one_error(_call(tree, word), f"unknown artefact '{word}'")
    assert not (tree / ".venv").exists()


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.10", "3.14"])
def test_python_of_another_version_is_one_line(tree, version):
    _assert_one_error(_call(tree, VERSION=version), f"found {version}")


def test_only_an_old_python_on_the_path_is_one_line(tree):
    for name in PYTHON_VERSIONS:
        shutil.copy(tree / "fake-python", tree / "bin" / name)
    _assert_one_error(_call(tree, PYTHON="", VERSION="3.8"), "found 3.8")
    assert _call(tree, PYTHON="").stdout == DONE


def test_python_without_venv_module_is_one_line(tree):
    _assert_one_error(_call(tree, WITHOUT_VENV="yes"), "apt install python3.12-venv")


@pytest.mark.parametrize(
    ("system", "libc", "named"),
    [
        ("Linux x86_64", "musl libc (x86_64)", "Linux x86_64 with musl"),
        ("Darwin x86_64", "", "Darwin x86_64"),
        ("MINGW64_NT-10.0 x86_64", "", "MINGW64"),
        ("Linux armv7l", "GLIBC 2.36", "Linux armv7l"),
    ],
)
def test_system_without_tensorflow_is_one_line(tree, system, libc, named):
    _write_script(tree / "bin" / "uname", f"echo {system}")
    _write_script(tree / "bin" / "ldd", f"echo '{libc}' >&2; exit 1")
    _assert_one_error(_call(tree), named, "glibc", "macOS on Apple silicon", "WSL2")


def test_a_system_without_tensorflow_is_told_of_before_a_python_is_asked_for(tree):
    _write_script(tree / "bin" / "uname", "echo MINGW64_NT-10.0 x86_64")
    _assert_one_error(_call(tree, PYTHON="/no/python"), "MINGW64", "WSL2")


def test_macos_with_its_own_tools(tree):
    """No sha256sum, no flock, no ldd, a readlink without -f, and the script called through a link."""
    _write_script(tree / "bin" / "uname", "echo Darwin arm64")
    for name in ("sha256sum", "flock", "ldd", "timeout"):
        _write_script(tree / "bin" / name, "exit 127")
    (tree / "bin" / "ldd").chmod(0o644)  # as where a folder of PATH cannot be searched
    _write_script(tree / "bin" / "readlink", 'case "$1" in -f) exit 1 ;; *) exec /usr/bin/readlink "$@" ;; esac')
    (tree / "link.sh").symlink_to("run_experiments.sh")
    _assert_one_error(_call(tree, GPU="1"), "NVIDIA cards on Linux")
    assert _call(tree, script="link.sh").stdout == DONE
    assert _call(tree, script="link.sh").stderr == ""


def test_no_syntax_that_the_bash_of_macos_lacks():
    script = (ROOT / "run_experiments.sh").read_text(encoding="utf-8")
    assert not re.search(r"mapfile|readarray|declare -[An]|local -[An]|\$\{\w+(,,|\^\^|@\w)|&>>|\|&|coproc", script)


def test_clone_by_windows_git_starts_in_wsl(tmp_path):
    git = ["git", "-c", "core.autocrlf=true", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=m"]
    binary = b"\x89PNG\r\n\x1a\n\0"
    source = tmp_path / "source"
    (source / ".ci").mkdir(parents=True)
    for name in (".gitattributes", "run_experiments.sh", ".ci/run"):
        shutil.copy(ROOT / name, source / name)
    (source / "a.png").write_bytes(binary)
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"], ["clone", "-q", ".", "../clone"]):
        subprocess.run([*git, *words], cwd=source, check=True)
    for name in ("run_experiments.sh", ".ci/run", "a.png"):
        assert (tmp_path / "clone" / name).read_bytes() == (source / name).read_bytes()


@pytest.mark.parametrize(("gpu", "needed"), [("", "5 GiB"), ("0", "5 GiB"), ("1", "10 GiB")])
def test_short_disk_is_one_line(tree, gpu, needed):
    # A disk cannot be filled here: the copy believes that it is.
    script = tree / "experiments" / "environment.py"
    script.write_text(script.read_text().replace("shutil.disk_usage(ROOT).free", "(976 << 20)"))
    _assert_one_error(_call(tree, GPU=gpu), "976 MiB left", needed)


def test_a_file_that_cannot_be_written_is_one_line(tree):
    script = tree / "experiments" / "environment.py"
    full = 'raise OSError(28, "No space left on device", str(wanted))'
    script.write_text(script.read_text().replace('wanted.write_text(requirements(), "utf-8")', full))
    _assert_one_error(_call(tree), "No space left on device", "installed.part")
    shutil.copy(ROOT / "experiments" / "environment.py", script)
    assert _call(tree).stdout == DONE


def test_read_only_folder_is_one_line(tree):
    (tree / ".cache").write_text("in the way: root may write to read-only folders, so that a mode would not stop it")
    _assert_one_error(_call(tree), "cannot write to")


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("Connection refused\nERROR: No matching distribution (from versions: none)", "registry cannot be reached"),
        ("Read timed out.", "registry cannot be reached"),
        ("ERROR: Could not find a version (from versions: 2.1)", "no build for this machine"),
        ("[Errno 28] No space left on device", "the disk is full"),
        ("Disk quota exceeded", "the disk is full"),
        ("something new", "could not be installed"),
    ],
)
def test_failed_installation_is_one_line_and_the_next_call_completes(tree, says, reason):
    _assert_one_error(_call(tree, FAIL_ALL="p", SAYS=says), reason, "setup.log")
    assert not (tree / ".venv" / "installed.stamp").exists()
    assert _call(tree).stdout == DONE


def test_pip_installs_where_uv_may_not_be_run(tree):
    fake = tree / "fake-python"
    fake.write_text(fake.read_text().replace('cp "$0" "$(dirname "$0")/uv"', ":"))
    assert _call(tree).stdout == DONE
    assert _installer(tree) == "pip"


@pytest.mark.parametrize("stage", ["pip uv", "uv", "half uv"])
def test_pip_installs_where_uv_cannot(tree, stage):
    result = _call(tree, FAIL=stage, SAYS="no")
    assert (result.returncode, result.stdout) == (0, DONE)
    assert _installer(tree) == "pip"


def test_uv_installs(ready):
    assert _installer(ready) == "uv"


@pytest.mark.parametrize(
    ("settings", "index"),
    [
        ({}, ""),
        ({"INDEX": "http://conf"}, "http://conf"),
        ({"INDEX": "http://conf", "PIP_INDEX_URL": "http://shell"}, "http://shell"),
        ({"PIP_INDEX_URL": "http://shell", "UV_DEFAULT_INDEX": "http://uv"}, "http://uv"),
    ],
)
def test_uv_asks_the_registry_that_pip_is_told_to(tree, settings, index):
    assert _call(tree, **settings).stdout == DONE
    assert (tree / "calls.index").read_text() == index + "\n"


@pytest.mark.slow
def test_real_pip_installs_where_uv_cannot_be_had_though_its_user_installs_for_themselves(tmp_path):
    tree = _make_tree(tmp_path / "a real clone")
    wheels = tmp_path / "wheels"
    _write_wheel(wheels)
    program = "import sys, tiny\nprint(tiny.NAME, 'experiments', *sys.argv[1:])\n"
    (tree / "experiments" / "__main__.py").write_text(program)
    local = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_USER": "1"}
    result = _call(tree, PYTHON=sys.executable, **local)
    assert (result.returncode, result.stdout) == (0, DONE), (tree / ".cache" / "setup.log").read_text()
    assert list((tree / ".venv").rglob("tiny*.pyc"))


@pytest.mark.parametrize("stage", ["venv", "pip uv", "uv", "half uv", "pip", "half pip"])
def test_killed_at_any_moment_then_called_again(tree, stage):
    process = _start(tree, HANG=stage, FAIL="uv" if "pip" in stage and stage != "pip uv" else "")
    _wait_until((tree / "calls.hangs").exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tree / ".venv" / "installed.stamp").exists()
    (tree / "calls").unlink()
    assert _call(tree).stdout == DONE
    assert ("venv" in (tree / "calls").read_text().split("\n")) == (stage == "venv")


def test_interrupted_is_one_line(tree):
    process = _start(tree, HANG="uv")
    _wait_until((tree / "calls.hangs").exists)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "interrupted: the same command continues where it stopped"
    assert "pip" not in (tree / "calls").read_text().splitlines()


def test_progress_is_one_line_of_the_terminal(tree):
    ours, theirs = pty.openpty()
    settings = {"HANG": "uv", "SECONDS_OF_HANG": "1.5", "SAYS": "Downloading tiny (1 GiB)"}
    done = subprocess.run([tree / "run_experiments.sh"], env=_environment(tree, **settings), stderr=theirs, check=False)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert re.search(r"\r\x1b\[K0:0\d  Downloading tiny \(1 GiB\)\r\x1b\[K$", shown), shown
    assert shown.count("\n") == 1


def test_second_call_sets_nothing_up(ready):
    log = ready / ".cache" / "setup.log"
    before = log.stat().st_mtime_ns
    result = _call(ready, FAIL_ALL="p")
    assert (result.returncode, result.stdout, result.stderr) == (0, DONE, "")
    assert log.stat().st_mtime_ns == before


def test_an_environment_whose_python_is_gone_is_made_again(tree):
    assert _call(tree).stdout == DONE
    python = tree / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/no/python")
    for name in PYTHON_VERSIONS:
        shutil.copy(tree / "fake-python", tree / "bin" / name)
    assert _call(tree, PYTHON="").stdout == DONE


def test_a_whole_environment_needs_no_venv_module(ready):
    result = _call(ready, WITHOUT_VENV="yes")
    assert (result.returncode, result.stdout) == (0, DONE)


def test_a_damaged_stamp_is_an_old_one(tree):
    assert _call(tree).stdout == DONE
    (tree / ".venv" / "installed.stamp").write_bytes(b"\xff")
    assert _call(tree).stdout == DONE


def test_another_version_than_the_environment_is_refused(ready):
    _assert_one_error(_call(ready, PYTHON=_write_script(ready / "old", "echo 3.9")), "found 3.9")
    assert _call(ready).returncode == 0


def test_changed_requirements_are_followed(ready):
    requirements = ready / "requirements.txt"
    requirements.write_text("tiny~=2.0\n")
    assert _call(ready).stdout == "tiny-2.0 experiments run quick\n"
    shutil.rmtree(ready / ".venv" / "lib" / "python3.12" / "site-packages" / "tiny-1.0.dist-info")
    requirements.write_text("tiny~=1.0\n")
    assert _call(ready).stdout == DONE


def test_gpu_adds_what_is_missing_and_stays(tree):
    site, calls = tree / ".venv" / "lib" / "python3.12" / "site-packages", tree / "calls"
    assert _call(tree, GPU="0").stdout == DONE
    assert not (site / "cuda").exists()
    assert _call(tree, GPU="1").stdout == DONE
    assert (site / "cuda").exists()
    assert calls.read_text().split("\n").count("venv") == 1
    before = calls.read_text()
    assert {_call(tree, GPU=gpu).stderr for gpu in ("1", "", "0")} == {""}
    assert calls.read_text() == before


def test_two_calls_take_turns(ready):
    (ready / ".venv" / "installed.stamp").unlink()
    with (ready / ".cache" / "setup.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = _start(ready)
        assert "waiting" in process.stderr.readline()
        assert not (ready / ".venv" / "installed.stamp").exists()
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, DONE)


@pytest.mark.parametrize(
    ("words", "passed"),
    [
        (("--data", "digits"), "experiments run quick --data digits"),
        (("quick", "--help"), "experiments run quick --help"),
        (("table1", "--data", "a b.h5"), "experiments run table1 --data a b.h5"),
        (("k", "--smoke"), "experiments run k --smoke"),
        (("all",), "experiments run all"),
        *[((name,), f"experiments {name}") for name in ("report", "list", "benchmark", "detection", "photographs")],
        (("labs", "music"), "labs run music"),
        (("labs", "--smoke", "--stack", "colab"), "labs run --smoke --stack colab"),
    ],
)
def test_words_reach_python(ready, words, passed):
    assert _call(ready, *words).stdout == f"tiny-1.0 {passed}\n"


@pytest.mark.parametrize(
    ("words", "chosen"),
    [((), "-m not slow"), (("--all",), ""), (("--all", "-x"), "-x"), (("-k", "a b"), "-k a b")],
)
def test_tests_are_style_and_pytest_without_the_slow_ones_unless_words_choose(ready, words, chosen):
    style, tests = _call(ready, "test", *words).stdout.splitlines()
    assert style == "tiny-1.0 ruff check --quiet" and tests.startswith("tiny-1.0 pytest --numprocesses auto ")
    assert tests.partition(" --no-loadscope-reorder")[2].strip() == chosen


def test_exit_code_is_passed_on(ready):
    assert _call(ready, "--fail").returncode == 7
    assert _call(ready, "test", "--fail").returncode == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PYTHONPATH", "{}"),
        ("PYTHONSAFEPATH", "1"),
        ("NUMBA_CACHE_DIR", "{}/.cache/numba"),
        ("TF_CPP_MIN_LOG_LEVEL", "3"),
    ],
)
def test_commands_are_shielded_from_the_callers_folder_and_share_compiled_code(ready, name, value):
    result = _call(ready, SHOW=name, PYTHONPATH="/another/project", TF_CPP_MIN_LOG_LEVEL="")
    assert result.stdout == DONE + value.format(ready) + "\n"


def _write_wheel(folder: Path) -> None:
    info = "tiny-1.0.dist-info"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "NAME = 'tiny-1.0'\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"tiny.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


def _make_tree(tree: Path) -> Path:
    (tree / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "run_experiments.sh", tree)
    shutil.copytree(ROOT / "experiments", tree / "experiments", ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "requirements.txt").write_text("tiny~=1.0\n")
    (tree / "fake-python").write_text(FAKE)
    (tree / "fake-python").chmod(0o755)
    return tree


def _write_script(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def _environment(tree: Path, **settings: str) -> dict[str, str]:
    """The environment without Python's and installers' settings of whoever runs the tests, with the tree's fakes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOISE)}
    kept |= {"PIP_CONFIG_FILE": os.devnull, "PIP_USER": "1", "PATH": f"{tree / 'bin'}:{kept['PATH']}"}
    return kept | {"PYTHON": str(tree / "fake-python"), "CALLS": str(tree / "calls")} | settings


def _call(tree: Path, *words: str, script: str = "run_experiments.sh", **settings: str) -> subprocess.CompletedProcess:
    command = [tree / script, *words]
    return subprocess.run(
        command, cwd=tree.parent, env=_environment(tree, **settings), capture_output=True, text=True, check=False
    )


def _start(tree: Path, **settings: str) -> subprocess.Popen:
    return subprocess.Popen(
        [tree / "run_experiments.sh"],
        env=_environment(tree, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Else Ctrl-C does nothing where the tests themselves were started in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def _minutes(tree: Path) -> dict[str, int]:
    """Artefact -> minutes, as help lists them, for which neither an environment nor a Python is needed."""
    result = _call(tree, "--help", PYTHON="/no/python")
    assert (result.returncode, result.stderr) == (0, "")
    return {name: int(minutes) for name, minutes in re.findall(r"^  (\w+) +(\d+) min  \S", result.stdout, re.MULTILINE)}


def _installer(tree: Path) -> str:
    (installer,) = (tree / ".venv").glob("lib/python*/site-packages/tiny-1.0.dist-info/INSTALLER")
    return installer.read_text().strip()


def _wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the set-up did not get that far"
        time.sleep(0.01)


def _assert_one_error(result: subprocess.CompletedProcess, *parts: str) -> None:
    errors = [line for line in result.stderr.splitlines() if not line.startswith("Setting up")]
    assert result.returncode == 2, result.stderr
    assert len(errors) == 1, errors
    assert errors[0].startswith("error: ")
    assert all(part in errors[0] for part in parts), errors[0]
