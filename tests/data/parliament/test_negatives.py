import numpy as np
import pytest

from debias.data.parliament import negatives, photographs, realism

DARKEST, LIGHTEST = (0, 0, 0, 0, 0, 1), (1, 0, 0, 0, 0, 0)


@pytest.fixture(scope="module")
def pool():
    return photographs.load_pool("test")


def draw(model, pool, count: int, **options) -> np.ndarray:
    return np.stack([
        negatives.render_negative(model, pool, np.random.default_rng([7, number]), **options)[0]
        for number in range(count)
    ])  # fmt: skip


@pytest.mark.parametrize("kind", negatives.KINDS)
def test_every_kind_renders_varied_images(model, pool, kind):
    images = draw(model, pool, 6, kind=kind)
    assert images.shape == (6, 64, 64, 3)
    assert images.dtype == np.uint8
    assert images.astype(float).std(axis=0).mean() > 10  # one image differs from the next


def test_an_image_follows_from_its_generator(model, pool):
    first, second = (negatives.render_negative(model, pool, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert first[1] == second[1]


def test_kinds_are_drawn_with_their_shares(model, pool, monkeypatch):
    monkeypatch.setattr(negatives, "_draw", lambda *arguments: np.zeros((128, 128, 3), np.float32))
    monkeypatch.setattr(negatives, "_photograph_from_behind", lambda *arguments: None)
    kinds = [negatives.render_negative(model, pool, np.random.default_rng(n), size=8)[1] for n in range(1500)]
    for kind, share in negatives.KINDS.items():
        assert kinds.count(kind) / 1500 == pytest.approx(share, abs=0.03), kind


def test_shares_sum_to_one():
    assert sum(negatives.KINDS.values()) == pytest.approx(1)


def test_tones_decide_the_skin_of_hands(model, pool):
    darker = draw(model, pool, 12, kind="face-like shape", tones=DARKEST)
    lighter = draw(model, pool, 12, kind="face-like shape", tones=LIGHTEST)
    assert lighter[:, 24:40, 24:40].mean() > 1.5 * darker[:, 24:40, 24:40].mean()


@pytest.mark.slow
def test_the_frontal_face_cascade_is_seldom_fooled(model, pool):
    assert realism.detection_rate(draw(model, pool, 250)) <= 0.03  # the target is 2 %; 250 images leave room for chance


def test_negatives_are_as_contrasty_as_photographs(model, pool):
    statistics = realism.pixel_statistics(draw(model, pool, 100))
    assert 80 < statistics["mean"] < 140
    assert 25 < statistics["contrast"] < 60
