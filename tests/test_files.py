"""Files that are whole or absent, whatever goes wrong."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from debias.errors import InputError
from debias.files import check_output, replacing, shortened, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_written_under_its_name_and_nothing_else(tmp_path):
    write_text(tmp_path / "new" / "folder" / "a.txt", "größer")
    assert (tmp_path / "new" / "folder" / "a.txt").read_bytes() == "größer".encode()
    assert names(tmp_path / "new" / "folder") == ["a.txt"]


def test_the_temporary_name_is_hidden_beside_it_and_keeps_the_suffix(tmp_path):
    with replacing(tmp_path / "figure.png") as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".png" and temporary.name.startswith(".")
        temporary.write_text("x")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_failure_keeps_the_old_file_and_removes_the_new(tmp_path, error):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(error), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half of the n")
        raise error
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "permission"), (errno.EDQUOT, "quota")],
)
def test_disk_trouble_is_one_line_with_a_remedy(tmp_path, code, words):
    with pytest.raises(InputError) as caught, replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("x")
        raise OSError(code, os.strerror(code))
    assert words in str(caught.value) and str(tmp_path / "a.txt") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == []


def test_hdf5_says_in_words_that_the_disk_is_full(tmp_path):
    reported = f"file write failed: errno = {errno.ENOSPC}, error message = '{os.strerror(errno.ENOSPC)}'"
    with pytest.raises(InputError, match="disk is full"), replacing(tmp_path / "a.h5"):
        raise OSError(reported)


@pytest.mark.parametrize("name", ["file/a.txt", "file/folder/a.txt", "folder"])
def test_file_where_a_folder_should_be_and_folder_where_a_file_should_be(tmp_path, name):
    write_text(tmp_path / "file", "in the way")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError) as caught:
        write_text(tmp_path / name, "x")
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == ["file", "folder"]


def test_an_error_of_another_kind_is_passed_on(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.txt"):
        (tmp_path / "missing").read_text()


# --- what killed processes leave -----------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from debias.files import replacing
with replacing(sys.argv[1]) as temporary:
    temporary.write_bytes(b"x" * 1000)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_goes_with_the_next_call_and_a_living_one_s_stays(tmp_path):
    root = Path(__file__).resolve().parents[1]
    subprocess.run([sys.executable, "-c", KILLED, tmp_path / "a.h5"], cwd=root, check=False)
    (left,) = names(tmp_path)
    write_text(tmp_path / "b.h5", "another file's call has no business with it")
    assert left in names(tmp_path)
    with replacing(tmp_path / "a.h5") as outer:  # of this living process
        outer.write_text("outer")
        write_text(tmp_path / "a.h5", "inner")
        assert outer.exists() and left not in names(tmp_path)
    assert (tmp_path / "a.h5").read_text() == "outer" and names(tmp_path) == ["a.h5", "b.h5"]


def test_another_machine_s_leftovers_go_after_a_day(tmp_path):
    old, new = (tmp_path / f".a.0{number}0000-1-0123abcd.h5" for number in (1, 2))
    for path, age in ((old, 90_000), (new, 1000)):
        path.write_text("x")
        os.utime(path, (time.time() - age,) * 2)
    write_text(tmp_path / "a.h5", "x")
    assert names(tmp_path) == [new.name, "a.h5"]


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x" * 250 + ".txt", "ä" * 125 + ".txt", "x" * 255])
def test_the_longest_names_are_written_and_longer_ones_are_one_line(tmp_path, name):
    write_text(tmp_path / name, "x")
    assert names(tmp_path) == [name]
    with pytest.raises(InputError, match="this name is too long"):
        write_text(tmp_path / ("x" * 256), "x")


@pytest.mark.parametrize("folder", ["/proc", "/proc/self", "/sys/kernel"])
def test_folders_that_take_no_files_are_one_line(folder):
    with pytest.raises(InputError, match=f"cannot write {folder}/a.txt: "):
        write_text(Path(folder) / "a.txt", "x")


def test_shortened_cuts_between_letters():
    assert shortened("äöü", 6) == "äöü" and shortened("äöü", 5) == "äö" and shortened("", 3) == ""


def test_outputs_are_checked_before_the_work(tmp_path):
    (tmp_path / "there").write_text("x")
    check_output(tmp_path / "new", False)
    check_output(tmp_path / "there", True)
    refused = {tmp_path / "there": "exists already", tmp_path: "is a folder", tmp_path / ("x" * 300): "too long"}
    for path, shown in refused.items():
        with pytest.raises(InputError, match=shown):
            check_output(path, False)
