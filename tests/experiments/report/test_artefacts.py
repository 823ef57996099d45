"""What an experiment leaves in results/, also when it is broken off."""

import dataclasses
import json

import pandas as pd
import pytest
from matplotlib.figure import Figure

from debias.errors import InputError
from experiments.report import artefacts, registry
from experiments.report.report import Report
from experiments.report.rows import read_rows, write_failures

DATA = {"few": pd.DataFrame({"setting": ["cnn"], "number": [0.1]})}
REPORT = Report(
    table=lambda experiment, rows: "the table",
    figures=lambda experiment, rows, data: {"groups": Figure()},
    texts=lambda experiment, rows, data: {"notes.md": "words " * len(data)},
    sentence=lambda experiment, rows: "a sentence",
)


@pytest.fixture(autouse=True)
def report(monkeypatch):
    monkeypatch.setitem(registry.REPORTS, "test", REPORT)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_there(experiment, rows, tmp_path):
    artefacts.write(experiment, tmp_path, rows, DATA)
    assert sorted(contents(tmp_path)) == [
        "figure_data/few.csv",
        "groups.png",
        "groups.svg",
        "notes.md",
        "runs.csv",
        "sentence.md",
        "summary.json",
        "table.md",
    ]
    pd.testing.assert_frame_equal(read_rows(tmp_path), rows)
    strict = json.loads((tmp_path / "summary.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert set(strict["settings"]) == {"cnn", "oracle"} and strict["text"] == "a sentence"
    assert artefacts.sentence(experiment, rows) == "a sentence"


def test_what_is_drawn_again_is_the_same_to_the_byte(experiment, rows, tmp_path):
    artefacts.write(experiment, tmp_path, rows, DATA)
    before = contents(tmp_path)
    (tmp_path / "groups.png").unlink()
    artefacts.draw(experiment, tmp_path, read_rows(tmp_path))
    assert contents(tmp_path) == before


def test_figures_of_another_name_go_and_half_written_ones_of_another_process_stay(experiment, rows, tmp_path):
    for name in ("old.png", "old.svg", ".groups.1a2b3c4d.png"):
        (tmp_path / name).touch()
    artefacts.write(experiment, tmp_path, rows, DATA)
    left = {path.name for path in tmp_path.iterdir()}
    assert ".groups.1a2b3c4d.png" in left and not left & {"old.png", "old.svg"}


def test_texts_of_older_rows_go(experiment, rows, tmp_path):
    """Else README and page would go on quoting them beside the new table."""
    (tmp_path / ".half.md").touch()
    telling = dataclasses.replace(REPORT, sentence=lambda *_: "Said.", texts=lambda *_: {"findings.md": "Found.\n"})
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(registry.REPORTS, "test", telling)
        artefacts.write(experiment, tmp_path, rows, DATA)
    told = {"sentence.md", "findings.md"}
    assert told <= {path.name for path in tmp_path.iterdir()}
    silent = dataclasses.replace(REPORT, sentence=lambda *_: "", texts=lambda *_: {})
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(registry.REPORTS, "test", silent)
        artefacts.write(experiment, tmp_path, rows[:1], DATA)
    left = {path.name for path in tmp_path.iterdir()}
    assert not told & left and {"table.md", ".half.md"} <= left


def test_rows_of_too_few_settings_are_one_line_and_nothing_is_written(experiment, rows, tmp_path, monkeypatch):
    monkeypatch.setitem(registry.REPORTS, "test", dataclasses.replace(REPORT, needs=("cnn", "max")))
    with pytest.raises(InputError, match="test: nothing can be told without a finished run of max"):
        artefacts.write(experiment, tmp_path, rows, DATA)
    assert list(tmp_path.iterdir()) == []


def test_rows_are_current_only_with_all_that_is_made_of_them(experiment, rows, tmp_path):
    assert not artefacts.is_current(tmp_path, rows)
    artefacts.write(experiment, tmp_path, rows, DATA)
    assert artefacts.is_current(tmp_path, rows) and artefacts.is_current(tmp_path, read_rows(tmp_path))
    assert not artefacts.is_current(tmp_path, rows.assign(seconds=1.0))
    (tmp_path / "runs.csv").write_text("no table")
    assert not artefacts.is_current(tmp_path, rows)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff"])
def test_a_damaged_summary_is_made_again(experiment, rows, tmp_path, content):
    artefacts.write(experiment, tmp_path, rows, DATA)
    before = contents(tmp_path)
    (tmp_path / "summary.json").write_bytes(content)
    assert not artefacts.is_current(tmp_path, rows)
    artefacts.write(experiment, tmp_path, rows, DATA)
    assert contents(tmp_path) == before


def test_rows_are_not_current_beside_failures_of_a_later_call(experiment, rows, tmp_path):
    artefacts.write(experiment, tmp_path, rows, DATA)
    write_failures(tmp_path, pd.DataFrame({"id": ["test/cnn/seed0"], "reason": ["RuntimeError"]}), {"test/cnn/seed0"})
    assert not artefacts.is_current(tmp_path, rows)
    artefacts.write(experiment, tmp_path, rows, DATA)
    assert artefacts.is_current(tmp_path, rows) and not (tmp_path / "failures.csv").exists()


@pytest.mark.parametrize("broken", ["figures", "table", "texts"])
def test_a_call_that_was_broken_off_is_made_good_by_the_next(experiment, rows, tmp_path, monkeypatch, broken):
    artefacts.write(experiment, tmp_path, rows, DATA)
    new = rows.assign(mean_recall=50.0)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setitem(registry.REPORTS, "test", dataclasses.replace(REPORT, **{broken: killed}))
        artefacts.write(experiment, tmp_path, new, DATA)
    pd.testing.assert_frame_equal(read_rows(tmp_path), new)
    assert not artefacts.is_current(tmp_path, new)
    artefacts.write(experiment, tmp_path, new, DATA)
    assert artefacts.is_current(tmp_path, new)
