"""Two tens of seeds together: which rows, which differences, and where they are written."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from experiments.registry import EXPERIMENTS
from experiments.report import pooled, results
from experiments.report.rows import write_rows

CNN, JTT = "cnn-random-camera", "jtt-random-camera"
CONFIG = json.dumps({"draw": {"darker male": 44}, "augment": 1.0})
COLUMNS = [f"{m}{rate}@camera" for m in ("mean_recall", "var_recall", "worst_recall", "fpr") for rate in ("", "_fpr1")]


TRAINED = {"training_digest": "t", "data_digest": "d", "commit": "abc", "seconds": 1.0}


def rows(gains: dict[str, float], seeds, scatter: float = 0.5) -> pd.DataFrame:
    """Settings that are above the CNN by their gain, scattered over seeds, in every measure on another camera."""
    lines = []
    for seed in seeds:
        for name, gain in gains.items():
            method = name.removesuffix("-random-camera")
            value = 90 + seed + (gain + scatter * np.sin(seed) if gain else 0)
            facts = {"id": f"x/{name}/seed{seed}", "setting": name, "title": name, "method": method, "seed": seed}
            lines.append({**facts, "config": CONFIG, **TRAINED, **dict.fromkeys(COLUMNS, value)})
    return pd.DataFrame(lines)


@pytest.fixture
def tens():
    first = rows({CNN: 0, JTT: 2, "afr-random-camera": 1}, range(10))
    return first, rows({CNN: 0, JTT: 3, pooled.RULE: 1, pooled.NETWORK: -1}, range(10, 20))


def test_settings_of_both_are_taken_with_each_seed_once(tens):
    first, second = tens
    found = pooled.together(first, pd.concat([second, first[(first["seed"] == 9) & (first["setting"] == CNN)]]))
    assert set(found["setting"]) == {CNN, JTT}
    assert all(sorted(part["seed"]) == list(range(20)) for _, part in found.groupby("setting"))


def test_difference_over_all_seeds_is_student_s(tens):
    table = pooled.table(pooled.together(*tens))
    gains = np.array([(2 if seed < 10 else 3) + 0.5 * np.sin(seed) for seed in range(20)])
    low, high = stats.t.interval(0.95, 19, gains.mean(), stats.sem(gains))
    assert f"| {JTT} | {CNN} |" in " ".join(table.split())
    assert table.count(f"+{gains.mean():.1f} [+{low:.1f}, +{high:.1f}] *") == len(COLUMNS)
    assert "over 20 paired seeds" in table


def test_the_rule_is_compared_with_its_own_network_as_well():
    gains = {CNN: 0, pooled.RULE: 1, pooled.NETWORK: -1}
    found = pooled.pairs(pooled.together(rows(gains, range(10)), rows(gains, range(10, 20))))
    assert list(found) == [pooled.RULE, pooled.NETWORK, pooled.ALONE]
    ours, theirs = found[pooled.ALONE]
    assert (set(ours["setting"]), set(theirs["setting"])) == ({pooled.RULE}, {pooled.NETWORK})


def test_a_sentence_without_what_it_has_no_rows_of(tens, cells):
    said = pooled.sentence(pooled.together(*tens))
    (_, *found) = next(line for line in cells(said) if line[0].startswith("JTT"))
    assert found == ["+2.5 [+2.3, +2.8] *"] * 3  # in every measure
    assert "it finds 99.5 % of its worst group" in said and "tested on another camera, 20 paired seeds" in said
    assert "DB-VAE" not in said and "group labels" not in said


def test_the_sentence_tells_the_rule_from_its_network(cells):
    gains = {CNN: 0, pooled.RULE: 1, pooled.NETWORK: -1, JTT: 2}
    rows_of_both = pooled.together(rows(gains, range(10)), rows(gains, range(10, 20)))
    lines = {first: others for first, *others in cells(pooled.sentence(rows_of_both))}
    assert lines[pooled.ASKED[pooled.RULE]] == ["+1.0 [+0.8, +1.2] *"] * 3
    alone = lines[pooled.ASKED[pooled.ALONE]]
    assert len(set(alone)) == 1 and alone[0].startswith("+2.0 [") and alone[0].endswith("] *")


def test_what_shares_too_little_is_left_out(tens, tmp_path):
    pooled.write(tmp_path, (tens[0], rows({CNN: 0}, range(10, 20))))
    assert not list(tmp_path.iterdir())
    one = rows({CNN: 0, JTT: 2}, [0])
    pooled.write(tmp_path, (one, one))
    assert not (tmp_path / "sentence.md").exists() and (tmp_path / "table.md").exists()
    pooled.write(tmp_path, (tens[0], rows({CNN: 0}, range(10, 20))))
    assert not list(tmp_path.iterdir())  # nothing of rows that are there no more


def test_a_refresh_writes_them_where_both_have_rows(tens, tmp_path):
    for folder, each in zip(("methods", "replication"), tens, strict=True):
        write_rows(tmp_path / folder, each)
        results.refresh(tmp_path, EXPERIMENTS.values())
        assert (tmp_path / "replication/pooled/table.md").exists() == (folder == "replication")
    assert (tmp_path / "replication/pooled/pooled.png").exists()
    assert not (tmp_path / "replication/pooled-photographs").exists()


def test_a_refresh_draws_again_only_where_rows_have_changed(tens, tmp_path, monkeypatch):
    folder = tmp_path / "replication/pooled"
    for name, each in zip(("methods", "replication"), tens, strict=True):
        write_rows(tmp_path / name, each)
    results.refresh(tmp_path, EXPERIMENTS.values())
    before = (folder / "table.md").read_text()
    with monkeypatch.context() as patched:
        patched.setattr(pooled, "write", lambda *_: pytest.fail("drawn again"))
        results.refresh(tmp_path, EXPERIMENTS.values())
    write_rows(tmp_path / "replication", rows({CNN: 0, JTT: 9}, range(10, 20)))
    results.refresh(tmp_path, EXPERIMENTS.values())
    assert (folder / "table.md").read_text() != before
