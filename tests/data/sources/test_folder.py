"""Folders of images with labels.csv, whole and broken."""

import csv
import os

import cv2
import numpy as np
import pandas as pd
import pytest

from debias.data import catalog
from debias.data.sources import folder as source
from debias.data.sources.folder import open_folder
from debias.errors import InputError

COUNT = 120
SPLITS = ("train", "validation", "test")


def colour(number: int) -> np.ndarray:
    """RGB of image `number`, another for each."""
    return np.array([number, 255 - number, (37 * number) % 256], np.uint8)


def write_image(path, rgb: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), rgb[..., ::-1])


def write_list(folder, lines, header=("file", "label", "group", "split", "age", "note")) -> None:
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *lines])


def lines() -> list[list]:
    """Image i: faces are even, two groups, a split of each kind, an age that is once unknown, a note."""
    groups = ("ä first", "second")
    return [
        [f"part{i % 2}/{i:03}.png", 1 - i % 2, groups[i // 2 % 2] if i % 2 == 0 else "", SPLITS[i // 4 % 3]]
        + ["" if i == 4 else i / 2, f"nöte {i}"]
        for i in range(COUNT)
    ]


@pytest.fixture
def folder(tmp_path):
    """120 images of one colour each, 80 x 70 pixels."""
    path = tmp_path / "faces"
    for number, line in enumerate(lines()):
        write_image(path / line[0], np.broadcast_to(colour(number), (70, 80, 3)))
    write_list(path, lines())
    return path


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def parts(splits):
    return dict(zip(SPLITS, (splits.train, splits.validation, splits.test), strict=True))


def test_everything_listed_comes_out(folder, cache):
    splits = open_folder(folder, cache)
    assert splits.name == "faces"
    for name, part in parts(splits).items():
        numbers = [i for i, line in enumerate(lines()) if line[3] == name]
        assert part.image_shape == (64, 64, 3)
        np.testing.assert_array_equal(part.images()[:, 5, 60], [colour(i) for i in numbers])  # RGB
        np.testing.assert_array_equal(part.labels, [1 - i % 2 for i in numbers])
        assert part.group_names == ("ä first", "second")
        np.testing.assert_array_equal(part.groups, [i // 2 % 2 if i % 2 == 0 else -1 for i in numbers])
        np.testing.assert_array_equal(part.factors["age"], [np.nan if i == 4 else i / 2 for i in numbers])
        assert [note.decode() for note in part.factors["note"]] == [f"nöte {i}" for i in numbers]


def test_catalog_opens_a_folder(folder, cache):
    assert len(catalog.load(str(folder), cache).train) == sum(line[3] == "train" for line in lines())


def test_opened_again_nothing_is_decoded_and_images_are_mapped(folder, cache, monkeypatch):
    first = open_folder(folder, cache)
    monkeypatch.setattr(source, "prepare", None)
    again = open_folder(folder, cache)
    assert isinstance(again.train.source, np.memmap)
    assert first.training_digest() == again.training_digest()


def test_a_changed_image_is_decoded_anew(folder, cache):
    path = folder / lines()[0][0]
    for value, time in ((10, 1), (200, 2)):
        _, bitmap = cv2.imencode(".bmp", np.full((70, 80, 3), value, np.uint8))  # as long, so that only time tells
        path.write_bytes(bitmap)
        os.utime(path, (time, time))
        assert np.all(open_folder(folder, cache).train.images()[0] == value)


def test_a_changed_list_is_read_anew(folder, cache):
    open_folder(folder, cache)
    changed = lines()
    changed[0][1], changed[0][2] = 0, ""
    write_list(folder, changed)
    assert open_folder(folder, cache).train.labels[0] == 0


def test_a_damaged_file_in_the_cache_is_made_anew(folder, cache):
    open_folder(folder, cache)
    (kept,) = (cache / "folders").glob("*.h5")
    kept.write_bytes(kept.read_bytes()[:1000])
    assert len(open_folder(folder, cache).test) == 40


@pytest.mark.parametrize(("height", "width"), [(64, 128), (500, 333)])
def test_the_square_in_the_middle_is_kept(folder, cache, height, width):
    """A column of the image is bright, or a row: where it comes out is where the middle square has it."""
    ramp = np.broadcast_to(np.linspace(0, 250, width)[None, :, None], (height, width, 3)).astype(np.uint8)
    write_image(folder / lines()[0][0], ramp)
    side = min(height, width)
    left = (width - side) // 2
    expected = ramp[0, left : left + side, 0].mean()
    got = open_folder(folder, cache).train.images()[0]
    assert got.mean() == pytest.approx(expected, abs=2)
    assert np.ptp(got[:, 30]) <= 1  # every row is the same


def test_other_sizes(folder, cache):
    assert open_folder(folder, cache, size=32).train.image_shape == (32, 32, 3)
    assert open_folder(folder, cache).train.image_shape == (64, 64, 3)


def test_columns_may_be_left_out(folder, cache):
    write_list(folder, [line[:2] for line in lines()], ("file", "label"))
    splits = open_folder(folder, cache)
    assert splits.train.groups is None and splits.train.factors == {}


def test_excel_and_pandas_write_readable_lists(folder, cache):
    """A byte-order mark, CRLF, spaces after commas, blank lines, a nameless column of row numbers."""
    text = "".join(f"{i}, ./{line[0]}, {line[1]},{line[3]}\r\n\r\n" for i, line in enumerate(lines()))
    (folder / "labels.csv").write_bytes(b"\xef\xbb\xbf" + f",file, label,split\r\n{text}".encode())
    splits = open_folder(folder, cache)
    assert len(splits.train) == len(splits.test) == 40 and splits.train.factors == {}


# --- the split that is drawn ---------------------------------------------------------------------------------------


def drawn(names, seed=0):
    """Name -> index of its split."""
    images = pd.DataFrame({"file": list(names)})
    return dict(zip(names, source._split(images, seed), strict=True))


def test_shares_are_kept_in_every_group():
    names = [f"{group}/{i}.jpg" for group in "abc" for i in range(3000)]
    for group in "abc":
        codes = [code for name, code in drawn(names).items() if name.startswith(group)]
        shares = np.bincount(codes, minlength=3) / 3000
        # Four standard deviations of a share among 3,000 independent draws.
        np.testing.assert_allclose(shares, (0.7, 0.1, 0.2), atol=4 * np.sqrt(0.25 / 3000))


def test_adding_files_moves_no_other():
    few = drawn([f"{i}.jpg" for i in range(0, 500, 2)])
    many = drawn([f"{i}.jpg" for i in range(500)])
    assert {name: many[name] for name in few} == few


def test_the_seed_decides():
    names = [f"{i}.jpg" for i in range(500)]
    assert drawn(names) == drawn(names) != drawn(names, seed=1)


def test_without_a_column_files_are_split_by_name(folder, cache):
    write_list(folder, [line[:3] for line in lines()], ("file", "label", "group"))
    splits = open_folder(folder, cache)
    for code, part in enumerate(parts(splits).values()):
        numbers = [i for i, line in enumerate(lines()) if drawn([line[0]])[line[0]] == code]
        np.testing.assert_array_equal(part.images()[:, 0, 0], [colour(i) for i in numbers])


# --- bad input -----------------------------------------------------------------------------------------------------


def assert_refused(folder, cache, *shown):
    with pytest.raises(InputError) as caught:
        catalog.load(str(folder), cache)
    message = str(caught.value)
    assert "\n" not in message and all(part in message for part in shown), message
    assert not list(cache.rglob("*.h5"))  # nothing half-made is left


def with_cell(line: int, column: int, value) -> list[list]:
    changed = lines()
    changed[line][column] = value
    return changed


def test_no_list(folder, cache):
    (folder / "labels.csv").unlink()
    assert_refused(folder, cache, "labels.csv: no such file", "file,label")


def test_empty_folder(tmp_path, cache):
    (tmp_path / "nothing").mkdir()
    assert_refused(tmp_path / "nothing", cache, "labels.csv: no such file, the folder is empty")


def test_no_folder(tmp_path, cache):
    with pytest.raises(InputError, match="no such folder"):
        open_folder(tmp_path / "nothing", cache)


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_empty_list(folder, cache, text):
    (folder / "labels.csv").write_text(text)
    assert_refused(folder, cache, "labels.csv: empty")


def test_list_of_nothing(folder, cache):
    write_list(folder, [])
    assert_refused(folder, cache, "lists no images")


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (("path", "label"), "no column file"),
        (("file", "class"), "no column label"),
        (("a", "b"), "no column file and label"),
        (("file;label", ""), "no column label"),
        (("file", "label", "label"), "two columns are called 'label'"),
        (("file", "label", "skin/tone"), "'skin/tone'"),
    ],
)
def test_bad_header(folder, cache, header, shown):
    write_list(folder, [line[: len(header)] for line in lines()], header)
    assert_refused(folder, cache, "labels.csv", shown)


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        (1, "2", "label is '2': write 0 or 1"),
        (1, "", "label is ''"),
        (1, "1.0", "label is '1.0'"),
        (1, "face\nof", r"label is 'face\nof'"),
        (2, "", "'part0/006.png' has label 1 but no group"),
        (3, "val", "split is 'val': write train, validation, test"),
        (3, "", "split is ''"),
        (0, "", "no file name"),
        (0, "part0/none.png", "'part0/none.png': no such file"),
        (0, "part0", "'part0': not a file"),
        (0, "labels.csv", "'labels.csv': not an image"),
        (0, "../faces/part0/000.png", "lies outside of the folder"),
        (0, "part0/../../secret.png", "lies outside of the folder"),
        (0, "/etc/hostname", "'/etc/hostname' lies outside of the folder"),
        (0, "part0/000.png", "'part0/000.png' is listed twice"),
        (0, "part1/../part0/./000.png", "'part0/000.png' is listed twice"),
        (0, "a\0b.png", "lies outside"),
        (0, "x" * 300, "no such file"),
    ],
)
def test_bad_cell_is_named_by_its_line(folder, cache, column, value, shown):
    write_list(folder, with_cell(6, column, value))
    line = 9 if "\n" in str(value) else 8  # a cell over two lines ends one line later
    assert_refused(folder, cache, f"labels.csv, line {line}: ", shown)


@pytest.mark.parametrize("change", [lambda line: line[:-1], lambda line: [*line, "more"]])
def test_line_of_another_width(folder, cache, change):
    changed = lines()
    changed[6] = change(changed[6])
    write_list(folder, changed)
    assert_refused(folder, cache, "labels.csv, line 8: ", "but 6 columns")


@pytest.mark.parametrize(("data", "shown"), [(b"\xff", "not text in UTF-8"), (b'"open', "not readable as CSV")])
def test_unreadable_list(folder, cache, data, shown):
    whole = (folder / "labels.csv").read_bytes().splitlines(keepends=True)
    (folder / "labels.csv").write_bytes(b"".join([*whole[:-1], data]))
    assert_refused(folder, cache, f"labels.csv, line {len(whole)}: ", shown)


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_separators_ends_of_lines_and_a_byte_order_mark(folder, cache, separator, end):
    first = open_folder(folder, cache)
    text = end.join(
        separator.join(map(str, line)) for line in [["file", "label", "group", "split", "age", "note"], *lines()]
    )
    (folder / "labels.csv").write_bytes(text.encode("utf-8-sig"))
    assert open_folder(folder, cache / "other").training_digest() == first.training_digest()


def test_list_from_a_western_excel(folder, cache):
    text = (folder / "labels.csv").read_text(encoding="utf-8")
    (folder / "labels.csv").write_text(text, encoding="cp1252")
    assert_refused(folder, cache, "labels.csv, line 2: not text in UTF-8")


def test_list_that_is_a_folder(folder, cache):
    (folder / "labels.csv").unlink()
    (folder / "labels.csv").mkdir()
    assert_refused(folder, cache, "labels.csv: cannot be read")


@pytest.mark.parametrize(("kept", "reason"), [(0, "empty file"), (10, "not an image"), (60, "not a whole image")])
def test_truncated_image(folder, cache, kept, reason, capfd):
    path = folder / lines()[6][0]
    path.write_bytes(path.read_bytes()[:kept])
    assert_refused(folder, cache, "labels.csv, line 8: 'part0/006.png': ", reason)
    assert "error" not in capfd.readouterr().err.lower()


def test_text_instead_of_an_image(folder, cache):
    (folder / lines()[6][0]).write_text("<html>404 Not Found</html>")
    assert_refused(folder, cache, "line 8", "not an image of a known format")


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("label", [0, 1])
def test_split_without_a_label(folder, cache, split, label):
    write_list(folder, [line for line in lines() if (line[1], line[3]) != (label, split)])
    assert_refused(folder, cache, f"no {split} images with label {label}")


def test_group_without_test_images(folder, cache):
    write_list(folder, [line for line in lines() if (line[2], line[3]) != ("second", "test")])
    assert_refused(folder, cache, "no test images of group 'second'")


def test_too_few_images_for_a_drawn_split(folder, cache):
    write_list(folder, [line[:2] for line in lines()[:4]], ("file", "label"))
    assert_refused(folder, cache, "images with label", "a column split")


def test_a_group_for_every_image(folder):
    images = pd.DataFrame({"group": [f"name {i}" for i in range(200)]})
    groups, names = source._groups(images, np.ones(200))
    labels, split = np.tile([0, 1], 300), np.repeat([0, 1, 2], 200)
    with pytest.raises(InputError, match="200 groups, at most 127"):
        source._check_counts(labels, split, np.tile(groups, 3), names, folder / "labels.csv")
