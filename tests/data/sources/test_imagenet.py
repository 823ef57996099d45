"""Synsets in folders, in tar files and in a tar of tars, whole and hostile."""

import io
import tarfile

import pytest

from debias.data.prepare import prepare
from debias.data.prepared import open_prepared
from debias.data.sources import imagenet
from debias.errors import InputError

SYNSETS = {"n01440764": 3, "n02084071": 4, "n09835506": 2}  # the last is a ballplayer
KEPT = [("n01440764", n) for n in range(3)] + [("n02084071", n) for n in range(3, 7)]


@pytest.fixture
def root(tmp_path, write_image):
    """Folders of synsets with 3, 4 and 2 images, numbered throughout."""
    numbers = iter(range(100))
    for wnid, count in SYNSETS.items():
        for _ in range(count):
            number = next(numbers)
            write_image(tmp_path / "train" / wnid / f"{wnid}_{number}.JPEG", number)
    return tmp_path / "train"


def packed(folder, path):
    """A plain tar of a synset's files, as ImageNet has them: without the folder."""
    with tarfile.open(path, "w") as archive:
        for image in sorted(folder.iterdir()):
            archive.add(image, image.name)
    return path


def prepared(root, tmp_path, **options):
    prepare(imagenet.read(root), tmp_path / "out.h5", 16, **options)
    return open_prepared(tmp_path / "out.h5")


def assert_all_there(opened, number_of):
    assert number_of(opened.images) == [number for _, number in KEPT]
    assert [wnid.decode() for wnid in opened.factors["wnid"]] == [wnid for wnid, _ in KEPT]
    assert opened.labels.tolist() == [0] * len(KEPT)
    assert opened.attributes["dropped_synsets"] == "n09835506 n10148035 n10565667"


def test_folders_without_the_synsets_of_people(root, tmp_path, number_of):
    assert_all_there(prepared(root, tmp_path), number_of)


def test_tar_files_are_read_where_they_lie(root, tmp_path, number_of):
    tars = tmp_path / "tars"
    tars.mkdir()
    for wnid in SYNSETS:
        packed(root / wnid, tars / f"{wnid}.tar")
    before = sorted(path for path in tars.rglob("*"))
    assert_all_there(prepared(tars, tmp_path), number_of)
    assert sorted(path for path in tars.rglob("*")) == before


def test_the_tar_of_tars_is_read_where_it_lies(root, tmp_path, number_of):
    with tarfile.open(tmp_path / "ILSVRC2012_img_train.tar", "w") as outer:
        for wnid in SYNSETS:
            outer.add(packed(root / wnid, tmp_path / f"{wnid}.tar"), f"{wnid}.tar")
    assert_all_there(prepared(tmp_path / "ILSVRC2012_img_train.tar", tmp_path), number_of)


def test_folders_and_tar_files_side_by_side(root, tmp_path, number_of):
    packed(root / "n02084071", root / "n02084071.tar")
    for image in (root / "n02084071").iterdir():
        image.unlink()
    assert_all_there(prepared(root, tmp_path), number_of)


def test_a_list_of_one_s_own_is_dropped_instead(root, tmp_path):
    (tmp_path / "drop.txt").write_text("n01440764 tench\n\nn02084071\n", encoding="utf-8-sig")
    source = imagenet.read(root, imagenet.read_drop(tmp_path / "drop.txt"))
    assert {wnid.decode() for wnid in source.columns["wnid"]} == {"n09835506"}


@pytest.mark.parametrize("content", ["tench\n", "n0144\n", None])
def test_a_list_of_other_words_is_refused(tmp_path, content):
    if content:
        (tmp_path / "drop.txt").write_text(content)
    with pytest.raises(InputError, match="WordNet id"):
        imagenet.read_drop(tmp_path / "drop.txt")


# --- hostile archives ----------------------------------------------------------------------------------------------


def member(name, data=b"", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    return info, data


def test_members_that_lead_outside_or_are_no_files_are_bad_images(root, tmp_path, number_of):
    (image, *_) = sorted((root / "n01440764").iterdir())
    data, tars = image.read_bytes(), tmp_path / "tars"
    tars.mkdir()
    members = [
        member("good ä.JPEG", data),
        member("../../outside.JPEG", data),
        member("/etc/absolute.JPEG", data),
        member("link.JPEG", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        member("hard.JPEG", kind=tarfile.LNKTYPE, link="../secret"),
        member("device.JPEG", kind=tarfile.CHRTYPE),
        member("good ä.JPEG", data),
        member("readme.txt", b"no image"),
        member("./also good.JPEG", data),
    ]
    with tarfile.open(tars / "n01440764.tar", "w") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    skipped = prepare(imagenet.read(tars), tmp_path / "out.h5", 16, allow_bad=0.9)
    outside, special = "lies outside of its folder", "not a plain file"
    assert skipped["reason"].tolist() == [outside, outside, special, special, special, "name occurs twice"]
    opened = open_prepared(tmp_path / "out.h5")
    assert opened.files == ["n01440764/good ä.JPEG", "n01440764/also good.JPEG"]
    assert number_of(opened.images) == [0, 0]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "train") == [
        "out.h5",
        "out.skipped.csv",
        "tars",
    ]


def test_a_compressed_archive_is_refused(root, tmp_path):
    with tarfile.open(tmp_path / "n01440764.tar", "w:gz") as archive:
        archive.add(root / "n01440764", ".")
    with pytest.raises(InputError, match="n01440764.tar: not a whole, plain tar file.*unpack a compressed one"):
        imagenet.read(tmp_path / "n01440764.tar")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>" * 100])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "n01440764.tar").write_bytes(content)
    with pytest.raises(InputError, match="n01440764.tar"):
        imagenet.read(tmp_path / "n01440764.tar")


def test_an_archive_cut_short_is_refused(root, tmp_path):
    path = packed(root / "n02084071", tmp_path / "n02084071.tar")
    whole = path.read_bytes()
    with tarfile.open(path) as archive:
        last = archive.getmembers()[-1]
    path.write_bytes(whole[: last.offset_data + 50])
    with pytest.raises(InputError, match="not a whole, plain tar file"):
        imagenet.read(path)


@pytest.mark.parametrize("where", ["within a header", "before a header", "a header is damaged"])
def test_an_archive_that_is_not_whole_loses_no_image_without_a_word(root, tmp_path, where):
    """Python's tarfile takes each of these for the end of the archive."""
    path = packed(root / "n02084071", tmp_path / "n02084071.tar")
    with tarfile.open(path) as archive:
        last = archive.getmembers()[-1].offset
    whole = bytearray(path.read_bytes())
    if where == "a header is damaged":
        whole[last : last + 100] = b"\xff" * 100
    path.write_bytes(
        whole[: last + 100] if where == "within a header" else whole[:last] if "before" in where else whole
    )
    with pytest.raises(InputError, match=f"damaged or cut short at byte {last:,}"):
        imagenet.read(path)
    with tarfile.open(tmp_path / "outer.tar", "w") as outer:
        outer.add(path, "n02084071.tar")
    with pytest.raises(InputError, match="damaged or cut short at byte"):
        imagenet.read(tmp_path / "outer.tar")


def test_images_of_no_synset_are_refused(tmp_path, write_image):
    write_image(tmp_path / "val" / "pictures" / "a.JPEG", 0)
    with pytest.raises(InputError, match="belongs to no synset"):
        imagenet.read(tmp_path / "val")


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_nothing_there_says_how_to_get_it(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="https://image-net.org"):
        imagenet.read(tmp_path / name)
