"""Figures by their parts: marks where the data say, the right images shown, text that can be read, the same bytes."""

import functools
import itertools

import matplotlib
import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scipy import stats

from debias import plots

GROUPS = ("lighter male", "lighter female", "darker male", "darker female")
SETTINGS = (
    "CNN, no debiasing",
    "VAE, uniform, k = 100",
    "max, k = 100, α = 0.01",
    "product, k = 2, α = 0.01",
    "Oracle, sees the groups",
)


def recalls(settings=("CNN", "Oracle"), seeds=2, base=90.0) -> pd.DataFrame:
    rows = [
        {"setting": setting, "group": group, "recall": base + 3 * m / len(settings) - 2 * g + seed / seeds}
        for m, setting in enumerate(settings)
        for g, group in enumerate(GROUPS)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def histograms(settings=("rule A", "uniform"), reach=1.0) -> pd.DataFrame:
    edges = np.linspace(-reach, reach, 11)
    parts = [
        pd.DataFrame({"setting": setting, "ess": 30.4 + n, "low": edges[:-1], "high": edges[1:], "images": 4 + n})
        for n, setting in enumerate(settings)
    ]
    return pd.concat(parts)


def tiles(count, size=64) -> np.ndarray:
    """Images that can be told from one another: the n-th is n all over."""
    return np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, size, size, 3), np.uint8)


def correlations(names, latents=12) -> pd.DataFrame:
    values = np.random.default_rng(0).uniform(-1, 1, (latents, len(names)))
    return pd.DataFrame(values, [f"z{latent}" for latent in range(latents)], names)


def told(names) -> pd.DataFrame:
    measures = ["AUC" if index % 2 else "R2" for index in range(len(names))]
    return pd.DataFrame({"factor": names, "measure": measures, "score": np.linspace(-0.004, 1, len(names))})


def epochs() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "setting": np.repeat(["max, k = 100, α = 0.01", "product, k = 100, α = 0.01"], 4),
            "seed": [0, 1] * 4,
            "epoch": [0, 0, 1, 1] * 2,
            "ess": [0.2, 0.4, 0.6, 0.8, 1e-4, 3e-4, 1e-4, 1e-4],
            "mass": [2.0, 3.0, 1.5, 2.5, 0.0, 40.0, 0.0, 0.0],
        }
    )


def rates(settings=SETTINGS, seeds=3) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = itertools.product(settings, range(seeds), (0.2, 0.5, 1.0, 2.0, 5.0, 10.0))
    table = pd.DataFrame(rows, columns=["setting", "seed", "target"])
    noise = rng.uniform(0.7, 1, (2, len(table)))
    return table.assign(fpr=table["target"] * noise[0], gap=9 * noise[1], mean_recall=95 * noise[1])


def points(seeds=5) -> pd.DataFrame:
    """Two rules at four values of alpha; the product collapses at the lowest two."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        itertools.product(("product", "max"), (0.1, 0.05, 0.01, 0.001), range(seeds)), columns=["rule", "α", "seed"]
    )
    dead = (table["rule"] == "product") & (table["α"] < 0.05)
    recall = np.where(dead, 7.0, 95.0) + rng.normal(size=len(table))
    return table.assign(mean_recall=recall, var_recall=np.where(dead, 80.0, 20.0), ess=np.where(dead, 1.0, 5000.0))


def methods(count=15, seeds=4) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Methods in two kinds, every third without a ring, one without differences and one far below."""
    rng, names = np.random.default_rng(0), [f"method {number}" for number in range(count)]
    levels = pd.DataFrame({"name": names, "kind": np.where(np.arange(count) % 2, "without", "with")})
    levels = levels.assign(before=rng.uniform(60, 90, count), **{"in %,\nanother camera": rng.uniform(90, 99, count)})
    levels.loc[::3, "before"] = np.nan
    changes = pd.DataFrame({"name": np.repeat(names[1:], seeds)})
    panels = "Δ to the CNN,\nown test", "Δ to the CNN,\nanother camera"
    changes = changes.assign(**{panel: rng.normal(size=len(changes)) for panel in panels})
    changes.loc[changes["name"] == "method 3", panels[0]] = -20.0
    return levels, changes, "a note of\ntwo lines"


MEASURES = {"mean_recall": "E[A] in %", "var_recall": "Var[A] in %²", "ess": "ESS in faces", "seed": "seed"}
FACTORS = [
    "darker group",
    "skin tone I-VI",
    "male",
    "age",
    "yaw",
    "pitch",
    "light azimuth",
    "hair lightness",
    "open mouth",
]
FIGURES = {
    "group_points": lambda: plots.group_points(recalls(SETTINGS, 10)),
    "sampling": lambda: plots.sampling_figure(histograms(SETTINGS[2:4]), {name: tiles(20) for name in SETTINGS[2:4]}),
    "sampling, nearly uniform": lambda: plots.sampling_figure(
        pd.concat([histograms(["A"], 2e-6), histograms(["B"], 0.5)]), {name: tiles(20) for name in "AB"}
    ),
    "reconstructions": lambda: plots.reconstructions(tiles(12), {name: tiles(12) for name in SETTINGS[1:4]}),
    "traversals": lambda: plots.traversals(
        {"VAE": tiles(28).reshape(4, 7, 64, 64, 3)}, {"VAE": ["z1\nskin tone I-VI\nr = -0.57"] * 4}, range(-3, 4)
    ),
    "latent_factors": lambda: plots.latent_factors(
        dict.fromkeys(SETTINGS[1:3], correlations(FACTORS)), dict.fromkeys(SETTINGS[1:3], told(FACTORS))
    ),
    "compared": lambda: plots.compared(*methods()),
    "mass_ess": lambda: plots.mass_ess(epochs(), 1.57, "darker faces"),
    "thresholds": lambda: plots.thresholds(rates()),
    "setting_points": lambda: plots.setting_points(points(), "α", MEASURES, "rule", True, {"CNN": points()[-5:]}),
}
WITH_PNG = ("mass_ess", "reconstructions")  # drawing pixels takes seconds
drawn = pytest.mark.parametrize("name", FIGURES)


@functools.cache
def once(name):
    """A figure, and its renderer after everything has found its place."""
    figure = FIGURES[name]()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return figure, canvas.get_renderer()


def hidden(figure) -> set:
    """Names of ticks that Matplotlib makes but does not draw: of no axis, or beyond its ends."""
    return {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for place, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False)  # a shared axis has no labels
        if not axes.axison or not min(axis.get_view_interval()) <= place <= max(axis.get_view_interval())
    }


def shown(figure) -> list:
    texts = figure.findobj(matplotlib.text.Text)
    return [text for text in texts if text.get_visible() and text.get_text().strip() and text not in hidden(figure)]


@drawn
def test_text_is_large_enough_whole_and_apart(name):
    figure, renderer = once(name)
    texts = shown(figure)
    assert min(text.get_fontsize() for text in texts) >= 8
    boxes = [(text.get_text(), text.get_window_extent(renderer).padded(-1)) for text in texts]
    assert not [text for text, box in boxes if box.x0 < -2 or box.x1 > figure.bbox.x1 + 2]
    level = [pair for text, pair in zip(texts, boxes, strict=True) if not text.get_rotation() % 90]
    assert not [(a, b) for (a, one), (b, other) in itertools.combinations(level, 2) if one.overlaps(other)]


@drawn
def test_legends_are_outside_of_the_data(name):
    figure, renderer = once(name)
    boxes = [legend.get_window_extent(renderer) for legend in figure.legends]
    assert not [box for box in boxes for axes in figure.axes if box.overlaps(axes.get_window_extent(renderer))]
    assert not any(axes.get_legend() for axes in figure.axes)


@drawn
@pytest.mark.slow
def test_the_same_data_give_the_same_bytes(name, tmp_path):
    """PNG, then SVG, each without Matplotlib's version and the date."""
    before = dict(matplotlib.rcParams)
    for folder in ("one", "two"):
        figure = FIGURES[name]()
        for suffix in ("png", "svg") if name in WITH_PNG else ("svg",):
            plots.save(figure, tmp_path / folder / f"figure.{suffix}")
    for path in (tmp_path / "one").iterdir():
        content = path.read_bytes()
        assert content == (tmp_path / "two" / path.name).read_bytes()
        assert matplotlib.__version__.encode() not in content and b"<dc:date>" not in content
    assert dict(matplotlib.rcParams) == before


def test_saved_figures_are_whole_pngs(tmp_path):
    plots.save(plots.group_points(recalls()), tmp_path / "groups.png")
    assert (tmp_path / "groups.png").read_bytes().startswith(b"\x89PNG\r\n")
    pixels = matplotlib.image.imread(tmp_path / "groups.png")
    assert min(pixels.shape[:2]) > 300 and pixels[..., :3].std() > 0.05


def test_ticks_are_means_whiskers_standard_errors_and_dots_seeds():
    table = recalls(seeds=3)
    axes = plots.group_points(table, "own test").axes[0]
    by_tick = table.groupby(["setting", "group"], sort=False)["recall"]
    ticks = [y for line in axes.lines if line.get_marker() == "_" for y in line.get_ydata()]
    np.testing.assert_allclose(ticks, by_tick.mean())
    assert [label.get_text() for label in axes.get_xticklabels()] == list(GROUPS)
    whiskers = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == 2]
    ends = {(round(min(ends), 6), round(max(ends), 6)) for ends in whiskers}
    error = by_tick.std(ddof=1) / np.sqrt(3)
    expected = zip((by_tick.mean() - error).round(6), (by_tick.mean() + error).round(6), strict=True)
    assert ends >= set(expected)
    dots = np.concatenate([dots.get_offsets() for dots in axes.collections])
    np.testing.assert_allclose(sorted(dots[:, 1]), sorted(table["recall"]))
    places = {round(x, 6) for line in axes.lines if line.get_marker() == "_" for x in line.get_xdata()}
    assert set(dots[:, 0].round(6)) == places  # each tick stands among its seeds
    assert [text.get_text() for text in axes.figure.legends[0].get_texts()] == ["CNN", "Oracle"]
    assert axes.get_ylim()[0] < table["recall"].min() and axes.get_title(loc="left").startswith("own test; ")


def test_compared_shows_levels_and_intervals_of_paired_differences():
    levels, changes, note = methods()
    figure = plots.compared(levels, changes, note)
    first, own, camera = figure.axes
    circles = [line for line in first.lines if line.get_marker() == "o"]
    rings, dots = (
        [line.get_xdata()[0] for line in circles if (line.get_markerfacecolor() == "white") == hollow]
        for hollow in (True, False)
    )
    np.testing.assert_allclose(rings, levels["before"])
    np.testing.assert_allclose(dots, levels["in %,\nanother camera"])
    assert [label.get_text() for label in first.get_yticklabels()] == list(levels["name"])
    assert first.get_ylim()[0] > first.get_ylim()[1]  # the first method on top
    values = changes.loc[changes["name"] == "method 4", camera.get_title(loc="left")]
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    here = [line.get_xdata() for line in camera.lines if set(line.get_ydata()) == {4}]
    np.testing.assert_allclose(here[0], values)
    np.testing.assert_allclose(here[1], (low, high))
    np.testing.assert_allclose(here[2], values.mean())
    assert not [line for line in camera.lines if set(line.get_ydata()) == {0}]  # has no differences
    assert [text.get_text() for text in own.texts] == ["◀ -20.0"] and own.get_xlim()[0] > -10 and not camera.texts


def test_a_collapsed_setting_does_not_flatten_the_others():
    dead = recalls(["dead"]).assign(recall=4.0)
    axes = plots.group_points(pd.concat([recalls(), dead])).axes[0]
    assert 80 < axes.get_ylim()[0] < 85
    assert [text.get_text().strip() for text in axes.texts] == ["4.0, cut off"] * 4
    ticks = [place for line in axes.lines if line.get_marker() == "_" for place in line.get_xdata() if place % 1 > 0.1]
    assert {round(text.xy[0], 6) for text in axes.texts} <= {round(place, 6) for place in ticks}


def test_where_all_have_collapsed_all_are_shown():
    axes = plots.group_points(recalls(base=20.0)).axes[0]
    assert axes.get_ylim()[0] < 15 and not axes.texts


def test_sampling_figure_shows_histogram_and_extreme_faces():
    table = histograms()
    figure = plots.sampling_figure(table, {"uniform": tiles(20) + 100, "rule A": tiles(20)})
    assert len(figure.axes) == 6
    titles = [part.get_suptitle() for part in figure.subfigs]
    assert "uniform" in titles[0] and "31 of 50" in titles[0] and "rule A" in titles[1] and "30 of 40" in titles[1]
    for (histogram, least, most), first, height in ((figure.axes[:3], 100, 5), (figure.axes[3:], 0, 4)):
        assert [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in histogram.patches] == [
            (pytest.approx(low), pytest.approx(0.2), height) for low in np.linspace(-1, 0.8, 10)
        ]
        for axes, expected in ((least, range(first, first + 10)), (most, range(first + 10, first + 20))):
            shown = axes.images[0].get_array()
            assert {value for value in np.unique(shown) if value != 255} == set(expected)


def test_reconstructions_stack_originals_and_models():
    originals = np.full((3, 4, 4, 1), 7, np.uint8)
    figure = plots.reconstructions(originals, {"VAE": originals + 1, "DB-VAE": originals + 2})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["original", "VAE", "DB-VAE"]
    for value, axes in zip((7, 8, 9), figure.axes, strict=True):
        assert set(np.unique(axes.images[0].get_array())) <= {value, 255} and value in axes.images[0].get_array()


def test_traversals_name_the_rows_and_steps_where_they_are():
    images = tiles(6, size=8).reshape(2, 3, 8, 8, 3)
    axes = plots.traversals({"VAE": images}, {"VAE": ["z4", "z7"]}, (-3, 0, 3)).axes[0]
    shown = axes.images[0].get_array()
    rows = dict(zip((label.get_text() for label in axes.get_yticklabels()), axes.get_yticks(), strict=True))
    steps = dict(zip((label.get_text() for label in axes.get_xticklabels()), axes.get_xticks(), strict=True))
    assert list(rows) == ["z4", "z7"] and list(steps) == ["-3 sd", "mean", "+3 sd"]
    found = [[shown[int(y), int(x), 0] for x in steps.values()] for y in rows.values()]
    np.testing.assert_array_equal(found, images[:, :, 0, 0, 0])


def test_latent_factors_show_every_number():
    names = ["tone", "male"]
    table, readout = correlations(names, 3), told(names[::-1])  # in another order
    cells, summary = plots.latent_factors({"VAE": table}, {"VAE": readout}).axes
    np.testing.assert_allclose(np.ravel(cells.collections[0].get_array()), table.to_numpy().ravel())
    assert [float(text.get_text()) for text in cells.texts] == [round(value, 2) for value in table.to_numpy().ravel()]
    assert [text.get_text() for text in summary.texts] == ["AUC\n1.00", "R²\n.00"]
    assert [label.get_text() for label in summary.get_xticklabels()] == names
    assert [label.get_text() for label in cells.get_yticklabels()] == ["z0", "z1", "z2"]


def test_readout_is_shaded_by_its_distance_from_chance():
    readout = pd.DataFrame({"factor": ["a", "b", "c"], "measure": ["AUC", "R2", "R2"], "score": [0.75, 0.5, -3.0]})
    summary = plots.latent_factors({"VAE": correlations(["a", "b", "c"])}, {"VAE": readout}).axes[1]
    np.testing.assert_allclose(np.ravel(summary.collections[0].get_array()), [0.5, 0.5, 0])


def test_mass_against_ess_goes_through_the_epochs_means():
    axes = plots.mass_ess(epochs(), 1.57, "darker faces").axes[0]
    paths = {line.get_label(): line.get_xydata() for line in axes.lines if not line.get_label().startswith("_")}
    np.testing.assert_allclose(paths["max, k = 100, α = 0.01"], [(0.3, 2.5), (0.7, 2.0)])
    np.testing.assert_allclose(paths["product, k = 100, α = 0.01"], [(2e-4, 20), (1e-4, 0)])
    straight = [line.get_xydata() for line in axes.lines if line.get_linestyle() == ":"]
    assert straight[0][0, 1] == straight[0][1, 1] == 1.57 and straight[1][0, 0] == 1
    low, high = axes.get_ylim()
    assert low < 0 and high > 20 and axes.get_xlim()[0] < 1e-4


def test_thresholds_are_means_and_standard_errors_over_seeds():
    table = rates(["CNN", "Oracle"])
    figure = plots.thresholds(table)
    for axes, measure in zip(figure.axes, ("gap", "mean_recall"), strict=True):
        for line, band, (_, part) in zip(axes.lines, axes.collections, table.groupby("setting"), strict=True):
            targets = part.groupby("target")
            np.testing.assert_allclose(line.get_xdata(), targets["fpr"].mean())
            np.testing.assert_allclose(line.get_ydata(), targets[measure].mean())
            error = targets[measure].std(ddof=1) / np.sqrt(3)
            low, high = targets[measure].mean() - error, targets[measure].mean() + error
            heights = band.get_paths()[0].vertices[:, 1]
            assert set(heights.round(9)) == set(low.round(9)) | set(high.round(9))


def test_thresholds_of_one_seed_are_not_called_means():
    table = rates(["CNN"])
    assert plots.thresholds(table).get_suptitle().startswith("means over seeds")
    assert plots.thresholds(table[table["seed"] == table["seed"].min()]).get_suptitle() == "one training each"


def test_a_collapsed_setting_has_no_threshold_curve_and_is_named():
    table = rates(["CNN", "dead"])
    table.loc[table["setting"] == "dead", "mean_recall"] = 5.0
    figure = plots.thresholds(table)
    assert [len(axes.lines) for axes in figure.axes] == [1, 1]
    assert figure.get_suptitle().endswith("below 50 %: dead")
    figure = plots.thresholds(table[table["setting"] == "dead"])
    assert [len(axes.lines) for axes in figure.axes] == [1, 1] and "dead" not in figure.get_suptitle()


def test_no_false_positives_have_no_place_on_a_logarithmic_axis():
    table = rates(["CNN"]).assign(fpr=lambda rows: rows["fpr"].where(rows["target"] > 0.2, 0.0))
    figure = plots.thresholds(table)
    assert [len(axes.lines[0].get_xdata()) for axes in figure.axes] == [5, 5]


def means_of(axes) -> list[np.ndarray]:
    """Points of each line through the settings."""
    return [line.get_xydata() for line in axes.lines if len(line.get_xydata()) and line.get_linestyle() == "-"]


def test_settings_points_are_means_at_their_places():
    table = points()
    figure = plots.setting_points(table, "α", {"mean_recall": "E[A]", "ess": "ESS"}, "rule", log=True)
    recall, ess = figure.axes
    np.testing.assert_allclose(recall.get_xticks(), np.log10([0.001, 0.01, 0.05, 0.1]))
    assert [label.get_text() for label in recall.get_xticklabels()] == ["0.001", "0.01", "0.05", "0.1"]
    by_setting = table.groupby(["rule", "α"])["mean_recall"]
    shift = 0.12 * np.log10(2) / 2  # of half a line to either side, by the distance of the closest settings
    product_line, max_line = means_of(recall)
    np.testing.assert_allclose(max_line[:, 1], by_setting.mean()["max"])
    np.testing.assert_allclose(max_line[:, 0], np.log10([0.001, 0.01, 0.05, 0.1]) + shift)
    np.testing.assert_allclose(product_line[:, 1], by_setting.mean()["product"][[0.05, 0.1]])
    np.testing.assert_allclose(product_line[:, 0], np.log10([0.05, 0.1]) - shift)
    assert ess.get_yscale() == "log" and [len(line) for line in means_of(ess)] == [4, 4]
    dots = [offset for dots in recall.collections for offset in dots.get_offsets()]
    alive = table[~((table["rule"] == "product") & (table["α"] < 0.05))]
    np.testing.assert_allclose(sorted(y for _, y in dots if y > 50), sorted(alive["mean_recall"]))


def test_intervals_are_student_s_of_the_mean():
    table = points()[lambda rows: rows["rule"] == "max"]
    axes = plots.setting_points(table, "α", {"mean_recall": "E[A]"}, log=True).axes[0]
    bars = [segment for part in axes.collections if hasattr(part, "get_segments") for segment in part.get_segments()]
    assert len(bars) == 4
    for (_, part), bar in zip(table.groupby("α")["mean_recall"], sorted(bars, key=lambda bar: bar[0, 0]), strict=True):
        low, high = bar[:, 1]
        margin = 2.776 * part.std(ddof=1) / np.sqrt(5)  # of a table of t: 4 degrees of freedom, 97.5 %
        assert (low, high) == pytest.approx((part.mean() - margin, part.mean() + margin), rel=1e-4)


def test_collapsed_settings_stand_at_the_foot():
    figure = plots.setting_points(points(), "α", {"mean_recall": "E[A]", "ess": "ESS"}, "rule", log=True)
    recall, ess = figure.axes
    table = points().groupby(["rule", "α"])["mean_recall"].mean()["product"]
    assert {text.get_text() for text in recall.texts} == {f"▼{table[0.01]:.3g}", f"▼{table[0.001]:.3g}"}
    assert recall.get_ylim()[0] > 80 and not ess.texts
    assert "collapsed" in figure.get_suptitle()
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["product", "max"]
    whole = plots.setting_points(points()[-20:], "α", {"mean_recall": "E[A]"})
    assert "collapsed" not in whole.get_suptitle() and not whole.axes[0].texts


def test_text_keeps_its_order_and_baselines_are_drawn_at_their_mean():
    table = points()[-20:].assign(histogram=["mass"] * 10 + ["density"] * 10)
    baseline = table[:3]
    axes = plots.setting_points(table, "histogram", {"mean_recall": "E[A]"}, baselines={"CNN": baseline}).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["mass", "density"]
    line = next(line for line in axes.lines if line.get_label() == "CNN")
    assert set(line.get_ydata()) == {baseline["mean_recall"].mean()}
    assert all(line.get_linestyle() == "None" for line in axes.lines if line.get_label() != "CNN")


def test_a_line_of_which_all_has_collapsed_is_still_in_the_legend():
    table = points().assign(mean_recall=lambda rows: rows["mean_recall"].where(rows["rule"] == "max", 7.0))
    figure = plots.setting_points(table, "α", {"mean_recall": "E[A]", "ess": "ESS"}, "rule", log=True)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["product", "max"]
    assert figure.axes[0].get_ylim()[0] > 80 and 0.5 < figure.axes[1].get_ylim()[0] < 1


@pytest.mark.parametrize(("lowest", "numbers"), [(2300, {"1,000", "2,000"}), (2.3, {"1", "10", "100", "1,000"})])
def test_a_logarithmic_axis_has_at_least_two_numbers(lowest, numbers):
    table = points().assign(ess=lambda rows: rows["rule"].map({"max": lowest, "product": 3200.0}))
    axes = plots.setting_points(table, "α", {"mean_recall": "E[A]", "ess": "ESS"}, "rule", log=True).axes[1]
    axes.figure.canvas.draw()
    low, high = axes.get_ylim()
    ticks = zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
    assert {label.get_text() for at, label in ticks if low <= at <= high} == numbers


def test_four_panels_make_a_square():
    figure = plots.setting_points(points(), "α", MEASURES, "rule")
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(MEASURES.values())
    places = {axes.get_subplotspec().get_geometry()[:2] for axes in figure.axes}
    assert places == {(2, 2)} and len(plots.setting_points(points(), "α", MEASURES).axes) == 4


def test_grid_places_images_row_by_row():
    images = np.random.default_rng(0).integers(0, 200, (5, 3, 4, 2), np.uint8)
    mosaic = plots.grid(images, 2)
    height, width = mosaic.shape[0] // 3, mosaic.shape[1] // 2
    assert height >= 3 and width >= 4 and mosaic.shape[2] == 2
    for index, image in enumerate(images):
        top, left = index // 2 * height, index % 2 * width
        np.testing.assert_array_equal(mosaic[top : top + 3, left : left + 4], image)


def test_heat_maps_show_each_photograph_each_model_and_its_best_window():
    photographs = {"tall": tiles(3)[2][:, :40], "wide": tiles(4)[3][:30]}
    heat = {name: {which: np.full(image.shape[:2], 0.25) for which, image in photographs.items()} for name in "AB"}
    best = {name: {"tall": ((5, 7, 20), 0.5), "wide": ((0, 2, 10), 0.75)} for name in "AB"}
    figure = plots.heat_maps(photographs, heat, best)
    panels = [axes for axes in figure.axes if axes.images and axes.get_title(loc="left")]
    titles = [axes.get_title(loc="left") for axes in panels]
    assert titles == [
        "tall",
        *(f"{n}\nbest window 0.50" for n in "AB"),
        "wide",
        *(f"{n}\nbest window 0.75" for n in "AB"),
    ]
    frames = [patch for axes in panels for patch in axes.patches]
    assert [(frame.get_x(), frame.get_y(), frame.get_width()) for frame in frames] == [(7, 5, 20)] * 2 + [
        (2, 0, 10)
    ] * 2
    assert all(np.all(axes.images[1].get_array() == 0.25) for axes in panels if len(axes.images) > 1)


def test_named_points_have_a_line_a_setting_with_its_seeds_and_their_mean():
    rows = pd.DataFrame({"setting": ["b", "b", "a", "a"], "x": [1.0, 3.0, 5.0, 9.0], "y": 1.0})
    figure = plots.named_points(rows, "setting", {"x": "first", "y": "second"})
    first, second = figure.axes
    assert [text.get_text() for text in first.get_yticklabels()] == ["b", "a"]
    assert (first.get_title(loc="left"), second.get_title(loc="left")) == ("first", "second")
    seeds = [dots.get_offsets()[:, 0].tolist() for dots in first.collections if len(dots.get_offsets())]
    assert seeds == [[1, 3], [5, 9]]
    means = [line.get_xdata().tolist() for line in first.lines if line.get_marker() not in ("", "None", None)]
    assert [2, 7] in means
