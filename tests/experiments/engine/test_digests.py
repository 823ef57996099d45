"""Which digests change when a file changes: the table of cases, each on a copy of the packages."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from baselines import METHODS, Method
from debias.config import Config
from debias.presets import PRESETS
from debias.provenance import ROOT
from experiments.engine.digests import evaluation_digest, imported, training_digest
from experiments.engine.experiment import Run, Setting

LINE, COMMENT = "\nUNRELATED = 1\n", "\n# A remark.\n"
FUNCTION = "\ndef more():\n    return 1\n"
TESTS = {"evaluation", "evaluation on another file"}
DBVAE = {"vae", "dbvae-product", "dbvae-max", "density"}
TRAININGS = {*METHODS, "cnn of another trunk"}
# What is appended to which file -> what is then trained or evaluated again.
CASES = {
    "remarks": ({"debias/dbvae.py": COMMENT, "debias/metrics.py": COMMENT, "baselines/cnn.py": COMMENT}, set()),
    # Checks that only stop, wherever they are called; but not what is made of their result.
    "guards": (
        {
            "debias/guards.py": LINE,
            "debias/training.py": "\nfrom debias import guards\nguards.seed(0)\n",
            "debias/metrics.py": "\nguards.seed(0)\n",
        },
        set(),
    ),
    "what comes of a guard": ({"debias/metrics.py": "\nseed = guards.seed(0)\n"}, TESTS),
    "what a guard's argument does": ({"debias/metrics.py": "\nguards.seed(value := 0)\n"}, TESTS),
    "what a guard's argument calls": ({"debias/metrics.py": "\nguards.seed(next(values))\n"}, TESTS),
    "another thing of that name": ({"debias/evaluation.py": "\nguards = []\nguards.append(1)\n"}, TESTS),
    "where the name has been given away": ({"debias/metrics.py": "\nguards = []\nguards.append(1)\n"}, TESTS),
    "what decides no row": (
        {
            "debias/unrelated.py": LINE,
            "debias/trunks/unrelated.py": LINE,
            "debias/latents.py": LINE,
            "debias/plots/curves.py": LINE,
            "baselines/unrelated.py": LINE,
            "experiments/commands/shared.py": LINE,
            "experiments/engine/store.py": LINE,
            "experiments/engine/sweep.py": LINE,
        },
        set(),
    ),
    "registries": (
        {
            "baselines/__init__.py": '\nMETHODS["own"] = Method("Own", "baselines.own")\n',
            "debias/presets.py": '\nPRESETS["own"] = LAB\n',
        },
        set(),
    ),
    "what a method may see": ({"baselines/__init__.py": FUNCTION}, TRAININGS),
    "how a config changes a preset": ({"debias/presets.py": FUNCTION}, TRAININGS),
    "metrics": ({"debias/metrics.py": LINE}, TESTS),
    "measures": ({"experiments/engine/measures.py": LINE}, TESTS),
    "predictions": ({"debias/evaluation.py": LINE}, TESTS),
    "windows": ({"debias/detection.py": LINE}, {"evaluation on another file"}),
    "cross-dataset tests": ({"experiments/engine/cross_dataset.py": LINE}, {"evaluation on another file"}),
    "a trunk": ({"debias/trunks/own.py": LINE}, {"cnn of another trunk"}),
    "the usual trunk": ({"debias/trunks/convolutional.py": LINE}, set(METHODS)),
    # What builds on it: neither the autoencoders nor other networks do.
    "the cnn": ({"baselines/cnn.py": LINE}, TRAININGS - DBVAE - {"wide", "residual"}),
    "the oracle": ({"baselines/oracle.py": LINE}, {"oracle", "group-dro", "george"}),
    "jtt": ({"baselines/jtt.py": LINE}, {"jtt"}),
    "the vae": ({"baselines/vae.py": LINE}, {"vae"}),
    "the model": ({"debias/dbvae.py": LINE}, DBVAE),
    # Tests and neighbourhoods take the effective sample size from it.
    "resampling": ({"debias/resampling.py": LINE}, DBVAE | {"neighbours", "george"} | TESTS),
    "neighbourhoods": ({"debias/neighbourhoods.py": LINE}, {"neighbours", "george", "density"}),
    "training": ({"debias/training.py": LINE}, TRAININGS),
    "networks": ({"debias/networks.py": LINE}, TRAININGS),
    "data sets": ({"debias/data/dataset.py": LINE}, TRAININGS | TESTS),
}


def run_of(method, preset="digits", test=None, **changes) -> Run:
    return Run(f"test/{method}/seed0", Setting(method, method), Config(preset=preset, **changes), "digits", test)


@pytest.fixture(scope="module", autouse=True)
def another_trunk():
    """A preset whose trunk is a file of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "own", dataclasses.replace(PRESETS["digits"], trunk="debias.trunks.own"))
        yield


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """Makes copies of the packages, with that trunk and what is appended to files."""

    def make(edits: dict[str, str]) -> Path:
        root = tmp_path_factory.mktemp("copy")
        for name in ("baselines", "debias", "experiments"):
            shutil.copytree(ROOT / name, root / name, ignore=lambda folder, names: [n for n in names if _skipped(n)])
        shutil.copy(root / "debias/trunks/convolutional.py", root / "debias/trunks/own.py")
        append(root, edits)
        return root

    return make


@pytest.fixture(scope="module")
def before(copied):
    """Digests of an unedited copy."""
    return digests(copied({}))


def append(root: Path, edits: dict[str, str]) -> None:
    for name, text in edits.items():
        with (root / name).open("a") as file:
            file.write(text)


def digests(root: Path = ROOT) -> dict[str, str]:
    """Of the training of every method, and of both kinds of evaluation."""
    trained = {name: run_of(name) for name in METHODS} | {"cnn of another trunk": run_of("cnn", "own")}
    evaluated = {"evaluation": run_of("cnn"), "evaluation on another file": run_of("cnn", test="ppb.h5")}
    return {name: training_digest(run, root) for name, run in trained.items()} | {
        name: evaluation_digest(run, root) for name, run in evaluated.items()
    }


def changed(now: dict[str, str], then: dict[str, str]) -> set[str]:
    return {name for name in then if now[name] != then[name]}


def _skipped(name: str) -> bool:
    return "." in name and not name.endswith(".py") or name == "__pycache__"


@pytest.mark.parametrize("case", CASES)
def test_a_change_does_again_what_it_decides_and_nothing_else(copied, before, case):
    edits, expected = CASES[case]
    assert changed(digests(copied(edits)), before) == expected


def test_docstrings_do_not_count(copied, before):
    root = copied({})
    for name in ("debias/dbvae.py", "experiments/engine/measures.py"):
        source = (root / name).read_text()
        (root / name).write_text(
            source.replace('    """', '    """Another word. ', 1).replace('"""', '"""One more. ', 1)
        )
    assert changed(digests(root), before) == set()


def test_another_checkout_has_the_same_digests(before):
    assert changed(digests(), before) == {"cnn of another trunk"}  # whose file is in the copies alone


def test_a_process_keeps_the_digests_of_the_code_that_it_has_loaded(copied, before):
    root = copied({})
    digests(root)
    append(root, {"debias/training.py": LINE, "debias/metrics.py": LINE})
    assert digests(root) == before


def test_a_line_of_the_registry_counts_for_its_method(monkeypatch):
    then = digests()
    monkeypatch.setitem(METHODS, "own", Method("Own", "baselines.own"))
    entry = METHODS["dbvae-max"]
    monkeypatch.setitem(METHODS, "dbvae-max", dataclasses.replace(entry, title="Another", resamples=False))
    assert changed(digests(), then) == set()
    for change in ({"arguments": {"rule": "product"}}, {"labels": "group"}, {"module": "baselines.vae"}):
        monkeypatch.setitem(METHODS, "dbvae-max", dataclasses.replace(entry, **change))
        assert changed(digests(), then) == {"dbvae-max"}


def test_a_line_of_the_presets_counts_for_those_who_use_it(monkeypatch):
    then = digests()
    wider = dataclasses.replace(PRESETS["lab"], filters=(1, 2, 3, 4))
    monkeypatch.setitem(PRESETS, "lab", wider)
    monkeypatch.setitem(PRESETS, "wider", wider)
    assert changed(digests(), then) == set()
    monkeypatch.setitem(PRESETS, "own", dataclasses.replace(PRESETS["own"], dense=3))
    assert changed(digests(), then) == {"cnn of another trunk"}
    assert training_digest(run_of("cnn", latent_dim=3)) != training_digest(run_of("cnn"))


def test_code_is_what_is_imported_in_turn_and_no_more():
    found = {path.relative_to(ROOT).as_posix() for path in imported(("baselines.oracle",)).values()}
    assert {"baselines/oracle.py", "baselines/cnn.py", "debias/training.py", "debias/data/pipeline.py"} <= found
    assert not found & {"debias/dbvae.py", "debias/metrics.py"}
