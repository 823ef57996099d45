"""Parts of a job."""

import subprocess

import pytest

from debias.errors import InputError
from debias.provenance import ROOT
from experiments.engine.shards import shard


@pytest.mark.parametrize("count", range(1, 12))
def test_shards_are_disjoint_balanced_and_complete(count):
    runs = list(range(10))
    parts = [shard(runs, f"{index}/{count}") for index in range(1, count + 1)]
    assert sorted(run for part in parts for run in part) == runs
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_without_a_shard_all_runs_are_trained():
    assert shard([1, 2, 3], None) == [1, 2, 3]


@pytest.mark.parametrize("part", ["0/2", "3/2", "1/0", "-1/2", "1", "1/2/3", "a/b", "", "1/2 ", "1.0/2", "²/3"])
def test_what_is_no_part_is_refused(part):
    with pytest.raises(InputError, match="--shard"):
        shard([1, 2, 3], part)


def test_slurm_sample_is_valid_bash():
    subprocess.run(["bash", "-n", ROOT / "experiments" / "slurm.sh"], check=True)
