"""FairFace's folder and lists in their exact format, whole and broken."""

import pytest

from debias.data.prepare import prepare
from debias.data.prepared import open_prepared
from debias.data.sources import fairface
from debias.errors import InputError

HEADER = "file,age,gender,race,service_test"
LINES = {
    "train": [
        ("train/1.jpg", "50-59", "Male", "East Asian", "True"),
        ("train/2.jpg", "30-39", "Female", "Black", "False"),
    ],
    "val": [("val/1.jpg", "more than 70", "Male", "Latino_Hispanic", "True")],
}


def write_list(root, name, lines, header=HEADER):
    text = "\n".join([header, *(",".join(line) for line in lines)]) + "\n"
    (root / f"fairface_label_{name}.csv").write_text(text)


@pytest.fixture
def root(tmp_path, write_image):
    for name, lines in LINES.items():
        for line in lines:
            write_image(tmp_path / "fairface" / line[0], len(name) + int(line[0][-5]))
        write_list(tmp_path / "fairface", name, lines)
    return tmp_path / "fairface"


def test_labels_are_kept_as_they_are(root, tmp_path, number_of):
    prepare(fairface.read(root), tmp_path / "out.h5", 16)
    opened = open_prepared(tmp_path / "out.h5")
    assert number_of(opened.images) == [6, 7, 4]
    assert opened.group_names == ("Female Black", "Male East Asian", "Male Latino_Hispanic")
    assert opened.groups.tolist() == [1, 0, 2]
    assert {name: [cell.decode() for cell in column] for name, column in opened.factors.items()} == {
        "age": ["50-59", "30-39", "more than 70"],
        "gender": ["Male", "Female", "Male"],
        "race": ["East Asian", "Black", "Latino_Hispanic"],
        "service_test": ["True", "False", "True"],
        "partition": ["train", "train", "val"],
    }


def test_a_column_of_one_list_alone_is_empty_for_the_other(root):
    write_list(root, "val", [line[:-1] for line in LINES["val"]], HEADER.rpartition(",")[0])
    assert fairface.read(root).columns["service_test"].tolist() == [b"True", b"False", b""]


def test_one_list_is_enough(root):
    (root / "fairface_label_train.csv").unlink()
    assert [item.name for item in fairface.read(root).items] == ["val/1.jpg"]


def test_no_list_says_how_to_get_it(root):
    for path in root.glob("*.csv"):
        path.unlink()
    with pytest.raises(InputError, match="fairface_label_train.csv: no such file.*github.com/joojs"):
        fairface.read(root)


@pytest.mark.parametrize("name", ["file", "age", "gender", "race"])
def test_a_missing_column_is_named(root, name):
    write_list(root, "val", LINES["val"], HEADER.replace(name, "other"))
    with pytest.raises(InputError, match=f"fairface_label_val.csv: no column {name}"):
        fairface.read(root)


def test_a_missing_label_is_named_by_its_line(root):
    write_list(root, "train", [LINES["train"][0], ("train/2.jpg", "30-39", "", "Black", "False")])
    with pytest.raises(InputError, match="line 3: 'train/2.jpg' has no gender"):
        fairface.read(root)


def test_an_image_listed_twice(root):
    write_list(root, "train", LINES["train"][:1] * 2)
    with pytest.raises(InputError, match="line 3: 'train/1.jpg' is listed twice"):
        fairface.read(root)
