"""Markdown in which text from data stays text."""

import pytest
from markdown_it import MarkdownIt

from debias.markdown import markdown, plain

HOSTILE = [
    "a|b",
    "a\\|b",
    "two\nlines\r\nof\u2028text",
    "![x](http://example.com/x.png)",
    "\\![x](http://example.com/x.png)",
    "[x](http://example.com)",
    "<img src=http://example.com/x.png>",
    "<!-- end -->",
    "# heading",
    "\\",
]


def test_a_table_reads_well_as_text():
    assert markdown(["a", "b"], [["x", "1"], ["longer", "22"]]) == (
        "| a      |   b |\n| :----- | --: |\n| x      |   1 |\n| longer |  22 |"
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_one_cell_of_text(name):
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = parser.parse(markdown(["setting", name], [["cnn", name]]))
    cells = [token for token in tokens if token.type == "inline"]
    assert [cell.children[0].content for cell in cells[::2]] == ["setting", "cnn"] and len(cells) == 4
    for cell in cells[1::2]:
        assert {child.type for child in cell.children} <= {"text", "text_special"}
        assert "".join(child.content for child in cell.children) == " ".join(name.splitlines())


def test_ordinary_names_and_numbers_stay_as_they_are():
    for text in ("darker male", "-1.2 [-2.0, -0.4] *", "max, k = 100, α = 0.01", "97.0 ±0.1", "> 5", "`code`"):
        assert plain(text) == text
