"""Latents against closed forms of a linear decoder, SciPy's correlations pair by pair, and codes planted by hand."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from debias.errors import InputError
from debias.latents import as_uint8, factor_correlations, influence, numeric_factors, readout, traversal

SHAPE = (4, 5, 3)


class Linear:
    """Decodes z to z A + b."""

    def __init__(self, k: int):
        rng = np.random.default_rng(0)
        self.weights = rng.normal(scale=0.05, size=(k, np.prod(SHAPE)))
        self.bias = rng.uniform(0.3, 0.7, np.prod(SHAPE))

    def decode(self, latents):
        return (np.asarray(latents, np.float64) @ self.weights + self.bias).reshape(-1, *SHAPE)


@pytest.fixture
def latents() -> np.ndarray:
    """Population of four latents with their own means and deviations."""
    rng = np.random.default_rng(1)
    return (rng.normal(size=(500, 4)) * [1, 0.1, 3, 0] + [0, 5, -2, 1]).astype(np.float32)


@pytest.fixture
def planted() -> tuple[np.ndarray, dict]:
    """Six latents of 600 faces sorted by class, and factors made from them."""
    rng = np.random.default_rng(2)
    codes = rng.normal(size=(600, 6))
    direction = np.full(6, 1 / np.sqrt(6))
    codes = codes[np.argsort(codes @ direction > 0, kind="stable")]
    signal = codes @ direction
    noise = rng.normal(size=600)
    return codes.astype(np.float32), {
        "spread": signal,
        "noisy": signal + noise,
        "noise": noise,
        "side": np.where(signal > 0, b"right", b"left"),
        "coin": rng.integers(0, 2, 600),
        "rare": np.arange(600) < 3,
    }


def test_influence_of_a_linear_decoder(latents):
    model = Linear(4)
    expected = 4 * latents.std(0) * np.abs(model.weights).mean(1)
    np.testing.assert_allclose(influence(model, latents), expected, rtol=1e-4, atol=1e-9)
    assert influence(model, latents)[3] == 0  # a collapsed latent does not move


def test_traversal_ends_three_deviations_from_the_mean(latents):
    model, mean, sd = Linear(4), latents.mean(0), latents.std(0)
    images = traversal(model, latents, [2, 0], steps=5)
    assert images.shape == (2, 5, *SHAPE) and images.dtype == np.uint8
    for row, latent in enumerate((2, 0)):
        for step, reach in ((0, -3), (1, -1.5), (2, 0), (4, 3)):
            point = mean + reach * sd * np.eye(4)[latent]
            expected = np.clip(model.decode(point[None])[0], 0, 1) * 255
            assert np.abs(images[row, step] - expected).max() <= 0.51


def test_traversal_around_a_face_keeps_its_other_latents(latents):
    model, face = Linear(4), np.array([0.5, 5.2, 1.0, 1.0])
    image = traversal(model, latents, [1], steps=3, face=face)[0, 2]
    point = face.copy()
    point[1] = latents.mean(0)[1] + 3 * latents.std(0)[1]
    assert np.abs(image - np.clip(model.decode(point[None])[0], 0, 1) * 255).max() <= 0.51


@pytest.mark.parametrize("which", [[], [4], [-1]])
def test_traversal_of_latents_that_do_not_exist(latents, which):
    with pytest.raises(InputError, match="choose from 0 to 3"):
        traversal(Linear(4), latents, which)


def test_latents_of_another_shape():
    with pytest.raises(InputError, match="N, k"):
        influence(Linear(4), np.zeros(4))


def test_correlations_are_spearmans_pair_by_pair(latents):
    rng = np.random.default_rng(3)
    factors = {
        "number": latents[:, 0] ** 3 + rng.normal(size=500),
        "ties": rng.integers(0, 4, 500),
        "unknown": np.where(rng.random(500) < 0.2, np.nan, latents[:, 1]),
        "also unknown": np.where(rng.random(500) < 0.5, np.nan, rng.normal(size=500)),
        "flag": rng.random(500) < 0.3,
    }
    found = factor_correlations(latents, factors)
    assert list(found) == list(factors) and len(found) == 4
    for name, values in factors.items():
        for latent in range(3):
            expected = spearmanr(latents[:, latent], np.asarray(values, float), nan_policy="omit").statistic
            assert found.loc[latent, name] == pytest.approx(expected, abs=1e-12)
    assert found.loc[3].isna().all()  # a collapsed latent has no ranks to compare


def test_text_becomes_a_column_for_each_value():
    factors = {
        "light": np.array([b"sun", b"soft", b"back", b"sun"]),
        "side": np.array(["left", "right", "right", "left"]),
        "kind": np.array([b"face"] * 4),
        "constant": np.ones(4),
        "name": np.array([f"person {index % 13}" for index in range(4)]),
    }
    columns = numeric_factors(factors)
    assert list(columns["light=sun"]) == [1, 0, 0, 1] and list(columns["light=back"]) == [0, 0, 1, 0]
    assert list(columns["side=right"]) == [0, 1, 1, 0] and "side=left" not in columns
    assert not {"kind", "kind=face", "constant"} & set(columns)
    assert not list(numeric_factors({"name": np.array([f"person {index}" for index in range(13)])}))


def test_without_factors_there_is_nothing_to_tell(latents):
    assert factor_correlations(latents, {}).shape == (4, 0)
    assert readout(latents, {}).empty and list(readout(latents, {})) == ["factor", "measure", "score"]


def test_readout_finds_a_code_that_no_single_latent_holds(planted):
    codes, factors = planted
    assert factor_correlations(codes, factors)["side=right"].abs().max() < 0.5
    told = readout(codes, factors).set_index("factor")
    assert told.loc["side=right", "measure"] == "AUC" and told.loc["side=right", "score"] > 0.99
    assert told.loc["spread", "measure"] == "R2" and told.loc["spread", "score"] > 0.999
    # Signal and noise have variance one each: half of the variance can be told.
    assert told.loc["noisy", "score"] == pytest.approx(0.5, abs=0.06)


def test_readout_is_judged_on_other_faces(planted):
    told = readout(*planted).set_index("factor")["score"]
    assert told["noise"] < 0.01 and told["coin"] == pytest.approx(0.5, abs=0.07)
    many = np.random.default_rng(4).normal(size=(600, 300))  # would fit any 600 values well
    assert readout(many, {"noise": planted[1]["noise"]})["score"][0] < 0


def test_readout_needs_faces_enough(planted):
    codes, factors = planted
    assert np.isnan(readout(codes, factors).set_index("factor").loc["rare", "score"])
    assert readout(codes[:9], {"noise": factors["noise"][:9]})["score"].isna().all()
    known = np.where(np.arange(600) % 2, np.nan, factors["noisy"])
    alone = readout(codes[::2], {"noisy": factors["noisy"][::2]})
    assert readout(codes, {"noisy": known})["score"][0] == pytest.approx(alone["score"][0])


def test_images_are_clipped_and_rounded():
    assert list(as_uint8(np.array([-0.2, 0, 0.5 / 255 + 1e-9, 0.999, 1, 3]))) == [0, 0, 1, 255, 255, 255]


def test_on_a_dbvae(splits, tiny_config):
    from debias import dbvae
    from debias.callbacks import encode
    from debias.data.pipeline import on_device

    model = dbvae.build(tiny_config, splits.train.image_shape)
    latents = encode(model, on_device(splits.train.positives()))
    strength = influence(model, latents)
    assert strength.shape == (3,) and np.all(strength > 0)
    images = traversal(model, latents, [1], steps=3)
    middle = as_uint8(model.decode(latents.mean(0, keepdims=True)))
    assert np.abs(images[0, 1].astype(int) - middle[0]).max() <= 1
