"""The page and everything else that is made again from rows."""

import html.parser
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from debias.config import Config
from debias.errors import InputError
from experiments.ablation import Ablation
from experiments.engine.experiment import Experiment, Setting
from experiments.report import ablation, artefacts, page, registry
from experiments.report.report import Report
from experiments.report.results import PAGE, refresh, regenerate
from experiments.report.rows import write_failures


def bars(experiment, rows, data) -> dict[str, Figure]:
    figure = Figure(figsize=(4, 2))
    figure.subplots().bar(rows["seed"], rows["mean_recall"])
    figure.subplots().imshow(data["tiles"][0])
    return {"fig5b_recall": figure}


REPORT = Report(
    figures=bars,
    texts=lambda experiment, rows, data: {"findings.md": "1. First.\n"},
    sentence=lambda experiment, rows: f"Over **{rows['seed'].nunique()}** seeds.",
)
PARTS = {
    "base": Config(),
    "data": "squares",
    "seeds": (0, 1),
    "settings": (Setting("cnn", "cnn"), Setting("oracle", "oracle", title="Sees <all> & more")),
}
TABLE = Experiment(name="table1", title="The table", **PARTS)
ABLATION = Ablation(name="alpha", title="Alpha", folder="ablations/alpha", **PARTS)
WAITING = Experiment(name="later", title="Later", minutes=17, **PARTS)
ALL = (TABLE, ABLATION, WAITING)


@pytest.fixture(scope="module", autouse=True)
def reports():
    """Simple reports for the two experiments."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(registry.REPORTS, "table1", REPORT)
        patched.setattr(ablation, "REPORT", REPORT)
        yield


@pytest.fixture(scope="module")
def published(tmp_path_factory, rows_of) -> Path:
    """A repository with results of two experiments, a folder without rows, and README with a block; as regenerated."""
    root = tmp_path_factory.mktemp("repository")
    tiles = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    for experiment in (TABLE, ABLATION):
        artefacts.write(experiment, root / "results" / experiment.folder, rows_of(experiment), {"tiles": tiles})
    (root / "results" / "parliament").mkdir()
    Image.fromarray(tiles[0]).save(root / "results" / "parliament" / "faces.png")
    (root / "README.md").write_text("<!-- begin table1/table.md -->\nold\n<!-- end -->\n")
    assert regenerate(root / "results", ALL) == [WAITING]
    return root


@pytest.fixture
def folder(published, tmp_path) -> Path:
    """Results to change, in a repository of their own."""
    shutil.copytree(published, tmp_path, dirs_exist_ok=True)
    return tmp_path / "results"


@pytest.fixture
def text(published) -> str:
    return (published / "results" / PAGE).read_text(encoding="utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_same_rows_same_bytes(folder):
    first = contents(folder.parent)
    for name in ("table1/table.md", "table1/fig5b_recall.svg", "ablations/alpha/fig5b_recall.png", PAGE):
        (folder / name).unlink()
    regenerate(folder, ALL)
    assert contents(folder.parent) == first


def test_readme_gets_the_table(published):
    assert (published / "results" / "table1" / "table.md").read_text() in (published / "README.md").read_text()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text + text.splitlines()[-1] + "\n",
        lambda text: "",
    ],
)
def test_damaged_rows_stop_everything(folder, damage):
    path = folder / "ablations" / "alpha" / "runs.csv"
    path.write_text(damage(path.read_text()))
    (folder / "table1" / "table.md").write_text("as it was")
    before = contents(folder.parent)
    with pytest.raises(InputError, match=r"ablations/alpha/runs\.csv") as caught:
        regenerate(folder, ALL)
    assert "\n" not in str(caught.value)
    assert contents(folder.parent) == before


def test_nothing_run_yet(tmp_path):
    (tmp_path / "results").mkdir()
    assert regenerate(tmp_path / "results", ALL) == list(ALL)
    found = Page((tmp_path / "results" / PAGE).read_text())
    assert "Not run yet" in found.text and "environment" not in found.ids


def test_page_says_what_is_there_and_what_is_not(text):
    found = Page(text)
    for said in ("The table", "Alpha", "Over 2 seeds.", "abc (8)", "numpy 2 (8)", "./run_experiments.sh later", "17"):
        assert said in found.text
    assert "left" in found.text and "92.5 ±0.5" in found.text  # the mean of 92 and 93
    assert found.ids.index("table1") < found.ids.index("ablations") < found.ids.index("deviations")


def test_text_of_titles_is_escaped(text):
    assert "<all>" not in text and "Sees &lt;all&gt; &amp; more" in text


def test_links_and_images_exist(folder, text):
    found = Page(text)
    (folder.parent / "LICENSE").touch()
    card = folder.parent / "debias" / "data" / "parliament" / "README.md"
    card.parent.mkdir(parents=True)
    card.touch()
    for link in found.links:
        if link.startswith("#"):
            assert link[1:] in found.ids
        elif not link.startswith("https://"):
            assert (folder / link).exists(), link
    assert len(found.images) == 4  # one of them opens the page
    for image in found.images:
        with Image.open(folder / image["src"]) as opened:
            assert (image["width"], image["height"]) == tuple(map(str, opened.size))
        assert image["alt"]
    assert [image.get("loading") for image in found.images] == [None, "lazy", "lazy", "lazy"]
    assert not any("figure_data" in image["src"] for image in found.images)


def test_page_is_accessible(text):
    found = Page(text)
    assert len(found.ids) == len(set(found.ids))
    assert found.attributes["html"]["lang"] == "en" and "width=device-width" in text
    assert "script" not in found.attributes
    assert found.headings[0] == 1 and found.headings.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in zip(found.headings, found.headings[1:], strict=False))
    assert found.heads and all(head.get("scope") in ("col", "row") for head in found.heads)


def test_the_page_opens_with_the_finding_and_its_figure(text):
    opening = text[text.index("<h1>") : text.index("<nav")]
    assert opening.index("Over <strong>2</strong> seeds.") < opening.index('src="table1/fig5b_recall.png"')
    assert opening.index("fig5b_recall.png") < opening.index("<dl>")


def test_tables_fold_and_what_is_said_in_words_does_not(text):
    assert text.count("<details>") == 2
    section = text[text.index('<h2 id="table1"') : text.index('<h2 id="ablations"')]
    shown, folded = section.split("<details>")
    assert "Over <strong>2</strong> seeds." in shown and "First." in shown and "fig5b_recall.png" in shown
    assert "<table>" in folded and "<table>" not in shown


def test_a_table_with_nothing_beside_it_is_open(folder):
    (folder / "benchmark").mkdir()
    (folder / "benchmark" / "table.md").write_text("| a | b |\n| :- | -: |\n| speed | 1 |\n")
    refresh(folder, ALL)
    text = (folder / PAGE).read_text()
    assert text.count("<details>") == 2 and "speed" in text


def test_a_groups_name_brings_no_image_and_no_tag(folder, rows_of):
    name = "![x](http://example.com/x.png) <b> | c"
    rows = rows_of(TABLE).rename(columns=lambda column: column.replace("right", name))
    artefacts.write(TABLE, folder / "table1", rows, {"tiles": np.zeros((1, 4, 4, 3), np.uint8)})
    refresh(folder, ALL)
    found = Page((folder / PAGE).read_text())
    assert name in found.text and not any("example.com" in image["src"] for image in found.images)
    assert "b" not in found.attributes


def test_failed_runs_are_shown(folder):
    write_failures(folder / "later", pd.DataFrame([{"id": "later/cnn/seed0", "reason": "a <bad> run"}]), ())
    refresh(folder, ALL)
    found = Page((folder / PAGE).read_text())
    assert "later/cnn/seed0" in found.text and "a <bad> run" in found.text


def test_a_shared_training_counts_once():
    rows = pd.DataFrame(
        {
            "method": ["cnn", "cnn", "cnn", "oracle", "cnn"],
            "config": ["{}", "{}", '{"seed": 1}', "{}", "{}"],
            "training_digest": "t",
            "data_digest": "f",
            "commit": "c",
            "seconds": [3600.0, 3600.0, 1800.0, 1800.0, 3660.0],  # the last is tested on photographs as well
        }
    )
    assert page.totals(rows) == {"runs": 5, "trainings": 3, "hours": 2.0}


def test_bold_line_before_a_table_becomes_its_caption():
    found = page.to_html("Words.\n\n**At `0.5` & more**\n\n| a | b |\n| :- | -: |\n| x | 1 |\n", "label")
    assert "<p>Words.</p>" in found and "<p><strong>" not in found
    assert "<caption><strong>At <code>0.5</code> &amp; more</strong></caption>" in found
    assert '<th scope="col">a</th>' in found.replace(' style="text-align:left"', "")
    assert 'scope="row"' in found and found.count("<td") == 1


def test_markdown_keeps_its_words_and_no_html():
    found = page.to_html("# Title\n\n**bold** words <script>x</script>\n\n| a |\n| - |\n| x |\n", "What it is", shift=1)
    assert "<h2>Title</h2>" in found and "<p><strong>bold</strong> words" in found
    assert "<script>" not in found
    assert 'aria-label="What it is"' in found


class Page(html.parser.HTMLParser):
    """What a test asks of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.text, self.attributes, self.ids, self.links = "", {}, [], []
        self.images, self.headings, self.heads = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.attributes[tag] = found
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" else []
        self.images += [found] if tag == "img" else []
        self.heads += [found] if tag == "th" else []
        self.headings += [int(tag[1])] if tag in ("h1", "h2", "h3", "h4", "h5") else []

    def handle_data(self, data):
        self.text += data
