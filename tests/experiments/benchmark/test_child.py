"""A job in a process of its own."""

import os

from experiments.benchmark import child


def teller(name: str):
    """Its process, a variable of the environment it began with, and how often it was asked."""
    asked, began_with = [], os.environ.get(name)

    def tell(number: int):
        asked.append(number)
        return os.getpid(), began_with, len(asked)

    return tell


def test_a_child_keeps_its_job_and_has_its_own_environment():
    with child.Child(teller, "BENCHMARK_TEST", environment={"BENCHMARK_TEST": "yes"}) as job:
        first, second = job(1), job(2)
    assert first == (second[0], "yes", 1) and second[1:] == ("yes", 2)
    assert first[0] != os.getpid() and "BENCHMARK_TEST" not in os.environ


def test_peak_memory_counts_what_was_let_go():
    before = child.peak_memory()
    block = bytearray(os.urandom(1 << 20)) * 64
    del block
    assert child.peak_memory() > before
    assert 10e6 < child.peak_memory() < 1e12
