"""Figure data come back exactly as they were, or not at all."""

import numpy as np
import pandas as pd
import pytest

from debias.errors import InputError
from experiments.report.figure_data import load, merged, of_rows, save


@pytest.fixture
def data() -> dict:
    """Tables and images that are hard to keep."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "number": [0.1 + 0.2, -1e-300, np.nan, np.inf],
            "count": [3, -1, 0, 2**60],
            "text": ['a,"b"', "", "NA", "α = 0.01"],
            "flag": [True, False, True, True],
        }
    )
    return {
        "product-a0.01": table,
        "colour": rng.integers(0, 256, (5, 8, 8, 3), np.uint8),
        "grey": rng.integers(0, 256, (2, 6, 9, 1), np.uint8),
    }


def same(ours, theirs) -> bool:
    if isinstance(ours, pd.DataFrame):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
        return True
    return ours.dtype == theirs.dtype and np.array_equal(ours, theirs)


def test_everything_comes_back_exactly(data, tmp_path):
    save(tmp_path, data)
    found = load(tmp_path)
    assert list(found) == sorted(data)
    assert all(same(value, found[name]) for name, value in data.items())
    names = {path.name for path in (tmp_path / "figure_data").iterdir()}
    assert names == {"product-a0.01.csv", "colour.png", "grey.png"}


def test_what_is_no_longer_needed_goes_away_and_other_files_stay(data, tmp_path):
    save(tmp_path, data)
    (tmp_path / "figure_data" / "README.md").write_text("mine")
    save(tmp_path, {"grey": data["colour"]})
    assert list(load(tmp_path)) == ["grey"] and same(load(tmp_path)["grey"], data["colour"])
    assert (tmp_path / "figure_data" / "README.md").exists()


def test_no_folder_is_no_data(tmp_path):
    assert load(tmp_path / "nowhere") == {}


@pytest.mark.parametrize("name", ["colour.png", "product-a0.01.csv"])
def test_no_damage_goes_unnoticed(data, tmp_path, name):
    """Cut or changed anywhere, a file is an error or still holds the same."""
    save(tmp_path, data)
    path = tmp_path / "figure_data" / name
    whole = path.read_bytes()
    cuts = [whole[:length] for length in range(0, len(whole) - 1, 7)]
    zeroed = (
        [whole[:at] + b"\0" * 4 + whole[at + 4 :] for at in range(0, len(whole), 7)] if name == "colour.png" else []
    )
    for damaged in cuts + zeroed:
        path.write_bytes(damaged)
        try:
            found = load(tmp_path)[path.stem]
        except InputError as error:
            assert name in str(error) and "\n" not in str(error)
        else:
            assert path.suffix == ".csv" and damaged.endswith(b"\n") or same(found, data[path.stem])


@pytest.mark.parametrize("content", [b"", b"a,b\n1\n", b"a,b\n1,2", b"\xff\xfe\n", b'a,b\n"1,2\n'])
def test_a_damaged_table_is_one_line(tmp_path, content):
    save(tmp_path, {"table": pd.DataFrame({"a": [1]})})
    (tmp_path / "figure_data" / "table.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"table\.csv: damaged table: restore"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("../table", pd.DataFrame({"a": [1]})),
        ("", pd.DataFrame({"a": [1]})),
        ("indexed", pd.DataFrame({"a": [1, 2]}, index=["x", "y"])),
        ("single", pd.DataFrame({"a": np.array([0.1], np.float32)})),
        ("digits", pd.DataFrame({"a": ["1", "2"]})),
        ("empty", pd.DataFrame()),
        ("floats", np.zeros((1, 4, 4, 3))),
        ("flat", np.zeros((4, 4, 3), np.uint8)),
        ("alpha", np.zeros((1, 4, 4, 4), np.uint8)),
        ("none", np.zeros((0, 4, 4, 3), np.uint8)),
    ],
)
def test_what_would_not_come_back_is_refused_and_nothing_written(tmp_path, name, value):
    with pytest.raises(InputError) as caught:
        save(tmp_path, {"fine": pd.DataFrame({"a": [1]}), name: value})
    assert "\n" not in str(caught.value)
    assert load(tmp_path) == {}


def test_merging_replaces_what_was_found_anew():
    def table(**mass):
        return pd.DataFrame({"setting": list(mass), "seed": 0, "mass": list(mass.values())})

    old = {
        "epochs": table(cnn=1.0, vae=2.0),
        "kept": np.zeros((1, 2, 2, 1), np.uint8),
        "plain": pd.DataFrame({"a": [1]}),
    }
    new = {"epochs": table(vae=5.0, max=6.0), "plain": pd.DataFrame({"a": [2]})}
    both = merged(old, new)
    assert dict(zip(both["epochs"]["setting"], both["epochs"]["mass"], strict=True)) == {"cnn": 1, "vae": 5, "max": 6}
    assert both["kept"] is old["kept"] and both["plain"] is new["plain"]
    assert same(merged(old, old)["epochs"], old["epochs"]) and same(merged({}, new)["epochs"], new["epochs"])
    assert list(merged(old, {})) == list(old)


def test_what_has_no_rows_is_left_out():
    rows = pd.DataFrame({"setting": ["cnn", "cnn", "vae"], "seed": [0, 1, 0]})
    by_seed = pd.DataFrame(
        {"setting": ["cnn", "vae", "vae", "max"], "seed": [1, 0, 1, 0], "mass": [1.0, 2.0, 3.0, 4.0]}
    )
    data = {"epochs": by_seed, "sampling": by_seed[3:], "faces": np.zeros((1, 2, 2, 1), np.uint8)}
    found = of_rows(data, rows)
    assert list(found) == ["epochs", "faces"] and list(found["epochs"]["mass"]) == [1, 2]
    assert list(found["epochs"].index) == [0, 1]  # plain, as files need it


def test_merging_keeps_other_seeds():
    old = {"epochs": pd.DataFrame({"setting": "vae", "seed": [0, 1], "mass": [1.0, 2.0]})}
    new = {"epochs": pd.DataFrame({"setting": "vae", "seed": [1, 2], "mass": [3.0, 4.0]})}
    assert list(merged(old, new)["epochs"]["mass"]) == [1, 3, 4]
