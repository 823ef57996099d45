"""Many runs at a time through Ray: on this machine, or on a running cluster.

A run is a Ray task on one CPU. Where its process dies, Ray starts the task again, which resumes from the run's
checkpoint. Ray keeps its processes between tasks, so each loads TensorFlow and the data once.
"""

import collections
import contextlib
import logging
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import joblib

from debias.errors import InputError
from debias.files import replacing
from debias.provenance import COMMIT, ROOT, commit
from experiments.engine.evaluation import evaluated
from experiments.engine.experiment import Run
from experiments.engine.store import StoredRun

RETRIES = 3  # of a run whose process died
RUNS_A_PROCESS = 12  # TensorFlow keeps what compiled steps have captured, 40 MB a run: a new process forgets it
PATIENCE_S = 15  # with an address that does not answer
TRIAL_S = 30  # to connect to a cluster that does
LOOK_AFTER_S = 5  # between two looks at whether Ray is still there
# What evaluation and figures read in a run's folder; last the row, which says that all others are there.
KEPT = ("settings.json", "log.csv", "sampling/epoch-*.npy", "model.keras", "trained.json", "row*.json")
OBJECTS = 100 << 20  # bytes of shared memory: only rows pass through it
PACKAGES = ("debias", "baselines", "experiments")

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # nothing is printed for the user of a process that died and was started again
    "RAY_worker_niceness": "0",  # a run takes as long as it takes outside of Ray
}
# Ray asks an unsuitable address for minutes, printing each try, so a process that ends in time tries it first. Its last
# line is the number of CPUs.
_TRIAL = """
import ray, signal, sys
signal.alarm(int(sys.argv[2]))
try:
    ray.init(address=sys.argv[1], log_to_driver=False)
except Exception as error:
    sys.exit(" ".join(str(error).split()))
print(int(ray.cluster_resources().get("CPU", 0)))
"""


def evaluated_in_parallel(
    todo: Sequence[StoredRun], keep_stale: bool, jobs: int, address: str | None = None, stay: bool = False
) -> Iterator[tuple[str, dict | Exception]]:
    """Yield (id of a run, its row) or (id, the error that made it fail) as they finish.

    Args:
        todo: runs of one cache. What nodes of a cluster keep on disks of their own is copied into it.
        keep_stale: see `evaluation.evaluated`.
        jobs: how many runs at a time.
        address: of a running Ray cluster, 'host:port', or 'auto' on one of its machines; None starts Ray here.
        stay: leave Ray to the next call, or to the end of this process: its processes have loaded TensorFlow by then.

    Raises:
        InputError: there are fewer CPUs than `jobs`, the cluster does not answer, or Ray fails.
    """
    with _connected(jobs, address, stay) as ray, _mark(todo[0].cache) as mark:
        options = {"num_cpus": 1, "num_gpus": _gpus_a_run(ray, jobs), "max_retries": RETRIES}
        task = ray.remote(**options, max_calls=RUNS_A_PROCESS)(_evaluated)
        waiting, running = collections.deque(todo), {}
        while waiting or running:
            while waiting and len(running) < jobs:
                each = waiting.popleft()
                arguments = each.run, each.cache, each.digests, keep_stale, mark, Path.cwd()
                running[task.options(name=each.run.id).remote(*arguments)] = each
            done = _next_done(ray, list(running))
            each = running.pop(done)
            yield each.run.id, _outcome(ray, done, each.folder)


def cluster_jobs(jobs: int | None, address: str) -> int:
    """How many runs at a time on the cluster at `address`, by default one a CPU: to be asked before data are rendered.

    Raises:
        InputError: it does not answer, or has too few CPUs.
    """
    cpus = _check_address(address)
    jobs = cpus if jobs is None else jobs
    _check_jobs(jobs, cpus, address)
    return jobs


# --- in a process of Ray's -----------------------------------------------------------------------------------------


def _evaluated(
    run: Run, cache: Path, digests: Mapping[str, str], keep_stale: bool, mark: Path, folder: Path
) -> tuple[dict, dict]:
    """A run's row and, where the caller does not share our disk, its files."""
    from debias.training import one_thread

    one_thread()
    if mark.exists():
        os.chdir(folder)  # relative paths mean what they mean to the caller
        return evaluated(StoredRun(run, cache), keep_stale=keep_stale), {}
    stored = StoredRun(run, Path.home() / ".cache" / "debias")
    _check_data(stored, digests)
    return evaluated(stored), _read(stored.folder)


def _check_data(stored: StoredRun, wanted: Mapping[str, str]) -> None:
    for name in ("data_digest", "test_digest"):
        if stored.digests[name] != wanted[name]:
            raise InputError(
                f"{stored.run.data} is other data on {socket.gethostname()} ({stored.digests[name]}) than here "
                f"({wanted[name]}): copy it there"
            )


def _read(folder: Path) -> dict[str, bytes]:
    """Path within `folder` -> contents."""
    paths = [path for pattern in KEPT for path in folder.glob(pattern)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


# --- in the caller's process ---------------------------------------------------------------------------------------


def _next_done(ray: ModuleType, running: list):
    """A task that is done."""
    address = ray.get_runtime_context().gcs_address
    while True:
        done, _ = ray.wait(running, timeout=LOOK_AFTER_S)
        if done:
            return done[0]
        if not _answers(address):  # otherwise Ray ends this process after a while, without a word
            raise InputError(f"Ray at {address} is gone: the same command continues once it is back")


def _outcome(ray: ModuleType, done, folder: Path) -> dict | Exception:
    """A run's row, once its files are in `folder`, or why there is none."""
    try:
        row, files = ray.get(done)
    except ray.exceptions.RayTaskError as error:
        return error.cause
    except (ray.exceptions.LocalRayletDiedError, ray.exceptions.RuntimeEnvSetupError):
        raise  # would strike the other runs too
    except ray.exceptions.RayError as error:
        return error
    for name, contents in files.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(contents)
    return row


@contextlib.contextmanager
def _connected(jobs: int, address: str | None, stay: bool) -> Iterator[ModuleType]:
    """Ray, started here or connected to a cluster that has a CPU for each job; left at the end unless told to stay."""
    ray = _import_ray()
    if ray.is_initialized():  # by a call that stayed
        pass
    elif address is None:
        _check_jobs(jobs, joblib.cpu_count(), "this machine")
        _start(ray, "local", num_cpus=jobs, include_dashboard=False, object_store_memory=OBJECTS, _temp_dir=_folder())
    else:
        _check_address(address)
        _start(ray, address)
    try:
        _check_jobs(jobs, int(ray.cluster_resources()["CPU"]), address)
        yield ray
    except ray.exceptions.RayError as error:
        raise InputError(f"Ray failed ({_told(error)}): the same command continues") from error
    finally:
        if not stay:
            ray.shutdown()


def _told(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _import_ray() -> ModuleType:
    """Ray, quiet; only where it is needed, because that takes a second."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import ray

    return ray


def _check_jobs(jobs: int, cpus: int, where: str) -> None:
    if not 1 <= jobs <= cpus:
        raise InputError(f"--jobs {jobs}: each run takes a CPU and {where} has {cpus}: use 1 to {cpus}")


def _start(ray: ModuleType, address: str, **options) -> None:
    shipped = {
        "working_dir": str(ROOT),
        "excludes": [f"/{path.name}" for path in ROOT.iterdir() if path.name not in PACKAGES],
        # Runs may share a GPU, and the code travels without its history.
        "env_vars": {"TF_FORCE_GPU_ALLOW_GROWTH": "true", COMMIT: commit()},
    }
    terminate = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, runtime_env=shipped, log_to_driver=False, logging_level=logging.CRITICAL, **options)
    except Exception as error:  # of many types
        raise InputError(f"Ray does not start ({_told(error)})") from error
    finally:
        signal.signal(signal.SIGTERM, terminate)  # Ray's own ends in a stack trace


def _folder() -> str:
    """Where Ray keeps its sockets, whose paths must be short."""
    usual = Path("/tmp/ray")
    writable = os.access(usual if usual.exists() else usual.parent, os.W_OK)
    return str(usual) if writable else tempfile.mkdtemp(prefix="ray-")


def _check_address(address: str) -> int:
    """The number of the cluster's CPUs."""
    silent = InputError(
        f"no Ray cluster answers at {address}: give host:port as `ray start --head` prints it, or auto on its machines"
    )
    if address != "auto" and not _answers(address):
        raise silent
    command = [sys.executable, "-P", "-c", _TRIAL, address, str(TRIAL_S)]
    trial = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Unauthenticated" in trial.stderr:
        raise InputError(f"the Ray cluster at {address} wants a token: set RAY_AUTH_MODE=token, see Ray's manual")
    if trial.returncode == -signal.SIGALRM:
        raise silent
    if trial.returncode:
        raise InputError(f"cannot use the Ray cluster at {address}: {trial.stderr.splitlines()[-1]}")
    return int(trial.stdout.splitlines()[-1])


def _answers(address: str) -> bool:
    """Whether anything listens at 'host:port'."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE_S):
            return True
    except (OSError, ValueError, OverflowError):
        return False


@contextlib.contextmanager
def _mark(folder: Path) -> Iterator[Path]:
    """A file by which a node can tell whether it shares `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix=".shared-", dir=folder) as file:
        yield Path(file.name).absolute()


def _gpus_a_run(ray: ModuleType, jobs: int) -> float:
    """A run's part of a GPU, where there are any."""
    gpus = ray.cluster_resources().get("GPU", 0)
    return 1 / math.ceil(jobs / gpus) if gpus else 0
