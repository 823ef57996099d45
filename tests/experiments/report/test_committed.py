"""What is committed in results/ is what its rows give."""

from collections import defaultdict
from pathlib import Path

import pytest

from experiments.engine.digests import training_digest
from experiments.registry import EXPERIMENTS
from experiments.report import figure_data, page
from experiments.report.artefacts import SENTENCE
from experiments.report.readme import PAGES, fill
from experiments.report.registry import report_of
from experiments.report.results import DEVIATIONS, PAGE, describe_deviations
from experiments.report.rows import RUNS, read_all, read_rows

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "results"
COMMITTED = {name: x for name, x in EXPERIMENTS.items() if (RESULTS / x.folder / RUNS).exists()}
REMEDY = "run python -m experiments report"


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMITTED)
def test_tables_and_figures(name):
    experiment, folder = COMMITTED[name], RESULTS / COMMITTED[name].folder
    report, rows, data = report_of(experiment), read_rows(folder), figure_data.load(folder)
    texts = {"table.md": report.table(experiment, rows), **report.texts(experiment, rows, data)}
    texts |= {SENTENCE: f"{said}\n"} if (said := report.sentence(experiment, rows)) else {}
    for file, text in texts.items():
        assert (folder / file).read_text(encoding="utf-8") == text, f"{folder / file}: {REMEDY}"
    figures = report.figures(experiment, rows, data)
    for ending in ("png", "svg"):
        assert {path.stem for path in folder.glob(f"*.{ending}")} == set(figures)


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
