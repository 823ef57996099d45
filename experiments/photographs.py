"""Real photographs: models that were trained on rendered faces, tested on UTKFace's adults by gender and race.

For example:

    python -m experiments photographs --faces utkface.h5 --negatives tiny.h5
    python -m experiments photographs --faces utkface.h5 --negatives tiny.h5 --of methods

Both files are prepared from the original data by `python -m debias.data prepare`. The faces are those on a committed
list of SHA-256, so that whoever has UTKFace measures the same ones. One half of the negatives, in the order of their
SHA-256, fixes the threshold, on the other false positives are counted. What is written to results are numbers.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from debias.data.dataset import NO_GROUP, SPLITS, create
from debias.data.prepared import Prepared, open_prepared
from debias.errors import InputError
from debias.metrics import FPR
from debias.progress import say
from experiments.engine.experiment import Experiment
from experiments.engine.sweep import Options, run_all
from experiments.report.real_faces import FOLDER

LIST = Path(__file__).with_name("utkface-adults.sha256")  # as sha256sum writes it: digest, two blanks, name
FIXING, TESTED = SPLITS.index("validation"), SPLITS.index("test")


def measure(
    faces: Path, negatives: Path, experiment: Experiment, cache: Path, options: Options = Options()
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Rows of all models of `experiment` with the columns of this test, failures, and how many images it holds.

    Raises:
        InputError: a file is not what it has to be, or models are missing and cannot be trained.
    """
    path = cache / f"{FOLDER}.h5"
    counts = write_test(faces, negatives, path)
    tested = dataclasses.replace(experiment, tests=(*experiment.tests, str(path)))
    return *run_all(tested.runs(), cache, options), counts


def write_test(faces: Path, negatives: Path, out: Path) -> pd.DataFrame:
    """Write a data set for tests alone: listed faces, half of the negatives, and the other half for validation.

    The same images give the same file, whatever order the sources have them in. Says which faces are left out.

    Args:
        faces, negatives: prepared files (`debias.data.prepared`).

    Returns:
        How many images there are of each kind, columns kind and images.

    Raises:
        InputError: a file is not prepared or holds the other class, faces have no groups or none is on the list,
            image sizes differ, or a half of the negatives cannot resolve 1 %.
    """
    people, others = _opened(faces, 1, "--negatives"), _opened(negatives, 0, "--faces")
    _check(people, others)
    rows, order, fixing = _listed(people), np.argsort(others.sha256), len(others) // 2
    groups = _checked(people, people.groups[rows])
    with create(out, len(rows) + len(others), people.images.shape[1:], {}, people.group_names, {}) as writer:
        writer.write(0, people.images[rows], np.ones(len(rows)), np.full(len(rows), TESTED), groups, {})
        split, nobody = np.where(np.arange(len(order)) < fixing, FIXING, TESTED), np.full(len(order), NO_GROUP)
        writer.write(len(rows), others.images[order], np.zeros(len(order)), split, nobody, {})
    kinds = dict(zip(people.group_names, np.bincount(groups).tolist(), strict=True))
    kinds |= {"negatives that fix the threshold": fixing, "negatives tested": len(order) - fixing}
    return pd.DataFrame({"kind": list(kinds), "images": list(kinds.values())})


def read_list(path: Path = LIST) -> dict[str, str]:
    """SHA-256 -> file name, of the faces that results are published on, in order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("  ", 1) for line in lines)


def _opened(path: Path, label: int, other: str) -> Prepared:
    source = open_prepared(path)
    source.dataset()  # refuses whole images
    if np.any(source.labels != label):
        raise InputError(f"{path}: holds images {'with' if label == 0 else 'without'} a face: give those to {other}")
    if not source.sha256:
        raise InputError(f"{path}: does not tell the SHA-256 of its images: prepare it again")
    return source


def _listed(people: Prepared) -> np.ndarray:
    """(n,) rows of the faces that are on the list, in its order; says what else there is, and what is missing."""
    wanted, found, others = read_list(), {}, []
    for row, digest in enumerate(people.sha256):
        if digest in wanted:
            found.setdefault(digest, row)
        else:
            others.append(people.files[row])
    if not found:
        raise InputError(f"{people.path}: none of its images is on {LIST.name}: prepare the original files of UTKFace")
    missing = [name for digest, name in wanted.items() if digest not in found]
    if others:
        say(f"{people.path}: {len(others):,} images are not on {LIST.name} and left out, such as {others[0]!r}")
    if missing:
        say(f"{people.path}: {len(missing):,} of the {len(wanted):,} faces on {LIST.name} are missing, such as "
            f"{missing[0]!r}: numbers are of the others and cannot be compared")  # fmt: skip
    return np.array([found[digest] for digest in wanted if digest in found])


def _checked(people: Prepared, groups: np.ndarray) -> np.ndarray:
    """The groups (n,) of the listed faces; InputError where one of all has none."""
    counts = np.bincount(groups, minlength=len(people.group_names))
    if not counts.all():
        raise InputError(f"{people.path}: no face on {LIST.name} of {people.group_names[counts.argmin()]!r}: add some")
    return groups


def _check(people: Prepared, others: Prepared) -> None:
    if not people.group_names:
        raise InputError(
            f"{people.path}: its faces have no gender and race: prepare UTKFace, whose file names tell them"
        )
    if people.images.shape[1:] != others.images.shape[1:]:
        raise InputError(
            f"{people.path} holds images of {people.images.shape[1:]}, {others.path} of {others.images.shape[1:]}: "
            "prepare both with the same --size"
        )
    if len(others) // 2 < (needed := round(1 / FPR)):
        raise InputError(
            f"{others.path}: {len(others)} negatives are two halves of {len(others) // 2}, and a false-positive rate "
            f"of {FPR:.0%} needs at least {needed} in each: give it more"
        )
