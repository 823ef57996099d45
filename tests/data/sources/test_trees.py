"""What lies in a folder, and what a list means by a name that is spelled as on another system."""

import errno
import os
import tarfile
import unicodedata

import pytest

from debias.data.prepare import prepare
from debias.data.prepared import open_prepared
from debias.data.sources import celeba, fairface, imagenet, utkface
from debias.data.sources.trees import Listed, Unread, images_in
from debias.errors import InputError


@pytest.fixture
def folder(tmp_path, write_image):
    """Two images, one of them in a folder."""
    write_image(tmp_path / "here" / "a.jpg", 0)
    write_image(tmp_path / "here" / "sub" / "b.PNG", 1)
    return tmp_path / "here"


def read(folder, **options):
    unread = Unread()
    return [item.name for item in images_in(folder, unread, **options)], " ".join(unread.remarks())


def test_images_are_found_and_nothing_is_said_where_all_is_read(folder):
    assert read(folder) == (["a.jpg", "sub/b.PNG"], "")


def test_whatever_is_not_read_is_counted_by_kind_in_one_line(folder):
    for name in ("n01440764.tar.gz", "x.ZIP", "c.heic", "d.heic", "readme", "._a.jpg", "__MACOSX/a.jpg", ".DS_Store"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    names, said = read(folder)
    assert names == ["a.jpg", "sub/b.PNG"] and "\n" not in said
    for part in ("2 archives (unpack them first) such as 'n01440764.tar.gz'", "2 .heic files such as 'c.heic'"):
        assert part in said
    assert "1 files without a suffix such as 'readme'" in said and "3 leftovers of a Mac" in said


def test_links_to_folders_are_named_and_followed_when_asked_each_folder_once(folder, tmp_path, write_image):
    write_image(tmp_path / "far" / "c.jpg", 2)
    (folder / "part2").symlink_to(tmp_path / "far")
    (folder / "round").symlink_to(folder)
    (folder / "sub" / "again").symlink_to(tmp_path / "far")
    names, said = read(folder)
    assert names == ["a.jpg", "sub/b.PNG"] and "--follow-links" in said and "'part2'" in said
    names, said = read(folder, follow_links=True)
    assert names == ["a.jpg", "part2/c.jpg", "sub/b.PNG"] and "2 links to folders that are read already" in said


def test_a_tar_file_behind_a_link_out_of_the_folder_is_not_read(folder, tmp_path):
    with tarfile.open(tmp_path / "outside.tar", "w") as archive:
        archive.add(next(folder.rglob("*.jpg")), "inside.jpg")
    (folder / "linked.tar").symlink_to(tmp_path / "outside.tar")
    unread, there = Unread(), len(list(images_in(folder, Unread())))
    assert len(list(images_in(folder, unread, tars=True))) == there
    (folder / "linked.tar").unlink()
    (tmp_path / "outside.tar").rename(folder / "own.tar")
    assert len(list(images_in(folder, unread, tars=True))) == there + 1


def test_the_command_reads_what_is_linked_and_says_what_it_does_not(tmp_path, write_image, capsys):
    for number in range(6):
        part = tmp_path / ("UTKFace" if number < 3 else "elsewhere")
        write_image(part / f"{number}_0_1_{number:017}.jpg", number)
    (tmp_path / "UTKFace" / "part2").symlink_to(tmp_path / "elsewhere")
    assert prepare(utkface.read(tmp_path / "UTKFace"), tmp_path / "a.h5", 16).empty
    assert "1 links to folders (--follow-links reads them) such as 'part2'" in capsys.readouterr().err
    prepare(utkface.read(tmp_path / "UTKFace", follow_links=True), tmp_path / "b.h5", 16)
    assert [len(open_prepared(tmp_path / name)) for name in ("a.h5", "b.h5")] == [3, 6]


# --- names on a list -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "listed"),
    [
        ("sub/ä.JPG", "sub/ä.jpg"),
        ("sub/a.jpg", "sub\\a.jpg"),
        ("Sub/A.jpg", ".\\sub\\a.JPG"),
        (unicodedata.normalize("NFD", "sub/ä.jpg"), unicodedata.normalize("NFC", "sub/ä.jpg")),
        (unicodedata.normalize("NFC", "sub/ä.jpg"), unicodedata.normalize("NFD", "sub/ä.jpg")),
    ],
)
def test_a_name_spelled_as_on_another_system_is_found(tmp_path, write_image, there, listed):
    write_image(tmp_path / there, 0)
    item = Listed(tmp_path).image(listed, where="line 2: ")
    assert (item.path, item.problem, item.where) == (tmp_path / there, "", "line 2: ")


def test_a_spelling_that_two_files_share_is_none(tmp_path, write_image):
    for name in ("a.jpg", "A.JPG"):
        write_image(tmp_path / name, 0)
    listed = Listed(tmp_path)
    assert listed.image("a.jpg").path == tmp_path / "a.jpg" and not listed.image("A.JPG").problem
    assert listed.image("a.JPG").problem == "no such file"


@pytest.mark.parametrize("name", ["C:\\photos\\a.jpg", "d:/photos/a.jpg"])
def test_a_drive_is_named_as_the_cause(tmp_path, name):
    assert "a path of another machine" in Listed(tmp_path).image(name).problem


@pytest.mark.parametrize("name", ["..\\secret.jpg", "sub\\..\\..\\secret.jpg"])
def test_backslashes_lead_no_way_out(tmp_path, write_image, name):
    write_image(tmp_path / "secret.jpg", 0)
    (tmp_path / "here").mkdir()
    assert Listed(tmp_path / "here").image(name).problem


# --- layouts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["train", "val", "ILSVRC/Data/CLS-LOC/train", "tiny/train"])
def test_synsets_are_found_below_other_folders(tmp_path, write_image, layout):
    images = tmp_path / layout / "n01440764" / ("images" if "tiny" in layout else "")
    write_image(images / "ILSVRC2012_val_00000293.JPEG", 0)
    source = imagenet.read(tmp_path)
    assert source.columns["wnid"].tolist() == [b"n01440764"]


def test_images_of_no_synset_are_counted_where_others_have_one(tmp_path, write_image):
    write_image(tmp_path / "train" / "n01440764" / "a.JPEG", 0)
    write_image(tmp_path / "val" / "images" / "val_0.JPEG", 1)
    source = imagenet.read(tmp_path)
    assert len(source.items) == 1 and "1 images of no synset" in source.remarks[0] and "val_0" in source.remarks[0]


def test_tar_files_in_capitals_and_below_train_are_read_and_leftovers_are_not(tmp_path, write_image):
    write_image(tmp_path / "a.JPEG", 0)
    for path in (tmp_path / "root" / "n01440764.TAR", tmp_path / "root" / "train" / "n02084071.tar"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w") as archive:
            for name in ("a.JPEG", "._a.JPEG", "__MACOSX/a.JPEG"):
                archive.add(tmp_path / "a.JPEG", name)
    source = imagenet.read(tmp_path / "root")
    assert [item.name for item in source.items] == ["n01440764/a.JPEG", "train/n02084071/a.JPEG"]
    assert "4 leftovers of a Mac" in source.remarks[0]


def test_that_people_are_among_the_non_faces_is_said(tmp_path, write_image):
    write_image(tmp_path / "n01440764" / "a.JPEG", 0)
    (remark,) = imagenet.read(tmp_path).remarks
    assert "people are seen" in remark and "tench" in remark and "kimono" not in remark


@pytest.mark.parametrize("name", ["24_0_1_20170116220224657 .jpg.chip.jpg", "55_0_0_20170116232725357jpg.chip.jpg"])
def test_the_two_names_of_utkface_that_hold_all_labels_are_read(tmp_path, write_image, name):
    write_image(tmp_path / name, 0)
    source = utkface.read(tmp_path)
    assert source.items[0].problem == "" and source.columns["age"].tolist() == [int(name[:2])]


def test_kaggles_doubled_folder_and_the_other_edition_of_celeba(tmp_path):
    inner = tmp_path / "img_align_celeba" / "img_align_celeba"
    inner.mkdir(parents=True)
    assert celeba._images(tmp_path, aligned=True) == inner
    with pytest.raises(InputError, match="img_align_celeba is there: pass --aligned"):
        celeba._images(tmp_path, aligned=False)


def test_a_missing_folder_of_fairface_is_one_line_before_any_image(tmp_path):
    (tmp_path / "fairface_label_train.csv").write_text("file,age,gender,race\ntrain/1.jpg,1,Male,Black\n")
    with pytest.raises(InputError, match="train: no such folder: download"):
        fairface.read(tmp_path)


def test_a_folder_below_that_may_not_be_read(folder, monkeypatch):
    """os.walk leaves it out without a word; root may read everything, so that its listing fails here instead."""
    (folder / "closed").mkdir()
    scandir = os.scandir

    def listing(path):
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", listing)
    with pytest.raises(InputError, match="closed: Permission denied: make it a folder that you may read"):
        read(folder)


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *arguments: False)  # root may read everything
    with pytest.raises(InputError, match="permission denied"):
        utkface.read(tmp_path)
