import cv2
import numpy as np
import pandas as pd
import pytest

from debias.data.dataset import Dataset
from debias.data.parliament import realism
from debias.data.sources import photographs
from debias.errors import InputError


def dataset_of(images: np.ndarray, labels, groups, names=(), **factors) -> Dataset:
    rows = np.arange(len(images))
    return Dataset(images, rows, np.asarray(labels, np.uint8), np.asarray(groups, np.int8), names, factors)


def plain(value: int, count: int = 1, size: int = 8) -> np.ndarray:
    return np.full((count, size, size, 3), value, np.uint8)


def test_the_cascade_finds_real_faces_and_little_else():
    table = realism.report(photographs.lfw_subset())
    assert table.detected["face"] >= 0.95
    assert table.detected["no face"] <= 0.02


def test_statistics_of_half_black_half_white_images():
    images = plain(0, count=3)
    images[:, :4] = 200
    assert realism.pixel_statistics(images) == pytest.approx({"mean": 100, "deviation": 100, "contrast": 100})


def test_contrast_is_within_images_and_deviation_over_all():
    statistics = realism.pixel_statistics(np.concatenate([plain(50), plain(150)]))
    assert statistics == pytest.approx({"mean": 100, "deviation": 50, "contrast": 0})


def test_frontal_needs_small_yaw_and_pitch():
    factors = {"yaw": np.float32([0, 40, 0, np.nan]), "pitch": np.float32([5, 0, -40, np.nan])}
    images = dataset_of(plain(0, 4), [1, 1, 1, 0], [0, 0, 0, -1], ("all",), **factors)
    assert realism.is_frontal(images).tolist() == [True, False, False, True]


def test_the_report_has_a_row_per_group_and_one_for_negatives():
    images = dataset_of(plain(9, 4), [1, 1, 0, 0], [0, 1, -1, -1], ("left", "right"))
    table = realism.report(images)
    assert table.index.tolist() == ["left", "right", "no face"]
    assert table.images.tolist() == [1, 1, 2]


def test_failures_name_the_groups_that_miss_the_target():
    table = pd.DataFrame({"detected": {"left": 0.95, "right": 0.85, "no face": 0.03}})
    lines = realism.failures(table)
    assert [line.split(":")[0] for line in lines] == ["right", "no face"]
    assert realism.failures(pd.DataFrame({"detected": {"left": 0.95, "no face": 0.02}})) == []


def test_contact_sheet_lays_images_out_in_lines():
    images = np.concatenate([plain(value) for value in (10, 20, 30, 40, 50)])
    sheet = realism.contact_sheet({"faces": images}, columns=3, zoom=2)
    assert sheet.shape == (realism.LABEL_HEIGHT + 2 * 8 * 2, 3 * 8 * 2, 3)
    centres = sheet[realism.LABEL_HEIGHT :][8::16, 8::16, 0]
    assert centres.tolist() == [[10, 20, 30], [40, 50, 255]]


def test_an_empty_contact_sheet_is_refused():
    with pytest.raises(InputError, match="no images"):
        realism.contact_sheet({}, columns=3)


def test_png_holds_the_picture(tmp_path):
    picture = np.zeros((4, 5, 3), np.uint8)
    picture[..., 0] = 200  # red
    realism.save_png(tmp_path / "picture.png", picture)
    assert np.array_equal(cv2.imread(str(tmp_path / "picture.png"))[..., ::-1], picture)
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]
