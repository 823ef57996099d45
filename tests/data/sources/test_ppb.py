"""PPB's folder and list in their exact format, whole and broken."""

import pytest

from debias.data.prepare import prepare
from debias.data.prepared import open_prepared
from debias.data.sources import ppb
from debias.errors import InputError

HEADER = "id,filename,gender,numeric,bi.fitz,country"
LINES = [
    (1, "rwanda 001.jpg", "Male", 0, "Darker", "Rwanda"),
    (2, "sénégal_2.jpg", "Female", 1, "Darker", "Senegal"),
    (3, "iceland_3.jpg", "Male", 0, "Lighter", "Iceland"),
    (4, "sweden_4.jpg", "Female", 1, "Lighter", "Sweden"),
]


def write_list(root, lines, header=HEADER, separator=",", end="\r", encoding="utf-8"):
    text = end.join([header.replace(",", separator), *(separator.join(map(str, line)) for line in lines)])
    (root / ppb.LIST).write_bytes(text.encode(encoding))


@pytest.fixture
def root(tmp_path, write_image):
    """PPB-2017 with four portraits of other sizes; lines of the list end in carriage returns, as the original's do."""
    root = tmp_path / "PPB-2017"
    for number, line in enumerate(LINES):
        write_image(root / "imgs" / line[1], number, 100 + number, 70)
    write_list(root, LINES)
    return root


def test_portraits_come_whole_with_their_groups(root, tmp_path, number_of):
    prepare(ppb.read(root), tmp_path / "ppb.h5")
    opened = open_prepared(tmp_path / "ppb.h5")
    assert opened.is_whole and [image.shape for image in opened.images] == [(100 + n, 70, 3) for n in range(4)]
    assert [number_of(image[None])[0] for image in opened.images] == [0, 1, 2, 3]
    assert opened.group_names == ("lighter male", "lighter female", "darker male", "darker female")
    assert opened.groups.tolist() == [2, 3, 0, 1]
    assert [country.decode() for country in opened.factors["country"]] == ["Rwanda", "Senegal", "Iceland", "Sweden"]
    assert opened.files[1] == "sénégal_2.jpg"


def test_the_folder_around_it_will_do(root):
    assert ppb.read(root.parent).items == ppb.read(root).items


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_any_separator_end_of_line_and_byte_order_mark(root, separator, end, encoding):
    first = ppb.read(root)
    write_list(root, LINES, separator=separator, end=end, encoding=encoding)
    again = ppb.read(root)
    assert [item.path for item in again.items] == [item.path for item in first.items]
    assert again.groups.tolist() == first.groups.tolist()


@pytest.mark.parametrize(
    ("tones", "darker"),
    [
        (("I", "III", "IV", "VI"), [0, 0, 1, 1]),
        ((2, 3, 4, 5), [0, 0, 1, 1]),
        (("lighter", "i", "DARKER", "v"), [0, 0, 1, 1]),
    ],
)
@pytest.mark.parametrize("name", ["bi.fitz", "skin", "fitzpatrick"])
def test_fitzpatrick_types_are_lighter_up_to_three(root, tones, darker, name):
    write_list(
        root,
        [(*line[:4], tone, line[5]) for line, tone in zip(LINES, tones, strict=True)],
        HEADER.replace("bi.fitz", name),
    )
    assert (ppb.read(root).groups // 2).tolist() == darker


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        (4, "olive", "line 3: unknown skin type 'olive'"),
        (2, "", "line 3: unknown gender ''"),
        (4, "7", "skin type '7'"),
    ],
)
def test_unknown_groups_are_named_by_their_line(root, column, value, shown):
    lines = [list(line) for line in LINES]
    lines[1][column] = value
    write_list(root, lines, end="\n")
    with pytest.raises(InputError, match=shown):
        ppb.read(root)


@pytest.mark.parametrize("name", ["filename", "gender", "bi.fitz"])
def test_a_missing_column_is_named(root, name):
    write_list(root, LINES, HEADER.replace(name, "other"))
    with pytest.raises(InputError, match=f"no column {name}"):
        ppb.read(root)


def test_a_portrait_listed_twice(root):
    write_list(root, [*LINES, LINES[0]])
    with pytest.raises(InputError, match="'rwanda 001.jpg' is listed twice"):
        ppb.read(root)


@pytest.mark.parametrize("part", ["", "imgs", ppb.LIST])
def test_a_missing_part_says_how_to_get_it(root, part, tmp_path):
    (root / part).rename(tmp_path / "gone")
    with pytest.raises(InputError, match="gendershades.org") as error:
        ppb.read(root)
    assert "\n" not in str(error.value)


def test_missing_and_broken_portraits_are_skipped(root, tmp_path):
    (root / "imgs" / LINES[0][1]).unlink()
    (root / "imgs" / LINES[1][1]).write_bytes(b"no image")
    skipped = prepare(ppb.read(root), tmp_path / "ppb.h5", allow_bad=0.5)
    assert skipped["file"].tolist() == [LINES[0][1], LINES[1][1]]
    assert open_prepared(tmp_path / "ppb.h5").groups.tolist() == [0, 1]
