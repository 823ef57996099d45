"""Evidence against sums by hand over sampling probabilities that are known, and figures against rows and evidence."""

import numpy as np
import pandas as pd
import pytest

from debias import dbvae, plots
from debias.backend import keras
from debias.callbacks import encode
from debias.data.pipeline import on_device
from debias.latents import as_uint8, factor_correlations, traversal
from experiments import evidence, figures, pictures, table1

SEEDS = (0, 1)
RARE = "product-k2-a0.01"


class Shelf:
    """A store of runs that were never trained; one setting's last epoch draws face i in proportion to i + 1."""

    def __init__(self, splits, config, folder):
        self.whole, self.config, self.root = splits, config, folder

    def splits(self, run):
        return self.whole

    def folder(self, run):
        folder = self.root / run.id
        faces = len(self.whole.train.positives())
        uniform = np.full(faces, 1 / faces)
        last = np.arange(1, faces + 1) / (faces * (faces + 1) / 2) if run.setting.name == RARE else uniform
        (folder / "sampling").mkdir(parents=True, exist_ok=True)
        for epoch, p in enumerate((uniform, last)):
            np.save(folder / "sampling" / f"epoch-{epoch:03d}.npy", p)
        return folder

    def model(self, run):
        keras.utils.set_random_seed(run.config.seed)
        return dbvae.build(self.config, self.whole.train.image_shape)


@pytest.fixture(scope="module")
def runs():
    return [run for run in figures.EXPERIMENT.runs() if run.config.seed in SEEDS]


@pytest.fixture(scope="module")
def store(splits, tiny_config, tmp_path_factory):
    return Shelf(splits, tiny_config, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def found(runs, store):
    return figures.collect(runs, store)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    lines = []
    for number, setting in enumerate(figures.SETTINGS):
        for seed in SEEDS:
            line = {"setting": setting.name, "seed": seed, "ess": 1000.0 - number}
            line |= {f"recall {group}": 90 + rng.uniform(0, 9) for group in ("left", "right")}
            line |= {f"recall_fpr1 {group}": 80 + rng.uniform(0, 9) for group in ("left", "right")}
            line |= {"mass left": 98.0 - number, "mass right": 2.0 + number}
            for target in pictures.TARGETS:
                line |= {f"fpr_f{target}": float(target) * 0.9, f"gap_f{target}": rng.uniform(1, 9)}
                line[f"mean_recall_f{target}"] = rng.uniform(90, 99)
            lines.append(line)
    return pd.DataFrame(lines)


def run_of(runs, name, seed=0):
    return next(run for run in runs if run.setting.name == name and run.config.seed == seed)


def same(one, other) -> bool:
    return one.equals(other) if isinstance(one, pd.DataFrame) else np.array_equal(one, other)


def test_settings_are_those_of_table_1_so_that_they_are_trained_once():
    known = {setting.name: setting for setting in table1.SETTINGS}
    shared = [setting for setting in figures.SETTINGS if setting.name in known]
    assert all(setting == known[setting.name] for setting in shared)
    assert [setting.name for setting in figures.SETTINGS if setting not in shared] == ["vae-long"]
    assert figures.EXPERIMENT.base == table1.EXPERIMENT.base and set(figures.SEEDS) <= set(table1.SEEDS)


def test_epochs_hold_mass_and_share_of_every_group(found, runs, splits):
    table = found["epochs"]
    assert len(table) == 2 * len(runs) and set(table["seed"]) == set(SEEDS)
    groups = splits.train.positives().groups
    faces = len(groups)
    last = table[(table["setting"] == RARE) & (table["epoch"] == 1)].iloc[0]
    assert last["mass right"] == pytest.approx(100 * sum(np.flatnonzero(groups == 1) + 1) / (faces * (faces + 1) / 2))
    assert last["ess"] == pytest.approx(1.5 * faces * (faces + 1) / (2 * faces + 1))  # of p proportional to 1..N
    assert last["share right"] == pytest.approx(100 * np.mean(groups == 1)) and last["faces"] == faces
    uniform = table[table["epoch"] == 0]
    np.testing.assert_allclose(uniform["mass right"], uniform["share right"])
    np.testing.assert_allclose(uniform["ess"], faces)


def test_sampling_holds_histogram_and_extreme_faces(found, splits):
    faces = splits.train.positives().images()
    order = [*range(10), *range(len(faces) - 10, len(faces))]
    np.testing.assert_array_equal(found[f"sampling-{RARE}"], faces[order])
    bins = found["sampling"][found["sampling"]["setting"] == RARE]
    expected = np.log10(2 * np.arange(1, len(faces) + 1) / (len(faces) + 1))
    assert bins["images"].sum() == len(faces) and bins["low"].iloc[0] == pytest.approx(expected[0])
    for _, row in bins.iloc[:-1].iterrows():
        assert row["images"] == np.sum((expected >= row["low"]) & (expected < row["high"]))
    assert set(found["sampling"]["setting"]) == set(figures.RESAMPLED)


def test_latents_hold_correlations_on_test_faces_and_traversals_of_the_strongest(found, runs, store, splits):
    run = run_of(runs, "max-a0.01")
    model, test = store.model(run), splits.test.positives()
    table = found["latents-max-a0.01"]
    latents = encode(model, on_device(test))
    expected = factor_correlations(latents, test.factors)
    np.testing.assert_allclose(table["side=right"], expected["side=right"], atol=1e-4)
    assert (found["readout-max-a0.01"]["factor"] == ["side=right"]).all()
    population = encode(model, on_device(splits.train.positives()))
    order = np.argsort(-table["influence"].to_numpy())
    tiles = found["traversals-max-a0.01"].reshape(3, figures.STEPS, *splits.train.image_shape)
    np.testing.assert_array_equal(tiles, traversal(model, population, order, figures.STEPS))
    assert "traversals-vae" not in found and "latents-vae" in found


def test_darker_groups_are_a_factor_where_there_are_any(splits):
    import dataclasses

    test = splits.test.positives()
    assert list(figures._known(test)) == ["side"]
    named = dataclasses.replace(test, group_names=("lighter male", "darker male"))
    np.testing.assert_array_equal(figures._known(named)["darker"], test.groups == 1)


def test_evidence_comes_back_and_gives_the_same_figures(found, rows, tmp_path):
    evidence.save(tmp_path, found)
    read = evidence.load(tmp_path)
    assert set(read) == set(found) and all(same(value, read[name]) for name, value in found.items())
    for name in ("mass_ess", "fig5a_traversals"):
        for folder, source in (("one", found), ("two", read)):
            plots.save(figures.figures(rows, source)[name], tmp_path / folder / f"{name}.svg")
        assert (tmp_path / "one" / f"{name}.svg").read_bytes() == (tmp_path / "two" / f"{name}.svg").read_bytes()


def test_every_figure_is_drawn_and_without_evidence_those_of_rows(found, rows):
    drawn = figures.figures(rows, found)
    assert set(drawn) == {
        "fig4_sampling",
        "fig5a_traversals",
        "fig5b_recall",
        "latent_factors",
        "mass_ess",
        "threshold_sensitivity",
    }
    assert set(figures.figures(rows, {})) == {"fig5b_recall", "threshold_sensitivity"}
    assert len(drawn["fig4_sampling"].axes) == 3 * len(figures.RESAMPLED)


def test_no_runs_are_no_evidence(store):
    assert figures.collect([], store) == {}


def test_some_runs_are_their_evidence(runs, store, found):
    part = figures.collect([run_of(runs, "vae"), run_of(runs, RARE, 1)], store)
    assert set(part) == {"epochs", "latents-vae", "readout-vae"}  # pictures are of the first seed
    whole = evidence.merged(found, part)
    assert all(np.array_equal(np.sort(whole["epochs"][c]), np.sort(found["epochs"][c])) for c in ("ess", "mass right"))


def test_mass_figure_follows_the_epochs(found):
    axes = figures.mass_figure(found["epochs"]).axes[0]
    path = next(line for line in axes.lines if line.get_label() == figures.RESAMPLED[RARE]).get_xydata()
    table = found["epochs"][found["epochs"]["setting"] == RARE]
    means = table.groupby("epoch")[["ess", "mass right"]].mean()
    np.testing.assert_allclose(path, np.stack([means["ess"] / table["faces"].iloc[0], means["mass right"]], 1))
    assert "right" in axes.get_ylabel()


def test_threshold_figure_follows_the_rows(rows):
    gap, recall = pictures.threshold_figure(rows, figures.BARS).axes
    assert [line.get_label() for line in gap.lines] == list(figures.BARS.values())
    part = rows[rows["setting"] == "cnn"]
    for axes, measure in ((gap, "gap"), (recall, "mean_recall")):
        expected = [part[f"{measure}_f{target}"].mean() for target in pictures.TARGETS]
        np.testing.assert_allclose(axes.lines[0].get_ydata(), expected)
        np.testing.assert_allclose(axes.lines[0].get_xdata(), [0.9 * float(target) for target in pictures.TARGETS])


def test_group_figure_takes_the_threshold_and_the_settings_it_is_asked_for(rows):
    titles = {"vae": "VAE", "cnn": "CNN"}
    for suffix in ("", "_fpr1"):
        axes = pictures.group_figure(rows, titles, suffix).axes[0]
        heights = [bar.get_height() for container in axes.containers for bar in getattr(container, "patches", [])]
        expected = [
            rows[rows["setting"] == name][f"recall{suffix} {group}"].mean()
            for name in titles
            for group in ("left", "right")
        ]
        np.testing.assert_allclose(heights, expected)


def test_reconstructions_are_of_faces_of_every_group(runs, store, splits):
    run = run_of(runs, "vae")
    shown = pictures.reconstructions([run], store, total=6)
    test = splits.test.positives()
    left, right = (np.flatnonzero(test.groups == group)[:3] for group in (0, 1))
    np.testing.assert_array_equal(shown["faces"], test.images(np.concatenate([left, right])))
    expected = as_uint8(store.model(run).reconstruct(shown["faces"].astype(np.float32) / 255))
    np.testing.assert_array_equal(shown["reconstructions-vae"], expected)
    figure = pictures.reconstruction_figure(shown, {"cnn": "CNN", "vae": "VAE, uniform"})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["original", "VAE, uniform"]


def test_text_states_mass_and_ess(rows):
    text = figures.text(rows)
    mass = rows.groupby("setting")["mass right"].mean()
    assert f"{mass['cnn']:.1f} % when all 1,000 faces" in text
    assert all(f"{title}: {mass[name]:.1f} % (ESS " in text for name, title in figures.RESAMPLED.items())
    assert figures.text(rows.drop(columns="mass right")) == ""


def test_rare_groups_are_the_darker_ones_or_the_last():
    assert figures.rare_groups(pd.DataFrame(columns=["mass lighter male", "mass darker male"])) == ["darker male"]
    assert figures.rare_groups(pd.DataFrame(columns=["mass even", "ess", "mass odd"])) == ["odd"]
    assert figures.rare_groups(pd.DataFrame(columns=["mass faces"])) == []
