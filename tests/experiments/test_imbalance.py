"""An imbalance that a user asks for: whom a word names, how they share, and what is refused."""

import sys

import numpy as np
import pytest

from debias.data.dataset import NO_GROUP, Dataset, Splits
from debias.errors import InputError
from experiments import __main__, commands
from experiments.engine import evaluation
from experiments.imbalance import draw_of
from experiments.registry import EXPERIMENTS

SIZES = {"male White": 300, "male Black": 100, "female White": 250, "female Black": 50, "female Blackish": 7}


@pytest.fixture(scope="module")
def people():
    """Groups of so many training faces, and 40 negatives; images are all the same."""
    groups = np.r_[np.repeat(np.arange(len(SIZES)), list(SIZES.values())), np.full(40, NO_GROUP)].astype(np.int8)
    labels, rows = (groups != NO_GROUP).astype(np.uint8), np.zeros(len(groups), np.int64)
    part = Dataset(np.zeros((1, 4, 4, 3), np.uint8), rows, labels, groups, tuple(SIZES))
    return Splits("people", part, part, part)


@pytest.mark.parametrize(
    ("keep", "draw"),
    [
        ((), {}),
        (("Black=60",), {"male Black": 40, "female Black": 20}),
        (("Black=80",), {"male Black": 53, "female Black": 27}),
        (("male Black=9", "negatives=30"), {"male Black": 9, "negatives": 30}),
        (("female=307",), {"female White": 250, "female Black": 50, "female Blackish": 7}),
        ((" White = 11 ",), {"male White": 6, "female White": 5}),
    ],
)
def test_a_word_names_all_groups_that_hold_it_and_they_share_in_proportion(people, keep, draw):
    assert draw_of(keep, people) == draw


def test_the_draw_leaves_so_many_and_touches_nobody_else(people):
    drawn = people.draw(draw_of(("Black=80",), people), seed=3).train
    left = dict(zip(SIZES, np.bincount(drawn.positives().groups), strict=True))
    assert left == {**SIZES, "male Black": 53, "female Black": 27} and len(drawn.negatives()) == 40


@pytest.mark.parametrize(
    ("keep", "shown"),
    [
        (("Black",), "--keep Black: use a group and how many"),
        (("=80",), "use a group and how many"),
        (("Black=-1",), "use a group and how many"),
        (("Black=1.5",), "use a group and how many"),
        (("Green=80",), "no group is called 'Green' or a part of it: use one of male White"),
        (("ale=80",), "no group is called 'ale'"),
        (("Black=151",), "there are 150 such training images: keep fewer"),
        (("Black=1",), "2 groups share these images and each needs one"),
        (("male Black=0",), "each needs one"),
        (("Black=80", "male=10"), "'male Black' is kept by another --keep already"),
    ],
)
def test_what_cannot_be_kept_is_one_line(people, keep, shown):
    with pytest.raises(InputError, match=shown) as caught:
        draw_of(keep, people)
    assert "\n" not in str(caught.value)


def test_the_experiment_draws_it_in_a_folder_of_its_own(dataset_path, tmp_path):
    kept = commands.Run(data=str(dataset_path), keep=("left=6",), cache=tmp_path)._adapted(EXPERIMENTS["quick"])
    assert kept.folder == "quick-squares-left=6" and kept.rare == ()
    assert {tuple(setting.draw.items()) for setting in kept.settings} == {(("left", 6),)}
    scarce = commands.Run(data=str(dataset_path), keep=("left=20", "right=2"), cache=tmp_path)
    assert scarce._adapted(EXPERIMENTS["quick"]).rare == ("right",)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("--keep", "left=6"), "draws from the groups of other data: give --data"),
        (("--data", "SQUARES", "--keep", "left=49"), "there are 48 such training images"),
        (("--data", "SQUARES", "--keep", "left=6", "--keep", "up=3"), "no group is called 'up'"),
    ],
)
def test_on_the_command_line_it_is_refused_before_any_training(
    words, shown, dataset_path, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(evaluation, "train", lambda *_: pytest.fail("trained"))
    words = [str(dataset_path) if word == "SQUARES" else word for word in words]
    monkeypatch.setattr(sys, "argv", ["experiments", "run", "quick", *words, "--cache", str(tmp_path), "--jobs", "1"])
    code, error = __main__.main(), capsys.readouterr().err
    assert code == 2 and error.count("\n") == 1 and shown in error
    assert list(tmp_path.iterdir()) == []
