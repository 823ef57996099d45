"""runs.csv: written whole, read exactly, and never changed or lost unasked."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from debias.errors import InputError
from experiments.report.rows import as_csv, merged, read_all, read_failures, read_rows, write_failures, write_rows


def test_rows_survive_the_file_exactly(rows, tmp_path):
    awkward = rows.assign(auroc=[0.1 + 0.2, 1 / 3, np.nan, 1e-17, 2.0, 100 / 7], brier=np.nan)
    write_rows(tmp_path / "deep" / "folder", awkward)
    read = read_rows(tmp_path / "deep" / "folder")
    pd.testing.assert_frame_equal(read, awkward, check_exact=True)
    assert as_csv(read) == as_csv(awkward)
    assert list(read_all(tmp_path)) == ["deep/folder"]
    assert read_rows(tmp_path) is None and read_all(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text + text.splitlines(keepends=True)[-1],  # an id twice
        lambda text: "",
        lambda text: text.replace("id,", "name,", 1),
        lambda text: text.replace("cnn", '"cnn'),
        lambda text: text + "word\n",
    ],
)
def test_damaged_rows_are_one_line(rows, tmp_path, damage):
    path = tmp_path / "runs.csv"
    path.write_text(damage(as_csv(rows)))
    with pytest.raises(InputError, match="git checkout") as caught:
        read_rows(tmp_path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_texts_that_look_like_numbers_stay_what_they_are(rows, tmp_path):
    digests = {"training_digest": "00123456", "evaluation_digest": "123e4567", "data_digest": "1" * 12}
    texts = {**digests, "commit": "012345678e12", "data": "2024"}
    write_rows(tmp_path, rows.assign(**texts))
    read = read_rows(tmp_path)
    assert {name: set(read[name]) for name in texts} == {name: {text} for name, text in texts.items()}
    assert merged(read, rows.assign(**texts)) is not None
    write_rows(tmp_path / "older", rows.drop(columns="training_digest"))
    assert "training_digest" not in read_rows(tmp_path / "older")


def test_failures_are_written_and_go_away_with_success(rows, tmp_path):
    failures = pd.DataFrame([{"id": "test/cnn/seed0", "reason": 'a "quoted", reason'}])
    write_failures(tmp_path / "test", failures, {"test/cnn/seed0"})
    assert read_failures(tmp_path) == failures.to_dict("records")
    write_rows(tmp_path / "test", rows[rows["id"] != "test/cnn/seed0"])  # of what there is
    assert read_failures(tmp_path) == failures.to_dict("records")
    write_rows(tmp_path / "test", rows)
    assert read_failures(tmp_path) == []


def test_folders_that_are_being_made_are_no_results(rows, tmp_path):
    write_rows(tmp_path / "labs" / ".music-abc", rows)
    write_failures(tmp_path / "labs" / ".music-abc", pd.DataFrame([{"id": "a", "reason": "b"}]), ())
    assert read_all(tmp_path) == {} and read_failures(tmp_path) == []


def test_parts_of_a_job_leave_each_other_s_failures(tmp_path):
    first, second = ([{"id": name, "reason": "no memory"}] for name in ("test/cnn/seed0", "test/cnn/seed1"))
    write_failures(tmp_path, pd.DataFrame(first), {"test/cnn/seed0", "test/vae/seed0"})
    write_failures(tmp_path, pd.DataFrame(second), {"test/cnn/seed1"})
    assert read_failures(tmp_path) == [*first, *second]
    third = [{"id": "test/vae/seed0", "reason": "no disk"}]
    write_failures(tmp_path, pd.DataFrame(third), {"test/cnn/seed0", "test/vae/seed0"})  # the first has succeeded
    assert read_failures(tmp_path) == [*second, *third]


def test_parts_of_a_job_that_fail_at_the_same_time_lose_nothing(tmp_path):
    def fail(number):
        run = f"test/cnn/seed{number}"
        write_failures(tmp_path, pd.DataFrame([{"id": run, "reason": "out of memory"}]), {run})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fail, range(32)))
    assert len({each["id"] for each in read_failures(tmp_path)}) == 32


def test_failures_below_a_folder_are_not_its_own(tmp_path):
    """As those of photographs are, which stand in a folder of their experiment's."""
    inner, outer = ([{"id": "test/cnn/seed0", "reason": reason}] for reason in ("no photographs", "no memory"))
    write_failures(tmp_path / "photographs", pd.DataFrame(inner), ())
    for _ in range(2):
        write_failures(tmp_path, pd.DataFrame(outer), {"test/cnn/seed0"})
    assert len(read_failures(tmp_path)) == 2
    write_failures(tmp_path, pd.DataFrame(outer), ())
    assert [each["reason"] for each in read_failures(tmp_path)].count("no photographs") == 1


def test_circumstances_may_differ_and_the_published_row_stays(rows):
    config = rows["config"].map(lambda text: json.dumps(dict(reversed(json.loads(text).items()))))
    later = {"seconds": 99.0, "commit": "later", "training_digest": "other", "evaluation_digest": "new"}
    again = rows.assign(config=config, threads=2, **later)
    assert merged(None, rows) is rows
    pd.testing.assert_frame_equal(merged(rows, again), rows, check_exact=True)
    pd.testing.assert_frame_equal(merged(rows.iloc[::-1], again), rows, check_exact=True)


def test_new_rows_join_published_ones(rows):
    old = rows[rows["setting"] == "oracle"].reset_index(drop=True)
    both = merged(old, rows.assign(seconds=99.0))
    assert list(both["id"]) == list(rows["id"])
    assert list(both["seconds"]) == [99.0 if setting == "cnn" else 900.0 for setting in rows["setting"]]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.assign(mean_recall=rows["mean_recall"] + 0.01),
        lambda rows: rows.assign(auroc=np.nan),
        lambda rows: rows[rows["seed"] < 2],  # would lose a row
        lambda rows: rows.assign(brier=0.1),  # measures what the old rows lack
        lambda rows: rows.assign(method="vae"),
        lambda rows: rows.assign(config="{}"),
    ],
)
def test_published_rows_are_never_changed_or_lost(rows, change):
    assert merged(rows, change(rows)) is None
