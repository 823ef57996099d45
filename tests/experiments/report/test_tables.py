"""Rows -> tables and summary.json."""

import io
import sys

import numpy as np
import pandas as pd
import pytest

from baselines import METHODS
from experiments.commands.shared import show
from experiments.report import tables
from experiments.report.comparisons import seeds_of


def test_table_has_means_and_standard_errors(rows, cells):
    header, cnn, oracle, *others = cells(tables.as_markdown(rows))
    found = dict(zip(header, oracle, strict=True))
    assert found["left"] == "91.0" and found["right"] == "95.0"
    assert found["E[A]"] == f"93.0 ±{np.std([92, 93, 94], ddof=1) / np.sqrt(3):.1f}"
    assert found["Var[A]"] == "7.0 ±0.6"
    assert cnn[0] == METHODS["cnn"].title
    sampled = dict(zip(*others[3:5], strict=True))
    assert sampled["ESS"] == "1,234" and sampled["left"] == "98.00"


def test_one_seed_has_no_standard_error(rows):
    assert "±" not in tables.as_markdown(rows[rows["seed"] == 0]).split("**")[2]


def test_a_single_group_has_a_dash_for_its_variance_and_no_difference_of_it(rows, cells):
    one = rows.drop(columns=[name for name in rows if name.endswith("right")])
    one = one.assign(var_recall=np.nan, var_recall_fpr1=np.nan)
    header, _, oracle, *_ = cells(tables.as_markdown(one))
    assert dict(zip(header, oracle, strict=True))["Var[A]"] == "-"
    [line] = tables.difference_section(one, {"oracle": "cnn"}).lines
    assert line[2:4] == ["+2.0 [+2.0, +2.0] *", "-"]


def test_losses_differ_in_thousandths(spread, rows):
    rows = rows.assign(
        validation_loss=np.where(rows["setting"] == "oracle", 0.0312, 0.05) * spread(rows["seed"]) + rows["seed"]
    )
    section = tables.loss_section(rows, {"oracle": "cnn", "absent": "cnn"})
    assert [line[-1] for line in section.lines] == ["-18.8 [-18.8, -18.8] *"]


def test_summary_has_means_with_their_errors(rows):
    summary = tables.summary(rows)
    methods = summary["settings"]
    assert methods["cnn"]["mean_recall"] == pytest.approx({"mean": 91.0, "sem": 1 / np.sqrt(3)})
    assert methods["oracle"]["seeds"] == 3
    assert (summary["commits"], summary["seconds"]) == (["abc"], 5400.0)


def test_rows_of_a_new_measure_reach_the_summary(rows):
    summary = tables.summary(rows.assign(brier=0.1))
    assert summary["settings"]["cnn"]["brier"]["mean"] == pytest.approx(0.1)


def test_difference_tables_mark_what_is_significant(rows):
    section = tables.difference_section(rows, {"oracle": "cnn", "absent": "cnn", "cnn": "absent"})
    assert section.lines == [
        [METHODS["oracle"].title, METHODS["cnn"].title, *["+2.0 [+2.0, +2.0] *", "-2.0 [-2.0, -2.0] *"] * 2]
    ]


def test_every_line_has_as_many_cells_as_there_are_headings(rows):
    for section in tables.sections(rows):
        assert {len(line) for line in section.lines} == {len(section.header)}
    assert [len(table.columns) for table in tables.on_screen(rows)] == [len(s.header) for s in tables.sections(rows)]


def test_on_screen_no_number_of_twelve_groups_is_cut_off(rows, tmp_path, capsys):
    names, endings = [f"group {number}" for number in range(12)], ("recall", "recall_fpr1", "mass")
    for column, (ending, name) in enumerate((ending, name) for ending in endings for name in names):
        rows[f"{ending} {name}"] = 10.5 + column
    show(tmp_path, *tables.on_screen(rows))
    shown = capsys.readouterr().out
    assert "…" not in shown and all(f"{10.5 + column:.1f}" in shown for column in range(36))


def test_an_ascii_terminal_is_written_to(rows, tmp_path, monkeypatch):
    written = io.BytesIO()
    terminal = io.TextIOWrapper(written, "ascii", "backslashreplace", write_through=True)  # as `exit_code` makes it
    monkeypatch.setattr(sys, "stdout", terminal)
    show(tmp_path, *tables.on_screen(rows), tables.caption(rows))
    assert b"93.0 \\xb10.6" in written.getvalue() and b"%\\xb2" in written.getvalue()


def test_seeds_are_counted_in_words(rows):
    assert seeds_of(rows[rows["seed"] == 1]) == "one seed" and "mean over one seed." in tables.caption(rows[:2])
    assert seeds_of(rows) == "3 paired seeds" and seeds_of(rows, "seeds") == "3 seeds"
    assert seeds_of(rows[:-1]) == "2 to 3 paired seeds"


def test_thresholds_are_found_in_the_columns(rows):
    assert tables.endings(rows, "t") == {0.3: "_t0.3", 0.5: "_t0.5"}
    assert tables.endings(rows, "f") == {0.5: "_f0.5", 2: "_f2"}  # not '_fpr1'


def test_a_groups_name_cannot_break_the_table(rows):
    name = "a|b\n<!-- end -->"
    renamed = rows.rename(columns=lambda column: column.replace("right", name))
    text = tables.as_markdown(renamed)
    assert len(text.splitlines()) == len(tables.as_markdown(rows).splitlines())
    assert "a\\|b \\<!-- end -->" in text


def test_the_rows_of_one_test_have_its_numbers_under_plain_names():
    rows = pd.DataFrame({"id": ["a"], "fpr": [1.0], "fpr_t0.3": [2.0], "fpr@camera": [3.0], "fpr@files": [4.0]})
    camera = tables.on_test(rows, "@camera")
    assert camera.to_dict("records") == [{"id": "a", "fpr": 3.0}]
    assert tables.on_test(rows, "").equals(rows)
