"""Lists of images as text: what is not said by the tests of the sources that use them."""

import os

import numpy as np
import pandas as pd
import pytest

from debias.data.lists import as_factor, assigned, read_csv, read_spaced
from debias.errors import InputError


def test_a_column_known_by_several_names_gets_the_first(tmp_path):
    (tmp_path / "a.csv").write_text('name;"sex"\n"a; b.jpg";x\n')
    table = read_csv(tmp_path / "a.csv", ("name", ("gender", "sex")), "write it")
    assert table.to_dict("list") == {"name": ["a; b.jpg"], "gender": ["x"]} and table.index.tolist() == [2]


def test_a_column_under_two_of_its_names_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("gender,sex\nx,y\n")
    with pytest.raises(InputError, match="two columns are called 'gender'"):
        read_csv(tmp_path / "a.csv", (("gender", "sex"),), "write it")


@pytest.mark.parametrize(
    "text", ["2\na b\nx.jpg 1 2\ny.jpg 3 4\n", "a b\nx.jpg 1 2\n\ny.jpg 3 4", "name a b\nx.jpg 1 2\ny.jpg 3 4"]
)
def test_spaced_columns_with_and_without_a_count_and_a_name_for_files(tmp_path, text):
    (tmp_path / "a.txt").write_text(text)
    table = read_spaced(tmp_path / "a.txt", None, "get it")
    assert table.to_numpy().tolist() == [["x.jpg", "1", "2"], ["y.jpg", "3", "4"]]
    assert list(table)[1:] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a b\nx 1 2 3\n", "line 2: 4 cells"), ("3\na\nx 1\n", "counts 3 images"), ("a a\nx 1 2\n", "two columns")],
)
def test_a_bad_line_or_count_is_named(tmp_path, text, shown):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(InputError, match=shown):
        read_spaced(tmp_path / "a.txt", None, "get it")


@pytest.mark.parametrize("text", ["", "\n\n", "0\n"])
def test_empty_lists_have_no_rows(tmp_path, text):
    (tmp_path / "a.txt").write_text(text)
    assert len(read_spaced(tmp_path / "a.txt", None, "get it")) == 0


def test_factors_are_numbers_where_all_cells_are():
    numbers = as_factor(pd.Series(["1", "", "2.5"]))
    assert numbers.dtype == np.float64 and np.array_equal(numbers, [1, np.nan, 2.5], equal_nan=True)
    assert as_factor(pd.Series(["1", "ä"])).tolist() == [b"1", "ä".encode()]


def test_keys_are_assigned_by_shares_equal_ones_together_and_for_ever():
    keys = [f"person {number // 3}" for number in range(30_000)]
    found = assigned(keys, (0.8, 0.1, 0.1), 0)
    assert np.bincount(found) / 30_000 == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
    assert np.all(found.reshape(-1, 3) == found[::3, None])
    assert assigned(keys[1000:], (0.8, 0.1, 0.1), 0).tolist() == found[1000:].tolist()
    assert assigned(keys, (0.8, 0.1, 0.1), 1).tolist() != found.tolist()


# --- damage --------------------------------------------------------------------------------------------------------


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(InputError, match="no plain file"):
        read_csv(tmp_path / "a.csv", ("file",), "write it")


def damaged(text, rng):
    """A list with some bytes replaced, doubled or left out, often by those that mean something in it."""
    data = bytearray(text)
    for _ in range(rng.integers(1, 5)):
        start, end = sorted(rng.integers(len(data) + 1, size=2))
        end = min(end, start + int(rng.integers(8)))
        new = bytes(
            rng.choice([b"", b"\n", b"\r", b",", b";", b'"', b"\0", b"\xff", b" ", b"file", bytes(data[start:end]) * 2])
        )
        data[start:end] = new
    return bytes(data)


CSV = "file,label,group\r\n" + "".join(f'"a {n}.jpg",{n % 2},ä\r\n' for n in range(8))
SPACED = "8\nMale Young\n" + "".join(f"{n}.jpg -1 1\n" for n in range(8))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (CSV, lambda path: read_csv(path, ("file", "label"), "write it")),
        (SPACED, lambda path: read_spaced(path, None, "get it")),
    ],
    ids=["csv", "spaced"],
)
def test_damaged_lists_are_one_line_or_a_whole_table(tmp_path, text, read):
    rng, path, refused = np.random.default_rng(0), tmp_path / "list", 0
    for _ in range(600):
        data = damaged(text.encode(), rng)
        path.write_bytes(data)
        try:
            table = read(path)
        except InputError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
            continue
        cells = data.decode("utf-8-sig")
        assert all(isinstance(cell, str) and cell in cells.replace('""', '"') for cell in table.to_numpy().ravel())
        assert len(set(table.columns)) == table.shape[1] and table.index.is_monotonic_increasing
    assert 100 < refused < 600
