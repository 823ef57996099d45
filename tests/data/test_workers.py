import operator
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from debias.data.workers import on_all_cores
from debias.errors import InputError


def refuse(number):
    raise InputError(f"{number} is bad")


def process(number):
    return os.getpid()


@pytest.mark.parametrize("processes", [1, 2])
def test_every_task_comes_out_once(processes):
    results = on_all_cores(operator.mul, ((n, n) for n in range(50)), processes)
    assert sorted(results) == [n * n for n in range(50)]


def test_one_process_computes_here():
    assert set(on_all_cores(process, [(1,), (2,)], 1)) == {os.getpid()}


def test_others_compute_in_processes_of_their_own():
    assert os.getpid() not in set(on_all_cores(process, [(1,), (2,)], 2))


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_of_a_worker_is_raised_as_it_is(processes):
    with pytest.raises(InputError, match="^7 is bad$"):
        list(on_all_cores(refuse, [(7,)], processes))


def test_no_process_is_refused():
    with pytest.raises(InputError, match="processes is 0"):
        on_all_cores(process, [(1,)], 0)


KILLED_BEFORE_ANY_TASK = """
import os, signal, threading, time
from debias.data.workers import on_all_cores

def children():
    listed = open(f"/proc/self/task/{os.getpid()}/children").read().split()
    return [child for child in listed if b"popen_loky" in open(f"/proc/{child}/cmdline", "rb").read()]

def kill():
    while len(found := children()) < 2:  # told as found: a second look may come while one is being replaced
        time.sleep(0.01)
    print(*found, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

threading.Thread(target=kill).start()
list(on_all_cores(time.sleep, [(0.01,)] * 10_000, 2))
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the workers in /proc")
def test_workers_of_a_process_killed_before_their_first_task_end_within_seconds():
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", KILLED_BEFORE_ANY_TASK]
    killed = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    workers_of_it = [int(word) for word in killed.stdout.readline().split()]
    assert killed.wait() == -signal.SIGKILL and len(workers_of_it) == 2
    deadline = time.monotonic() + 60  # they import first
    while any(map(is_alive, workers_of_it)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_alive, workers_of_it))


def is_alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
