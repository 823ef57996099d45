"""The labs on Colab's stack: an environment that is made once, and one line where it cannot be."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

from debias.errors import InputError
from labs import build, colab, commands

OFFLINE = "error: Failed to fetch: `https://pypi.org/simple/keras/`\n  Caused by: error sending request for url\n"
ABSENT = "error: Failed to download `tiny==1.0`\n  Caused by: HTTP status client error (404 Not Found) for url\n"
CONFLICT = "  × No solution found when resolving dependencies:\n  ╰─▶ Because keras==3.13.2 depends on numpy<2\n"


class Commands:
    """Stands in for subprocess.run: keeps what is called; what holds a word of `fails` fails with its message."""

    def __init__(self):
        self.called, self.fails = [], {}

    def __call__(self, command, **options):
        self.called.append((command, options))
        said = next((message for word, message in self.fails.items() if word in command), "")
        return subprocess.CompletedProcess(command, int(bool(said)), "", said)

    def with_word(self, word):
        return [command for command, _ in self.called if word in command]


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """A repository of the two files alone, and the commands that are called in it."""
    (tmp_path / "labs").mkdir()
    for name in colab.FILES:
        (tmp_path / name).write_text("tiny==1.0\n")
    calls = Commands()
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(subprocess, "run", calls)
    return calls


def test_the_environment_is_made_once_from_both_files_and_the_labs_run_in_it(calls, tmp_path, capsys):
    assert colab.run(["intro"]) == colab.run(["intro"]) == 0
    (made,), (installed,) = calls.with_word("venv"), calls.with_word("install")
    assert made[made.index("--python") + 1] == colab.PYTHON
    assert {str(tmp_path / name) for name in colab.FILES} < set(installed)
    python = str(tmp_path / colab.FOLDER / "bin" / "python")
    command, options = calls.called[-1]
    assert command == [python, "-m", "labs", "run", "--smoke", "intro"]
    assert options["env"]["PYTHONPATH"] == str(tmp_path)
    assert installed[installed.index("--python") + 1] == python
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("name", colab.FILES)
def test_it_is_made_anew_when_a_file_changes(calls, tmp_path, name):
    colab.run([])
    (tmp_path / name).write_text("tiny==2.0\n")
    colab.run([])
    assert len(calls.with_word("install")) == 2


def test_another_python_takes_the_place_of_one_that_cannot_be_had_and_a_line_says_so(calls, capsys):
    calls.fails = {colab.PYTHON: "error: No interpreter found for Python 3.13\n"}
    assert colab.run([]) == 0
    assert [command[command.index("--python") + 1] for command in calls.with_word("venv")][1] == sys.executable
    assert "cannot be had" in capsys.readouterr().err


def test_without_an_index_one_line_says_that_nothing_ran(calls, capsys):
    calls.fails = {"install": OFFLINE}
    assert colab.run([]) == 0
    assert not calls.with_word("labs")
    assert capsys.readouterr().err.splitlines()[-1].startswith("skipped, the labs on Colab's stack: no package index")
    calls.fails = {}
    assert colab.run([]) == 0 and calls.with_word("labs")  # what was not finished is no environment


def test_a_version_that_the_index_does_not_have_is_an_error_and_not_skipped(calls):
    calls.fails = {"install": ABSENT}
    with pytest.raises(InputError, match="404"):
        colab.run([])


def test_packages_that_do_not_go_together_are_an_error_in_one_line(calls):
    calls.fails = {"install": CONFLICT}
    with pytest.raises(InputError, match="keras==3.13.2 depends on numpy<2") as caught:
        colab.run([])
    assert "\n" not in str(caught.value) and all(name in str(caught.value) for name in colab.FILES)


def test_a_lab_that_fails_there_fails_the_command(calls):
    calls.fails = {"labs": "error: lab intro"}
    assert colab.run([]) == 1


def test_results_are_never_made_with_it():
    with pytest.raises(InputError, match="give --smoke"):
        commands.run(["run", "intro", "--stack", "colab"])


def test_all_that_the_labs_import_has_its_version_there():
    files = [path for folder in ("labs", "debias") for path in (build.ROOT / folder).rglob("*.py")]
    ours = {"debias", "labs", "baselines", "experiments"} | sys.stdlib_module_names
    imported = set().union(*map(_imported, files)) - ours
    lines = [line for name in colab.FILES for line in (build.ROOT / name).read_text("utf-8").splitlines()]
    there = {_normal(re.match(r"[\w.-]+", line)[0]) for line in lines if line[0] != "#"}
    distributions = importlib.metadata.packages_distributions()
    elsewhere = {"stable_baselines3", "torch"}  # of peers
    for module in imported - elsewhere:
        assert there & set(map(_normal, distributions[module])), module


def _imported(path: Path) -> set[str]:
    """The top-level modules that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
