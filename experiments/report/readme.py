"""Blocks of README and of other Markdown files that are made from results/."""

import re
from pathlib import Path

from debias.files import write_text

# A mark stands on a line of its own, where no text that comes from data can stand: see `debias.markdown.plain`.
_BLOCK = re.compile(r"^(<!-- begin (\S+) -->\n).*?^(<!-- end -->)$", re.DOTALL | re.MULTILINE)
PAGES = ("README.md", "debias/data/README.md", "labs/README.md", "results/README.md")


def fill(text: str, results: Path) -> str:
    """`text` with what stands between the lines '<!-- begin FILE -->' and '<!-- end -->' replaced by results/FILE.

    By nothing where the folder is there without the file, since its rows then say nothing; without the folder it stays.
    """

    def block(match: re.Match) -> str:
        source = results / match[2]
        if not source.parent.is_dir():
            return match[0]
        text = source.read_text(encoding="utf-8") if source.exists() else ""
        ended = "" if text.endswith("\n") or not text else "\n"  # the mark of the end needs a line of its own
        return f"{match[1]}{text}{ended}{match[3]}"

    return _BLOCK.sub(block, text)


def refresh_pages(results: Path) -> None:
    """Bring the generated blocks of the pages beside `results`, README and others, up to date with it.

    They show what stands in a folder of that name; another, which a user may have named, changes no page.
    """
    if results.resolve().name != "results":
        return
    for path in (results.resolve().parent / page for page in PAGES):
        if path.exists():
            write_text(path, fill(path.read_text(encoding="utf-8"), results))
