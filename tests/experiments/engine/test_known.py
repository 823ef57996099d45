"""What results/ shows to work: rows of every setting, by today's code, settings and libraries."""

import dataclasses
import json

import pandas as pd
import pytest

from debias.config import Config
from debias.provenance import ROOT, provenance
from experiments.engine.digests import evaluation_digest, training_digest
from experiments.engine.experiment import Experiment, Setting
from experiments.engine.known import is_known_to_work
from experiments.registry import EXPERIMENTS
from experiments.report.rows import read_rows

SETTINGS = (Setting("cnn", "cnn"), Setting("max", "dbvae-max", {"alpha": 0.5}))
EXPERIMENT = Experiment("test", "Test", SETTINGS, (3, 4), Config(), "nowhere")
PATCHED = "python 3.12.9; tensorflow 2.21.7; keras 3.15.1"


@pytest.fixture
def rows() -> pd.DataFrame:
    """Those that a finished experiment leaves, as far as they count."""

    def row(run):
        code = {"training_digest": training_digest(run), "evaluation_digest": evaluation_digest(run)}
        made = {"data": run.data, "test_digest": "0a", "versions": provenance()["versions"]}
        return {**run.names(), **run.facts(), **code, **made}

    return pd.DataFrame([row(run) for run in EXPERIMENT.runs()])


@pytest.fixture
def installed(monkeypatch):
    """Says which libraries there are."""

    def install(versions):
        monkeypatch.setattr("experiments.engine.known.provenance", lambda: {"versions": versions})

    return install


def test_rows_of_today_show_that_it_works(rows):
    assert is_known_to_work(EXPERIMENT, rows)


def test_one_seed_of_each_setting_is_enough(rows):
    assert is_known_to_work(EXPERIMENT, rows[rows["seed"] == 4])


def test_without_rows_nothing_is_known():
    assert not is_known_to_work(EXPERIMENT, None)


def test_a_setting_without_rows_is_not_known(rows):
    assert not is_known_to_work(EXPERIMENT, rows[rows["setting"] == "cnn"])


@pytest.mark.parametrize("column", ["training_digest", "evaluation_digest", "data", "versions", "id"])
def test_rows_of_something_else_show_nothing(rows, column):
    rows.loc[rows["setting"] == "max", column] = ["other0", "other1"]
    assert not is_known_to_work(EXPERIMENT, rows)


def test_a_row_with_another_config_shows_nothing(rows):
    config = json.loads(rows.at[1, "config"]) | {"alpha": 0.25}
    rows.loc[rows["setting"] == "max", "config"] = json.dumps(config)
    assert not is_known_to_work(EXPERIMENT, rows)
    ours = dataclasses.replace(SETTINGS[1], changes={"alpha": 0.25})
    assert is_known_to_work(dataclasses.replace(EXPERIMENT, settings=(SETTINGS[0], ours)), rows)


def test_rows_of_fewer_tests_show_nothing(rows):
    further = dataclasses.replace(EXPERIMENT, tests=("elsewhere",))
    assert not is_known_to_work(further, rows)
    assert is_known_to_work(further, rows.assign(test_digest="0a-0b"))


def test_committed_rows_are_known_once_they_are_of_today():
    """Settings, arguments, data and tests of every line of `methods`, as they stand in its rows."""
    experiment, rows = EXPERIMENTS["methods"], read_rows(ROOT / "results" / "methods")
    settings = tuple(setting for setting in experiment.settings if setting.name in set(rows["setting"]))
    experiment = dataclasses.replace(experiment, settings=settings)  # a new method may have none yet
    runs = {run.id: run for run in experiment.runs()}
    code = [(training_digest(runs[each]), evaluation_digest(runs[each])) for each in rows["id"]]
    rows[["training_digest", "evaluation_digest"]] = code
    assert is_known_to_work(experiment, rows.assign(versions=provenance()["versions"]))


@pytest.mark.parametrize(
    ("versions", "known"),
    [
        ("python 3.11.7; tensorflow 2.21.0; keras 3.15.0", True),
        ("python 3.11.7; tensorflow 2.22.0; keras 3.15.0", False),
        ("python 3.11.7; tensorflow 2.21.0; keras 3.16.0", False),
        ("python 3.11.7; tensorflow 2.21.0", False),
    ],
)
def test_libraries_count_up_to_their_minor_versions(rows, installed, versions, known):
    installed(PATCHED)
    assert is_known_to_work(EXPERIMENT, rows.assign(versions=versions)) == known
