"""Every lab: its notebooks are what its source gives, its solution runs, and an empty student's version says so.

All solutions run in one kernel, one after the other, with nothing left of one when the next begins: to start a kernel
and TensorFlow in it takes longer than some of them. Each in a kernel of its own: python -m labs run --smoke.
"""

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from packaging.requirements import Requirement

from debias.errors import InputError
from labs import build, drawings, execute, hints, leaderboard
from labs.checking import CheckFailed

LABS = build.sources()
NOTEBOOKS = [build.built_at(source, solved) for source in LABS.values() for solved in (False, True)]
# Package -> Colab's version of it.
COLAB = dict(re.findall(r"^([\w-]+)==(\S+)", (build.ROOT / "labs/colab.txt").read_text("utf-8"), re.MULTILINE))


@pytest.fixture(params=LABS, scope="module")
def source(request):
    """The source of a lab."""
    return LABS[request.param]


@pytest.fixture(scope="module")
def student(source):
    """The student's notebook of a lab, as it is committed."""
    return nbformat.read(build.built_at(source, solved=False), as_version=4)


def codes(notebook):
    """The code cells of a notebook."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def checks_after(cells, number):
    """The next cell that calls a check."""
    return [cell for cell in cells[number : number + 4] if "checks." in cell.source][:1]


def test_built_notebooks_are_what_their_sources_give():
    assert not build.stale(LABS), "run python -m labs build"


def test_leaderboards_hold_what_the_committed_summaries_say():
    boards = leaderboard.texts(build.ROOT)
    assert {path.parent.name for path in boards} == set(LABS) - {"intro"}
    assert not build.outdated(boards), "run python -m labs build"
    rows = json.loads((build.ROOT / "results/labs/mnist/summary.json").read_text("utf-8"))["rows"]
    assert f"{max(row['test'] for row in rows):.2f}" in boards[build.ROOT / "labs/mnist/leaderboard.md"]


def test_a_leaderboard_keeps_the_lines_of_others():
    board = "# B\n<!-- ours -->\n| old |\n<!-- end of ours -->\n| Ada | 99 |\n"
    filled = leaderboard.fill(board, "| \\1 new |")
    assert filled == board.replace("| old |", "| \\1 new |") == leaderboard.fill(filled, "| \\1 new |")


def test_a_run_leaves_the_time_of_each_section_and_the_notebook_says_it(tmp_path, monkeypatch):
    begun = {"iopub.execute_input": "2026-01-01T00:00:00.000000Z", "shell.execute_reply": "2026-01-01T00:00:07.040000Z"}
    cells = [
        nbformat.v4.new_code_cell("set_up", metadata={"execution": begun}),  # of no section
        nbformat.v4.new_markdown_cell("# Toy"),
        nbformat.v4.new_markdown_cell("text\n\n## 1. One\n\ntext"),
        *[nbformat.v4.new_code_cell("x", metadata={"execution": begun}) for _ in range(2)],
        nbformat.v4.new_markdown_cell("## 2. Two"),
        nbformat.v4.new_code_cell("not run"),
        nbformat.v4.new_code_cell("no student's", metadata={"execution": begun, "tags": ["kept"]}),
    ]
    seconds = execute.seconds_by_section(nbformat.v4.new_notebook(cells=cells))
    assert seconds == pytest.approx({"1. One": 14.08})
    folder = tmp_path / "results" / "labs" / "toy"
    folder.mkdir(parents=True)
    execute.keep_times(seconds, folder)
    assert not list(folder.iterdir())  # this lab leaves no summary
    (folder / build.SUMMARY).write_text('{"a": 1}')
    execute.keep_times(seconds | {"2. Two": 200.0, "3. Short": 1.0}, folder)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    said = build.measured("toy")
    assert set(said) == {"1. One", "2. Two"} and "14 seconds" in said["1. One"] and "3 minutes" in said["2. Two"]
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/a/b"\n')
    source = tmp_path / build.SOURCES / "toy.py"
    source.parent.mkdir(parents=True)
    source.write_text("# %% [markdown]\n# # Toy\n\n# %% [markdown]\n# ## 1. One\n#\n# text\n")
    assert build.notebook(source, solved=False).cells[-1].source == f"## 1. One\n\n{said['1. One']}\n\ntext"


def test_drawings_are_what_their_code_gives():
    assert not build.outdated(drawings.texts()), "run python -m labs build"


def test_every_drawing_is_shown_before_a_todo_on_a_light_ground_and_described():
    assert set(drawings.DRAWINGS) == set(drawings.DESCRIPTIONS)
    for name, description in drawings.DESCRIPTIONS.items():
        source = LABS[name.split("/")[0]].read_text("utf-8")
        assert f'drawings.show("{name}")' in source.rpartition("# TODO")[0], name
        svg = (build.ROOT / "labs" / f"{name}.svg").read_text("utf-8")
        background = re.search('<g id="patch_1">.*?fill: (#[0-9a-f]{6})', svg, re.DOTALL)[1]
        assert background == "#ffffff" and "prefers-color-scheme" not in svg
        shown = drawings.show(name).data
        assert f'alt="{description}"' in shown and '"' not in description and len(description) > 40


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[f"{path.parent.name}-{path.stem}" for path in NOTEBOOKS])
def test_notebooks_are_valid_empty_and_open_in_colab(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(cell.outputs == [] and cell.execution_count is None for cell in codes(notebook))
    target = re.search(r"github/[^/]+/[^/]+/blob/main/(\S+\.ipynb)\)", notebook.cells[0].source)[1]
    assert build.ROOT / target == path


@pytest.fixture
def on_colab(tmp_path, monkeypatch):
    """A function that runs the set-up cell as on Colab, with this address in it; returns the commands that it calls."""
    called, installed = [], []

    def run(command, env=None):
        called.append(command)
        if command[0] == "git" and "nowhere" not in command[-2]:
            (tmp_path / "lab" / "labs").mkdir(parents=True)
            (tmp_path / "lab" / "labs" / "build.py").write_text("")
        return subprocess.CompletedProcess(command, installed.pop() if command[0] != "git" else 0)

    def set_up(repository, pip=0):
        installed.append(pip)  # the code that pip ends with
        exec(build.SET_UP.format(repository=repository, placeholder=build.PLACEHOLDER), {})
        return called

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "google.colab", None)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return set_up


def test_colab_fetches_the_lab_and_what_it_lacks_once(on_colab, tmp_path):
    git, pip = on_colab("https://github.com/a/b")
    assert git[:2] == ["git", "clone"] and pip[-1] == "labs/requirements.txt"
    assert Path.cwd() == tmp_path / "lab" and sys.path[0] == str(tmp_path / "lab")
    assert len(on_colab("https://github.com/a/b")) == 2  # nothing more when the cell runs again


def test_packages_that_colab_cannot_install_are_tried_again_by_the_same_cell(on_colab):
    with pytest.raises(Exception, match="could not be installed, see above: run this cell again"):
        on_colab("https://github.com/a/b", pip=1)
    assert [command[0] for command in on_colab("https://github.com/a/b")[2:]] == ["git", sys.executable]


@pytest.mark.parametrize("repository", [build.PLACEHOLDER, "https://github.com/nowhere/b"])
def test_without_its_address_the_notebook_says_in_one_line_what_to_set(on_colab, repository):
    with pytest.raises(Exception, match="set REPOSITORY, above, to its address") as caught:
        on_colab(repository)
    shown = caught.value._render_traceback_()
    assert len(shown) == 1 and "\n" not in shown[0] and repository in shown[0]


def test_what_colab_installs_is_little_and_never_what_its_kernel_runs_on():
    read = [
        set((build.ROOT / name).read_text("utf-8").splitlines())
        for name in ("labs/requirements.txt", "requirements.txt")
    ]
    labs = {line for line in read[0] if not line.startswith("#")}
    assert labs <= read[1]
    names = {re.match("[a-z-_]+", line)[0] for line in labs}
    assert names == {"tyro", "fairlearn", "pretty_midi", "verovio"}  # with these all labs ran there in smoke mode
    for name in names:  # and they ask for no newer version than Colab's
        for asked in map(Requirement, importlib.metadata.requires(name) or []):
            if not asked.marker or asked.marker.evaluate({"extra": ""}):
                assert asked.name not in COLAB or COLAB[asked.name] in asked.specifier, (name, asked)


def test_a_stale_notebook_is_noticed(tmp_path, monkeypatch):
    source = tmp_path / build.SOURCES / "toy.py"
    source.parent.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/a/b"\n')
    source.write_text("# %% [markdown]\n# # Toy\n\n# %%\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    build.write(build.stale({"toy": source}))
    assert build.stale({"toy": source}) == {}
    source.write_text(source.read_text().replace("x = 1", "x = 2"))
    assert [path.name for path in build.stale({"toy": source})] == ["toy.ipynb"]  # the student's shows neither


def test_no_solution_is_in_the_students_notebook(source, student):
    shown = {line.strip() for cell in codes(student) for line in cell.source.splitlines()}
    assert not any("SOLUTION" in line for line in shown)  # one that does not end would be shown
    solved = [line.strip() for _, part in build.SOLVED.findall(source.read_text("utf-8")) for line in part.splitlines()]
    solved = [line for line in solved if re.search("[a-z]", line)]  # brackets tell nothing
    told = {line for line in solved if line in shown}
    assert len(solved) > 3 and len(told) <= len(solved) / 10, told  # a line such as `with tape:` may occur elsewhere


def test_every_todo_has_a_check_and_below_it_an_example_and_three_hints_to_unfold(student):
    cells = codes(student)
    todos = [number for number, cell in enumerate(cells) if build.STUB in cell.source]
    assert todos
    for number in todos:
        assert "# TODO" in cells[number].source and "# CODE" not in cells[number].source
        assert checks_after(cells, number), cells[number].source
        below = student.cells[student.cells.index(cells[number]) + 1]
        assert below.cell_type == "markdown" and below.source.startswith("**Example:** "), cells[number].source
        assert re.findall("<summary>(.*?)</summary>", below.source) == list(hints.TITLES.values())
        assert "..." in below.source.partition("```python")[2], below.source  # the code has gaps


def test_hints_without_an_example_name_their_cell():
    with pytest.raises(InputError, match="begins with 'def f' has hints but no EXAMPLE"):
        hints.unfold(nbformat.v4.new_code_cell("def f\n# NUDGE: look\n"))


def test_examples_are_what_the_solution_gives(source, defined):
    cells = codes(nbformat.read(build.built_at(source, solved=True), as_version=4))
    names, written = defined(cells), codes(jupytext.read(source))
    examples = [found for cell in written if (found := hints.example(cell.source))]
    assert len(examples) > 3
    for expression, value in examples:
        assert str(eval(expression, names)) == value, expression


def test_a_lab_says_its_goals_asks_for_thought_and_what_to_hand_in(student):
    text = "\n".join(cell.source for cell in student.cells if cell.cell_type == "markdown")
    assert "When you are through, you can" in student.cells[1].source
    assert text.count("**Think.**") >= 2 and text.count("What to hand in") == 1
    assert text.count("<details>") == text.count("</details>")


def test_a_student_sees_no_bookkeeping_and_links_lead_to_files(source, student):
    assert not any("if RESULTS" in cell.source for cell in student.cells)
    assert "if RESULTS" in source.read_text("utf-8")
    for path in (build.built_at(source, solved) for solved in (False, True)):
        for cell in nbformat.read(path, as_version=4).cells:
            for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", cell.source if cell.cell_type == "markdown" else ""):
                assert (path.parent / link).is_file(), link


def test_a_student_has_no_solution_beside_the_notebook():
    for name, source in LABS.items():
        folder = build.built_at(source, solved=False).parent
        assert folder == build.ROOT / "labs" / name and build.built_at(source, solved=True).parent == source.parent
        assert not any("BEGIN SOLUTION" in path.read_text("utf-8") for path in folder.iterdir() if path.is_file())


@pytest.mark.slow
def test_solutions_run_from_start_to_end_at_smoke_size_and_a_check_that_fails_shows_no_trace(tmp_path, monkeypatch):
    for pool in ("INTRAOP", "INTEROP"):
        monkeypatch.setenv(f"TF_NUM_{pool}_THREADS", "1")
    together = nbformat.v4.new_notebook()
    for name, source in LABS.items():
        (tmp_path / name).mkdir()
        solved = execute.set_parameters(build.notebook(source, solved=True), True, tmp_path / name)
        together.cells += [*codes(solved), nbformat.v4.new_code_cell("%reset -f")]
    failing = {  # what stops a cell -> the one line of it
        f"def sums():\n    {build.STUB}\nsums()": "Not yet: a TODO is still to be done, at line 3 of its cell: sums()",
        "print(squares)": "Not yet: squares is unknown, at line 1 of its cell: print(squares): "
        "did the cell that makes it run, and without an error?",
        "from labs.checking import CheckFailed\nraise CheckFailed('the axis')": "Not yet: the axis",
    }
    for code in failing:
        together.cells.append(nbformat.v4.new_code_cell(code, metadata={"tags": ["raises-exception"]}))
    together.cells.append(nbformat.v4.new_code_cell("1 / 0"))
    with pytest.raises(CellExecutionError, match="division"):
        execute.execute(together, "labs")
    *solved, todo, unknown, failed, other = together.cells
    for cell, line in zip((todo, unknown, failed), failing.values(), strict=True):
        assert cell.outputs[0].traceback == [line]
    assert len(other.outputs[0].traceback) > 1
    assert all(cell.execution_count for cell in solved if cell.source)
    assert all((tmp_path / name / "summary.json").exists() for name in LABS)


def test_unfilled_todos_stop_there_or_at_their_checks_with_a_message(student, defined):
    cells = codes(student)
    names = defined(cells)
    for number, cell in enumerate(cells):
        if build.STUB in cell.source:
            with pytest.raises((NotImplementedError, CheckFailed)) as caught:
                for each in [cell, *checks_after(cells, number)]:
                    exec(compile(each.source, "student", "exec"), names)
            assert re.search("still to be done|not written yet", str(caught.value)), cell.source
            assert "\n" not in str(caught.value)


def test_a_failing_cell_is_one_line_and_keeps_nothing(tmp_path, monkeypatch, capsys):
    source = tmp_path / build.SOURCES / "toy.py"
    source.parent.mkdir(parents=True)
    (tmp_path / "labs" / "build.py").write_text("")
    (tmp_path / "labs" / "checking.py").write_text("def stop_in_one_line(): ...\n")  # what the set-up cell asks for
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/a/b"\n')
    source.write_text(
        "# %% [markdown]\n# # Toy\n\n# %% tags=['parameters']\nRESULTS = None\n\n# %%\n"
        "open(RESULTS + '/half', 'w').close()\nraise ValueError('first line\\nsecond')\n"
    )
    monkeypatch.setattr(build, "ROOT", tmp_path)
    assert execute.run("toy", smoke=False) == 1
    said = capsys.readouterr().err
    cell = "the cell that begins with \"open(RESULTS + '/half', 'w').close()\""
    assert said.splitlines()[-1] == f"error: lab toy, {cell}: ValueError: first line"
    assert list((tmp_path / "results" / "labs").iterdir()) == []
