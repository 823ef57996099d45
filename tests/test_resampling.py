"""Sampling probabilities against the lab's own loop and against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest

from debias import resampling
from debias.config import Histograms
from debias.errors import InputError
from debias.resampling import RULES, effective_sample_size, sampling_probabilities


def probabilities(latents, rule="max", **histograms):
    """`sampling_probabilities` with some of the histograms' settings."""
    return sampling_probabilities(latents, rule, Histograms(**histograms))


def normal(count, k, seed=0):
    return np.random.default_rng(seed).normal(size=(count, k)).astype(np.float32)


def lab_loop(latents, alpha, bins, density=True):
    """MIT's lab 2, `get_training_sample_probabilities`, over given latents."""
    sample_p = np.zeros(len(latents))
    for i in range(latents.shape[1]):
        histogram, edges = np.histogram(latents[:, i].astype(np.float64), density=density, bins=bins)
        if not density:
            histogram = histogram / len(latents)
        edges[0], edges[-1] = -np.inf, np.inf
        index = np.digitize(latents[:, i], edges)
        smoothed = histogram + alpha
        smoothed = smoothed / np.sum(smoothed)
        p = 1.0 / smoothed[index - 1]
        sample_p = np.maximum(p / np.sum(p), sample_p)
    return sample_p / np.sum(sample_p)


def exact_product(latents, alpha, bins, density=True):
    """Eq. 4 in rational arithmetic: no rounding, no overflow."""
    rows = [[Fraction(float(value)) for value in row] for row in latents]
    weights = [Fraction(1)] * len(rows)
    for column in zip(*rows, strict=True):
        low, span = min(column), max(column) - min(column)
        index = [min(int((value - low) * bins / span), bins - 1) for value in column]
        scale = Fraction(bins) / span if density else 1
        q = [Fraction(index.count(i), len(rows)) * scale for i in index]
        weights = [w / (qi + Fraction(alpha)) for w, qi in zip(weights, q, strict=True)]
    total = sum(weights)
    return np.array([float(w / total) for w in weights])


@pytest.mark.parametrize("histogram", ["density", "mass"])
@pytest.mark.parametrize(("alpha", "bins"), [(0.01, 10), (0.001, 2), (1.0, 37)])
def test_max_is_the_labs_loop(alpha, bins, histogram):
    latents = normal(5000, 7) * [0.01, 0.1, 1, 1, 3, 10, 100] + 5
    expected = lab_loop(latents, alpha, bins, histogram == "density")
    np.testing.assert_allclose(
        probabilities(latents, "max", alpha=alpha, bins=bins, histogram=histogram), expected, rtol=1e-9
    )


@pytest.mark.parametrize("histogram", ["density", "mass"])
@pytest.mark.parametrize(("count", "k", "alpha", "bins"), [(12, 4, 0.1, 3), (25, 1, 1e-3, 10), (30, 100, 1e-4, 10)])
def test_product_is_exact(count, k, alpha, bins, histogram):
    latents = normal(count, k, seed=1) * 30
    expected = exact_product(latents, alpha, bins, histogram == "density")
    p = probabilities(latents, "product", alpha=alpha, bins=bins, histogram=histogram)
    np.testing.assert_allclose(p, expected, rtol=1e-9)


def test_product_survives_where_plain_numbers_overflow():
    latents = normal(1000, 100) * 1e4
    with np.errstate(over="ignore"):
        assert np.isinf(np.float64(1 / 2e-4) ** 100)  # the size of the factors below
    p = probabilities(latents, "product", alpha=1e-4)
    assert np.all(np.isfinite(p)) and p.min() >= 0 and p.sum() == pytest.approx(1)
    hundred = probabilities(normal(1000, 100), "product", alpha=1e-3)
    assert np.all(np.isfinite(hundred)) and hundred.sum() == pytest.approx(1)


@pytest.mark.parametrize("alpha", [0.1, 0.001])
def test_product_over_a_hundred_latents_collapses_and_max_does_not(alpha):
    latents = normal(20_000, 100)
    assert effective_sample_size(probabilities(latents, "product", alpha=alpha)) < 100
    assert effective_sample_size(probabilities(latents, "max", alpha=alpha)) > 1000


@pytest.mark.parametrize("rule", RULES)
def test_probabilities_sum_to_one_and_follow_their_rows(rule):
    latents, order = normal(3000, 5), np.random.default_rng(1).permutation(3000)
    p = sampling_probabilities(latents, rule)
    assert p.shape == (3000,) and p.dtype == np.float64
    assert p.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(sampling_probabilities(latents[order], rule), p[order], rtol=1e-12)


@pytest.mark.parametrize("rule", ["product", "max"])
def test_rare_latents_weigh_more(rule):
    latents = np.concatenate([np.zeros(90), np.ones(10)])[:, None]
    p = probabilities(latents, rule, alpha=1e-9, bins=2)
    assert p[:90].sum() == pytest.approx(0.5) and p[90:].sum() == pytest.approx(0.5)


@pytest.mark.parametrize("rule", ["product", "max"])
def test_large_alpha_tends_to_uniform(rule):
    latents = normal(500, 10)
    distances = [np.abs(500 * probabilities(latents, rule, alpha=alpha) - 1).max() for alpha in (1, 1e3, 1e6)]
    assert distances[0] > distances[1] > distances[2]
    assert distances[2] < 1e-4


def test_uniform_ignores_latents():
    np.testing.assert_array_equal(sampling_probabilities(normal(8, 3), "uniform"), np.full(8, 1 / 8))


@pytest.mark.parametrize("rule", ["product", "max"])
def test_mass_ignores_the_scale_of_latents_and_density_does_not(rule):
    latents = normal(400, 3)
    by_histogram = {
        name: [probabilities(latents * scale, rule, alpha=0.1, histogram=name) for scale in (1, 64)]
        for name in ("mass", "density")
    }
    np.testing.assert_allclose(*by_histogram["mass"], rtol=1e-9)
    assert np.abs(np.subtract(*by_histogram["density"])).max() > 1e-4


def test_density_is_mass_where_bins_have_unit_width():
    latents = np.random.default_rng(0).uniform(0, 10, (300, 1))
    latents[:2] = [[0], [10]]
    np.testing.assert_allclose(
        *(probabilities(latents, "product", histogram=name) for name in ("mass", "density")), rtol=1e-12
    )


def test_collapsed_latent_changes_nothing_in_the_product():
    latents = normal(200, 3)
    with_constant = np.column_stack([latents, np.full(200, 0.7)])
    np.testing.assert_allclose(
        sampling_probabilities(with_constant, "product"), sampling_probabilities(latents, "product"), rtol=1e-12
    )


@pytest.mark.parametrize("rule", RULES)
def test_all_latents_collapsed_is_uniform(rule):
    np.testing.assert_allclose(sampling_probabilities(np.full((50, 4), 2.0), rule), 1 / 50)


def test_effective_sample_size_closed_forms():
    assert effective_sample_size(np.full(40, 1 / 40)) == pytest.approx(40)
    assert effective_sample_size(np.eye(40)[7]) == 1
    assert effective_sample_size([0.5, 0.25, 0.25]) == pytest.approx(1 / 0.375)
    assert effective_sample_size([2, 1, 1]) == pytest.approx(1 / 0.375)  # the scale does not matter


def test_a_new_line_in_rules_is_the_rule_that_draws(monkeypatch):
    latents, seen = normal(30, 4), []

    def last(latents, histograms):
        seen.append((latents, histograms))
        return np.arange(len(latents), dtype=float)

    monkeypatch.setitem(RULES, "last", last)
    histograms = Histograms(alpha=0.3, bins=5, histogram="mass")
    np.testing.assert_allclose(sampling_probabilities(latents, "last", histograms), np.arange(30) / (29 * 30 / 2))
    assert seen[0][0] is latents and seen[0][1] is histograms


def test_a_rule_is_known_by_its_line_alone(monkeypatch):
    monkeypatch.delitem(RULES, "max")
    with pytest.raises(InputError, match="unknown rule 'max': use one of uniform, product$"):
        resampling.check_rule("max")


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160])
def test_effective_sample_size_of_tiny_and_huge_weights(scale):
    assert effective_sample_size(np.array([2, 1, 1]) * scale) == pytest.approx(1 / 0.375)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("extent", [1e-320, 1e-90, 1e90])
def test_latents_of_any_extent_give_probabilities(rule, extent):
    p = sampling_probabilities(np.linspace(0, extent, 50)[:, None], rule)
    assert np.isfinite(p).all() and p.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("latents", "options", "words"),
    [
        (np.zeros(5), {}, "shape (5,)"),
        (np.zeros((0, 3)), {}, "shape (0, 3)"),
        (np.zeros((3, 0)), {}, "shape (3, 0)"),
        (np.array([[0.0], [np.nan]]), {}, "NaN"),
        (np.array([[0.0], [np.inf]]), {}, "infinity"),
        (np.zeros((2, 1)), {"rule": "median"}, "'median'"),
        (np.array([[-1e308], [1e308]]), {}, "diverged"),
    ],
)
def test_bad_input_is_one_line(latents, options, words):
    with pytest.raises(InputError) as caught:
        sampling_probabilities(latents, **options)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("p", [[], [[1.0]], [0.5, np.nan], [-0.5, 1.5], [0.0, 0.0]])
def test_bad_probabilities_have_no_effective_sample_size(p):
    with pytest.raises(InputError):
        effective_sample_size(p)
