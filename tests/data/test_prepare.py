"""Many images into one file: what is skipped, what stops it, and that a killed one continues."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest

from debias.data import __main__ as commands
from debias.data import hdf5
from debias.data import prepare as preparing
from debias.data.dataset import open_splits
from debias.data.prepare import Item, Source, prepare, report_path
from debias.data.prepared import open_prepared
from debias.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
COUNT = 40


@pytest.fixture
def folder(tmp_path, write_image):
    """40 images, called by their numbers."""
    for number in range(COUNT):
        write_image(tmp_path / "images" / f"{number:02} ä.jpg", number)
    return tmp_path / "images"


@pytest.fixture
def source(folder):
    return read(folder)


@pytest.fixture
def small_chunks(monkeypatch):
    """Eight images a chunk."""
    monkeypatch.setattr(preparing, "CHUNK", 8)


def read(folder, columns=None, **more):
    paths = sorted(folder.iterdir())
    items = [Item(path.name, path, where="list: ") for path in paths]
    if columns is None:
        columns = {"number": np.arange(len(items), dtype=np.int16), "text": np.array([p.stem.encode() for p in paths])}
    return Source("made", items, np.ones(len(items), np.uint8), columns, **more)


def break_image(folder, number):
    path = sorted(folder.iterdir())[number]
    path.write_bytes(path.read_bytes()[:100])
    return path.name


def left_behind(folder):
    return {path.name for path in folder.iterdir()} - {"images"}


@pytest.mark.parametrize("processes", [1, 2])
def test_every_image_comes_out_in_order_with_its_columns(source, tmp_path, small_chunks, number_of, processes):
    skipped = prepare(source, tmp_path / "out.h5", 16, processes=processes)
    opened = open_prepared(tmp_path / "out.h5")
    assert skipped.empty and left_behind(tmp_path) == {"out.h5"}
    assert number_of(opened.images) == list(range(COUNT))
    assert opened.images.shape[1:] == (16, 16, 3) and isinstance(opened.images, np.memmap)
    assert opened.files[3] == "03 ä.jpg"
    assert opened.factors["number"].tolist() == list(range(COUNT))
    assert opened.factors["text"][3].decode() == "03 ä"
    assert opened.groups.tolist() == [-1] * COUNT and opened.group_names == ()


def test_attributes_vouch_for_lists_and_images(source, folder, tmp_path):
    (tmp_path / "list.csv").write_text("of images")
    prepare(Source(**{**vars(source), "lists": [tmp_path / "list.csv"]}), tmp_path / "out.h5")
    attributes = open_prepared(tmp_path / "out.h5").attributes
    digests = b"".join(hashlib.sha256(path.read_bytes()).digest() for path in sorted(folder.iterdir()))
    assert json.loads(attributes["lists_sha256"]) == {"list.csv": hashlib.sha256(b"of images").hexdigest()}
    assert attributes["images_sha256"] == hashlib.sha256(digests).hexdigest()
    assert (attributes["source"], attributes["skipped"]) == ("made", 0)


def test_groups_and_splits_make_a_data_set(folder, tmp_path, number_of):
    splits, labels = np.arange(COUNT) % 3, (np.arange(COUNT) % 2).astype(np.uint8)
    groups = np.where(labels == 1, 0, -1).astype(np.int8)
    source = read(folder, splits=splits.astype(np.uint8), groups=groups, group_names=("all",))
    prepare(Source(**{**vars(source), "labels": labels}), tmp_path / "out.h5")
    opened = open_splits(tmp_path / "out.h5")
    assert number_of(opened.validation.images()) == [n for n in range(COUNT) if n % 3 == 1]
    assert opened.test.labels.tolist() == [n % 2 for n in range(COUNT) if n % 3 == 2]
    assert opened.train.group_names == ("all",)


def test_whole_images_keep_their_bytes_and_size(tmp_path, write_image, small_chunks):
    for number in range(20):
        write_image(tmp_path / "images" / f"{number:02}.jpg", number, 30 + number, 40)
    prepare(read(tmp_path / "images", whole=True), tmp_path / "out.h5")
    opened = open_prepared(tmp_path / "out.h5")
    assert opened.is_whole and len(opened.images) == 20
    assert [image.shape for image in opened.images] == [(30 + n, 40, 3) for n in range(20)]
    assert opened.images[7].shape == (37, 40, 3)
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["encoded"][7].tobytes() == (tmp_path / "images" / "07.jpg").read_bytes()
    with pytest.raises(InputError, match="whole images"):
        opened.dataset()


# --- bad images ----------------------------------------------------------------------------------------------------


def test_2000_good_and_50_bad_images_of_every_kind(tmp_path, write_image, number_of):
    folder, kinds = tmp_path / "images", {}
    write_image(folder / "first.jpg", 0, 8, 8)
    whole = (folder / "first.jpg").read_bytes()
    for number in range(2000):
        (folder / f"good {number:04}.jpg").write_bytes(whole)
    (folder / "first.jpg").unlink()
    for number in range(50):
        content, reason = (
            (b"", "empty file"),
            (whole[: len(whole) // 2], "not a whole image"),
            (b"<html>404</html>", "not an image of a known format"),
            (b"\xff\xd8\xff" + whole[40:90], "not"),
            (None, "No such file"),
        )[number % 5]
        path = folder / f"{'abz'[number % 3]} {number:02}.jpg"
        path.symlink_to(folder / "nowhere") if content is None else path.write_bytes(content)
        kinds[path.name] = reason
    source, out = read(folder), tmp_path / "out.h5"
    with pytest.raises(InputError) as stopped:
        prepare(source, out, 16)
    assert "50 of 2,050 images are bad (2.4%, at most 1.0% may be)" in str(stopped.value)
    assert "--allow-bad" in str(stopped.value) and "\n" not in str(stopped.value) and not out.exists()
    before = report_path(out).read_bytes()

    skipped = prepare(source, out, 16, allow_bad=0.03)
    assert report_path(out).read_bytes() == before
    report = pd.read_csv(report_path(out))
    assert report.equals(skipped) and dict.fromkeys(report["file"]) == dict.fromkeys(sorted(kinds))
    assert all(kinds[name] in reason for name, reason in zip(report["file"], report["reason"], strict=True))
    opened = open_prepared(out)
    assert len(opened) == 2000 and all(name.startswith("good") for name in opened.files)
    numbers = opened.factors["number"]
    assert [source.items[number].name for number in numbers] == opened.files  # columns stay with their images
    assert opened.attributes["skipped"] == 50


def test_each_output_has_a_report_of_its_own(source):
    names = ("faces.64", "faces.128", "faces.h5", "faces.hdf5")
    assert [report_path(name).name for name in names] == [
        "faces.64.skipped.csv",
        "faces.128.skipped.csv",
        "faces.skipped.csv",
        "faces.skipped.csv",
    ]


def test_a_name_that_is_no_utf_8_is_reported(folder, tmp_path):
    name = os.fsdecode(b"caf\xe9.jpg")
    (folder / name).write_bytes(b"no image")
    prepare(read(folder, {}), tmp_path / "out.h5", 16, allow_bad=0.5)
    assert "caf\\xe9.jpg," in report_path(tmp_path / "out.h5").read_text()


def test_a_report_of_nothing_is_none_and_an_old_one_goes(source, tmp_path):
    out = tmp_path / "out.h5"
    report_path(out).write_text("file,reason\nold.jpg,bad\n")
    prepare(source, out)
    assert not report_path(out).exists()


def test_without_allowance_the_first_bad_image_is_named_by_its_place(source, folder, tmp_path):
    name = break_image(folder, 7)
    with pytest.raises(InputError, match=f"^list: '{name}': not a whole image"):
        prepare(source, tmp_path / "out.h5", allow_bad=0)


def test_nothing_but_bad_images_is_refused_whatever_is_allowed(source, folder, tmp_path):
    for number in range(COUNT):
        break_image(folder, number)
    with pytest.raises(InputError, match="40 of 40"):
        prepare(source, tmp_path / "out.h5", allow_bad=0.99)


def test_a_name_that_occurs_twice_is_taken_once(source, tmp_path):
    items = [*source.items, source.items[0]]
    columns = {"number": np.arange(COUNT + 1)}
    skipped = prepare(Source("made", items, np.ones(COUNT + 1), columns), tmp_path / "out.h5", allow_bad=0.1)
    assert skipped.to_numpy().tolist() == [["00 ä.jpg", "name occurs twice"]]


def test_an_image_repaired_later_is_read_anew(source, folder, tmp_path, number_of, write_image):
    name, out = break_image(folder, 7), tmp_path / "out.h5"
    with pytest.raises(InputError):
        prepare(source, out, 16)
    write_image(folder / name, 7)
    prepare(source, out, 16)
    assert number_of(open_prepared(out).images) == list(range(COUNT))
    assert left_behind(tmp_path) == {"out.h5"}


# --- equal images --------------------------------------------------------------------------------------------------


def copied(folder, *pairs):
    """Make the second image of each pair a copy of the first."""
    paths = sorted(folder.iterdir())
    for one, two in pairs:
        paths[two].write_bytes(paths[one].read_bytes())


def test_equal_images_are_counted_and_kept(source, folder, tmp_path, capsys, number_of):
    copied(folder, (3, 7), (3, 20), (5, 6))
    assert prepare(source, tmp_path / "out.h5", 16).empty
    assert number_of(open_prepared(tmp_path / "out.h5").images)[7] == 3
    assert "5 images are 2 that occur more than once" in capsys.readouterr().err


def test_equal_images_with_other_groups_are_skipped_beyond_any_allowance(folder, tmp_path, number_of, capsys):
    copied(folder, (3, 7), (5, 9))
    groups = (np.arange(COUNT) == 7).astype(np.int8)
    source = read(folder, groups=groups, group_names=("a", "b"))
    skipped = prepare(source, tmp_path / "out.h5", 16, allow_bad=0.001)
    assert skipped["file"].tolist() == ["03 ä.jpg", "07 ä.jpg"]
    assert skipped["reason"][0] == "same image as another with other labels, such as '07 ä.jpg'"
    assert number_of(open_prepared(tmp_path / "out.h5").images) == [*range(3), 4, 5, 6, 8, 5, *range(10, COUNT)]
    assert open_prepared(tmp_path / "out.h5").factors["number"].tolist() == [*range(3), 4, 5, 6, *range(8, COUNT)]
    assert "\n2 equal images have different labels" in capsys.readouterr().err
    prepare(source, tmp_path / "all.h5", 16, keep_conflicts=True)
    assert len(open_prepared(tmp_path / "all.h5")) == COUNT
    assert "\n2 equal images have different labels" in capsys.readouterr().err
    with pytest.raises(InputError, match="03 ä.jpg': same image as another with other labels"):
        prepare(source, tmp_path / "none.h5", 16, allow_bad=0)


def test_where_all_images_contradict_each_other_none_is_left(folder, tmp_path):
    for path in sorted(folder.iterdir())[2:]:
        path.unlink()
    copied(folder, (0, 1))
    source = read(folder, groups=np.array([0, 1], np.int8), group_names=("a", "b"))
    with pytest.raises(InputError, match="no image is left, see .*out.skipped.csv: correct the labels"):
        prepare(source, tmp_path / "out.h5", 16, allow_bad=0.5)
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize("drawn", [True, False])
def test_equal_images_in_two_splits_are_moved_if_drawn_and_refused_if_listed(folder, tmp_path, drawn, number_of):
    copied(folder, (3, 31))
    splits, labels = np.repeat([0, 1, 2, 2], COUNT // 4).astype(np.uint8), np.arange(COUNT) % 2
    source = Source(**{**vars(read(folder, splits=splits, drawn=drawn)), "labels": labels})
    skipped = prepare(source, tmp_path / "out.h5", 16, allow_bad=0.1)
    opened = open_splits(tmp_path / "out.h5")
    assert skipped["file"].tolist() == ([] if drawn else ["03 ä.jpg", "31 ä.jpg"])
    assert number_of(opened.train.images()).count(3) == (2 if drawn else 0)
    assert number_of(opened.test.images()).count(3) == 0


# --- interruption --------------------------------------------------------------------------------------------------


def test_an_interrupted_one_continues_and_gives_the_same_bytes(source, tmp_path, small_chunks, monkeypatch):
    prepare(source, tmp_path / "undisturbed.h5", 16)
    convert, done = preparing.convert_chunk, []

    def interrupted(path, *arguments):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(path.name)
        return convert(path, *arguments)

    monkeypatch.setattr(preparing, "convert_chunk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(source, tmp_path / "out.h5", 16, processes=1)
    assert not (tmp_path / "out.h5").exists()
    (parts,) = tmp_path.glob(".out.h5.parts-*")
    assert sorted(path.name for path in parts.iterdir()) == done

    again = []
    monkeypatch.setattr(preparing, "convert_chunk", lambda path, *rest: again.append(path.name) or convert(path, *rest))
    prepare(source, tmp_path / "out.h5", 16, processes=1)
    assert len(again) == COUNT // 8 - 3 and not set(again) & set(done)
    assert (tmp_path / "out.h5").read_bytes() == (tmp_path / "undisturbed.h5").read_bytes()
    assert left_behind(tmp_path) == {"out.h5", "undisturbed.h5"}


def test_a_damaged_chunk_is_converted_again(source, tmp_path, small_chunks, monkeypatch):
    prepare(source, tmp_path / "undisturbed.h5", 16)
    with monkeypatch.context() as patched:
        patched.setattr(preparing, "_join", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prepare(source, tmp_path / "out.h5", 16)
    (parts,) = tmp_path.glob(".out.h5.parts-*")
    first, second, *_ = sorted(parts.iterdir())
    first.write_bytes(first.read_bytes()[:200])
    second.write_bytes(b"")
    prepare(source, tmp_path / "out.h5", 16)
    assert (tmp_path / "out.h5").read_bytes() == (tmp_path / "undisturbed.h5").read_bytes()


@pytest.mark.slow
def test_killed_on_the_command_line_it_continues(tmp_path, write_image):
    folder = tmp_path / "images"
    for number in range(1500):
        path = folder / f"{number % 200}_0_1_{number:017}.jpg.chip.jpg"
        path.parent.mkdir(exist_ok=True)
        if not number:
            write_image(path, 9, 200, 200)
            content = path.read_bytes()
        path.write_bytes(content)
    command = [sys.executable, "-m", "debias.data", "prepare", "utkface", folder, "--processes", "2", "--out"]
    running = subprocess.Popen(
        [*command, tmp_path / "out.h5"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while running.poll() is None and not list(tmp_path.glob(".out.h5.parts-*/0*.npz")):
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    assert not (tmp_path / "out.h5").exists()
    done = subprocess.run([*command, tmp_path / "out.h5"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "1,500 images" in done.stdout, done.stderr
    words = ["prepare", "utkface", folder, "--processes", 1, "--out", tmp_path / "undisturbed.h5"]
    assert commands.main(list(map(str, words))) == 0
    assert (tmp_path / "out.h5").read_bytes() == (tmp_path / "undisturbed.h5").read_bytes()
    assert left_behind(tmp_path) == {"out.h5", "undisturbed.h5"}


@pytest.mark.parametrize("name", ["out.h5", "a [1] ä.h5"])
def test_chunks_of_other_input_or_size_are_not_taken(source, tmp_path, small_chunks, monkeypatch, name):
    with monkeypatch.context() as patched:
        patched.setattr(preparing, "_join", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prepare(source, tmp_path / name, 16)
    prepare(source, tmp_path / name, 24)
    assert open_prepared(tmp_path / name).images.shape == (COUNT, 24, 24, 3)
    assert left_behind(tmp_path) == {name}


# --- the output ----------------------------------------------------------------------------------------------------


def test_an_output_that_exists_stays_unless_told_to(source, tmp_path):
    (tmp_path / "out.h5").write_text("precious")
    with pytest.raises(InputError, match="exists already.*--overwrite"):
        prepare(source, tmp_path / "out.h5")
    assert (tmp_path / "out.h5").read_text() == "precious" and left_behind(tmp_path) == {"out.h5"}
    prepare(source, tmp_path / "out.h5", overwrite=True)
    assert len(open_prepared(tmp_path / "out.h5")) == COUNT


def test_a_refused_one_leaves_no_hidden_folder(source, folder, tmp_path):
    for number in range(20):
        break_image(folder, number)
    with pytest.raises(InputError, match="20 of 40"):
        prepare(source, tmp_path / "out.h5")
    assert left_behind(tmp_path) == {"out.skipped.csv"}


def test_images_known_to_be_missing_are_reported_before_any_is_opened(source, tmp_path, monkeypatch):
    items = [item._replace(problem="no such file") for item in source.items]
    monkeypatch.setattr(preparing, "_convert_all", None)
    with pytest.raises(InputError, match="40 of 40 images are bad.*'00 ä.jpg': no such file"):
        prepare(Source(**{**vars(source), "items": items}), tmp_path / "out.h5")
    assert left_behind(tmp_path) == {"out.skipped.csv"}


def test_two_calls_for_one_output_do_not_disturb_each_other(source, tmp_path, monkeypatch):
    join = preparing._join

    def meanwhile(*arguments):
        with pytest.raises(InputError, match="another call is preparing it"):
            prepare(source, tmp_path / "out.h5", 16)
        join(*arguments)

    monkeypatch.setattr(preparing, "_join", meanwhile)
    prepare(source, tmp_path / "out.h5", 16)
    assert len(open_prepared(tmp_path / "out.h5")) == COUNT and left_behind(tmp_path) == {"out.h5"}


@pytest.mark.parametrize("length", [200, 243])
def test_a_long_name_is_written_and_one_that_is_too_long_is_one_line(source, tmp_path, length):
    prepare(source, tmp_path / ("x" * length + ".h5"), 16)
    assert left_behind(tmp_path) == {"x" * length + ".h5"}
    with pytest.raises(InputError, match="this name is too long"):
        prepare(source, tmp_path / ("x" * 260 + ".h5"), 16)


def test_an_output_that_is_a_folder_is_refused(source, tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        prepare(source, tmp_path, overwrite=True)


def test_too_little_space_is_seen_before_the_work(source, tmp_path, monkeypatch):
    monkeypatch.setattr(preparing.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match="MB are needed"):
        prepare(source, tmp_path / "new" / "out.h5")
    assert left_behind(tmp_path) == set()


@pytest.mark.parametrize("writer", ["savez", "File"])
def test_a_disk_that_fills_up_is_one_line_and_nothing_half_written(source, tmp_path, monkeypatch, writer):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    module = preparing.np if writer == "savez" else hdf5.h5py
    with monkeypatch.context() as patched:
        patched.setattr(module, writer, full)
        with pytest.raises(InputError, match="the disk is full") as error:
            prepare(source, tmp_path / "out.h5")
    assert "\n" not in str(error.value)
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".h5"]
    assert bool(list(tmp_path.glob(".out.h5.parts-*/*.npz"))) == (writer == "File")  # what was converted stays
    prepare(source, tmp_path / "out.h5")
    assert left_behind(tmp_path) == {"out.h5"}


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"size": 4}, "--size is 4"),
        ({"allow_bad": 1}, "--allow-bad is 1"),
        ({"allow_bad": -0.1}, "--allow-bad is -0.1"),
        ({"processes": 0}, "processes is 0"),
    ],
)
def test_bad_options(source, tmp_path, options, shown):
    with pytest.raises(InputError, match=shown):
        prepare(source, tmp_path / "out.h5", **options)


def test_no_images(tmp_path):
    with pytest.raises(InputError, match="no images found"):
        prepare(Source("made", [], np.zeros(0)), tmp_path / "out.h5")


# --- opening -------------------------------------------------------------------------------------------------------


def test_files_of_another_kind_are_refused(dataset_path):
    with pytest.raises(InputError, match="not a prepared source"):
        open_prepared(dataset_path)


@pytest.mark.parametrize("damage", ["factors/number", "labels", "images"])
def test_a_file_with_a_part_missing_is_refused(source, tmp_path, damage):
    prepare(source, tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5", "r+") as file:
        kept = file[damage][:-1]
        del file[damage]
        if damage != "labels":
            file[damage] = kept
    with pytest.raises(InputError, match="prepare it again"):
        open_prepared(tmp_path / "out.h5")
