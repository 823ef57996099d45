import numpy as np
import pytest

from debias.data import packages
from debias.data.sources import photographs
from debias.errors import InputError


@pytest.fixture(scope="module")
def archive(cache):
    """The course's package, without which there is nothing to read; skips where it cannot be downloaded."""
    try:
        photographs._course_files(cache)
    except InputError as error:
        if "pip could not download" not in str(error):
            raise
        pytest.skip(str(error))


def test_lfw_subset_has_100_faces_then_100_others():
    images = photographs.lfw_subset()
    assert images.image_shape == (64, 64, 3)
    assert images.labels.tolist() == [1] * 100 + [0] * 100
    assert images.groups is None
    assert images.images().dtype == np.uint8
    assert images.images().max() > 250  # the whole range, not 0..1


def test_lfw_subset_missing_from_the_wheel_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(photographs.skimage, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(InputError, match="lfw_subset.npy"):
        photographs.lfw_subset()


def test_course_faces_are_five_in_each_group(cache, archive):
    faces = photographs.mitdeeplearning_faces(cache)
    assert faces.group_names == ("lighter male", "lighter female", "darker male", "darker female")
    assert np.bincount(faces.groups).tolist() == [5, 5, 5, 5]
    assert faces.image_shape == (64, 64, 3)
    red, _, blue = faces.images().reshape(-1, 3).mean(0)
    assert red > blue  # RGB, not BGR
    assert faces.images(faces.groups >= 2).mean() < faces.images(faces.groups < 2).mean()


def test_course_faces_out_of_reach_are_an_input_error(tmp_path, monkeypatch):
    def fail(*arguments):
        raise InputError("pip could not download it")

    monkeypatch.setattr(packages, "fetch", fail)
    with pytest.raises(InputError, match="pip could not"):
        photographs.mitdeeplearning_faces(tmp_path)


def test_course_faces_at_their_own_resolution(cache, archive):
    faces, groups, names = photographs.course_photographs(cache)
    small = photographs.mitdeeplearning_faces(cache)
    assert len(faces) == 20 and len({face.shape for face in faces}) > 5
    assert groups.tolist() == small.groups.tolist() and names == small.group_names
    for face, shrunk in zip(faces, small.images(), strict=True):
        assert face.mean((0, 1)) == pytest.approx(shrunk.mean((0, 1)), abs=2)


def test_bundled_photographs_are_rgb_and_a_missing_one_is_reported():
    red, green, blue = photographs.bundled("skimage", "data/astronaut.png")[300, 100]
    assert red > 200 > green > blue  # her orange suit
    with pytest.raises(InputError, match="none.png.*install the pinned version of skimage"):
        photographs.bundled("skimage", "data/none.png")
