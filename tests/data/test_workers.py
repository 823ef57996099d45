import operator
import os

import pytest

from debias.data import workers
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


def test_workers_end_with_the_process_that_started_them(monkeypatch):
    ended = []
    monkeypatch.setattr(workers.os, "getppid", lambda: 1)
    monkeypatch.setattr(workers.os, "_exit", ended.append)
    workers._follow(starter=12345)
    assert ended == [1]
