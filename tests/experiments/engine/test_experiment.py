"""Settings times seeds, at toy size and on other data."""

import dataclasses

import pytest

from baselines import METHODS
from debias import smoke
from debias.errors import InputError
from experiments.engine.experiment import DIGITS, TUMOURS, Experiment, Run, Setting
from experiments.registry import EXPERIMENTS


def experiment(*settings, base, seeds=(3, 4), data="digits", **more):
    return Experiment("table1", "Title", settings, seeds, base, data, **more)


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


def test_a_setting_may_take_the_first_seeds_alone(tiny_config):
    runs = experiment(Setting("cnn", "cnn"), Setting("vae", "vae", seeds=1), base=tiny_config).runs()
    assert [run.id for run in runs] == ["table1/cnn/seed3", "table1/vae/seed3", "table1/cnn/seed4"]


def test_a_run_names_what_decides_it(tiny_config):
    run = experiment(Setting("a", "cnn", {"alpha": 0.5}, {"left": 3}, title="A"), base=tiny_config).runs()[0]
    decided = {"method": "cnn", "alpha": 0.5, "seed": 3, "draw": {"left": 3}}
    assert decided.items() <= run.settings().items()
    assert run.names() == {"id": "table1/a/seed3", "setting": "a", "title": "A"}
    assert (run.facts()["method"], run.facts()["seed"]) == ("cnn", 3)
    renamed = Run("other/b/seed3", dataclasses.replace(run.setting, name="b", title="B"), run.config, run.data)
    assert (renamed.settings(), renamed.facts()) == (run.settings(), run.facts())


def test_a_setting_is_called_after_its_method_unless_it_has_a_title():
    assert Setting("cnn", "cnn").title == METHODS["cnn"].title
    assert Setting("cnn", "cnn", title="None").title == "None"


@pytest.mark.parametrize(
    ("settings", "seeds", "named"),
    [
        ((Setting("a", "cnn"),), (), "zero seeds"),
        ((Setting("a", "cnn", {"alhpa": 1}),), (0,), "alhpa"),
        ((Setting("a", "cnn", {"folder": "x"}),), (0,), "folder"),
        ((Setting("a", "cnn", {"alpha": -1}),), (0,), "alpha"),
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


def test_toy_size_keeps_every_setting_with_seed_0(tiny_config):
    settings = (Setting("a", "cnn", draw={"darker male": 88, "negatives": 5000}), Setting("b", "vae", data="other"))
    small = experiment(*settings, base=tiny_config, data="parliament-pool").at_smoke_size()
    assert [run.id for run in small.runs()] == ["table1/a/seed0", "table1/b/seed0"]  # the seed that all share
    assert {run.data for run in small.runs()} == {smoke.DATA}
    assert dict(small.settings[0].draw) == {"darker male": 5, "negatives": 50}
    assert small.base == smoke.CONFIG


def test_on_other_data_it_is_taken_whole_in_a_folder_of_its_own(tiny_config):
    settings = tuple(Setting(name, name, draw={"darker male": 88}) for name in METHODS)
    own = experiment(*settings, base=tiny_config, rare=("darker male",))
    found = own.on_other_data("made.h5", "made", ("left", "right"), ("right",), test="some/where/ppb.h5")
    assert (found.folder, found.data, found.rare) == ("table1-made-ppb", "made.h5", ("right",))
    assert {run.test for run in found.runs()} == {"some/where/ppb.h5"}
    assert [setting.method for setting in found.settings] == list(METHODS) and found.base == tiny_config
    assert not any(setting.draw for setting in found.settings)
    digits = own.on_other_data("digits", "digits", ("left", "right"), ())
    assert (digits.base, digits.folder, digits.test) == (DIGITS, "table1-digits", None)
    assert own.on_other_data("tumours", "tumours", ("small", "large"), ()).base == TUMOURS


def test_methods_that_need_groups_are_left_out_where_there_are_none(tiny_config):
    own = experiment(*(Setting(name, name) for name in METHODS), base=tiny_config)
    found = own.on_other_data("plain.h5", "plain", (), ())
    assert [setting.method for setting in found.settings] == [
        name for name in METHODS if METHODS[name].labels == "class"
    ]


@pytest.mark.parametrize("other", [Setting("b", "cnn", draw={"darker male": 3}), Setting("b", "cnn", data="other")])
def test_comparisons_of_draws_or_data_are_refused_on_other_data(other, tiny_config):
    with pytest.raises(InputError, match="embedded benchmark") as caught:
        experiment(Setting("a", "cnn"), other, base=tiny_config).on_other_data("made.h5", "made", (), ())
    assert "\n" not in str(caught.value)


def test_on_other_data_an_epoch_is_a_pass_over_its_faces_however_many(tiny_config):
    short = dataclasses.replace(tiny_config, steps_per_epoch=48)
    found = experiment(Setting("a", "cnn"), base=short).on_other_data("large.h5", "large", (), ())
    assert found.base == dataclasses.replace(short, steps_per_epoch=None)
    toy = experiment(Setting("a", "cnn"), base=short).at_smoke_size().on_other_data("large.h5", "large", (), ())
    assert toy.base == smoke.CONFIG


@pytest.mark.parametrize("data", ["digits", "tumours"])
def test_on_other_public_data_a_toy_stays_one(data, tiny_config):
    found = experiment(Setting("a", "cnn"), base=tiny_config).on_other_data(data, data, (), ())
    assert found.base.epochs > smoke.CONFIG.epochs
    toy = experiment(Setting("a", "cnn"), base=tiny_config).at_smoke_size().on_other_data(data, data, (), ())
    assert toy.base == smoke.config(data) and toy.base.preset == found.base.preset


def test_an_ablation_keeps_its_usual_values_on_other_data():
    """Digits are trained for longer, and with fewer latents: each point stands where its value is all the same."""
    for name, field in (("epochs", "epochs"), ("k", "latent_dim"), ("passes", "epochs")):
        ours = EXPERIMENTS[name].on_other_data("digits", "digits", ("rare", "common"), ("rare",))
        values = {run.setting.name: getattr(run.config, field) for run in ours.runs()}
        assert {p.setting.name: p.x for p in ours.points} == {
            p.setting.name: values[p.setting.name] for p in ours.points
        }
    assert EXPERIMENTS["alpha"].on_other_data("digits", "digits", ("rare", "common"), ()).base == DIGITS


def test_what_decides_by_validation_takes_no_test(tiny_config):
    prepares = dataclasses.replace(experiment(Setting("a", "cnn"), base=tiny_config), prepares=True)
    with pytest.raises(InputError, match="decides by validation images"):
        prepares.on_other_data("made.h5", "made", (), (), test="test.h5")


def test_at_toy_size_a_data_set_with_groups_of_its_own_keeps_them():
    for name, data, preset in (("digits", "digits", "digits"), ("tumours", "tumours", "table")):
        small = EXPERIMENTS[name].at_smoke_size()
        assert (small.data, small.base.preset, small.base.epochs) == (data, preset, smoke.CONFIG.epochs)
    pose = EXPERIMENTS["pose"].at_smoke_size()
    assert (pose.data, pose.tests) == ("parliament-smoke-pose", ("parliament-camera-smoke-pose",))
    assert dict(pose.settings[0].draw) == {"frontal": 47, "turned": 5}
