"""README's generated blocks."""

from pathlib import Path

import pytest

from debias.markdown import markdown
from experiments.report.readme import PAGES, fill, refresh_pages

README = """before
<!-- begin quick/table.md -->
old | table
with \\1 lines
<!-- end -->
between
<!-- begin missing/table.md -->
kept
<!-- end -->
after
"""


def test_blocks_are_filled(tmp_path):
    results = tmp_path / "results"
    (results / "quick").mkdir(parents=True)
    (results / "quick" / "table.md").write_text("| new \\2 |\n")
    readmes = [tmp_path / "README.md", results / "README.md"]  # other pages need not be there
    for readme in readmes:
        readme.write_text(README)
    refresh_pages(results)
    for readme in readmes:
        assert readme.read_text() == README.replace("old | table\nwith \\1 lines\n", "| new \\2 |\n")
    before = readme.stat().st_mtime_ns
    refresh_pages(results)  # nothing left to do
    assert readme.stat().st_mtime_ns == before


def test_the_mark_of_an_end_has_a_line_of_its_own(tmp_path):
    (tmp_path / "quick").mkdir()
    (tmp_path / "quick" / "table.md").write_text("no line's end")
    filled = fill(README, tmp_path)
    assert "\nno line's end\n<!-- end -->\n" in filled and fill(filled, tmp_path) == filled


def test_a_folder_of_another_name_changes_no_page(tmp_path):
    for name in ("results", "mine"):
        (tmp_path / name / "quick").mkdir(parents=True)
        (tmp_path / name / "quick" / "table.md").write_text(f"| {name} |\n")
    (tmp_path / "README.md").write_text(README)
    refresh_pages(tmp_path / "mine")
    assert (tmp_path / "README.md").read_text() == README


def test_a_block_of_rows_that_no_longer_say_anything_is_empty(tmp_path):
    (tmp_path / "quick").mkdir()
    text = "<!-- begin quick/sentence.md -->\nold\n<!-- end -->\n"
    assert fill(text, tmp_path) == "<!-- begin quick/sentence.md -->\n<!-- end -->\n"


def test_every_page_with_blocks_is_known():
    root = Path(__file__).resolve().parents[3]
    found = [path.relative_to(root) for name in ("debias", "labs", "results") for path in (root / name).rglob("*.md")]
    filled = {page.as_posix() for page in found if "<!-- begin " in (root / page).read_text(encoding="utf-8")}
    assert filled <= set(PAGES)


@pytest.mark.parametrize("name", ["<!-- end -->", "a\n<!-- end -->\nb", "<!-- begin quick/table.md -->\n"])
def test_a_groups_name_is_no_mark(tmp_path, name):
    (tmp_path / "quick").mkdir()
    (tmp_path / "quick" / "table.md").write_text(markdown(["setting", name], [["cnn", "1.0"]]) + "\n")
    once = fill(README, tmp_path)
    assert fill(once, tmp_path) == once and once.endswith("kept\n<!-- end -->\nafter\n")
