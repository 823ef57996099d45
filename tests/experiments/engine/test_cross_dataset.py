"""From made trees of CelebA, ImageNet and PPB to the paper's table, and the numbers of a test on another file."""

import dataclasses
import json
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from debias.backend import keras, tf
from debias.data import __main__ as data_commands
from debias.data import prepared
from debias.data.dataset import NO_GROUP, Dataset, Splits
from debias.data.prepared import open_prepared
from debias.errors import InputError
from experiments import __main__
from experiments.engine import evaluation
from experiments.engine.checks import check_test
from experiments.engine.cross_dataset import measure_on
from experiments.registry import EXPERIMENTS
from experiments.report import artefacts

FACES, OTHERS, PORTRAITS = 160, 1200, 24  # of the negatives a tenth validates, of which 1 % must be one
SIZE = 16
GROUPS = ("lighter male", "lighter female", "darker male", "darker female")
KINDS = [("Male", "Lighter"), ("Female", "Lighter"), ("Male", "Darker"), ("Female", "Darker")]
SHORT = {"cnn-camera", "max-a0.001-camera", "oracle-camera"}


def face(rng, height=48, width=40, side=32, tone=200):
    """A disc with two eyes somewhere in a dark image; and where: left, top, side."""
    image = rng.integers(0, 60, (height, width, 3))
    top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
    y, x = (np.mgrid[:side, :side] + 0.5) / side - 0.5
    disc = (y**2 + x**2 < 0.2) & ((y + 0.1) ** 2 + (abs(x) - 0.15) ** 2 > 0.005)
    image[top : top + side, left : left + side][disc] = tone
    return image.astype(np.uint8), (left, top, side, side)


def save(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, quality=90)


def write_celeba(root, rng):
    names, boxes, attributes = [f"{n:06}.jpg" for n in range(1, FACES + 1)], [], []
    for number, name in enumerate(names):
        image, box = face(rng, tone=(120, 200)[number % 2])
        save(image, root / "img_celeba" / name)
        boxes.append(f"{name} {' '.join(map(str, box))}")
        attributes.append(f"{name} {1 if number % 4 < 2 else -1} {1 if number % 2 else -1}")
    lists = {
        "list_bbox_celeba.txt": [str(FACES), "image_id x_1 y_1 width height", *boxes],
        "list_attr_celeba.txt": [str(FACES), "Male Pale_Skin", *attributes],
        "list_eval_partition.txt": [f"{name} 0" for name in names],
        "identity_CelebA.txt": [f"{name} {number // 2}" for number, name in enumerate(names)],
    }
    for name, lines in lists.items():
        (root / name).write_text("\n".join(lines) + "\n")


def write_imagenet(root, rng):
    for number in range(OTHERS):
        wnid = ("n01440764", "n02084071", "n10148035")[number % 3 if number < 3 else number % 2]
        image = np.zeros((20, 24, 3), np.uint8) + rng.integers(0, 256, 3, np.uint8)
        image[rng.integers(20) :, rng.integers(24) :] = rng.integers(0, 256, 3)
        save(image, root / wnid / f"{wnid}_{number}.JPEG")


def write_ppb(root, rng):
    lines = ["id,filename,gender,numeric,bi.fitz,country"]
    for number in range(PORTRAITS):
        gender, skin = KINDS[number % 4]
        save(face(rng, 96 + number, 80, 56, (200, 120)[skin == "Darker"])[0], root / "imgs" / f"p {number}.jpg")
        lines.append(f"{number},p {number}.jpg,{gender},0,{skin},Nowhere")
    (root / "PPB-2017-metadata.csv").write_text("\r".join(lines))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Trees in the formats of their sources, prepared and merged by the command line."""
    folder, rng = tmp_path_factory.mktemp("trees"), np.random.default_rng(0)
    write_celeba(folder / "CelebA", rng)
    write_imagenet(folder / "imagenet", rng)
    write_ppb(folder / "PPB-2017", rng)
    calls = (
        f"prepare celeba {folder}/CelebA --out {folder}/faces.h5 --size {SIZE}",
        f"prepare imagenet {folder}/imagenet --out {folder}/others.h5 --size {SIZE}",
        f"prepare ppb {folder}/PPB-2017 --out {folder}/ppb.h5",
        f"merge --positives {folder}/faces.h5 --negatives {folder}/others.h5 --out {folder}/celeba.h5",
    )
    for call in calls:
        assert data_commands.main(call.split()) == 0
    return folder


@pytest.fixture
def call(monkeypatch, capsys, folder):
    """Exit code, stdout and stderr of `run table1` with some of its settings at toy size."""
    table1 = EXPERIMENTS["table1"]
    few = tuple(setting for setting in table1.settings if setting.name in SHORT)
    monkeypatch.setitem(EXPERIMENTS, "table1", dataclasses.replace(table1, settings=few))

    def main(*words):
        places = ("--cache", str(folder / "cache"), "--results", str(folder / "results"))
        monkeypatch.setattr(sys, "argv", ["experiments", "run", "table1", *map(str, words), *places])
        code = __main__.main()
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return main


@pytest.mark.slow
def test_from_trees_of_images_to_the_paper_s_table(call, folder, monkeypatch):
    words = ("--train", folder / "celeba.h5", "--test", folder / "ppb.h5", "--smoke", "--jobs", 1)
    code, output, error = call(*words)
    assert code == 0, error
    results = folder / "cache" / "smoke" / "table1-celeba-ppb"
    rows = pd.read_csv(results / "runs.csv")
    assert set(rows["setting"]) == SHORT and set(rows["data"]) == {"celeba, ppb"}
    recalls = rows[[f"recall {group}" for group in GROUPS]]
    assert np.allclose(recalls.mean(axis=1), rows["mean_recall"])  # E[A]
    assert np.allclose(recalls.var(axis=1, ddof=1), rows["var_recall"])  # Var[A]
    assert recalls.to_numpy().min() >= 0 and np.all(np.isclose(recalls * 6 / 100, np.rint(recalls * 6 / 100)))
    assert rows.loc[rows["setting"] == "oracle-camera", "mass pale male"].item() == pytest.approx(25)
    text = (results / "table.md").read_text()
    assert "darker female" in text and "pale male" in text and "E[A]" in output
    assert (results / "fig5b_recall.png").stat().st_size > 5000
    assert json.loads((results / "summary.json").read_text())["settings"]["cnn-camera"]["seeds"] == 1

    monkeypatch.setattr(evaluation, "train", lambda *_: pytest.fail("trained again"))
    assert call(*words)[0] == 0  # nothing is left to do
    monkeypatch.setattr(artefacts, "_save", lambda *_: None)  # the figures are there
    (folder / "again.h5").write_bytes((folder / "ppb.h5").read_bytes())
    code, _, error = call(*words[:3], folder / "again.h5", *words[4:])  # tested on another file, not trained again
    assert code == 0, error
    again = pd.read_csv(folder / "cache" / "smoke" / "table1-celeba-again" / "runs.csv")
    assert again["mean_recall"].tolist() == rows["mean_recall"].tolist()


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ((("--train", "celeba.h5"),), "--train and --test together"),
        ((("--test", "ppb.h5"),), "--train and --test together"),
        ((("--data", "celeba.h5"), ("--test", "ppb.h5"), ("--train", "celeba.h5")), "or --data alone"),
        ((("--train", "celeba.h5"), ("--test", "celeba.h5")), "not a prepared source"),
        ((("--train", "celeba.h5"), ("--test", "nothing.h5")), "no such file"),
        ((("--train", "ppb.h5"), ("--test", "ppb.h5")), "ppb.h5: one source alone"),
        ((("--train", "celeba.h5"), ("--test", "others.h5")), "holds images without a face"),
    ],
)
def test_bad_files_are_one_line_before_any_training(call, folder, words, shown, monkeypatch):
    monkeypatch.setattr(evaluation, "train", lambda *_: pytest.fail("trained"))
    pairs = [word for option, name in words for word in (option, folder / name)]
    code, _, error = call(*pairs, "--smoke", "--jobs", 1)
    assert code == 2 and error.count("\n") == 1 and shown in error


class Brightness(keras.Model):
    """Logit 40 (mean - 0.5)."""

    def call(self, images, training=False):
        return 40 * (tf.reduce_mean(images, [1, 2, 3]) - 0.5)


@pytest.fixture
def splits():
    """200 validation and 200 test negatives, of which one in a hundred and one in ten are bright."""
    images = np.zeros((404, 8, 8, 3), np.uint8)
    images[:2], images[200:220], images[400:] = 250, 250, 255
    labels = np.repeat([0, 1], (400, 4)).astype(np.uint8)
    groups = np.where(labels == 1, np.arange(404) % 2, NO_GROUP).astype(np.int8)
    whole = Dataset(images, np.arange(404), labels, groups, ("left", "right"))
    rows = {"train": [*range(0, 100), *range(400, 404)], "validation": range(200), "test": range(200, 400)}
    return Splits("made", *(whole.take(np.array(rows[name])) for name in ("train", "validation", "test")))


@pytest.fixture
def run_folder(tmp_path):
    """What a run leaves for its row."""
    (tmp_path / "sampling").mkdir()
    np.save(tmp_path / "sampling" / "epoch-0.npy", np.array([0.4, 0.1, 0.4, 0.1]))
    pd.DataFrame({"loss": [0.5], "classification_loss": [0.25]}).to_csv(tmp_path / "log.csv")
    return tmp_path


def write_test(path, images, groups, names, labels=None, whole=False):
    about = {"source": "made", "group_names": list(names), "images_sha256": "0" * 64}
    labels = np.ones(len(groups)) if labels is None else labels
    files = [f"{number}" for number in range(len(groups))]
    prepared.write(path, [images], files, labels, groups, {}, about)
    return open_prepared(path)


@pytest.mark.parametrize("whole", [False, True])
def test_recall_is_of_the_other_file_and_false_positives_are_of_the_training_file(splits, run_folder, tmp_path, whole):
    bright = [True, True, False, True, False, False]
    images = [np.full((8, 8, 3), 255 if light else 0, np.uint8) for light in bright]
    if whole:  # one bright corner is enough
        portraits = [np.zeros((40, 30, 3), np.uint8) for _ in bright]
        for portrait, light in zip(portraits, bright, strict=True):
            portrait[:20, :20] = 255 * light
        for number, portrait in enumerate(portraits):
            Image.fromarray(portrait).save(tmp_path / f"{number}.png")
        images = [np.frombuffer((tmp_path / f"{n}.png").read_bytes(), np.uint8) for n in range(6)]
    test = write_test(tmp_path / "test.h5", images if whole else np.stack(images), [0, 0, 0, 1, 1, 1], ("a", "b"))
    row = measure_on(test, Brightness(), splits, run_folder)
    assert [row["recall a"], row["recall b"]] == pytest.approx([200 / 3, 100 / 3])
    assert row["mean_recall"] == pytest.approx(50) and row["var_recall"] == pytest.approx((100 / 3) ** 2 / 2)
    assert row["fpr"] == pytest.approx(10) and row["precision"] == pytest.approx(100 * 3 / 23)
    assert row["mass left"] == pytest.approx(80) and row["train_loss"] == 0.25
    assert "recall left" not in row and "mean_recall_f5" in row


def test_without_groups_all_faces_are_one(splits, run_folder, tmp_path):
    images = np.stack([np.full((8, 8, 3), value, np.uint8) for value in (0, 255, 255, 255)])
    test = write_test(tmp_path / "test.h5", images, [NO_GROUP] * 4, ())
    assert measure_on(test, Brightness(), splits, run_folder)["recall faces"] == pytest.approx(75)


def test_files_that_cannot_be_tested_on(splits, tmp_path):
    images = np.zeros((4, 8, 8, 3), np.uint8)
    cases = {
        "without a face": write_test(tmp_path / "a.h5", images, [NO_GROUP] * 4, (), labels=[1, 1, 1, 0]),
        "no images of group b": write_test(tmp_path / "b.h5", images, [0] * 4, ("a", "b")),
        "same --size": write_test(tmp_path / "d.h5", np.zeros((4, 16, 16, 3), np.uint8), [0] * 4, ("a",)),
    }
    for shown, test in cases.items():
        with pytest.raises(InputError, match=shown):
            check_test(test, splits)
    check_test(write_test(tmp_path / "e.h5", images, [0] * 4, ("a",)), splits)
