"""From rows to table.md, summary.json, runs.csv and the README."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from baselines import METHODS
from debias.errors import InputError
from experiments import evidence, publish, tables
from experiments.experiment import Experiment, Setting

GROUPS = ("left", "right")


@pytest.fixture
def rows() -> pd.DataFrame:
    """Rows of two methods with three seeds, with numbers that can be checked by eye."""
    made = []
    for method, offset in (("cnn", 0.0), ("oracle", 2.0)):
        for seed in range(3):
            mean = 90 + seed + offset
            row = {"id": f"test/{method}/seed{seed}", "setting": method, "title": METHODS[method].title}
            row |= {"method": method, "seed": seed, "data": "test"}
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
    assert cnn[0] == METHODS["cnn"].title
    sampled = dict(zip(cells(lines[8]), cells(lines[10]), strict=True))
    assert sampled["ESS"] == "1,234" and sampled["left"] == "50.00"


def test_one_seed_has_no_standard_error(rows):
    assert "±" not in tables.as_markdown(rows[rows["seed"] == 0]).split("**")[2]


def test_summary_has_paired_differences(rows):
    summary = tables.summary(rows)
    methods = summary["settings"]
    assert methods["cnn"]["mean_recall"] == pytest.approx({"mean": 91.0, "sem": 1 / np.sqrt(3)})
    assert methods["oracle"]["seeds"] == 3
    # the seeds differ by two points, the methods by exactly two on each of them
    difference = methods["oracle"]["difference_to_cnn"]["mean_recall"]
    assert difference == pytest.approx({"mean": 2, "low": 2, "high": 2})
    assert "difference_to_cnn" not in methods["cnn"]
    assert (summary["commits"], summary["seconds"]) == (["abc"], 42.0)


def test_differences_use_common_seeds_only(rows):
    ours, theirs = rows[rows["setting"] == "oracle"], rows[rows["setting"] == "cnn"]
    assert tables.differences(ours[ours["seed"] > 0], theirs)["mean_recall"]["mean"] == pytest.approx(2)
    assert tables.differences(ours[ours["seed"] > 1], theirs) == {}


def test_markdown_is_a_table():
    assert tables.markdown(["a", "b"], [["x", "1"], ["longer", "22"]]) == (
        "| a      |   b |\n| :----- | --: |\n| x      |   1 |\n| longer |  22 |"
    )


def test_difference_tables_mark_what_excludes_zero(rows):
    section = tables.difference_section(rows, {"oracle": "cnn", "absent": "cnn"})
    assert section.lines == [
        [METHODS["oracle"].title, METHODS["cnn"].title, *["+2.0 [+2.0, +2.0] *", "-20.0 [-20.0, -20.0] *"] * 2]
    ]
    assert tables.interval({"mean": 0.5, "low": -1, "high": 2}) == "+0.5 [-1.0, +2.0]"


@pytest.fixture
def experiment(tiny_config):
    """Makes one whose table and figure are simple."""

    def make(figure=Figure):
        settings = (Setting("cnn", "cnn"), Setting("oracle", "oracle"))
        return Experiment(
            "test",
            "Test",
            settings,
            (0, 1, 2),
            tiny_config,
            "digits",
            table=lambda rows: "the table",
            figures=lambda rows, evidence: {"groups": figure()},
            texts=lambda rows, evidence: {"notes.md": "words " * len(evidence)},
            text=lambda rows: "a sentence",
        )

    return make


EVIDENCE = {"few": pd.DataFrame({"setting": ["cnn"], "number": [0.1]})}


def test_published_files(rows, experiment, tmp_path):
    publish.write(experiment(), tmp_path, rows, EVIDENCE)
    names = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(names) == [
        "evidence/few.csv",
        "groups.png",
        "groups.svg",
        "notes.md",
        "runs.csv",
        "summary.json",
        "table.md",
    ]
    pd.testing.assert_frame_equal(publish.read_rows(tmp_path), rows)
    strict = json.loads((tmp_path / "summary.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert set(strict["settings"]) == {"cnn", "oracle"} and strict["text"] == "a sentence"
    assert publish.read_rows(tmp_path / "elsewhere") is None


def test_what_is_drawn_again_is_the_same_to_the_byte(rows, experiment, tmp_path):
    publish.write(experiment(), tmp_path, rows, EVIDENCE)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    publish.draw(experiment(), tmp_path, publish.read_rows(tmp_path))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_interrupted_publication_is_done_again(rows, experiment, tmp_path):
    class Broken(Figure):
        def savefig(self, *_, **__):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish.write(experiment(Broken), tmp_path, rows, {})
    assert publish.read_rows(tmp_path) is None


def shortened(text):
    return text[: len(text) // 2]


def edited(text):
    return text.replace("90.0", "99.0", 1)


def without_a_line(text):
    return "".join(text.splitlines(keepends=True)[:-1])


def with_a_line_twice(text):
    return text + text.splitlines(keepends=True)[-1]


def emptied(text):
    return ""


def without_ids(text):
    return text.replace("id,", "name,", 1)


@pytest.mark.parametrize("damage", [shortened, edited, without_a_line, with_a_line_twice, emptied, without_ids])
def test_damaged_rows_are_one_line(rows, experiment, tmp_path, damage):
    publish.write(experiment(), tmp_path, rows, {})
    path = tmp_path / "runs.csv"
    path.write_text(damage(path.read_text()))
    with pytest.raises(InputError, match="git checkout") as caught:
        publish.read_rows(tmp_path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_published_rows_stay_and_new_ones_join_them(rows):
    again = rows.assign(seconds=99.0, commit="later")  # what differs is when and where, not what was measured
    assert publish.merged(None, rows).equals(rows)
    pd.testing.assert_frame_equal(publish.merged(rows, again), rows)
    old, new = rows[rows["setting"] == "cnn"], again
    both = publish.merged(old.reset_index(drop=True), new)
    assert list(both["id"]) == list(rows["id"]) and list(both["seconds"]) == [7.0] * 3 + [99.0] * 3


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.assign(mean_recall=rows["mean_recall"] + 0.01),
        lambda rows: rows[rows["seed"] < 2],  # would lose a row
        lambda rows: rows.assign(brier=0.1),  # measures what the old rows lack
        lambda rows: rows.assign(method="vae"),
    ],
)
def test_published_rows_are_never_changed_or_lost(rows, change):
    assert publish.merged(rows, change(rows)) is None


def test_rows_survive_the_file_exactly(rows, experiment, tmp_path):
    awkward = rows.assign(auroc=[0.1 + 0.2, 1 / 3, np.nan, 1e-17, 2.0, 100 / 7])
    publish.write(experiment(), tmp_path, awkward, {})
    pd.testing.assert_frame_equal(publish.merged(publish.read_rows(tmp_path), awkward), awkward, check_exact=True)


def test_failures_are_written_and_go_away_with_success(rows, experiment, tmp_path):
    failures = pd.DataFrame([{"id": "test/cnn/seed0", "reason": 'a "quoted", reason'}])
    publish.write_failures(tmp_path, failures)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "failures.csv"), failures)
    publish.write(experiment(), tmp_path, rows, {})
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
    assert summary["settings"]["cnn"]["brier"]["mean"] == pytest.approx(0.1)


def test_sections_have_as_many_cells_as_headings(rows):
    for section in tables.sections(rows):
        assert dataclasses.is_dataclass(section)
        assert {len(line) for line in section.lines} == {len(section.header)}


def test_new_evidence_keeps_what_is_known_of_other_settings():
    old = {"table": pd.DataFrame({"setting": ["a", "a", "b"], "x": [1, 2, 3]}), "kept": pd.DataFrame({"x": [1]})}
    new = {"table": pd.DataFrame({"setting": ["b", "c"], "x": [4, 5]}), "images-c": np.zeros((2, 4, 4, 1), np.uint8)}
    both = evidence.merged(old, new)
    assert both["table"].to_dict("list") == {"setting": ["a", "a", "b", "c"], "x": [1, 2, 4, 5]}
    assert set(both) == {"table", "kept", "images-c"}
    assert evidence.merged({}, new) == new
