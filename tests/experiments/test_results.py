"""From rows to table.md, summary.json, runs.csv and the README."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from experiments import publish, tables

GROUPS = ("left", "right")


@pytest.fixture
def rows() -> pd.DataFrame:
    """Rows of two methods with three seeds, with numbers that can be checked by eye."""
    made = []
    for method, offset in (("cnn", 0.0), ("oracle", 2.0)):
        for seed in range(3):
            mean = 90 + seed + offset
            row = {"id": f"test/{method}/seed{seed}", "method": method, "seed": seed, "data": "test"}
            for suffix in ("", "_fpr1"):
                row |= {
                    f"mean_recall{suffix}": mean,
                    f"var_recall{suffix}": 30.0 - 10 * offset,
                    f"worst_recall{suffix}": mean - 4,
                    f"fpr{suffix}": 1.25,
                    f"precision{suffix}": 97.0,
                }
                row |= {f"recall{suffix} {group}": mean + 4 * index - 2 for index, group in enumerate(GROUPS)}
            row |= {f"mass {group}": 50.0 for group in GROUPS}
            row |= {"auroc": 0.99, "ece": 0.02, "ess": 1234.0, "train_loss": 0.125, "seconds": 7.0, "commit": "abc"}
            made.append(row)
    return pd.DataFrame(made)


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_table_has_means_and_standard_errors(rows):
    lines = [line for line in tables.as_markdown(rows).splitlines() if line.startswith("|")]
    header, _, cnn, oracle = (cells(line) for line in lines[:4])
    found = dict(zip(header, oracle, strict=True))
    assert found["left"] == "91.0" and found["right"] == "95.0"
    assert found["E[A]"] == f"93.0 ±{np.std([92, 93, 94], ddof=1) / np.sqrt(3):.1f}"
    assert found["Var[A]"] == "10.0 ±0.0"
    assert cnn[0] == tables.title("cnn")
    sampled = dict(zip(cells(lines[8]), cells(lines[10]), strict=True))
    assert sampled["ESS"] == "1,234" and sampled["left"] == "50.00"


def test_one_seed_has_no_standard_error(rows):
    assert "±" not in tables.as_markdown(rows[rows["seed"] == 0]).split("**")[2]


def test_summary_has_paired_differences(rows):
    summary = tables.summary(rows)
    methods = summary["methods"]
    assert methods["cnn"]["mean_recall"] == pytest.approx({"mean": 91.0, "sem": 1 / np.sqrt(3)})
    assert methods["oracle"]["seeds"] == 3
    # the seeds differ by two points, the methods by exactly two on each of them
    difference = methods["oracle"]["difference_to_cnn"]["mean_recall"]
    assert difference == pytest.approx({"mean": 2, "low": 2, "high": 2})
    assert "difference_to_cnn" not in methods["cnn"]
    assert (summary["commits"], summary["seconds"]) == (["abc"], 42.0)


def test_differences_use_common_seeds_only(rows):
    ours, theirs = rows[rows["method"] == "oracle"], rows[rows["method"] == "cnn"]
    assert tables.differences(ours[ours["seed"] > 0], theirs)["mean_recall"]["mean"] == pytest.approx(2)
    assert tables.differences(ours[ours["seed"] > 1], theirs) == {}


def test_markdown_is_a_table():
    assert tables.markdown(["a", "b"], [["x", "1"], ["longer", "22"]]) == (
        "| a      |   b |\n| :----- | --: |\n| x      |   1 |\n| longer |  22 |"
    )


def test_published_files(rows, tmp_path):
    figure = Figure()
    publish.write(tmp_path, rows, "the table", tables.summary(rows), {"groups": figure}, {"notes.md": "words"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "groups.png",
        "notes.md",
        "runs.csv",
        "summary.json",
        "table.md",
    ]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "runs.csv"), rows)
    strict = json.loads((tmp_path / "summary.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert set(strict["methods"]) == {"cnn", "oracle"}
    assert publish.is_published(tmp_path, rows)
    assert not publish.is_published(tmp_path, rows.assign(seconds=8.0))
    assert not publish.is_published(tmp_path / "elsewhere", rows)


def test_interrupted_publication_is_done_again(rows, tmp_path):
    class Broken(Figure):
        def savefig(self, *_, **__):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish.write(tmp_path, rows, "the table", {}, {"groups": Broken()})
    assert not publish.is_published(tmp_path, rows)


def test_failures_are_written_and_go_away_with_success(rows, tmp_path):
    failures = pd.DataFrame([{"id": "test/cnn/seed0", "reason": 'a "quoted", reason'}])
    publish.write_failures(tmp_path, failures)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "failures.csv"), failures)
    publish.write(tmp_path, rows, "", {})
    assert not (tmp_path / "failures.csv").exists()


README = """before
<!-- begin quick/table.md -->
old | table
with \\1 lines
<!-- end -->
between
<!-- begin missing.md -->
kept
<!-- end -->
after
"""


def test_readme_blocks_are_filled(tmp_path):
    (tmp_path / "quick").mkdir()
    (tmp_path / "quick" / "table.md").write_text("| new \\2 |\n")
    readme = tmp_path / "README.md"
    readme.write_text(README)
    publish.refresh_readme(readme, tmp_path)
    expected = README.replace("old | table\nwith \\1 lines\n", "| new \\2 |\n")
    assert readme.read_text() == expected
    before = readme.stat().st_mtime_ns
    publish.refresh_readme(readme, tmp_path)  # nothing left to do
    assert readme.stat().st_mtime_ns == before


def test_no_readme_is_no_error(tmp_path):
    publish.refresh_readme(tmp_path / "README.md", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_rows_of_a_new_measure_reach_the_summary(rows):
    summary = tables.summary(rows.assign(brier=0.1))
    assert summary["methods"]["cnn"]["brier"]["mean"] == pytest.approx(0.1)


def test_sections_have_as_many_cells_as_headings(rows):
    for section in tables.sections(rows):
        assert dataclasses.is_dataclass(section)
        assert {len(line) for line in section.lines} == {len(section.header)}
