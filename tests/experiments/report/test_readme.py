"""README's generated blocks."""

import pytest

from debias.markdown import markdown
from experiments.report.readme import fill, refresh_readme

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


def test_blocks_are_filled(tmp_path):
    (tmp_path / "quick").mkdir()
    (tmp_path / "quick" / "table.md").write_text("| new \\2 |\n")
    readme = tmp_path / "README.md"
    readme.write_text(README)
    refresh_readme(readme, tmp_path)
    assert readme.read_text() == README.replace("old | table\nwith \\1 lines\n", "| new \\2 |\n")
    before = readme.stat().st_mtime_ns
    refresh_readme(readme, tmp_path)  # nothing left to do
    assert readme.stat().st_mtime_ns == before


def test_no_readme_is_no_error(tmp_path):
    refresh_readme(tmp_path / "README.md", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["<!-- end -->", "a\n<!-- end -->\nb", "<!-- begin quick/table.md -->\n"])
def test_a_groups_name_is_no_mark(tmp_path, name):
    (tmp_path / "quick").mkdir()
    (tmp_path / "quick" / "table.md").write_text(markdown(["setting", name], [["cnn", "1.0"]]) + "\n")
    once = fill(README, tmp_path)
    assert fill(once, tmp_path) == once and once.endswith("kept\n<!-- end -->\nafter\n")
