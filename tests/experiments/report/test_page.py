"""The page and everything else that is made again from rows."""

import dataclasses
import html.parser
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from debias.config import Config
from debias.errors import InputError
from experiments import evidence, page, publish, report
from experiments.commands import README, RESULTS
from experiments.experiment import Experiment, Setting
from experiments.registry import EXPERIMENTS

GROUPS = ("left", "right")


def bars(rows, found) -> dict[str, Figure]:
    figure = Figure(figsize=(4, 2))
    figure.subplots().bar(rows["seed"], rows["mean_recall"])
    figure.subplots().imshow(found["tiles"][0])
    return {"bars": figure}


SETTINGS = (Setting("cnn", "cnn"), Setting("oracle", "oracle", title="Sees <all> & more"))
PARTS = {"base": Config(), "data": "squares", "seeds": (0, 1), "settings": SETTINGS}
TABLE = Experiment(
    name="table1",
    title="The table",
    figures=bars,
    text=lambda rows: f"Over **{rows['seed'].nunique()}** seeds.",
    **PARTS,
)
ABLATION = dataclasses.replace(TABLE, name="alpha", title="Alpha", folder="ablations/alpha")
WAITING = Experiment(name="later", title="Later", minutes=17, **PARTS)
ALL = (TABLE, ABLATION, WAITING)


def rows_of(experiment) -> pd.DataFrame:
    """Rows with all columns that tables need."""
    made = []
    for number, run in enumerate(experiment.runs()):
        row = {"id": run.id, "setting": run.setting.name, "title": run.setting.title, "method": run.setting.method}
        row |= {"seed": run.config.seed, "config": json.dumps(run.config.settings())}
        for suffix in ("", "_fpr1"):
            rates = ("mean_recall", "var_recall", "worst_recall", "fpr", "precision")
            row |= {f"{rate}{suffix}": 90.0 + number for rate in rates}
            row |= {f"recall{suffix} {group}": 90.0 + number for group in GROUPS}
        row |= {f"mass {group}": 50.0 for group in GROUPS}
        row |= {"ess": 9.0, "train_loss": 0.1, "auroc": 0.9, "ece": 0.1, "seconds": 900.0 + number, "threads": 1}
        row |= {"data": "squares", "fingerprint": "f", "commit": "abc", "versions": "numpy 2", "host": "Linux, 2 cores"}
        made.append(row)
    return pd.DataFrame(made)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A repository with results of two experiments, a folder without rows, and README with a block; as regenerated."""
    root = tmp_path_factory.mktemp("repository")
    tiles = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    for experiment in (TABLE, ABLATION):
        publish.write(experiment, root / "results" / experiment.folder, rows_of(experiment), {"tiles": tiles})
    (root / "results" / "parliament").mkdir()
    Image.fromarray(tiles[0]).save(root / "results" / "parliament" / "faces.png")
    (root / "README.md").write_text("<!-- begin table1/table.md -->\nold\n<!-- end -->\n")
    assert report.regenerate(root / "results", root / "README.md", ALL) == [WAITING]
    return root


@pytest.fixture
def results(published, tmp_path) -> Path:
    """Results to change, in a repository of their own."""
    shutil.copytree(published, tmp_path, dirs_exist_ok=True)
    return tmp_path / "results"


@pytest.fixture
def text(published) -> str:
    return (published / "results" / report.PAGE).read_text(encoding="utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_same_rows_same_bytes(results):
    first = contents(results.parent)
    for name in ("table1/table.md", "table1/bars.svg", "ablations/alpha/bars.png", report.PAGE):
        (results / name).unlink()
    report.regenerate(results, results.parent / "README.md", ALL)
    assert contents(results.parent) == first


def test_readme_gets_the_table(published):
    assert (published / "results" / "table1" / "table.md").read_text() in (published / "README.md").read_text()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("90.0", "99.0", 1),
        lambda text: text + text.splitlines()[-1] + "\n",
        lambda text: "",
    ],
)
def test_damaged_rows_stop_everything(results, damage):
    path = results / "ablations" / "alpha" / "runs.csv"
    path.write_text(damage(path.read_text()))
    (results / "table1" / "table.md").write_text("as it was")
    before = contents(results.parent)
    with pytest.raises(InputError, match=r"ablations/alpha/runs\.csv") as caught:
        report.regenerate(results, results.parent / "README.md", ALL)
    assert "\n" not in str(caught.value)
    assert contents(results.parent) == before


def test_nothing_run_yet(tmp_path):
    (tmp_path / "results").mkdir()
    assert report.regenerate(tmp_path / "results", tmp_path / "README.md", ALL) == list(ALL)
    found = Page((tmp_path / "results" / report.PAGE).read_text())
    assert "Not run yet" in found.text and "environment" not in found.ids


def test_page_says_what_is_there_and_what_is_not(text):
    found = Page(text)
    for said in ("The table", "Alpha", "Over 2 seeds.", "abc (8)", "numpy 2 (8)", "./run_experiments.sh later", "17"):
        assert said in found.text
    assert "left" in found.text and "92.0 ±1.0" in found.text  # the mean of 91 and 93
    assert found.ids.index("table1") < found.ids.index("ablations") < found.ids.index("deviations")


def test_text_of_titles_is_escaped(text):
    assert "<all>" not in text and "Sees &lt;all&gt; &amp; more" in text


def test_links_and_images_exist(results, text):
    found = Page(text)
    (results.parent / "LICENSE").touch()
    card = results.parent / "debias" / "data" / "parliament" / "README.md"
    card.parent.mkdir(parents=True)
    card.touch()
    for link in found.links:
        if link.startswith("#"):
            assert link[1:] in found.ids
        elif not link.startswith("https://"):
            assert (results / link).exists(), link
    assert len(found.images) == 3
    for image in found.images:
        with Image.open(results / image["src"]) as opened:
            assert (image["width"], image["height"]) == tuple(map(str, opened.size))
        assert image["alt"] and image["loading"] == "lazy"
    assert not any("evidence" in image["src"] for image in found.images)


def test_page_is_accessible(text):
    found = Page(text)
    assert len(found.ids) == len(set(found.ids))
    assert found.attributes["html"]["lang"] == "en" and "width=device-width" in text
    assert "script" not in found.attributes
    assert found.headings[0] == 1 and found.headings.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in zip(found.headings, found.headings[1:], strict=False))
    assert found.heads and all(head.get("scope") in ("col", "row") for head in found.heads)


def test_ablations_fold_their_tables_and_table_1_does_not(text):
    assert text.count("<details>") == 1
    folded = text[text.index("<details>") : text.index("</details>")]
    assert "<table>" in folded and "<table>" in text[: text.index("<details>")]


def test_failed_runs_are_shown(results):
    publish.write_failures(results / "later", pd.DataFrame([{"id": "later/cnn/seed0", "reason": "a <bad> run"}]))
    report.refresh(results, results.parent / "README.md", ALL)
    found = Page((results / report.PAGE).read_text())
    assert "later/cnn/seed0" in found.text and "a <bad> run" in found.text


def test_a_shared_training_counts_once():
    rows = pd.DataFrame(
        {
            "method": ["cnn", "cnn", "cnn", "oracle"],
            "config": ["{}", "{}", '{"seed": 1}', "{}"],
            "fingerprint": "f",
            "commit": "c",
            "seconds": [3600.0, 3600.0, 1800.0, 1800.0],
        }
    )
    assert page.totals(rows) == {"runs": 4, "trainings": 3, "hours": 2.0}


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


COMMITTED = {name: x for name, x in EXPERIMENTS.items() if (RESULTS / x.folder / publish.RUNS).exists()}
REMEDY = "run python -m experiments report"


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_tables_are_what_the_rows_give(name):
    experiment, folder = COMMITTED[name], RESULTS / COMMITTED[name].folder
    rows, found = publish.read_rows(folder), evidence.load(folder)
    texts = {"table.md": experiment.table(rows), **experiment.texts(rows, found)}
    for file, text in texts.items():
        assert (folder / file).read_text(encoding="utf-8") == text, f"{folder / file}: {REMEDY}"
    figures = experiment.figures(rows, found)
    assert {path.stem for path in folder.glob("*.png")} == set(figures)
    assert {path.stem for path in folder.glob("*.svg")} == set(figures)


def test_committed_page_deviations_and_readme_are_what_the_rows_give():
    rows, experiments = report.read_all(RESULTS), tuple(EXPERIMENTS.values())
    made = {report.DEVIATIONS: report.describe_deviations(experiments, rows)}
    made[report.PAGE] = page.render(RESULTS, experiments, rows)
    for file, text in made.items():
        assert (RESULTS / file).read_text(encoding="utf-8") == text, f"results/{file}: {REMEDY}"
    readme = README.read_text(encoding="utf-8")
    assert publish.fill(readme, RESULTS) == readme, f"README.md: {REMEDY}"


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
