"""Publishing rows, ended in the place of each thing that it does to a file, or while another call does the same."""

import contextlib
import dataclasses
import io
import os
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from debias.locks import alone
from experiments import commands
from experiments.commands import run_experiment
from experiments.engine import sweep
from experiments.engine.experiment import Experiment, Setting
from experiments.registry import EXPERIMENTS
from experiments.report import artefacts, models, registry, results, tables
from experiments.report.report import Report
from experiments.report.rows import write_failures

pytestmark = pytest.mark.slow  # a table is written some hundred times
README = "# Title\n\n<!-- begin test/table.md -->\n<!-- end -->\n"
DATA = {"few": pd.DataFrame({"setting": ["cnn"], "number": [0.1]}), "faces": np.zeros((2, 3, 3, 1), np.uint8)}
OLD_DATA = {"few": pd.DataFrame({"setting": ["cnn"], "number": [0.2]})}
REPORT = Report(
    table=lambda experiment, rows: f"{rows['seed'].tolist()}\n",
    figures=lambda experiment, rows, data: {"groups": Figure((1, 1))},
    texts=lambda experiment, rows, data: {"short.md": f"{len(data)} tables and {len(rows)} rows\n"},
    sentence=lambda experiment, rows: f"{len(rows)} rows.",
)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
NOBODY = 2**30  # a process number that no system gives


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


class Watch:
    """Calls `act` in the place of one of the things that Python does in a folder.

    Python itself tells of each, so that no way to write, rename or remove a file is forgotten.
    """

    def __init__(self):
        self.folder = None
        sys.addaudithook(self._heard)  # for good: a hook cannot be taken away, only told to do nothing

    @contextlib.contextmanager
    def on(self, folder, act, reads=False):
        """Within it `act` is called with 0, 1, ... before each write, renaming and removal; `reads`: each access."""
        self.folder, self.act, self.reads, self.count = str(folder), act, reads, 0
        try:
            yield
        finally:
            self.folder = None

    def moments(self, folder, command, reads=False):
        """Numbers of the accesses of `command` that find the folder changed since the last, or that read in it."""
        found, states = [], [None]

        def look(number):
            states.append({(path, path.stat().st_size) for path in folder.rglob("*")})
            if states[-1] != states[-2] or self.is_read:
                found.append(number)

        with self.on(folder, look, reads):
            command(folder)
        return found

    def _heard(self, event, arguments):
        if not self.folder or not self._counts(event, arguments):
            return
        self.count += 1
        folder, self.folder = self.folder, None  # what `act` does is not heard
        try:
            self.act(self.count - 1)
        finally:
            self.folder = folder

    def _counts(self, event, arguments):
        self.is_read = event in ("os.scandir", "os.listdir") or (event == "open" and not arguments[2] & WRITES)
        changes = event in ("open", "os.remove", "os.rename", "os.mkdir") and not self.is_read
        return (changes or (self.reads and self.is_read)) and str(arguments[0]).startswith(self.folder)


@pytest.fixture(scope="module")
def watch():
    return Watch()


@pytest.fixture
def publish(rows_of, dataset_path, tiny_config, monkeypatch):
    """Makes `run test` publish ready rows to a folder's results; what is slow and writes nothing is left out."""
    experiment = Experiment("test", "Test", (Setting("cnn", "cnn"),), (0, 1), tiny_config, str(dataset_path))
    monkeypatch.setitem(EXPERIMENTS, "test", experiment)
    monkeypatch.setitem(registry.REPORTS, "test", REPORT)
    monkeypatch.setitem(models._COLLECTORS, "test", lambda *_: DATA)
    monkeypatch.setattr(results, "describe_deviations", lambda experiments, rows: f"{len(rows['test'])} rows\n")
    monkeypatch.setattr(tables, "summary", lambda rows: {"rows": len(rows)})
    monkeypatch.setattr(sweep, "run_all", lambda *_: (rows_of(experiment), pd.DataFrame()))
    monkeypatch.setattr(run_experiment, "_shown", lambda *_: [])

    def publish(folder):
        with contextlib.redirect_stdout(io.StringIO()) as output:
            code = commands.Run(name="test", cache=folder / "cache", results=folder / "results")()
        assert code == 0, output.getvalue()

    return publish


@pytest.fixture
def fresh(tmp_path, publish):
    """Makes a folder in which nothing is published."""

    def make(name):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "README.md").write_text(README)
        return folder

    return make


@pytest.fixture
def older(fresh, rows_of):
    """Makes a folder in which a seed less is published, with a failure and a figure of a name that is no more."""
    fewer = dataclasses.replace(EXPERIMENTS["test"], seeds=(0,))

    def make(name):
        folder = fresh(name)
        place = folder / "results" / "test"
        artefacts.write(fewer, place, rows_of(fewer), OLD_DATA)
        write_failures(place, pd.DataFrame({"id": ["test/cnn/seed1"], "reason": ["RuntimeError"]}), {"test/cnn/seed1"})
        for figure in place.glob("groups.*"):
            shutil.copy(figure, figure.with_stem("old"))
        results.refresh(folder / "results", EXPERIMENTS.values())
        return folder

    return make


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("start", ["fresh", "older"])
def test_killed_at_any_write_renaming_or_removal_the_same_command_makes_it_good(
    start, request, publish, watch, monkeypatch
):
    start = request.getfixturevalue(start)
    whole = start("undisturbed")
    moments = watch.moments(whole, publish)
    expected = contents(whole)
    assert len(moments) > 20 and expected["results/test/short.md"] == b"2 tables and 2 rows\n"
    assert "results/test/old.png" not in expected and "results/test/failures.csv" not in expected
    for moment in moments:
        folder = start(f"killed{moment}")

        def die(number, moment=moment):
            if number >= moment:  # the dead do not tidy up either
                raise Killed

        with watch.on(folder, die), monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(os, "getpid", lambda: NOBODY)
            publish(folder)
        publish(folder)
        assert contents(folder) == expected, moment


def test_two_calls_at_once_both_end_right_wherever_the_other_comes_in(older, publish, watch):
    whole = older("undisturbed")
    moments = watch.moments(whole, publish, reads=True)[::4]  # all of them were tried once and take a minute
    expected = contents(whole)
    for moment in moments:
        folder, came = older(f"together{moment}"), []

        def other(number, moment=moment, folder=folder, came=came):
            with alone(folder / "results" / "test") as free:
                pass
            if number >= moment and free and not came:  # where the failures are held, it would wait
                came.append(number)
                publish(folder)

        with watch.on(folder, other, reads=True):
            publish(folder)
        assert came and contents(folder) == expected, moment
