"""The experiments: found by their files, and whole."""

import collections
import re
from pathlib import Path

import pytest

from experiments.ablation import Ablation
from experiments.figures import LONG
from experiments.registry import EXPERIMENTS, GROUPS
from experiments.settings import ALPHAS, DRAW, K_THAT_WORKS, debiased, vae

ROOT = Path(__file__).resolve().parents[2]


def test_every_file_of_the_folder_is_an_ablation():
    files = {path.stem for path in (ROOT / "experiments" / "ablations").glob("[a-z]*.py")}
    assert files == set(GROUPS["ablations"]) and set(GROUPS["all"]) == set(EXPERIMENTS) - {"methods_search"}
    assert list(EXPERIMENTS)[0] == "quick"
    assert {EXPERIMENTS[name].folder for name in files} == {f"ablations/{name}" for name in files}


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_the_shell_can_list_an_experiment_by_its_text(name):
    """Its first line says what it is, and its minutes stand there as a number."""
    folder = ROOT / "experiments" / ("ablations" if name in GROUPS["ablations"] else "")
    text = (folder / f"{name}.py").read_text()
    assert re.match(r'"""[A-Z].{30,}', text)
    assert [int(minutes) for minutes in re.findall(r"minutes=(\d+)", text)] == [EXPERIMENTS[name].minutes]


def test_every_id_of_the_project_occurs_once():
    ids = [run.id for experiment in EXPERIMENTS.values() for run in experiment.runs()]
    assert len(ids) == len(set(ids)) > 500
    assert {"alpha/product-a0.01/seed3", "reconstruction/product-k2-l2/seed0", "kl/max-kl5e-05/seed4"} <= set(ids)


def test_settings_of_one_name_are_the_same_in_all_experiments():
    known = {}
    for experiment in EXPERIMENTS.values():
        for run in experiment.runs():
            name = (run.setting.name, run.setting.method, run.config.seed, run.data)
            decides = (run.config, dict(run.setting.draw))
            assert known.setdefault(name, decides) == decides


def test_seeds_of_claims_are_ten_and_paired():
    assert len(EXPERIMENTS["table1"].seeds) >= 10 and len(EXPERIMENTS["calibration"].seeds) >= 10
    assert all(len(EXPERIMENTS[name].seeds) >= 5 for name in GROUPS["ablations"])
    for name in ("table1", "quick"):
        assert not set(EXPERIMENTS["calibration"].seeds) & set(EXPERIMENTS[name].seeds)


def test_figures_show_settings_of_an_ablation_so_that_they_are_trained_once():
    figures, rule = EXPERIMENTS["figures"], EXPERIMENTS["rule"]
    assert [setting for setting in figures.settings if setting not in rule.settings] == [LONG]
    assert figures.base == rule.base and set(figures.seeds) <= set(rule.seeds)


def test_table_1_has_ten_seeds_of_all_but_the_rule_that_collapses():
    counts = collections.Counter(run.setting.name for run in EXPERIMENTS["table1"].runs())
    few = {f"product-a{alpha:g}-camera" for alpha in ALPHAS}
    assert {name for name, count in counts.items() if count != 10} == few and {counts[name] for name in few} == {3}


def test_common_settings_say_what_they_train():
    product = debiased("product", K_THAT_WORKS, 0.05)
    name = f"product-k{K_THAT_WORKS}-a0.05"
    changes = {"latent_dim": K_THAT_WORKS, "alpha": 0.05}
    assert (product.name, product.method, product.changes) == (name, "dbvae-product", changes)
    assert product.draw == DRAW and vae().changes == {}


@pytest.mark.parametrize("name", GROUPS["ablations"])
@pytest.mark.parametrize("size", ["whole", "toy"])
def test_points_of_an_ablation_are_compared_with_settings_that_it_has(name, size):
    experiment = EXPERIMENTS[name] if size == "whole" else EXPERIMENTS[name].at_smoke_size()
    settings = {setting.name for setting in experiment.settings}
    assert experiment.rare == tuple(DRAW)
    if isinstance(experiment, Ablation):
        assert {point.against for point in experiment.points} <= settings
        assert {point.setting.name for point in experiment.points} <= settings
        assert sum(point.against == point.setting.name for point in experiment.points) or name in ("alpha", "k", "rule")


def test_at_toy_size_a_line_has_its_ends_and_what_they_are_compared_with():
    whole, refresh = (EXPERIMENTS[name].at_smoke_size() for name in ("size", "refresh"))
    assert {setting.name for setting in whole.settings} == {"cnn-size12.5", "cnn", "max-size12.5", "max-a0.01"}
    assert [point.x for point in refresh.points] == [1, 4] * 2
    assert [point.setting.name for point in refresh.points[:2]] == ["max-a0.01", "max-refresh4"]
    assert {len(EXPERIMENTS["size"].points), len(EXPERIMENTS["refresh"].points)} == {8, 6}  # themselves unchanged
