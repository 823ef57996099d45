"""The same runs trained twice: which rows are of one run, how far they are apart, and what is clear by either."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from debias.errors import InputError
from experiments.commands import Compare
from experiments.engine.store import DIGESTS
from experiments.report import pooled, results, retrained
from experiments.report.rows import as_csv, read_rows, write_rows

CNN, JTT, RULE = "cnn-random-camera", "jtt-random-camera", pooled.RULE
CONFIG = json.dumps({"draw": {"darker male": 44}, "augment": 1.0})
MEASURES = [
    f"{measure}{rate}@camera"
    for measure in ("mean_recall", "var_recall", "worst_recall", "fpr")
    for rate in ("", "_fpr1")
]
WORST = "worst_recall_fpr1@camera"
GAINS = {CNN: 0.0, JTT: 3.0, RULE: 1.0, pooled.NETWORK: 0.5, "oracle-random-camera": 4.0}


def training(seeds, salt: int, part: str = "methods") -> pd.DataFrame:
    """Rows of one training; those of another salt are of the same runs and differ in what they measure."""
    random, lines = np.random.default_rng(salt), []
    for seed in seeds:
        for name, gain in GAINS.items():
            facts = {"id": f"{part}/{name}/seed{seed}", "setting": name, "title": name.replace("-", " "), "seed": seed}
            same = {"method": name.removesuffix("-random-camera"), "config": CONFIG, "versions": "numpy 2"}
            code = {**dict.fromkeys(DIGESTS, "d"), "commit": "abc", "seconds": 1.0}
            lines.append({**facts, **same, **code, **{m: 90 + gain + random.normal() for m in MEASURES}})
    return pd.DataFrame(lines)


@pytest.fixture
def twice():
    return retrained.matched(training(range(10), 1), training(range(10), 2))


def by_seed(rows, name):
    return rows[rows["setting"] == name].sort_values("seed")[WORST].to_numpy()


@pytest.mark.parametrize("column", ["config", *DIGESTS])
def test_only_rows_of_one_run_are_matched_in_one_order(column):
    now, others = training(range(3), 1), training(range(3), 2).iloc[::-1]
    others.loc[others["id"] == "methods/jtt-random-camera/seed1", column] = "other"
    ours, theirs = retrained.matched(now, others.drop(index=others.index[others["id"] == f"methods/{CNN}/seed0"]))
    assert list(ours.index) == list(theirs.index) and len(ours) == len(now) - 2
    assert not {"methods/jtt-random-camera/seed1", f"methods/{CNN}/seed0"} & set(ours.index)


def test_other_versions_are_no_second_training_of_what_is_published(tmp_path):
    earlier = training(range(3), 2)
    earlier.loc[earlier["seed"] == 2, "versions"] = "numpy 1"
    (tmp_path / retrained.FOLDER).mkdir()
    (tmp_path / retrained.FOLDER / retrained.EARLIER).write_text(as_csv(earlier))
    found = retrained.read(tmp_path, {"methods": training(range(3), 1), "transfer": training(range(3), 1)})
    assert {name: sorted(set(rows["seed"])) for name, (rows, _) in found.items()} == {"methods": [0, 1]}
    assert retrained.read(tmp_path / "none", {"methods": earlier}) == {}


def test_how_far_two_trainings_are_apart(twice):
    section = retrained.differences("methods", twice, "a minus b")
    change = by_seed(twice[0], JTT) - by_seed(twice[1], JTT)
    line = next(line for line in section.lines if line[0] == "jtt random camera")
    assert line[1] == "10"
    assert line[-3:] == [f"{abs(change).mean():.1f}", f"{abs(change).max():.1f}", f"{change.mean():+.1f}"]
    assert section.header[-1] == "worst, a minus b" and len(section.lines) == len(GAINS)


def test_a_gain_by_the_mean_of_both_is_student_s_over_the_seeds(twice):
    section = retrained.gains("methods", twice)
    both = np.mean([by_seed(rows, JTT) - by_seed(rows, CNN) for rows in twice], axis=0)
    low, high = stats.t.interval(0.95, 9, both.mean(), stats.sem(both))
    line = next(line for line in section.lines if line[0] == "jtt random camera")
    assert section.header[2:] == ["earlier", "now", "mean of both"]
    assert line[1] == "cnn random camera" and line[-1] == f"{both.mean():+.1f} [{low:+.1f}, {high:+.1f}] *"
    earlier = by_seed(twice[1], JTT) - by_seed(twice[1], CNN)
    assert line[2].startswith(f"{earlier.mean():+.1f} [")


def test_the_sentence_counts_runs_means_and_verdicts(twice):
    change = twice[0][WORST] - twice[1][WORST]
    means = change.groupby(twice[0]["setting"]).mean().abs()
    said = retrained.sentence({"methods": twice})
    assert f"{len(change)} runs" in said and f"by {change.abs().mean():.1f} points on average" in said
    assert f"less than {np.quantile(change.abs(), 0.95):.1f};" in said
    assert f"by {means.mean():.1f} on average, {means.max():.1f} at most" in said
    clear = [[line[column].endswith("*") for column in (2, 3)] for line in retrained.gains("methods", twice).lines]
    assert 0 < sum(map(all, clear)) < len(clear)
    assert f"Of {len(clear)} differences to a CNN {sum(map(any, clear))} are clear by one" in said
    assert f"least, {sum(map(all, clear))} of these by both" in said


def test_both_tens_are_told_of_by_the_mean_of_both_trainings(twice):
    second = retrained.matched(training(range(10, 20), 3, "replication"), training(range(10, 20), 4, "replication"))
    found = {"methods": twice, "replication": second}
    both = [np.mean([by_seed(rows, JTT) - by_seed(rows, CNN) for rows in each], axis=0) for each in found.values()]
    rows = retrained.both_tens({name: retrained.averaged(each) for name, each in found.items()})
    pair = pooled.pairs(rows)[JTT]
    np.testing.assert_allclose(by_seed(pair[0], JTT) - by_seed(pair[1], CNN), np.concatenate(both))
    assert retrained.both_tens({"methods": twice[0]}) is None


def test_what_is_made_follows_its_rows(tmp_path, twice):
    folder = tmp_path / retrained.FOLDER
    folder.mkdir()
    (folder / retrained.EARLIER).write_text(as_csv(training(range(10), 2)))
    for seeds in (10, 9):
        write_rows_of(tmp_path, training(range(seeds), 1))
        results.refresh(tmp_path, ())
        made = (folder / retrained.APART).read_text()
        assert f"{seeds * len(GAINS)} runs" in made and (folder / "retrained.png").exists()
    results.refresh(tmp_path, ())
    assert retrained.is_current(tmp_path, retrained.read(tmp_path, {"methods": read_rows(tmp_path / "methods")}))
    (folder / retrained.EARLIER).unlink()
    results.refresh(tmp_path, ())
    assert list(folder.iterdir()) == []


def write_rows_of(results_folder, rows):
    (results_folder / "methods").mkdir(exist_ok=True)
    write_rows(results_folder / "methods", rows)


def test_without_its_cnn_a_setting_is_compared_with_nothing(tmp_path):
    """Not with a CNN without a camera, whose difference would be the camera's."""
    plain = training(range(3), 1).assign(config=json.dumps({"draw": {"darker male": 44}}))
    plain = plain[plain["setting"] == CNN].assign(
        setting="cnn-none", id=[f"methods/cnn-none/seed{i}" for i in range(3)]
    )
    camera = training(range(3), 1)
    rows = pd.concat([plain, camera[camera["setting"] == JTT]])
    found = {"methods": (rows.set_index("id"), rows.set_index("id"))}
    assert retrained.gains("methods", found["methods"]).lines == []
    retrained.write(tmp_path, found)
    assert "Of 0 differences" in (tmp_path / retrained.FOLDER / retrained.APART).read_text()


def test_what_only_the_later_training_has_is_not_averaged():
    now, other = training(range(2), 1).assign(auroc=0.9, seconds=10.0), training(range(2), 2).assign(seconds=30.0)
    found = retrained.averaged(retrained.matched(now, other))
    assert set(found["auroc"]) == {0.9} and set(found["seconds"]) == {10.0} and list(found["seed"]) == list(now["seed"])


@pytest.mark.parametrize("given", ["mine", "mine/methods"])
def test_compare_tells_of_common_runs(given, tmp_path, capsys):
    for name, rows in {"mine": training(range(2), 1), "theirs": training(range(3), 2)}.items():
        (tmp_path / name).mkdir()
        write_rows_of(tmp_path / name, rows)
    (tmp_path / "theirs" / "photographs").mkdir()  # the same runs on another test
    write_rows(tmp_path / "theirs" / "photographs", training(range(3), 3).assign(test_digest="other"))
    assert Compare(mine=tmp_path / given, results=tmp_path / "theirs")() == 0
    printed = capsys.readouterr().out
    assert f"methods: {2 * len(GAINS)} of {2 * len(GAINS)} runs" in printed
    assert "yours minus theirs" in printed and printed.count("|    2 |") == len(GAINS)


def test_compare_says_what_is_missing(tmp_path):
    with pytest.raises(InputError, match="no rows there"):
        Compare(mine=tmp_path / "none")()
    with pytest.raises(InputError, match="put no rows aside"):
        Compare(cache=tmp_path)()
