"""One run: trained once, evaluated again where only its test has changed, and no row counts for what it is not."""

import dataclasses
import json
import shutil
from pathlib import Path

import h5py
import pytest

from baselines import METHODS
from debias.errors import InputError
from experiments.engine import evaluation, store, training
from experiments.engine.evaluation import evaluated, finished
from experiments.engine.training import is_stale, trained


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


@pytest.fixture
def run(instant, runs, dataset_path, tiny_config):
    """A run that trains nothing."""
    return runs(dataset_path, tiny_config, "constant")[0]


@pytest.fixture
def other_tests(monkeypatch):
    """Call it, and the code that evaluates is another."""
    return lambda: monkeypatch.setattr(store, "evaluation_digest", lambda run: "other test")


@pytest.fixture
def other_training(monkeypatch):
    """Call it, and the code that trains is another."""

    def change():
        entry = METHODS["constant"]
        monkeypatch.setitem(METHODS, "constant", dataclasses.replace(entry, arguments={"changed": True}))

    return change


@pytest.fixture
def edited(dataset_path, tmp_path):
    """Makes a data set of the same name with something changed in its file."""

    def make(edit):
        path = tmp_path / edit.__name__ / dataset_path.name
        path.parent.mkdir()
        shutil.copy(dataset_path, path)
        with h5py.File(path, "r+") as file:
            edit(file)
        return str(path)

    return make


def model_file(kept):
    path = kept.model_path
    return path.stat().st_mtime_ns, path.read_bytes()


def test_a_run_is_trained_and_evaluated_once(instant, unmeasured, run, stored):
    assert finished(stored(run)) is None
    row = evaluated(stored(run))
    assert evaluated(stored(run)) == finished(stored(run)) == pytest.approx(row, nan_ok=True)
    assert len(instant) == len(unmeasured) == 1
    assert stored(run).digests.items() <= row.items() and run.names().items() <= row.items()
    assert not is_stale(stored(run)) and trained(stored(run))["commit"] == row["commit"]
    assert {path.name for path in stored(run).folder.iterdir()} == {
        "lock",
        "settings.json",
        "model.keras",
        "trained.json",
        "row.json",
    }  # and no checkpoint or earlier stage, which are of no more use


def test_finished_runs_are_found_under_another_experiment_s_id(instant, unmeasured, run, stored):
    row = evaluated(stored(run))
    setting = dataclasses.replace(run.setting, name="b", title="B")
    renamed = dataclasses.replace(run, id="other/b/seed5", setting=setting)
    found = finished(stored(renamed))
    assert (found["id"], found["setting"], found["title"]) == ("other/b/seed5", "b", "B")
    assert {**found, **run.names()} == pytest.approx(row, nan_ok=True)


def test_other_code_of_evaluation_evaluates_the_kept_model_again(instant, unmeasured, run, stored, other_tests):
    row, model = evaluated(stored(run)), model_file(stored(run))
    other_tests()
    assert finished(stored(run)) is None and not is_stale(stored(run))
    again = evaluated(stored(run))
    assert (len(instant), len(unmeasured)) == (1, 2) and model_file(stored(run)) == model
    changed = {name for name in row if again[name] != row[name] and row[name] == row[name]}
    assert changed == {"evaluation_digest", "seconds"} and set(again) == set(row)


def test_a_model_evaluated_again_counts_the_seconds_of_its_training(instant, unmeasured, run, stored, other_tests):
    evaluated(stored(run))
    path = stored(run).folder / "trained.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "seconds": 1e6}))
    other_tests()
    assert 1e6 < evaluated(stored(run))["seconds"] < 1e6 + 600 and len(instant) == 1


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"[1]", None], ids=str)
@pytest.mark.parametrize(
    "name", ["settings.json", "trained.json", "row.json", "model.keras", "log.csv", "sampling/epoch-000.npy"]
)
def test_a_damaged_file_is_one_line_that_says_what_to_delete_and_that_helps(
    instant, runs, dataset_path, tiny_config, stored, monkeypatch, other_tests, name, content
):
    from experiments.engine import measures

    monkeypatch.setattr(measures, "measure", lambda model, splits, folder: measures.of_training(splits.train, folder))
    [run] = runs(dataset_path, tiny_config, "measurable")
    row, folder = evaluated(stored(run)), stored(run).folder
    if name == "settings.json":  # is read where a training goes on
        (folder / "trained.json").unlink()
    if name != "row.json":
        other_tests()
    (folder / name).unlink() if content is None else (folder / name).write_bytes(content)
    if content is not None or not name.endswith(".json"):  # those that are missing were never there
        with pytest.raises(InputError) as caught:
            evaluated(stored(run))
        said = str(caught.value)
        assert said.startswith(str(folder / name.partition("/")[0])) and "\n" not in said
        assert said.endswith(f": damaged or missing: delete {folder}, and the same command trains the run anew")
        shutil.rmtree(folder)
    again = evaluated(stored(run))
    changed = {column for column in row if again[column] != row[column] and row[column] == row[column]}
    assert changed <= {"evaluation_digest", "seconds"}


def test_another_test_evaluates_the_kept_model_again(instant, unmeasured, run, stored, edited):
    def swapped_in_the_test(file):
        split, groups = file["split"][:], file["groups"][:]
        tested = (split == 2) & (groups >= 0)
        groups[tested] = 1 - groups[tested]
        file["groups"][:] = groups

    row, model = evaluated(stored(run)), model_file(stored(run))
    other = dataclasses.replace(run, data=edited(swapped_in_the_test))
    assert stored(other).folder == stored(run).folder and finished(stored(other)) is None
    again = evaluated(stored(other))
    assert (len(instant), len(unmeasured)) == (1, 2) and model_file(stored(run)) == model
    assert again["test_digest"] != row["test_digest"] and again["data_digest"] == row["data_digest"]


def test_no_row_stays_under_swapped_names_of_groups(instant, unmeasured, run, stored, edited):
    def swapped_names(file):
        file.attrs["group_names"] = list(file.attrs["group_names"])[::-1]

    row = evaluated(stored(run))
    other = dataclasses.replace(run, data=edited(swapped_names))
    assert finished(stored(other)) is None
    again = evaluated(stored(other))
    assert again["data_digest"] != row["data_digest"] and again["test_digest"] != row["test_digest"]
    assert again["data"] == row["data"] and finished(stored(run)) == pytest.approx(row, nan_ok=True)


def test_other_code_of_training_trains_again(instant, unmeasured, run, stored, other_training):
    row = evaluated(stored(run))
    other_training()
    assert is_stale(stored(run)) and finished(stored(run)) is None
    again = evaluated(stored(run))
    assert len(instant) == 2 and again["training_digest"] != row["training_digest"]
    assert instant[1] == ["lock", "row.json", "settings.json"]  # of the old training nothing is left


def test_a_stale_model_may_be_kept_and_is_tested_by_today_s_code(
    instant, unmeasured, run, stored, other_training, other_tests
):
    row = evaluated(stored(run))
    other_training()
    assert finished(stored(run), keep_stale=True) == pytest.approx(row, nan_ok=True)
    other_tests()
    assert finished(stored(run), keep_stale=True) is None
    again = evaluated(stored(run), keep_stale=True)
    assert (len(instant), len(unmeasured)) == (1, 2)
    assert again["training_digest"] == row["training_digest"] and again["evaluation_digest"] == "other test"


def test_half_a_run_is_gone_on_with_by_the_same_code_alone(
    instant, unmeasured, runs, dataset_path, tiny_config, stored
):
    [run] = runs(dataset_path, tiny_config, "broken")
    for _ in range(2):
        with pytest.raises(RuntimeError):
            evaluated(stored(run))
    assert "checkpoint" not in instant[0] and "checkpoint" in instant[1]
    settings = stored(run).folder / "settings.json"
    began = json.loads(settings.read_text())
    settings.write_text(json.dumps({**began, "training_digest": "other"}))
    with pytest.raises(RuntimeError):
        evaluated(stored(run))
    assert "checkpoint" not in instant[2]
    assert run.settings().items() <= began.items() and json.loads(settings.read_text()) == began


@pytest.mark.parametrize("name", ["model.keras", "trained.json", "row.json"])
def test_a_kill_between_two_files_costs_no_row(instant, unmeasured, run, stored, monkeypatch, name):
    def killing(write):
        def write_or_die(path, *arguments):
            if Path(path).name == name:
                raise Killed
            return write(path, *arguments)

        return write_or_die

    with monkeypatch.context() as patch, pytest.raises(Killed):
        for module, function in ((training, "replacing"), (training, "write_text"), (evaluation, "write_text")):
            patch.setattr(module, function, killing(getattr(module, function)))
        evaluated(stored(run))
    assert finished(stored(run)) is None
    row = evaluated(stored(run))
    assert finished(stored(run)) == pytest.approx(row, nan_ok=True)
    assert len(instant) == (1 if name == "row.json" else 2)  # a whole model is not trained again


def test_a_test_on_another_file_trains_nothing(instant, unmeasured, run, stored, monkeypatch):
    class Other:
        """A prepared file whose contents are a word."""

        def __init__(self, path, contents):
            self.path, self.contents = Path(path), contents

        def digest(self):
            return self.contents

    from experiments.engine import cross_dataset

    files = {"some/ppb.h5": "first", "copy/ppb.h5": "first", "new/ppb.h5": "second", "some/fair.h5": "first"}
    monkeypatch.setattr(store, "_prepared", lambda path: Other(path, files[path]))
    monkeypatch.setattr(cross_dataset, "measure_on", lambda other, *_: {"mean_recall": len(other.contents)})
    own = evaluated(stored(run))
    rows = {path: evaluated(stored(dataclasses.replace(run, test=path))) for path in files}
    assert len(instant) == 1 and finished(stored(run)) == pytest.approx(own, nan_ok=True)
    assert [row["mean_recall"] for row in rows.values()] == [5, 5, 6, 5]
    assert rows["some/ppb.h5"] == rows["copy/ppb.h5"] != rows["new/ppb.h5"]
    assert rows["some/fair.h5"]["data"] == "squares, fair" and own["data"] == "squares"
    assert finished(stored(dataclasses.replace(run, test="some/ppb.h5"))) is None  # another file of its name since then
    assert finished(stored(dataclasses.replace(run, test="new/ppb.h5"))) == rows["new/ppb.h5"]
