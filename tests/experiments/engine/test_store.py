"""Where runs are kept, and that one process at a time trains one."""

import dataclasses
import subprocess
import sys
import threading

import numpy as np
import pytest

from baselines import METHODS, Method
from debias.config import Config
from debias.errors import InputError
from debias.provenance import ROOT
from experiments.engine.experiment import Experiment, Setting
from experiments.engine.store import StoredRun

HOLDING = """
import sys, time
from pathlib import Path
from debias.config import Config
from experiments.engine.experiment import Run, Setting
from experiments.engine.store import StoredRun

data, cache = sys.argv[1:]
with StoredRun(Run("a", Setting("cnn", "cnn"), Config(), data), Path(cache)).locked():
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def kept(tiny_config, dataset_path, stored):
    """Makes the runs of settings on the small file, as they are kept."""

    def make(*settings, seeds=(3, 4), base=tiny_config):
        runs = Experiment("table1", "Title", settings, seeds, base, str(dataset_path)).runs()
        return [stored(run) for run in runs]

    return make


def test_folders_tell_settings_draws_seeds_and_data_apart(kept, stored, cache):
    settings = (
        Setting("a", "vae"),
        Setting("b", "vae", {"alpha": 0.5}),
        Setting("c", "vae", draw={"left": 12}),
        Setting("d", "cnn"),
    )
    found = kept(*settings)
    folders = {each.folder for each in found}
    assert len(folders) == len(found) == 8
    assert all(folder.is_relative_to(cache / "runs") for folder in folders)
    [again] = kept(Setting("renamed", "vae"), seeds=(3,))
    assert again.folder == found[0].folder


@pytest.mark.parametrize("changes", [{"alpha": 0.5}, {"epochs": 9}, {"learning_rate": 0.1}, {"kl_weight": 0.0}])
def test_other_settings_are_other_folders(kept, tiny_config, changes):
    bases = tiny_config, dataclasses.replace(tiny_config, **changes)
    assert len({kept(Setting("a", "cnn"), base=base)[0].folder for base in bases}) == 2


def test_other_hyper_parameters_are_other_runs_and_stand_in_the_row(kept):
    settings = (Setting("a", "jtt"), Setting("b", "jtt", arguments={"times": 5}))
    usual, changed = kept(*settings, seeds=(3,))
    assert usual.folder != changed.folder and "times=5" in str(changed.folder)
    assert usual.digests["training_digest"] != changed.digests["training_digest"]
    assert changed.run.settings()["arguments"] == {"times": 5} and "arguments" not in usual.run.settings()
    with pytest.raises(InputError, match="JTT has no hyper-parameter speed: it has first_epochs, times"):
        kept(Setting("a", "jtt", arguments={"speed": 1}))


def test_a_draw_thins_training_and_not_the_test(kept, splits):
    drawn = kept(Setting("c", "cnn", draw={"left": 12}))[0].splits
    assert len(drawn.train) == len(splits.train) - 36 and len(drawn.test) == len(splits.test)


def test_one_run_is_trained_by_one_at_a_time(kept):
    [here, other] = kept(Setting("cnn", "cnn"))
    entered = threading.Event()

    def enter():
        with StoredRun(here.run, here.cache).locked():
            entered.set()

    waiting = threading.Thread(target=enter, daemon=True)
    with here.locked():
        waiting.start()
        assert not entered.wait(0.5)
        with other.locked():  # another seed is free
            pass
    assert entered.wait(10)


def test_the_system_lets_go_of_a_killed_process_s_run(kept, cache, dataset_path):
    [run] = kept(Setting("cnn", "cnn"), seeds=(0,), base=Config())
    command = [sys.executable, "-c", HOLDING, dataset_path, cache]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "locked\n" and run.folder.exists()
        process.kill()
        process.wait()
        with run.locked():
            pass


def test_a_cache_that_cannot_be_written_is_one_line(kept, tmp_path):
    (tmp_path / "file").write_text("in the way")
    run = dataclasses.replace(kept(Setting("a", "cnn"))[0], cache=tmp_path / "file")
    with pytest.raises(InputError, match="choose another folder, with --cache") as caught, run.locked():
        pass
    assert str(tmp_path / "file") in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", '{"a": 1', "\xff"])
def test_a_damaged_file_is_one_line(kept, text):
    [run, _] = kept(Setting("a", "cnn"))
    assert run.read("row.json") is None
    run.folder.mkdir(parents=True)
    path = run.folder / "row.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match="damaged") as caught:
        run.read("row.json")
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


OWN = """
from debias.backend import keras

@keras.saving.register_keras_serializable("tests")
class Halved(keras.layers.Layer):
    def call(self, images):
        return images / 2
"""


def test_a_model_of_classes_that_nobody_has_imported_is_loaded(kept, monkeypatch, tmp_path):
    from debias.backend import keras

    (tmp_path / "own_method.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(METHODS, "cnn", Method("Own", "own_method"))
    import own_method

    [stored] = kept(Setting("own", "cnn"), seeds=(3,))
    images = keras.Input((2,))
    stored.model_path.parent.mkdir(parents=True)
    keras.Model(images, own_method.Halved()(images)).save(stored.model_path)
    keras.saving.get_custom_objects().pop("tests>Halved")
    monkeypatch.delitem(sys.modules, "own_method")  # as in a process that has trained nothing
    assert stored.model()(np.array([[2.0, 4.0]])).numpy().tolist() == [[1.0, 2.0]]
