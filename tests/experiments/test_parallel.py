"""Many runs through Ray: on a cluster of two nodes from which a process is killed, and on this machine."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from ray.cluster_utils import Cluster

from debias.config import Config
from debias.errors import InputError
from debias.training import one_thread
from experiments import parallel
from experiments.experiment import Run, Setting
from experiments.parallel import shard, train_in_parallel
from experiments.runner import origin, reason, train
from experiments.store import Store

ROOT = Path(__file__).resolve().parents[2]
TINY = Config(preset="digits", latent_dim=3, epochs=3, batch_size=16, flip=False)
LONG = 12  # epochs
NAME = f"test{os.getpid()}"  # processes are found by the ids of their runs, which must be ours alone
NOT_HERE = 900  # a file descriptor of this process that others do not have


def run_of(name: str, data: str, changes: dict | None = None, method: str = "dbvae-max") -> Run:
    setting = Setting(name, method, changes or {})
    return Run(f"{NAME}/{name}/seed0", setting, Config(**TINY.settings() | setting.changes), data)


def good_runs(data: str) -> dict[str, Run]:
    long = run_of("long", data, {"epochs": LONG})
    return {"long": long, "cnn": run_of("cnn", data, method="cnn"), "short": run_of("short", data)}


def train_in_one_process(data: str, cache: str) -> None:
    """For a process of its own, because this one has already computed on many threads."""
    one_thread()
    store = Store(Path(cache))
    rows = [train(run, store, origin(run, store)) for run in good_runs(data).values()]
    print(json.dumps({row["setting"]: row for row in rows}))


def train_here(data: str, cache: str, name: str) -> None:
    """For a process of its own, which is killed."""
    store, run = Store(Path(cache)), run_of(name, data, {"epochs": 10_000})
    list(train_in_parallel([run], store, {run.id: origin(run, store)}, 1))


def start(call: str, *arguments) -> subprocess.Popen:
    """A function of this file in a process of its own."""
    command = [
        sys.executable,
        "-c",
        f"import sys; from tests.experiments.test_parallel import *; {call}(*sys.argv[1:])",
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen([*command, *map(str, arguments)], cwd=ROOT, env=environment, **pipes)


def process_of(run_id: str) -> int | None:
    """The process in which Ray trains a run; it bears the run's name."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if title.rstrip(b"\0 ") == f"ray::{run_id}".encode():
            return int(folder.name)
    return None


def wait_until(condition) -> None:
    while not condition():
        time.sleep(0.05)


def is_training(folder: Path) -> bool:
    return (folder / "checkpoint" / "checkpoint").exists()


def origins(runs, store) -> dict[str, dict]:
    return {run.id: origin(run, store) for run in runs}


def without_seconds(rows) -> pd.DataFrame:
    return pd.DataFrame(rows).drop(columns="seconds").sort_values("id", ignore_index=True)


@pytest.fixture(scope="module")
def undisturbed(dataset_path, tmp_path_factory):
    """setting -> row, of runs in one process."""
    process = start("train_in_one_process", dataset_path, tmp_path_factory.mktemp("undisturbed"))
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    rows = json.loads(output.splitlines()[-1])
    return {name: row | {"id": f"{NAME}/{name}/seed0"} for name, row in rows.items()}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The home of the user on the cluster."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def cluster(home):
    """Two nodes with a CPU each."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(home))
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        node = {"num_cpus": 1, "object_store_memory": parallel.OBJECTS}
        cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        cluster.add_node(**node)
        cluster.wait_for_nodes()
        yield cluster
        cluster.shutdown()


@pytest.fixture(scope="module")
def job(cluster, dataset_path, tmp_path_factory):
    """Outcomes by setting, of runs of which one is killed, one diverges and one has a wrong setting."""
    data, store = str(dataset_path), Store(tmp_path_factory.mktemp("cluster"))
    bad = [run_of("diverging", data, {"learning_rate": 1e30}), run_of("misused", data, {"alpha": -1.0})]
    good = good_runs(data)
    runs = [good["long"], *bad, good["cnn"], good["short"]]
    folder, killed = store.folder(good["long"]), {}

    def kill() -> None:
        wait_until(lambda: is_training(folder))
        killed.update(time=time.time(), finished=(folder / "row.json").exists())
        os.kill(process_of(good["long"].id), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    done = {
        run.setting.name: outcome
        for run, outcome in train_in_parallel(runs, store, origins(runs, store), 2, cluster.address)
    }
    return {"outcomes": done, "store": store, "runs": good, "killed": killed}


def test_killed_process_costs_no_row(job, undisturbed):
    assert job["killed"]["finished"] is False
    rows = [job["outcomes"][name] for name in undisturbed]
    pd.testing.assert_frame_equal(without_seconds(rows), without_seconds(undisturbed.values()), check_exact=True)


def test_killed_run_continues_from_its_checkpoint(job):
    first = job["store"].folder(job["runs"]["long"]) / "sampling" / "epoch-000.npy"
    assert first.stat().st_mtime < job["killed"]["time"]


def test_failing_runs_arrive_as_their_errors(job):
    diverged, misused = job["outcomes"]["diverging"], job["outcomes"]["misused"]
    assert reason(diverged).startswith("FloatingPointError: ") and "diverged" in reason(diverged)
    assert type(misused) is InputError and "alpha" in str(misused) and "\n" not in str(misused)


def test_nothing_but_the_runs_is_left_behind(job):
    assert [path.name for path in job["store"].cache.iterdir()] == ["runs"]


def test_rows_and_files_come_from_nodes_with_disks_of_their_own(cluster, home, undisturbed, dataset_path, tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    os.dup2(descriptor, NOT_HERE)  # a folder that no other process reaches by this path
    store, run = Store(Path(f"/proc/self/fd/{NOT_HERE}/cache")), good_runs(str(dataset_path))["short"]
    try:
        [(_, row)] = train_in_parallel([run], store, origins([run], store), 1, cluster.address)
        folder, kept = store.folder(run), store.row(run)
        brought = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert len(store.model(run).weights) > 0
    finally:
        os.close(descriptor)
        os.close(NOT_HERE)
    assert kept == row
    pd.testing.assert_frame_equal(without_seconds([row]), without_seconds([undisturbed["short"]]), check_exact=True)
    sampling = {f"sampling/epoch-{epoch:03d}.npy" for epoch in range(3)}
    assert brought == {"settings.json", "log.csv", "model.keras", "row.json", *sampling}
    assert list(home.rglob("row.json"))


def test_more_jobs_than_the_cluster_has_cpus_are_refused(cluster, tmp_path):
    with pytest.raises(InputError, match="--jobs 3.* 2: use 1 to 2"):
        next(train_in_parallel([], Store(tmp_path), {}, 3, cluster.address))


def test_processes_end_with_a_killed_command_that_printed_nothing(dataset_path, tmp_path):
    name = f"killed{os.getpid()}"
    command = start("train_here", dataset_path, tmp_path, name)
    wait_until(lambda: command.poll() is not None or any(map(is_training, tmp_path.glob("runs/*/*/*/*"))))
    run_id = f"test{command.pid}/{name}/seed0"
    assert command.poll() is None and process_of(run_id)
    command.kill()
    assert command.communicate() == ("", "")
    wait_until(lambda: process_of(run_id) is None)  # would hang if it survived


@pytest.mark.parametrize("jobs", [0, -1, 10_000])
def test_jobs_that_this_machine_has_no_cores_for_are_refused(jobs, tmp_path):
    with pytest.raises(InputError, match=f"--jobs {jobs}: ") as caught:
        next(train_in_parallel([], Store(tmp_path), {}, jobs))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["localhost:{free}", "nowhere.invalid:6379", "localhost", "localhost:99999", ""])
def test_address_where_nothing_answers_is_one_line(address, tmp_path):
    with socket.socket() as closed:
        closed.bind(("localhost", 0))
        address = address.format(free=closed.getsockname()[1])
    with pytest.raises(InputError, match="no Ray cluster answers") as caught:
        next(train_in_parallel([], Store(tmp_path), {}, 1, address))
    assert address in str(caught.value) and "\n" not in str(caught.value)


def test_address_where_something_else_listens_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "TRIAL_S", 3)
    with socket.create_server(("localhost", 0)) as listening:
        address = f"localhost:{listening.getsockname()[1]}"
        with pytest.raises(InputError, match=f"no Ray cluster answers at {address}"):
            next(train_in_parallel([], Store(tmp_path), {}, 1, address))


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
