"""Where runs are kept, and that one process at a time trains one."""

import dataclasses
import subprocess
import sys
import threading

import pytest

from debias.config import Config
from debias.errors import InputError
from debias.provenance import ROOT
from experiments.engine.experiment import Experiment, Setting
from experiments.engine.store import Store, read_json

HOLDING = """
import sys, time
from pathlib import Path
from debias.config import Config
from experiments.engine.experiment import Experiment, Setting
from experiments.engine.store import Store

run = Experiment("t", "T", (Setting("cnn", "cnn"),), (0,), Config(), sys.argv[1]).runs()[0]  # as in the test
with Store(Path(sys.argv[2])).locked(run):
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def found(tiny_config, dataset_path):
    """Makes the runs of settings on the small file."""

    def make(*settings, seeds=(3, 4), base=tiny_config):
        return Experiment("table1", "Title", settings, seeds, base, str(dataset_path)).runs()

    return make


def test_folders_tell_settings_draws_seeds_and_data_apart(found, store):
    settings = (
        Setting("a", "vae"),
        Setting("b", "vae", {"alpha": 0.5}),
        Setting("c", "vae", draw={"left": 12}),
        Setting("d", "cnn"),
    )
    runs = found(*settings)
    folders = {store.folder(run) for run in runs}
    assert len(folders) == len(runs) == 8
    assert all(folder.is_relative_to(store.cache / "runs") for folder in folders)
    again = found(Setting("renamed", "vae"))[0]
    assert store.folder(again) == store.folder(runs[0])
    assert store.folder(dataclasses.replace(again, test="ppb.h5")) == store.folder(again)
    assert store.row_path(dataclasses.replace(again, test="ppb.h5")) != store.row_path(again)


@pytest.mark.parametrize("changes", [{"alpha": 0.5}, {"epochs": 9}, {"learning_rate": 0.1}, {"kl_weight": 0.0}])
def test_other_settings_are_other_folders(found, store, tiny_config, changes):
    bases = tiny_config, dataclasses.replace(tiny_config, **changes)
    assert len({store.folder(found(Setting("a", "cnn"), base=base)[0]) for base in bases}) == 2


def test_a_draw_thins_training_and_not_the_test(found, store, splits):
    drawn = store.splits(found(Setting("c", "cnn", draw={"left": 12}))[0])
    assert len(drawn.train) == len(splits.train) - 36 and len(drawn.test) == len(splits.test)


def test_one_run_is_trained_by_one_at_a_time(found, store):
    run, entered = found(Setting("cnn", "cnn"))[0], threading.Event()

    def enter():
        with Store(store.cache).locked(run):
            entered.set()

    other = threading.Thread(target=enter, daemon=True)
    with store.locked(run):
        other.start()
        assert not entered.wait(0.5)
        with store.locked(found(Setting("cnn", "cnn"))[1]):  # another seed is free
            pass
    assert entered.wait(10)


def test_the_system_lets_go_of_a_killed_process_s_run(found, store, dataset_path):
    [run] = found(Setting("cnn", "cnn"), seeds=(0,), base=Config())
    command = [sys.executable, "-c", HOLDING, dataset_path, store.cache]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "locked\n"
        process.kill()
        process.wait()
        with store.locked(run):
            pass


def test_a_cache_that_cannot_be_written_is_one_line(found, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="choose another --cache") as caught, Store(tmp_path / "file").locked(
        found(Setting("a", "cnn"))[0]
    ):
        pass
    assert str(tmp_path / "file") in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", '{"a": 1', "\xff"])
def test_a_damaged_file_is_one_line(tmp_path, text):
    path = tmp_path / "row.json"
    assert read_json(path) is None
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match="damaged") as caught:
        read_json(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
