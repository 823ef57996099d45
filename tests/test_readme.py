"""README says what results/ says."""

from experiments.commands import README, RESULTS
from experiments.publish import fill


def test_generated_blocks_agree_with_results():
    text = README.read_text(encoding="utf-8")
    assert "<!-- begin quick/table.md -->" in text
    assert fill(text, RESULTS) == text, "results/ has changed: run ./run_experiments.sh, which refreshes README"
