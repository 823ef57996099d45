"""Every check of every lab: it approves of the solution and refuses what is missing or broken, in one line each."""

import functools
import importlib
import re

import jupytext
import pytest

from debias.backend import tf
from labs import build
from tests.labs.refusing import refused

SOURCES = build.sources()
CALLS = re.compile(r"^checks\.(\w+)\((\w+)\)$", re.MULTILINE)  # a check, and what of the solution it is given
CHECKED = [
    (lab, *names)
    for lab, source in SOURCES.items()
    for names in CALLS.findall(source.read_text())
    if names[1] != "answers"
]

SAID_OF_NOTHING = {  # by the checks that look at what the function did, or at what came
    "identity_model": "'NoneType' object is not callable",
    "slope": "slope gives None",
    "descend": "descend gives shape ()",
    "compile_and_fit": "the model is not compiled",
    "reopened": "there is no file model.keras",
}


@pytest.fixture(scope="module")
def solution_of(defined):
    """A lab -> what its solution defines."""
    return functools.cache(lambda lab: defined(jupytext.read(SOURCES[lab]).cells))


def check_of(lab, name):
    return getattr(importlib.import_module(f"labs.{lab}.checks"), name)


of_every_todo = pytest.mark.parametrize(("lab", "check"), [names[:2] for names in CHECKED])


@pytest.mark.parametrize(("lab", "check", "name"), CHECKED)
def test_the_solution_passes_whatever_numbers_are_drawn(lab, check, name, solution_of, capsys):
    for _ in range(3):
        check_of(lab, check)(solution_of(lab)[name])
    assert capsys.readouterr().out.count("right") == 3


@of_every_todo
def test_a_stub_is_told_to_be_written(lab, check):
    def stub(*_, **__):
        raise NotImplementedError

    refused(check_of(lab, check), stub, "not written yet")


@of_every_todo
def test_what_returns_nothing_is_refused(lab, check):
    refused(check_of(lab, check), lambda *_, **__: None, SAID_OF_NOTHING.get(check, "nothing"))


@of_every_todo
def test_an_exception_becomes_one_line(lab, check):
    def broken(*_, **__):
        return tf.reshape(tf.zeros(3), [2])  # one error when eager, another in a graph

    refused(check_of(lab, check), broken, "broken stops with", "Error: ", "reshape")
