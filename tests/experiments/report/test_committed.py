"""What is committed in results/ is what its rows give."""

import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from debias import plots
from experiments.engine.digests import training_digest
from experiments.registry import EXPERIMENTS
from experiments.report import page
from experiments.report.readme import PAGES, fill
from experiments.report.results import DEVIATIONS, PAGE, describe_deviations, regenerate
from experiments.report.rows import RUNS, read_all, read_rows

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "results"
COMMITTED = {name: x for name, x in EXPERIMENTS.items() if (RESULTS / x.folder / RUNS).exists()}
REMEDY = "run python -m experiments report"


@pytest.mark.slow
def test_report_changes_nothing(tmp_path, monkeypatch):
    """Texts of every folder, also of pooled seeds, photographs and speed, and names of figures."""
    copy = shutil.copytree(RESULTS, tmp_path / "results")
    monkeypatch.setattr(plots, "save", lambda figure, path: path.touch())
    regenerate(copy, EXPERIMENTS.values())
    before, after = _contents(RESULTS), _contents(copy)
    assert set(after) == set(before), REMEDY
    assert [name for name in before if after[name] != before[name]] == [], REMEDY


def _contents(results):
    """Path -> text; '' for images, whose bytes depend on libraries."""
    files = {path.relative_to(results).as_posix(): path for path in results.rglob("*") if path.is_file()}
    texts = {name: path.suffix in (".md", ".json", ".html", ".csv") for name, path in files.items()}
    return {name: path.read_text(encoding="utf-8") if texts[name] else "" for name, path in files.items()}


def test_page_deviations_and_readmes():
    rows, experiments = read_all(RESULTS), tuple(EXPERIMENTS.values())
    made = {DEVIATIONS: describe_deviations(experiments, rows), PAGE: page.render(RESULTS, experiments, rows)}
    for file, text in made.items():
        assert (RESULTS / file).read_text(encoding="utf-8") == text, f"results/{file}: {REMEDY}"
    for name in PAGES:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert fill(text, RESULTS) == text, f"{name}: {REMEDY}"


def test_what_one_code_would_train_was_trained_by_one_code():
    """Else rows of several experiments are not to be compared: make those of older code anew."""
    found = defaultdict(lambda: defaultdict(set))
    for name, experiment in COMMITTED.items():
        rows = read_rows(RESULTS / experiment.folder).set_index("id")
        for run in experiment.runs():
            if run.id in rows.index:
                found[training_digest(run)][rows.at[run.id, "training_digest"]].add(name)
    several = {code: dict(trained) for code, trained in found.items() if len(trained) > 1}
    assert not several, "python -m experiments run NAME --stale redo --overwrite"
