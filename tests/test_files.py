"""Files that are whole or absent, whatever goes wrong."""

import errno
import os

import pytest

from debias.errors import InputError
from debias.files import replacing, write_text


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
