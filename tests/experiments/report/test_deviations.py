"""The list of deviations: whole entries, effects that exist, numbers that are the code's, right differences."""

import re
from pathlib import Path

import pandas as pd
import pytest

from debias.data.parliament.build import PRESETS
from debias.presets import preset
from experiments import settings
from experiments.registry import EXPERIMENTS
from experiments.report.deviations import Effect, measure, read, render

ENTRIES = {deviation.what: deviation for deviation in read()}
EFFECTS = [effect for deviation in ENTRIES.values() for effect in deviation.effects]
NETWORKS = Path(__file__).parents[3] / "debias" / "networks.py"  # read, since TensorFlow takes seconds to import
MOMENTUM = re.search(r"^MOMENTUM = (\S+)$", NETWORKS.read_text(), re.MULTILINE)[1]
EFFECT = Effect("reconstruction", "max-l2", "max-a0.01")
TRAINED_ON = {"pool": settings.DRAW, "small": settings.FEW}  # preset -> draw of the darker faces


@pytest.fixture
def rows() -> pd.DataFrame:
    """Two settings that differ by exactly 2 in E[A] and by exactly -5 in Var[A] on each of their common seeds."""
    lines = [("max-a0.01", seed, 90.0 + seed, 30.0 + seed) for seed in range(4)]
    lines += [("max-l2", seed, 92.0 + seed, 25.0 + seed) for seed in range(1, 6)]
    table = pd.DataFrame(lines, columns=["setting", "seed", "mean_recall_fpr1", "var_recall_fpr1"])
    own = {"mean_recall": table["mean_recall_fpr1"] + 1, "var_recall": table["var_recall_fpr1"] - 3}
    return table.assign(title=table["setting"].map({"max-a0.01": "usual", "max-l2": "with L2"}), **own)


def test_effect_is_the_difference_on_common_seeds(rows):
    measured = measure(EFFECT, rows)
    assert (measured.ours, measured.theirs, measured.seeds) == ("with L2", "usual", 3)
    assert measured.differences["E[A]"] == pytest.approx({"mean": 2, "low": 2, "high": 2})
    assert measured.differences["Var[A]"] == pytest.approx({"mean": -5, "low": -5, "high": -5})


def test_order_of_rows_does_not_matter(rows):
    assert measure(EFFECT, rows.iloc[::-1]) == measure(EFFECT, rows)


def test_effect_of_the_threshold_within_one_setting(rows):
    measured = measure(Effect("threshold", "max-l2", "max-l2", own_threshold=True), rows)
    assert measured.differences["E[A]"]["mean"] == pytest.approx(1)
    assert measured.differences["Var[A]"]["mean"] == pytest.approx(-3)
    assert measured.ours != measured.theirs


def test_effect_on_a_further_test(rows):
    elsewhere = {f"{name}_fpr1@camera": 2 * rows[f"{name}_fpr1"] for name in ("mean_recall", "var_recall")}
    measured = measure(Effect("reconstruction", "max-l2", "max-a0.01", test="camera"), rows.assign(**elsewhere))
    assert [found["mean"] for found in measured.differences.values()] == pytest.approx([4, -10])
    assert measured.theirs == "usual, on another camera"


def test_one_common_seed_measures_nothing(rows):
    assert measure(EFFECT, rows[rows["seed"] <= 1]) is None
    assert measure(EFFECT, rows[rows["setting"] == "max-l2"]) is None


def test_rendered_with_effects(rows, cells):
    text = render({"reconstruction": rows})
    number = next(int(n) for n, what in headings(text) if what == "Reconstruction error")
    assert cells(text, f"{number}. ")[0][1:] == ["+2.0 [+2.0, +2.0]", "-5.0 [-5.0, -5.0]", "3", "with L2", "usual"]
    assert "with L2, minus usual: E[A] +2.0 [+2.0, +2.0], Var[A] -5.0 [-5.0, -5.0]; 3 seeds" in text


def test_rendered_without_rows():
    text = render({})
    assert "not yet, `./run_experiments.sh reconstruction` does." in text
    assert "## Measured effects" not in text


def test_numbers_run_through_and_every_entry_says_whether_it_is_measured():
    text = render({})
    assert [int(number) for number, _ in headings(text)] == list(range(1, len(ENTRIES) + 1))
    entries = re.split(r"^### ", text, flags=re.M)[1:]
    for entry in entries:
        assert "**Here:**" in entry and "**Why:**" in entry and "**Measured:**" in entry
        assert "**Paper:**" in entry or "**Lab:**" in entry


def test_names_of_deviations_differ():
    assert len(ENTRIES) == len(read())


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: f"{effect.experiment}/{effect.setting}")
def test_effects_refer_to_registered_settings(effect):
    names = {setting.name for setting in EXPERIMENTS[effect.experiment].settings}
    assert {effect.setting, effect.baseline} <= names


@pytest.mark.parametrize(
    "what, numbers",
    [
        ("Length", [settings.TRAINED.epochs, settings.FACES.epochs * settings.FACES.steps_per_epoch]),
        ("Batch size", [settings.TRAINED.batch_size, settings.FACES.batch_size]),
        ("Optimiser", [settings.FACES.learning_rate]),
        *[
            ("How rare darker faces are", [*draw.values(), f"{PRESETS[name].train_lighter:,}"])
            for name, draw in TRAINED_ON.items()
        ],
        *[
            ("Which darker faces", [sum(draw.values()), f"{PRESETS[name].train_darker:,}"])
            for name, draw in TRAINED_ON.items()
        ],
        *[
            (
                "Number of training images",
                [f"{n:,}" for n in (PRESETS[name].train_lighter + sum(draw.values()), PRESETS[name].train_negatives)],
            )
            for name, draw in TRAINED_ON.items()
        ],
        ("Lighter and darker", [f"{share:.0%}".replace("%", " %") for share in PRESETS["pool"].darker_tones]),
        *[("Test set", [PRESETS[name].test_faces_per_group]) for name in ("pool", "camera")],
        *[("Negatives in the test", [f"{PRESETS[name].test_negatives:,}"]) for name in ("pool", "camera")],
        *[("Validation split", [f"{PRESETS[name].validation_negatives:,}"]) for name in ("pool", "small", "camera")],
        ("Filters", [*preset("lab").filters]),
        ("Kernels and fully connected layers", [*preset("lab").kernels, preset("lab").dense]),
        ("Momentum of batch norm", [MOMENTUM]),
        ("Number of latents, k", [settings.K, settings.K_THAT_WORKS]),
        ("Weights c1 to c3 of Eq. 2", [preset("lab").loss.kl_weight]),
        ("Bins", [settings.FACES.bins]),
        ("alpha", [settings.FACES.alpha]),
        ("Retrainings", [len(EXPERIMENTS["table1"].seeds)]),
    ],
)
def test_numbers_are_those_of_the_code(what, numbers):
    ours = ENTRIES[what].ours
    for number in numbers:
        assert re.search(rf"(?<![\d.,]){re.escape(str(number))}(?![\d]|[.,]\d)", ours), f"{number} is not in: {ours}"


def headings(text: str) -> list[tuple[str, str]]:
    """Number and name of every deviation."""
    return re.findall(r"^### (\d+)\. (.+)$", text, flags=re.M)
