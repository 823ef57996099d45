"""Settings as data: what is refused, what is a row's, and what a config changes of a preset."""

import dataclasses

import pytest

from debias.config import Config, Histograms, Loss
from debias.errors import InputError
from debias.presets import LAB, PRESETS, Preset, network, preset


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (Config, {"epochs": 0}),
        (Config, {"refresh_every": 0}),
        (Config, {"steps_per_epoch": 0}),
        (Config, {"latent_dim": 0}),
        (Config, {"latent_dim": -3}),
        (Config, {"learning_rate": 0.0}),
        (Config, {"learning_rate": float("nan")}),
        (Config, {"latents": "median"}),
        (Config, {"alpha": 0}),
        (Config, {"bins": 1}),
        (Config, {"histogram": "counts"}),
        (Config, {"precision": "float8"}),
        (Config, {"images": "nowhere"}),
        (Config, {"replicas": 0}),
        (Config, {"augment": -0.1}),
        (Config, {"augment": 1.1}),
        (Config, {"augment": float("nan")}),
        (Histograms, {"alpha": 0}),
        (Histograms, {"alpha": -1}),
        (Histograms, {"alpha": float("nan")}),
        (Histograms, {"alpha": float("inf")}),
        (Histograms, {"bins": 1}),
        (Histograms, {"bins": 2.5}),
        (Histograms, {"bins": True}),
        (Histograms, {"alpha": 1e-310}),
        (Histograms, {"histogram": "counts"}),
        (Loss, {"reconstruction": "l3"}),
        (Loss, {"classification_weight": -1.0}),
        (Loss, {"reconstruction_weight": -1.0}),
        (Loss, {"kl_weight": -1.0}),
    ],
)
def test_impossible_settings_are_refused_by_name(kind, settings):
    [(name, value)] = settings.items()
    with pytest.raises(InputError) as caught:
        kind(**settings)
    assert "\n" not in str(caught.value) and str(value) in str(caught.value)
    assert (name.removesuffix("_weight") if kind is not Loss else "") in str(caught.value)


def test_settings_are_everything_that_decides_the_model():
    names = {field.name for field in dataclasses.fields(Config)}
    assert set(Config().settings()) == names - {"folder", "callbacks", "images"}
    assert {field.name for field in dataclasses.fields(Histograms)} < names


def test_changes_are_what_differs_from_the_defaults_but_the_seed():
    assert Config(seed=3, alpha=0.5, epochs=Config().epochs, kl_weight=0.0).changes() == {
        "alpha": 0.5,
        "kl_weight": 0.0,
    }


def test_a_config_takes_the_preset_but_for_what_it_sets_itself():
    assert network(Config(preset="lab")) == preset("lab") is LAB
    assert network(Config(latent_dim=7)) == dataclasses.replace(LAB, latent_dim=7)
    own = network(Config(preset="paper", kl_weight=0.0, reconstruction="l1"))
    paper = preset("paper")
    assert own == dataclasses.replace(paper, loss=dataclasses.replace(paper.loss, kl_weight=0.0, reconstruction="l1"))


def test_a_bad_loss_in_a_config_is_refused():
    with pytest.raises(InputError, match="'l3'"):
        network(Config(reconstruction="l3"))
    with pytest.raises(InputError, match=">= 0"):
        network(Config(kl_weight=-1.0))


def test_unknown_preset_names_the_known_ones():
    with pytest.raises(InputError, match="'huge'.*lab, paper, digits"):
        preset("huge")


def test_presets_have_named_fields_and_tell_trunks_apart():
    with pytest.raises(TypeError):
        Preset((12,), (5,), 512)
    assert len({dataclasses.replace(LAB, trunk="own"), *PRESETS.values()}) == len(PRESETS) + 1
    assert len(set(PRESETS.values())) == len(PRESETS)
