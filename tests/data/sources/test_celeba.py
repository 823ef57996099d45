"""CelebA's folder and lists in their exact format, whole and broken."""

import numpy as np
import pytest
from PIL import Image

from debias.data.prepare import prepare
from debias.data.prepared import open_prepared
from debias.data.sources import celeba
from debias.errors import InputError

COUNT = 12
ATTRIBUTES = ("5_o_Clock_Shadow", "Male", "Pale_Skin", "Young")
NAMES = [f"{number:06}.jpg" for number in range(1, COUNT + 1)]


def attributes(number):
    return [-1, 1 if number % 2 else -1, 1 if number % 4 < 2 else -1, 1]


def spaced(*lines):
    return "".join(" ".join(f"{cell:<2}" for cell in line).rstrip() + " \r\n" for line in lines)


@pytest.fixture
def root(tmp_path, write_image):
    """The download: Anno, Eval and Img, 12 images; a red square of 20 pixels is the face in each of the wild ones."""
    root = tmp_path / "Celeb A"
    for number, name in enumerate(NAMES):
        image = np.full((60, 80, 3), 40, np.uint8)
        image[10:30, 20 + number : 40 + number] = (250, 0, 0)
        path = root / "Img" / "img_celeba" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, quality=98)
        write_image(root / "Img" / "img_align_celeba" / name, number, 218, 178)
    (root / "Anno").mkdir()
    (root / "Eval").mkdir()
    boxes = [(name, 20 + number, 10, 20, 20) for number, name in enumerate(NAMES)]
    listed = [(name, *attributes(number)) for number, name in enumerate(NAMES)]
    write(root, "list_attr", spaced([COUNT], ATTRIBUTES, *listed))
    write(root, "list_bbox", spaced([COUNT], ("image_id", "x_1", "y_1", "width", "height"), *boxes))
    write(root, "list_eval", spaced(*((name, number % 3) for number, name in enumerate(NAMES))))
    write(root, "identity", spaced(*((name, 100 + number // 3) for number, name in enumerate(NAMES))))
    return root


def path_of(root, name):
    return {
        "list_attr": root / "Anno" / "list_attr_celeba.txt",
        "list_bbox": root / "Anno" / "list_bbox_celeba.txt",
        "list_eval": root / "Eval" / "list_eval_partition.txt",
        "identity": root / "Anno" / "identity_CelebA.txt",
    }[name]


def write(root, name, text):
    path_of(root, name).write_text(text, newline="")


def change(root, name, old, new):
    text = path_of(root, name).read_text()
    assert old in text
    path_of(root, name).write_text(text.replace(old, new, 1))


def test_faces_are_cut_out_by_their_boxes(root, tmp_path):
    prepare(celeba.read(root), tmp_path / "out.h5", 16)
    opened = open_prepared(tmp_path / "out.h5")
    assert opened.files == NAMES and opened.labels.tolist() == [1] * COUNT
    inner = np.array(opened.images[:, 2:-2, 2:-2], int)
    assert np.all(inner[..., 0] > 220) and np.all(inner[..., 1:] < 40)  # red to the border
    assert opened.attributes["source"] == "celeba"
    assert "list_bbox_celeba.txt" in opened.attributes["lists_sha256"]


def test_aligned_faces_are_the_square_in_the_middle(root, tmp_path, number_of):
    path_of(root, "list_bbox").unlink()  # not needed
    prepare(celeba.read(root, aligned=True), tmp_path / "out.h5", 16)
    assert number_of(open_prepared(tmp_path / "out.h5").images) == list(range(COUNT))


def test_attributes_partition_and_identity_are_factors_and_groups_follow(root, tmp_path):
    prepare(celeba.read(root), tmp_path / "out.h5", 16)
    opened = open_prepared(tmp_path / "out.h5")
    assert set(opened.factors) == {*ATTRIBUTES, "partition", "identity"}
    assert opened.factors["Male"].tolist() == [attributes(n)[1] for n in range(COUNT)]
    assert opened.factors["partition"].tolist() == [n % 3 for n in range(COUNT)]
    assert [who.decode() for who in opened.factors["identity"]] == [str(100 + n // 3) for n in range(COUNT)]
    named = [opened.group_names[group] for group in opened.groups]
    assert named[:4] == ["pale female", "pale male", "not pale female", "not pale male"]


def test_everything_in_one_folder_or_as_csv_is_the_same(root):
    first = celeba.read(root)
    for name in ("list_attr", "list_bbox", "list_eval"):
        path = path_of(root, name)
        lines = [line.split() for line in path.read_text().splitlines()]
        lines = lines[1:] if len(lines[0]) == 1 else [["image_id", "partition"], *lines]
        lines[0] = lines[0] if lines[0][0] == "image_id" else ["image_id", *lines[0]]
        csv = "\n".join(",".join(line) for line in lines)
        (root / path.name).with_suffix(".csv").write_text(csv, encoding="utf-8-sig")
        path.unlink()
    again = celeba.read(root)
    assert again.items == first.items and again.groups.tolist() == first.groups.tolist()
    assert all(np.array_equal(again.columns[name], first.columns[name]) for name in first.columns)


def test_lists_may_have_other_orders(root):
    first = celeba.read(root)
    lines = path_of(root, "list_bbox").read_text().splitlines()
    write(root, "list_bbox", "\n".join([*lines[:2], *reversed(lines[2:])]))
    assert celeba.read(root).items == first.items


def test_without_identities_persons_are_not_told_apart(root):
    text = path_of(root, "identity").read_text()
    path_of(root, "identity").unlink()
    path_of(root, "identity").with_suffix(".csv").write_text(
        "image_id,identity\n" + "\n".join(map(",".join, map(str.split, text.splitlines())))
    )
    assert celeba.read(root).columns["identity"].tolist() == [f"{100 + n // 3}".encode() for n in range(COUNT)]
    path_of(root, "identity").with_suffix(".csv").unlink()
    assert "identity" not in celeba.read(root).columns


# --- bad input -----------------------------------------------------------------------------------------------------


def assert_refused(root, *shown):
    with pytest.raises(InputError) as caught:
        celeba.read(root)
    message = str(caught.value)
    assert "\n" not in message and all(part in message for part in shown), message


def test_no_folder_says_how_to_get_it(tmp_path):
    assert_refused(tmp_path / "nothing", "no such folder", "https://mmlab", "list_bbox_celeba.txt")


@pytest.mark.parametrize("name", ["list_attr", "list_bbox", "list_eval"])
def test_a_missing_list_is_named(root, name):
    file = path_of(root, name)
    file.unlink()
    assert_refused(root, file.name, "no such file")


def test_a_missing_folder_of_images_is_named(root, tmp_path):
    (root / "Img").rename(tmp_path / "elsewhere")
    assert_refused(root, "img_celeba: no such folder")


@pytest.mark.parametrize("name", ["list_attr", "list_bbox", "list_eval"])
def test_lists_of_other_images_disagree(root, name):
    lines = path_of(root, name).read_text().splitlines()
    write(root, name, "\n".join(lines[:-1]).replace("12 ", "11 ", 1))
    assert_refused(root, "11", "12", "000012.jpg", "download both again")


@pytest.mark.parametrize(
    ("name", "old", "new", "shown"),
    [
        ("list_attr", "12", "13", "line 1 counts 13 images, but 12 are listed"),
        ("list_attr", "000003.jpg -1", "000003.jpg", "list_attr_celeba.txt, line 5: 4 cells"),
        ("list_attr", "000003.jpg -1", "000003.jpg 0", "line 5: 5_o_Clock_Shadow is '0'"),
        ("list_attr", "000003.jpg", "000002.jpg", "line 5: '000002.jpg' is listed twice"),
        ("list_attr", "Pale_Skin", "Skin", "no column Pale_Skin"),
        ("list_bbox", "width", "w", "no column width"),
        ("list_bbox", "000003.jpg 22", "000003.jpg x", "line 5: x_1 is 'x'"),
        ("list_eval", "000003.jpg 2", "000003.jpg 3", "line 3: partition is '3'"),
    ],
)
def test_a_damaged_list_is_named_by_its_line(root, name, old, new, shown):
    change(root, name, old, new)
    assert_refused(root, shown)


def test_an_empty_list(root):
    write(root, "list_attr", "")
    assert_refused(root, "list_attr_celeba.txt")


@pytest.mark.parametrize(
    ("box", "reason"),
    [("22 10 0 20", "box of 0 x 20"), ("90 10 20 20", "outside of an image of 80 x 60"), ("-9 -9 5 5", "outside")],
)
def test_a_box_of_nothing_or_outside_is_a_bad_image(root, tmp_path, box, reason):
    change(root, "list_bbox", "000003.jpg 22 10 20 20", f"000003.jpg {box}")
    skipped = prepare(celeba.read(root), tmp_path / "out.h5", 16, allow_bad=0.1)
    assert skipped["file"].tolist() == ["000003.jpg"] and reason in skipped["reason"][0]
    opened = open_prepared(tmp_path / "out.h5")
    assert opened.files == [name for name in NAMES if name != "000003.jpg"]
    assert opened.factors["partition"].tolist() == [n % 3 for n in range(COUNT) if n != 2]


@pytest.mark.parametrize("name", ["../../secret.jpg", "/etc/secret.jpg"])
def test_names_that_lead_outside_are_bad_images(root, tmp_path, name):
    for file in ("list_attr", "list_bbox", "list_eval", "identity"):
        change(root, file, "000003.jpg", name)
    skipped = prepare(celeba.read(root), tmp_path / "out.h5", 16, allow_bad=0.1)
    assert skipped.to_numpy().tolist() == [[name, "lies outside of its folder"]]


def test_links_out_of_the_folder_are_bad_images_and_missing_ones_too(root, tmp_path, write_image):
    folder = root / "Img" / "img_celeba"
    write_image(tmp_path / "secret.jpg", 0)
    for name, target in (("000003.jpg", tmp_path / "secret.jpg"), ("000004.jpg", folder / "000001.jpg")):
        (folder / name).unlink()
        (folder / name).symlink_to(target)
    (folder / "000005.jpg").unlink()
    skipped = prepare(celeba.read(root), tmp_path / "out.h5", 16, allow_bad=0.5)
    assert skipped["file"].tolist() == ["000003.jpg", "000005.jpg"]
    assert skipped["reason"].tolist() == ["a link that lies outside of its folder", "no such file"]
