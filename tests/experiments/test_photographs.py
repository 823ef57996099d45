"""The test on photographs: which images it holds, what is refused, and that no image is left in results."""

import dataclasses
import hashlib
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from debias.config import Config
from debias.data import __main__ as data_commands
from debias.data import prepared
from debias.data.dataset import NO_GROUP, open_splits
from debias.data.prepared import open_prepared
from debias.errors import InputError
from experiments import __main__, photographs
from experiments.engine import evaluation
from experiments.engine.experiment import Experiment, Setting
from experiments.registry import EXPERIMENTS

FACES, OTHERS, SIZE = 24, 230, 8
BASE = Config()
HALVES = {"negatives that fix the threshold": 115, "negatives tested": 115}
GROUPS = ("male White", "male Black", "female White")  # made, of faces 0, 1, 2, 0, ...


def experiment(base=BASE, data="x", settings=("cnn", "dbvae-max"), name="transfer"):
    return Experiment(name, "Test", tuple(Setting(name, name) for name in settings), (0, 1, 2), base, data)


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """Made photographs, named as those of UTKFace and of Tiny ImageNet, prepared by the command line."""
    folder, rng = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    names = [f"{20 + n}_{n % 3 // 2}_{n % 3 % 2}_2017{n:04}.jpg.chip.jpg" for n in range(FACES)]
    for name in names:
        save(rng, folder / "UTKFace" / name)
    for number in range(OTHERS):
        save(rng, folder / "synsets" / "n01440764" / f"n01440764_{number}.JPEG")
    for kind, root in (("utkface", "UTKFace"), ("imagenet", "synsets")):
        words = f"prepare {kind} {folder / root} --out {folder / kind}.h5 --size {SIZE} --processes 1"
        assert data_commands.main(words.split()) == 0
    return folder


def save(rng, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).save(path, quality=95)


def digests_of(folder):
    return {hashlib.sha256(path.read_bytes()).hexdigest(): path.name for path in sorted(folder.iterdir())}


@pytest.fixture(autouse=True)
def listed(trees, tmp_path, monkeypatch):
    """The list names all made faces; call it to change that."""

    def write(digests):
        path = tmp_path / "utkface-adults.sha256"
        path.write_text("".join(f"{digest}  {name}\n" for digest, name in digests.items()))
        monkeypatch.setattr(photographs, "read_list", lambda: photographs_list(path))

    photographs_list = photographs.read_list
    write(digests_of(trees / "UTKFace"))
    return write


def write_source(path, count, label, groups=None, names=(), size=SIZE, sha256=True):
    """A prepared file of noise."""
    images = np.random.default_rng(count).integers(0, 256, (count, size, size, 3), np.uint8)
    about = {"source": "made", "group_names": list(names), "images_sha256": "0" * 64}
    groups = np.full(count, NO_GROUP) if groups is None else groups
    told = [hashlib.sha256(image.tobytes()).hexdigest() for image in images] if sha256 else ()
    prepared.write(path, [images], [f"{n}.png" for n in range(count)], np.full(count, label), groups, {}, about, told)
    return path


# --- the images ----------------------------------------------------------------------------------------------------


def test_a_prepared_file_tells_the_sha256_of_each_original(trees):
    for name, root in (("utkface", "UTKFace"), ("imagenet", "synsets/n01440764")):
        source = open_prepared(trees / f"{name}.h5")
        files = [trees / root / file.split("/")[-1] for file in source.files]
        assert list(source.sha256) == [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


def test_the_committed_list_names_each_adult_once_with_race_and_gender():
    lines = photographs.LIST.read_text().splitlines()
    digests, names = zip(*(line.split("  ") for line in lines), strict=True)
    assert len(set(digests)) == len(set(names)) == len(lines) == 2000
    assert all(len(digest) == 64 and int(digest, 16) for digest in digests)
    ages, genders, races = np.array([[int(part) for part in name.split("_")[:3]] for name in names]).T
    assert ages.min() >= 18 and set(np.bincount(5 * genders + races)) == {200}


def test_faces_are_tested_and_the_negatives_are_halved_without_one_in_both(trees, tmp_path, capsys):
    counts = photographs.write_test(trees / "utkface.h5", trees / "imagenet.h5", tmp_path / "test.h5")
    splits, people, others = (
        open_splits(tmp_path / "test.h5"),
        *(open_prepared(trees / f"{n}.h5") for n in ("utkface", "imagenet")),
    )
    assert (
        len(splits.train) == 0
        and splits.test.group_names == people.group_names
        and set(GROUPS) == set(people.group_names)
    )
    assert [len(splits.test.positives()), len(splits.validation), len(splits.test.negatives())] == [24, 115, 115]
    assert dict(counts.itertuples(index=False)) == {**dict.fromkeys(people.group_names, 8), **HALVES}
    pixels = [image.tobytes() for image in splits.test.positives().images()]
    groups = {image.tobytes(): group for image, group in zip(people.images, people.groups, strict=True)}
    assert [groups[each] for each in pixels] == splits.test.positives().groups.tolist() and len(set(pixels)) == 24
    halves = [{image.tobytes() for image in part.negatives().images()} for part in (splits.validation, splits.test)]
    assert halves[0] | halves[1] == {image.tobytes() for image in others.images} and not halves[0] & halves[1]
    assert capsys.readouterr().err == ""


def test_the_same_images_in_another_order_give_the_same_file(trees, tmp_path, monkeypatch):
    made = []
    for number in range(2):
        photographs.write_test(trees / "utkface.h5", trees / "imagenet.h5", tmp_path / f"{number}.h5")
        made.append((tmp_path / f"{number}.h5").read_bytes())
        opened = photographs.open_prepared
        monkeypatch.setattr(photographs, "open_prepared", lambda path, opened=opened: turned(opened(path)))
    assert made[0] == made[1]


def turned(source):
    """A source from its end."""
    columns = {name: getattr(source, name)[::-1] for name in ("images", "files", "labels", "groups", "sha256")}
    return dataclasses.replace(source, **columns)


def test_other_faces_are_left_out_and_missing_ones_counted_and_both_are_said(trees, listed, tmp_path, capsys):
    known = digests_of(trees / "UTKFace")
    listed({**dict(list(known.items())[:20]), "0" * 64: "99_0_0_1.jpg.chip.jpg"})
    counts = photographs.write_test(trees / "utkface.h5", trees / "imagenet.h5", tmp_path / "test.h5")
    assert counts["images"][:3].sum() == 20 == len(open_splits(tmp_path / "test.h5").test.positives())
    left_out, missing = capsys.readouterr().err.splitlines()
    assert "utkface.h5: 4 images are not on" in left_out and "left out" in left_out
    assert "1 of the 21 faces on" in missing and "'99_0_0_1.jpg.chip.jpg'" in missing


def bad(folder):
    """Name -> the two files, and what is said."""
    faces, others = folder / "utkface.h5", folder / "imagenet.h5"
    made = folder / "made"
    made.mkdir()
    known = np.arange(30) % 3
    return {
        "no groups": (write_source(made / "a.h5", 30, 1), others, "a.h5: its faces have no gender and race"),
        "few negatives": (faces, write_source(made / "b.h5", 199, 0), "b.h5: 199 negatives are two halves of 99"),
        "another size": (faces, write_source(made / "c.h5", 230, 0, size=9), "same --size"),
        "not on the list": (
            write_source(made / "d.h5", 30, 1, known, GROUPS),
            others,
            "d.h5: none of its images is on",
        ),
        "no digests": (write_source(made / "e.h5", 30, 1, known, GROUPS, sha256=False), others, "prepare it again"),
        "faces as negatives": (faces, faces, "utkface.h5: holds images with a face: give those to --faces"),
        "negatives as faces": (others, others, "imagenet.h5: holds images without a face: give those to --negatives"),
        "missing": (folder / "nowhere.h5", others, "nowhere.h5: no such file"),
        "a data set": (write_dataset(made / "f.h5", faces, others), others, "not a prepared source"),
    }


def write_dataset(path, faces, others):
    photographs.write_test(faces, others, path)
    return path


def test_bad_files_are_one_line_before_anything_is_written_or_trained(trees, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evaluation, "train", lambda *_: pytest.fail("trained"))
    for name, (faces, negatives, shown) in bad(trees).items():
        words = ("photographs", "--faces", faces, "--negatives", negatives, "--cache", tmp_path / "cache", "--jobs", 1)
        monkeypatch.setattr(sys, "argv", ["experiments", *map(str, words), "--results", str(tmp_path / "results")])
        code, error = __main__.main(), capsys.readouterr().err
        assert code == 2 and error.startswith("error: ") and error.count("\n") == 1 and shown in error, (name, error)
        assert not (tmp_path / "cache").exists() and not (tmp_path / "results").exists(), name


def test_a_group_without_a_listed_face_is_one_line(trees, listed, tmp_path):
    women = {digest: name for digest, name in digests_of(trees / "UTKFace").items() if name.split("_")[1] == "1"}
    listed(women)
    with pytest.raises(InputError, match="no face on utkface-adults.sha256 of 'male"):
        photographs.write_test(trees / "utkface.h5", trees / "imagenet.h5", tmp_path / "test.h5")


def test_models_of_another_image_size_are_refused(guessed, trees, dataset_path, tiny_config, tmp_path):
    with pytest.raises(InputError, match=r"test photographs: images are \(8, 8, 3\), those of squares \(8, 8, 1\)"):
        photographs.measure(
            trees / "utkface.h5", trees / "imagenet.h5", experiment(tiny_config, str(dataset_path)), tmp_path
        )
    assert not guessed


@pytest.mark.slow
def test_the_command_measures_kept_models_and_leaves_no_image(guessed, trees, tmp_path, monkeypatch, capsys, rgb):
    monkeypatch.setitem(EXPERIMENTS, "transfer", experiment(Config(preset="digits", epochs=1), rgb))
    words = ("photographs", "--faces", trees / "utkface.h5", "--negatives", trees / "imagenet.h5", "--jobs", 1)
    places = ("--cache", tmp_path / "cache", "--results", tmp_path / "results")
    monkeypatch.setattr(sys, "argv", ["experiments", *map(str, (*words, *places, "--seeds", 2))])
    code = __main__.main()
    captured = capsys.readouterr()
    assert code == 0, captured.err
    found = pd.read_csv(tmp_path / "results" / "photographs" / "runs.csv")
    assert list(found["id"]) == [f"transfer/{name}/seed{seed}" for seed in (0, 1) for name in ("cnn", "dbvae-max")]
    recalls = found[[f"recall_fpr1 {group}@photographs" for group in GROUPS]]
    assert np.allclose(recalls.mean(axis=1), found["mean_recall_fpr1@photographs"])
    assert np.all(np.isclose(recalls * 8 / 100, np.rint(recalls * 8 / 100)))  # eight faces a group
    assert "male Black (n=8)" in captured.out and len(guessed) == 4
    assert __main__.main() == 0 and len(guessed) == 4  # nothing is trained again
    more = experiment(Config(preset="digits", epochs=1), rgb, ("cnn", "oracle"), "methods")
    monkeypatch.setitem(EXPERIMENTS, "methods", more)
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--of", "methods", "--reuse", "--finished"])
    assert __main__.main() == 0 and len(guessed) == 4  # the CNN's rows are those of the other experiment
    found = pd.read_csv(tmp_path / "results" / "methods" / "photographs" / "runs.csv")
    assert list(found["id"]) == ["methods/cnn/seed0", "methods/cnn/seed1"]
    pictures = {
        path.name for path in (tmp_path / "results").rglob("*") if path.suffix in (".png", ".svg", ".h5", ".npy")
    }
    assert pictures == {"photographs.png", "photographs.svg"}


@pytest.fixture
def rgb(splits, tmp_path):
    """The small data set in colour."""
    from debias.data.dataset import create

    parts = (splits.train, splits.validation, splits.test)
    images = np.concatenate([part.images() for part in parts]).repeat(3, axis=3)
    labels, groups = (np.concatenate([getattr(part, name) for part in parts]) for name in ("labels", "groups"))
    split = np.repeat([0, 1, 2], [len(part) for part in parts])
    with create(tmp_path / "rgb.h5", len(images), (8, 8, 3), {}, splits.train.group_names, {}) as writer:
        writer.write(0, images, labels, split, groups, {})
    return str(tmp_path / "rgb.h5")
