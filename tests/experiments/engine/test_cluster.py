"""Many runs through Ray: on a cluster of two nodes from which a process is killed, and on this machine."""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import ray
from ray import cloudpickle
from ray.cluster_utils import Cluster

from debias.backend import keras
from debias.errors import InputError
from debias.provenance import ROOT
from experiments.engine import cluster
from experiments.engine.cluster import evaluated_in_parallel
from experiments.engine.evaluation import finished
from experiments.engine.store import StoredRun
from experiments.engine.sweep import reason

pytestmark = pytest.mark.slow  # each starts Ray

NOT_HERE = 900  # a file descriptor of this process that others do not have
COMMAND = """
import os, sys
from pathlib import Path
from debias.config import Config
from experiments.engine.cluster import evaluated_in_parallel
from experiments.engine.experiment import Run, Setting
from experiments.engine.store import StoredRun

data, cache = sys.argv[1:]
run = Run(f"killed{os.getpid()}/cnn/seed0", Setting("cnn", "cnn"), Config(preset="digits", epochs=10_000), data)
list(evaluated_in_parallel([StoredRun(run, Path(cache))], False, 1))
"""


class Kill(keras.callbacks.Callback):
    """Kills its process once, at the start of the second epoch, and leaves its number in a file."""

    def __init__(self, killed: Path):
        super().__init__()
        self.killed = killed

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1 and not self.killed.exists():
            self.killed.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)


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


def assert_row(row, expected) -> None:
    """They are the same but for seconds, digit by digit."""
    ours, theirs = (pd.Series(each).drop("seconds").dropna().sort_index() for each in (row, expected))
    pd.testing.assert_series_equal(ours, theirs, check_exact=True, check_names=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The home of the user on the cluster."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def nodes(home):
    """A cluster of two nodes with a CPU each."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # for `Kill`: nodes have no tests
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(home))
        for name, value in cluster._ENVIRONMENT.items():  # with Ray's own niceness runs would wait for other tests
            environment.setenv(name, value)
        node = {"num_cpus": 1, "object_store_memory": cluster.OBJECTS}
        nodes = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        nodes.add_node(**node)
        nodes.wait_for_nodes()
        yield nodes
        nodes.shutdown()


@pytest.fixture(scope="module")
def sweep(nodes, job, tmp_path_factory):
    """Outcomes by setting, of runs of which one is killed, one diverges and one is misused."""
    cache, killed = tmp_path_factory.mktemp("cluster"), tmp_path_factory.mktemp("killed") / "process"
    cnn, dbvae = job

    def bad(name, **changes):
        setting = dataclasses.replace(cnn.setting, name=name)
        config = dataclasses.replace(cnn.config, epochs=1, **changes)
        return dataclasses.replace(cnn, id=f"test/{name}/seed5", setting=setting, config=config)

    resumed = dataclasses.replace(dbvae, config=dataclasses.replace(dbvae.config, callbacks=(Kill(killed),)))
    runs = [resumed, bad("diverging", learning_rate=3e38), bad("misused", batch_size=3)]
    outcomes = dict(evaluated_in_parallel([StoredRun(run, cache) for run in runs], False, 2, nodes.address))
    return {run.setting.name: outcomes[run.id] for run in runs}, StoredRun(dbvae, cache), killed


def test_a_killed_process_costs_no_row(sweep, undisturbed):
    outcomes, resumed, killed = sweep
    assert int(killed.read_text()) != os.getpid()
    assert_row(outcomes["max"], undisturbed[0].iloc[1].to_dict())
    assert finished(resumed) == pytest.approx(outcomes["max"], nan_ok=True)


def test_a_killed_run_continues_from_its_checkpoint(sweep):
    _, resumed, killed = sweep
    first = resumed.folder / "sampling" / "epoch-000.npy"
    assert first.stat().st_mtime_ns < killed.stat().st_mtime_ns


def test_failing_runs_arrive_as_their_errors(sweep):
    diverged, misused = sweep[0]["diverging"], sweep[0]["misused"]
    assert reason(diverged).startswith("FloatingPointError: the loss is NaN or infinite at step ")
    assert type(misused) is InputError and "batch_size" in str(misused) and "\n" not in str(misused)


def test_nothing_but_the_runs_is_left_behind(sweep):
    assert [path.name for path in sweep[1].cache.iterdir()] == ["runs"]


def test_rows_and_files_come_from_nodes_with_disks_of_their_own(nodes, home, undisturbed, job, tmp_path, monkeypatch):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    os.dup2(descriptor, NOT_HERE)  # a folder that no other process reaches by this path
    run = StoredRun(job[0], Path(f"/proc/self/fd/{NOT_HERE}/cache"))
    try:
        [(_, row)] = evaluated_in_parallel([run], False, 1, nodes.address, stay=True)
        monkeypatch.setattr(cluster, "_start", lambda *_: pytest.fail("connected again"))
        [(_, again)] = evaluated_in_parallel([run], False, 1, nodes.address)
        assert_row(again, row)
        assert not ray.is_initialized()
        folder = run.folder
        brought = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert len(run.model().weights) > 0
        assert finished(run) == pytest.approx(row, nan_ok=True)
    finally:
        os.close(descriptor)
        os.close(NOT_HERE)
    assert_row(row, undisturbed[0].iloc[0].to_dict())
    sampling = {f"sampling/epoch-{epoch:03d}.npy" for epoch in range(3)}
    assert brought == {"settings.json", "log.csv", "model.keras", "trained.json", "row.json", *sampling}
    assert list(home.rglob("row.json"))


def test_more_jobs_than_the_cluster_has_cpus_are_refused(nodes, monkeypatch):
    refused = pytest.raises(InputError, match="--jobs 3.* 2: use 1 to 2")
    with refused:
        cluster.cluster_jobs(3, nodes.address)
    assert cluster.cluster_jobs(None, nodes.address) == 2
    monkeypatch.setattr(cluster, "_check_address", lambda address: None)  # as the tests above did
    with refused:
        next(evaluated_in_parallel([], False, 3, nodes.address))


@pytest.mark.parametrize("name", ["data_digest", "test_digest"])
def test_data_that_differ_on_a_node_are_refused(undisturbed, name):
    _, [here, _] = undisturbed
    cluster._check_data(here, here.digests)
    with pytest.raises(InputError, match="is other data on .*copy it there") as caught:
        cluster._check_data(here, {**here.digests, name: "other"})
    assert "\n" not in str(caught.value)


def test_processes_end_with_a_killed_command_that_printed_nothing(dataset_path, tmp_path):
    words = [sys.executable, "-c", COMMAND, dataset_path, tmp_path]
    command = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run_id = f"killed{command.pid}/cnn/seed0"
    wait_until(lambda: command.poll() is not None or process_of(run_id))
    assert command.poll() is None, command.communicate()
    command.kill()
    assert command.communicate() == ("", "")
    wait_until(lambda: process_of(run_id) is None)  # would hang if it survived


@pytest.mark.parametrize("jobs", [0, -1, 10_000])
def test_jobs_that_this_machine_has_no_cores_for_are_refused(jobs):
    with pytest.raises(InputError, match=f"--jobs {jobs}: ") as caught:
        next(evaluated_in_parallel([], False, jobs))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["localhost:{free}", "nowhere.invalid:6379", "localhost", "localhost:99999", ""])
def test_address_where_nothing_answers_is_one_line(address):
    with socket.socket() as closed:
        closed.bind(("localhost", 0))
        address = address.format(free=closed.getsockname()[1])
    with pytest.raises(InputError, match="no Ray cluster answers") as caught:
        next(evaluated_in_parallel([], False, 1, address))
    assert address in str(caught.value) and "\n" not in str(caught.value)


def test_address_where_something_else_listens_is_given_up(monkeypatch):
    monkeypatch.setattr(cluster, "TRIAL_S", 3)
    with socket.create_server(("localhost", 0)) as listening:
        address = f"localhost:{listening.getsockname()[1]}"
        with pytest.raises(InputError, match=f"no Ray cluster answers at {address}"):
            next(evaluated_in_parallel([], False, 1, address))
