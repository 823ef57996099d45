"""summary.json of the benchmark -> tables, figures and words whose numbers can be checked by eye."""

import json

import pytest

from debias.errors import InputError
from experiments.report import benchmark, trials

FOUND = {f"profile_{part}_s": [float(number)] for number, part in enumerate(benchmark.PARTS, 1)}
FOUND |= {"profile_beside_training": [0.3], "refresh_of_epoch": [0.02]}
FOUND |= {f"resident_b{size}_images_per_s": [2000.0, 2200.0, 1900.0] for size in benchmark.SIZES}
FOUND |= {"lab_b32_images_per_s": [1500.0, 1600.0, 1700.0], "vs_lab_b32": [1.2, 1.25, 1.3], "rss_400k_gb": [1.65]}
FOUND |= {f"resampling_{name}_s": [0.05] for name in benchmark.RESAMPLED} | {"resampling_55k_s": [0.04]}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "benchmark"
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps({"commit": "abc", "rounds": FOUND}))
    return folder


def test_goals_are_reached_or_say_by_how_much_they_are_missed():
    least, most = benchmark.Goal("a", "A", 2.0), benchmark.Goal("b", "B", 2.0, most=True)
    assert [least.reached(value) for value in (3.0, 2.0, 1.5)] == [True, True, False]
    assert [most.reached(value) for value in (1.0, 2.0, 2.5)] == [True, True, False]
    assert benchmark.sentence(FOUND).startswith("4 of 6 goals")
    text = " ".join(benchmark.table(FOUND).split())
    assert "| at most 1.5 | no: 1.10 of it |" in text and "| at most 0.15 | no: 2.00 of it |" in text


def test_tables_show_medians_and_ranges():
    text = benchmark.table(FOUND)
    assert "| resident |" in " ".join(text.split()) and "2,000 (1,900 to 2,200)" in text
    assert "1.25 (1.2 to 1.3)" in text and "torch" not in text.lower()
    assert "| all | 28.0 | 100.0 |" in " ".join(text.split())


def test_trials_speak_of_what_was_measured_alone():
    assert trials.text(FOUND).count("- **") == 1
    measured = {f"trial_{name}": [0.5] for name in ("one_thread", "many_steps", "bfloat16", "no_onednn")}
    measured |= {"runs_2_jobs_to_1": [1.8], "faces_per_core_s": [100.0], "negatives_per_core_s": [300.0]}
    text = trials.text(FOUND | measured)
    assert text.count("- **") == 6 and "1,000 stored images" in text


def test_a_core_that_renders_what_it_trains_on_does_one_after_the_other():
    faces_and_others_of_a_second = trials.fresh_images_per_s(1e12, 100, 100)
    assert faces_and_others_of_a_second == pytest.approx(100)
    assert trials.fresh_images_per_s(200, 200, 200) == pytest.approx(100)


def test_all_is_drawn_from_the_record(folder):
    benchmark.draw(folder)
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("summary.json", "sentence.md", "table.md", "trials.md"),
        *("speed.png", "speed.svg", "profile.png", "profile.svg"),
    }
    assert "PyTorch" not in (folder / "speed.svg").read_text()


@pytest.mark.parametrize("text", [None, '{"commit": "abc"}'])
def test_without_rounds_nothing_is_drawn(tmp_path, text):
    if text:
        (tmp_path / "summary.json").write_text(text)
    benchmark.draw(tmp_path)
    assert len(list(tmp_path.iterdir())) == bool(text)


def test_a_damaged_record_is_one_line(tmp_path):
    (tmp_path / "summary.json").write_text("{")
    with pytest.raises(InputError, match="damaged") as caught:
        benchmark.draw(tmp_path)
    assert "\n" not in str(caught.value)
