"""Figures by their parts: bars as high as the data, whiskers where the intervals end, the right images shown."""

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from debias import plots


@pytest.fixture
def recalls() -> pd.DataFrame:
    """Two methods, three groups, two seeds; group names in no alphabetical order."""
    rows = [
        {"method": method, "group": group, "recall": 90.0 + 3 * m - 2 * g + seed}
        for m, method in enumerate(("CNN", "Oracle"))
        for g, group in enumerate(("men", "women", "children"))
        for seed in (0, 1)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def intervals(recalls) -> pd.DataFrame:
    means = recalls.groupby(["method", "group"])["recall"].mean().reset_index()  # sorted by name
    return means.assign(low=means["recall"] - 1, high=means["recall"] + 0.5)


def test_bars_whiskers_and_labels(recalls, intervals):
    axes = plots.group_bars(recalls, intervals).axes[0]
    bars = [container for container in axes.containers if hasattr(container, "patches") and len(container.patches)]
    heights = [[bar.get_height() for bar in container] for container in bars]
    np.testing.assert_allclose(heights, [[90.5, 88.5, 86.5], [93.5, 91.5, 89.5]])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["men", "women", "children"]
    segments = [
        segment
        for lines in axes.collections
        if hasattr(lines, "get_segments")
        for segment in lines.get_segments()
        if len(segment) == 2
    ]
    ends = sorted(tuple(segment[:, 1]) for segment in segments)
    np.testing.assert_allclose(ends, sorted((height - 1, height + 0.5) for row in heights for height in row))
    legend = axes.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["CNN", "Oracle"]
    assert axes.get_ylim()[0] < 85.5  # no whisker is cut off


def test_a_collapsed_method_does_not_flatten_the_others(recalls, intervals):
    dead = recalls[recalls["method"] == "CNN"].assign(method="dead", recall=4.0)
    bounds = intervals[intervals["method"] == "CNN"].assign(method="dead", recall=4.0, low=3.0, high=5.0)
    axes = plots.group_bars(pd.concat([recalls, dead]), pd.concat([intervals, bounds])).axes[0]
    assert 80 < axes.get_ylim()[0] < 85.5
    assert [text.get_text().strip() for text in axes.texts] == ["4.0, cut off"] * 3


def test_every_seed_is_a_dot(recalls, intervals):
    axes = plots.group_bars(recalls, intervals).axes[0]
    dots = [
        offset[1]
        for collection in axes.collections
        if not hasattr(collection, "get_segments")
        for offset in collection.get_offsets()
    ]
    np.testing.assert_allclose(sorted(dots), sorted(recalls["recall"]))


def test_sampling_figure_shows_least_and_most_likely_images():
    images = np.arange(40, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    p = np.random.default_rng(0).permutation(np.arange(1, 41)) / 820
    rules, ess = {"rule A": p, "uniform": np.full(40, 1 / 40)}, {"rule A": 30.4, "uniform": 40}
    figure = plots.sampling_figure(rules, images, ess)
    assert len(figure.axes) == 6
    histogram, least, most = figure.axes[:3]
    assert "rule A" in histogram.get_title() and "30" in histogram.get_title()
    assert sum(bar.get_height() for bar in histogram.patches) == 40
    order = np.argsort(p)
    for axes, rows in ((least, order[:10]), (most, order[-10:])):
        shown = axes.images[0].get_array()
        assert {value for value in np.unique(shown) if value != 255} == set(rows)


def test_reconstructions_stack_originals_and_models():
    originals = np.full((3, 4, 4, 1), 7, np.uint8)
    figure = plots.reconstructions(originals, {"VAE": originals + 1, "DB-VAE": originals + 2})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["original", "VAE", "DB-VAE"]
    for value, axes in zip((7, 8, 9), figure.axes, strict=True):
        assert set(np.unique(axes.images[0].get_array())) <= {value, 255} and value in axes.images[0].get_array()


def test_grid_places_images_row_by_row():
    images = np.random.default_rng(0).integers(0, 200, (5, 3, 4, 2), np.uint8)
    tiles = plots.grid(images, 2)
    height, width = tiles.shape[0] // 3, tiles.shape[1] // 2
    assert height >= 3 and width >= 4 and tiles.shape[2] == 2
    for index, image in enumerate(images):
        top, left = index // 2 * height, index % 2 * width
        np.testing.assert_array_equal(tiles[top : top + 3, left : left + 4], image)


def test_saved_figures_are_whole_pngs(recalls, intervals, tmp_path):
    plots.save(plots.group_bars(recalls, intervals), tmp_path / "groups.png")
    assert (tmp_path / "groups.png").read_bytes().startswith(b"\x89PNG\r\n")
    pixels = matplotlib.image.imread(tmp_path / "groups.png")
    assert min(pixels.shape[:2]) > 300 and pixels[..., :3].std() > 0.05
    assert [path.name for path in tmp_path.iterdir()] == ["groups.png"]
