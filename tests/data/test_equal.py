"""Images that occur more than once, against sets found by hand."""

import itertools

import numpy as np
import pytest

from debias.data import equal


def test_others_are_the_first_of_their_kind():
    assert equal.others(["a", "b", "a", "c", "b", "a"]).tolist() == [0, 1, 0, 3, 1, 0]
    assert equal.count_line(np.array([0, 1, 0, 3, 1, 0])) == "5 images are 2 that occur more than once"
    assert equal.count_line(np.arange(4)) == ""


def test_all_members_of_a_set_with_two_labels_are_in_conflict():
    first, labels = np.array([0, 1, 0, 1, 4]), np.array([1, 1, 0, 1, 0])
    assert equal.conflicting(first, [labels]).tolist() == [True, False, True, False, False]
    assert equal.conflicting(first, [labels, np.array([0, 0, 0, 1, 0])]).tolist() == [True, True, True, True, False]


def test_joined_is_the_transitive_closure():
    """Against merging sets until nothing changes."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        keys = [f"k{number}" for number in rng.integers(0, 12, 30)]
        looks = [bytes([number]) for number in rng.integers(0, 20, 30)]
        sets = [{number} for number in range(30)]
        for one, two in itertools.combinations(range(30), 2):
            if keys[one] == keys[two] or looks[one] == looks[two]:
                joint = sets[one] | sets[two]
                for member in joint:
                    sets[member] = joint
        expected = [min(keys[member] for member in members) for members in sets]
        assert equal.joined(keys, looks) == expected


def test_what_hangs_together_with_nothing_keeps_its_key():
    assert equal.joined(["x", "y", "x"], [b"1", b"2", b"3"]) == ["x", "y", "x"]


@pytest.mark.parametrize("channels", [1, 3])
def test_rough_digests_outlast_noise_and_contrast_but_not_another_picture(channels):
    rng = np.random.default_rng(1)
    small = rng.integers(40, 200, (9, 9, channels))
    image = np.kron(small, np.ones((8, 8, 1))).astype(np.uint8)
    noisy = np.clip(image * 0.9 + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)
    first, again, other = equal.rough_digests(np.stack([image, noisy, image[:, ::-1]]))
    assert bin(int.from_bytes(first) ^ int.from_bytes(again)).count("1") <= 2 and first != other
    assert len(set(equal.digests(np.stack([image, noisy, image])))) == 2
