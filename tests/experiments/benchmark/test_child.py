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


def lets_go():
    """A function that fills 256 MB and lets them go, between two looks at the peak."""

    def job():
        before = child.peak_memory()
        block = bytearray(os.urandom(1 << 20)) * 256
        del block
        return before, child.peak_memory()

    return job


def test_peak_memory_counts_what_was_let_go():
    with child.Child(lets_go) as measured:  # a new process, which has never had as much
        before, after = measured()
    assert 10e6 < before < 1e12 and after > before + 100e6
