"""What is collected of models, against sums by hand over sampling probabilities that are known."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from debias import dbvae
from debias.backend import keras
from debias.callbacks import encode
from debias.config import Config
from debias.data.dataset import Splits
from debias.data.pipeline import on_device
from debias.latents import as_uint8, factor_correlations, traversal
from experiments.engine.experiment import Run
from experiments.figures import EXPERIMENT, RESAMPLED
from experiments.report import figure_data, models, paper_figures

SEEDS = (0, 1)
FEW = "product-k2-a0.01"
HERE = dataclasses.replace(EXPERIMENT, rare=("right",))


@dataclasses.dataclass
class Untrained:
    """A run that was never trained; one setting's last epoch draws face i in proportion to i + 1."""

    run: Run
    splits: Splits
    config: Config

    def sampling(self):
        faces = len(self.splits.train.positives())
        uniform = np.full(faces, 1 / faces)
        last = np.arange(1, faces + 1) / (faces * (faces + 1) / 2) if self.run.setting.name == FEW else uniform
        return [uniform, last]

    def model(self):
        keras.utils.set_random_seed(self.run.config.seed)
        return dbvae.build(self.config, self.splits.train.image_shape)


@pytest.fixture(scope="module")
def runs(splits, tiny_config):
    return [Untrained(run, splits, tiny_config) for run in HERE.runs() if run.config.seed in SEEDS]


@pytest.fixture(scope="module")
def found(runs):
    return models.collect(HERE, runs)


def run_of(runs, name, seed=0):
    return next(each for each in runs if each.run.setting.name == name and each.run.config.seed == seed)


def same(one, other) -> bool:
    return one.equals(other) if isinstance(one, pd.DataFrame) else np.array_equal(one, other)


def test_epochs_hold_mass_and_share_of_every_group(found, runs, splits):
    table = found["epochs"]
    assert len(table) == 2 * len(runs) and set(table["seed"]) == set(SEEDS)
    groups = splits.train.positives().groups
    faces = len(groups)
    last = table[(table["setting"] == FEW) & (table["epoch"] == 1)].iloc[0]
    assert last["mass right"] == pytest.approx(100 * sum(np.flatnonzero(groups == 1) + 1) / (faces * (faces + 1) / 2))
    assert last["ess"] == pytest.approx(1.5 * faces * (faces + 1) / (2 * faces + 1))  # of p proportional to 1..N
    assert last["share right"] == pytest.approx(100 * np.mean(groups == 1)) and last["faces"] == faces
    uniform = table[table["epoch"] == 0]
    np.testing.assert_allclose(uniform["mass right"], uniform["share right"])
    np.testing.assert_allclose(uniform["ess"], faces)


def test_sampling_holds_histogram_and_extreme_faces(found, splits):
    faces = splits.train.positives().images()
    order = [*range(10), *range(len(faces) - 10, len(faces))]
    np.testing.assert_array_equal(found[f"sampling-{FEW}"], faces[order])
    bins = found["sampling"][found["sampling"]["setting"] == FEW]
    expected = np.log10(2 * np.arange(1, len(faces) + 1) / (len(faces) + 1))
    assert bins["images"].sum() == len(faces) and bins["low"].iloc[0] == pytest.approx(expected[0])
    for _, row in bins.iloc[:-1].iterrows():
        assert row["images"] == np.sum((expected >= row["low"]) & (expected < row["high"]))
    assert set(found["sampling"]["setting"]) == {setting.name for setting in RESAMPLED}


def test_of_equally_likely_faces_the_first_are_not_preferred(splits):
    faces = splits.train.positives()
    _, shown = models.preferred(np.full(len(faces), 1 / len(faces)), faces)
    assert not np.array_equal(shown[:10], faces.images(np.arange(10)))


def test_what_is_drawn_differs_from_all_faces_by_as_much_as_a_loop_finds(runs, splits):
    table = models.drawn([run_of(runs, FEW), run_of(runs, "vae", seed=1)])["drawn"]
    few, even = (table[table["setting"] == name].set_index("factor") for name in (FEW, "vae"))
    faces = splits.train.positives()
    total = sum(range(1, len(faces) + 1))
    for factor, of_face in {
        "side=right": lambda face: float(faces.groups[face] == 1),
        "brightness": lambda face: faces.images()[face].mean(),
        "image contrast": lambda face: faces.images()[face].mean(-1).std(),
    }.items():
        values = [of_face(face) for face in range(len(faces))]
        drawn = sum((face + 1) / total * value for face, value in enumerate(values))
        expected = (drawn - np.mean(values)) / np.std(values)
        assert few.loc[factor, "shift"] == pytest.approx(expected, abs=1e-4)
    assert set(even["seed"]) == {1} and (even["shift"] == 0).all()


def test_a_head_is_as_much_turned_to_either_side(splits):
    faces = splits.train.positives()
    yaw = np.linspace(-30, 30, len(faces))
    turned = models.seen_factors(dataclasses.replace(faces, factors={"yaw": yaw}))["|yaw|"]
    assert turned[0] == turned[-1] == 30 and turned.min() < 1


def test_latents_hold_correlations_on_test_faces_and_traversals_of_the_strongest(found, runs, splits):
    run = run_of(runs, "max-a0.01")
    model, test = run.model(), splits.test.positives()
    table = found["latents-max-a0.01"]
    latents = encode(model, on_device(test))
    expected = factor_correlations(latents, test.factors)
    for factor in ("side=right", "rare"):  # the rare group is that on the right
        np.testing.assert_allclose(table[factor], expected["side=right"], atol=1e-4)
    assert list(found["readout-max-a0.01"]["factor"]) == ["side=right", "rare"]
    population = encode(model, on_device(splits.train.positives()))
    order = np.argsort(-table["influence"].to_numpy())
    tiles = found["traversals-max-a0.01"].reshape(3, paper_figures.STEPS, *splits.train.image_shape)
    np.testing.assert_array_equal(tiles, traversal(model, population, order, paper_figures.STEPS))
    assert "traversals-vae" not in found and "latents-vae" in found


def test_no_group_that_is_rare_is_no_factor(splits):
    test = splits.test.positives()
    assert list(models.known_factors(test, ())) == list(models.known_factors(test, ("elsewhere",))) == ["side"]
    assert models.known_factors(test.without_groups(), ("right",)) == {}  # factors go with the groups


def test_all_of_it_comes_back_from_its_files(found, tmp_path):
    figure_data.save(tmp_path, found)
    read = figure_data.load(tmp_path)
    assert set(read) == set(found) and all(same(value, read[name]) for name, value in found.items())


def test_no_runs_are_no_data():
    assert models.collect(HERE, []) == {}


def test_experiments_whose_rows_are_enough_open_no_model(runs):
    assert models.collect(dataclasses.replace(HERE, name="other"), runs) == {}


def test_some_runs_are_their_part_of_it(runs, found):
    part = models.collect(HERE, [run_of(runs, "vae"), run_of(runs, FEW, 1)])
    assert set(part) == {"epochs", "latents-vae", "readout-vae"}  # pictures are of the first seed
    whole = figure_data.merged(found, part)
    assert all(np.array_equal(np.sort(whole["epochs"][c]), np.sort(found["epochs"][c])) for c in ("ess", "mass right"))


def test_reconstructions_are_of_faces_of_every_group(runs, splits):
    run = run_of(runs, "vae")
    shown = models.reconstructions([run], total=6)
    test = splits.test.positives()
    left, right = (np.flatnonzero(test.groups == group)[:3] for group in (0, 1))
    np.testing.assert_array_equal(shown["faces"], test.images(np.concatenate([left, right])))
    expected = as_uint8(run.model().reconstruct(shown["faces"].astype(np.float32) / 255))
    np.testing.assert_array_equal(shown["reconstructions-vae"], expected)
