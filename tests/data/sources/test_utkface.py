"""UTKFace's file names, whole and broken; its archive is known to hold a few that lack a label."""

import pytest

from debias.data.prepare import prepare
from debias.data.prepared import open_prepared
from debias.data.sources import utkface
from debias.errors import InputError

NAMES = (
    "100_1_0_20170112213500903.jpg.chip.jpg",
    "26_0_4_20170117202421245.jpg",
    "5_0_1_20161219200000000.jpg.chip.jpg",
)
BROKEN = ("39_1_20170116174525125.jpg.chip.jpg", "61_3_1_20170109150557335.jpg.chip.jpg", "portrait.jpg")


@pytest.fixture
def root(tmp_path, write_image):
    for number, name in enumerate(NAMES):
        write_image(tmp_path / "UTKFace" / "part1" / name, number)
    return tmp_path / "UTKFace"


def test_labels_come_from_names(root, tmp_path, number_of):
    prepare(utkface.read(root), tmp_path / "out.h5", 16)
    opened = open_prepared(tmp_path / "out.h5")
    assert number_of(opened.images) == [0, 1, 2] and opened.files[0] == f"part1/{NAMES[0]}"
    assert opened.factors["age"].tolist() == [100, 26, 5]
    assert opened.factors["gender"].tolist() == [1, 0, 0]
    assert opened.factors["race"].tolist() == [0, 4, 1]
    assert [opened.group_names[group] for group in opened.groups] == ["female White", "male Others", "male Black"]


def test_names_that_lack_a_label_are_bad_images(root, tmp_path, write_image):
    for name in BROKEN:
        write_image(root / "part1" / name, 9)
    skipped = prepare(utkface.read(root), tmp_path / "out.h5", 16, allow_bad=0.5)
    assert skipped["file"].tolist() == [f"part1/{name}" for name in sorted(BROKEN)]
    assert set(skipped["reason"]) == {"its name is not age_gender_race_date.jpg"}
    assert len(open_prepared(tmp_path / "out.h5")) == 3


def test_no_folder_says_how_to_get_it(tmp_path):
    with pytest.raises(InputError, match="susanqq.github.io"):
        utkface.read(tmp_path / "nothing")
