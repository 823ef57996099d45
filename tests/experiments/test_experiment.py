"""Settings times seeds, and where their runs are kept."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from baselines import METHODS
from debias.errors import InputError
from experiments.common import DRAW, K_WORKS, debiased, vae
from experiments.experiment import Experiment, Setting
from experiments.registry import EXPERIMENTS, GROUPS
from experiments.store import Store, described
from experiments.toy import toy

ROOT = Path(__file__).resolve().parents[2]
WAITING = """
import sys, time
from pathlib import Path
from experiments.store import Store
from experiments.experiment import Experiment, Setting
from debias.config import Config

run = Experiment("t", "T", (Setting("cnn", "cnn"),), (0,), Config(), sys.argv[1]).runs()[0]
with Store(Path(sys.argv[2])).locked(run):
    print("locked", flush=True)
    time.sleep(60)
"""


def experiment(*settings, base, seeds=(3, 4), data="digits"):
    return Experiment("table1", "Title", settings, seeds, base, data)


def test_runs_pair_seeds_and_have_unique_readable_ids(tiny_config):
    settings = (Setting("cnn", "cnn"), Setting("max-a0.5", "dbvae-max", {"alpha": 0.5}, data="other"))
    found = experiment(*settings, base=tiny_config).runs()
    assert [run.id for run in found] == [
        "table1/cnn/seed3",
        "table1/max-a0.5/seed3",
        "table1/cnn/seed4",
        "table1/max-a0.5/seed4",
    ]
    assert found[3].config == dataclasses.replace(tiny_config, alpha=0.5, seed=4)
    assert [run.data for run in found[:2]] == ["digits", "other"]


def test_a_setting_is_called_after_its_method_unless_it_has_a_title():
    assert Setting("cnn", "cnn").title == METHODS["cnn"].title
    assert Setting("cnn", "cnn", title="None").title == "None"


@pytest.mark.parametrize(
    ("settings", "seeds", "named"),
    [
        ((Setting("a", "cnn"),), (), "zero seeds"),
        ((Setting("a", "cnn", {"alhpa": 1}),), (0,), "alhpa"),
    ],
)
def test_bad_experiments_are_one_line(settings, seeds, named, tiny_config):
    with pytest.raises(InputError, match=named) as caught:
        experiment(*settings, base=tiny_config, seeds=seeds).runs()
    assert "\n" not in str(caught.value)


def test_two_settings_of_one_name_are_refused(tiny_config):
    with pytest.raises(InputError, match="called a"):
        experiment(Setting("a", "cnn"), Setting("a", "vae"), base=tiny_config)


def test_an_unknown_method_is_one_line():
    with pytest.raises(InputError, match="nonsense"):
        Setting("a", "nonsense")


def test_every_id_of_the_project_occurs_once():
    ids = [run.id for experiment in EXPERIMENTS.values() for run in experiment.runs()]
    assert len(ids) == len(set(ids)) > 500
    assert "alpha/product-a0.01/seed3" in ids
    assert set(GROUPS["all"]) == set(EXPERIMENTS)


def test_all_settings_that_share_an_id_in_two_experiments_are_the_same():
    known = {}
    for experiment in EXPERIMENTS.values():
        for run in experiment.runs():
            name = (run.setting.name, run.setting.method, run.config.seed, run.data)
            assert known.setdefault(name, described(run)) == described(run)


def test_seeds_of_claims_are_ten_and_paired():
    assert len(EXPERIMENTS["table1"].seeds) >= 10
    assert all(len(EXPERIMENTS[name].seeds) >= 5 for name in GROUPS["ablations"])
    assert not set(EXPERIMENTS["calibration"].seeds) & set(EXPERIMENTS["table1"].seeds)


def test_common_settings_say_what_they_train():
    product = debiased("product", K_WORKS, 0.05)
    assert (product.name, product.method, product.changes) == (
        f"product-k{K_WORKS}-a0.05",
        "dbvae-product",
        {"latent_dim": K_WORKS, "alpha": 0.05},
    )
    assert product.draw == DRAW and vae().changes == {}


def test_folders_tell_settings_draws_seeds_and_data_apart(tiny_config, dataset_path, tmp_path):
    store = Store(tmp_path)
    settings = (
        Setting("a", "vae"),
        Setting("b", "vae", {"alpha": 0.5}),
        Setting("c", "vae", draw={"left": 12}),
        Setting("d", "cnn"),
    )
    found = experiment(*settings, base=tiny_config, data=str(dataset_path)).runs()
    folders = {store.folder(run) for run in found}
    assert len(folders) == len(found) == 8
    assert all(folder.is_relative_to(tmp_path / "runs") for folder in folders)
    again = experiment(Setting("renamed", "vae"), base=tiny_config, data=str(dataset_path)).runs()[0]
    assert store.folder(again) == store.folder(found[0])


def test_a_draw_thins_training_and_not_the_test(tiny_config, dataset_path, tmp_path, splits):
    run = experiment(Setting("c", "cnn", draw={"left": 12}), base=tiny_config, data=str(dataset_path)).runs()[0]
    drawn = Store(tmp_path).splits(run)
    assert len(drawn.train) == len(splits.train) - 36 and len(drawn.test) == len(splits.test)


def test_one_run_is_trained_by_one_process_at_a_time(tiny_config, dataset_path, tmp_path):
    command = [sys.executable, "-c", WAITING, dataset_path, tmp_path]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "locked\n"
        other = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(timeout=8)
        process.kill()  # the system lets go of the lock of a killed process
        assert other.stdout.readline() == "locked\n"
        other.kill()
        other.wait()


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_every_experiment_has_a_toy_size(name):
    small = toy(EXPERIMENTS[name])
    assert len(small.settings) == len(EXPERIMENTS[name].settings)
    assert all(run.data == "parliament-smoke" for run in small.runs())
    assert max([count for setting in small.settings for count in setting.draw.values()], default=0) <= 120
