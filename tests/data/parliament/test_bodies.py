import numpy as np
import pytest

from debias.data.parliament import bodies, lighting
from debias.data.parliament.people import sample_person

BACKDROP = (0.0, 0.0, 9.0)  # a colour that no light reflects


def painted(model, kind: str, seed: int, tone: int = 2, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """A close-up on a plain backdrop, and the mask of the pixels that the body covers."""
    rng = np.random.default_rng(seed)
    image = np.full((size, size, 3), BACKDROP, np.float32)
    person = sample_person(rng, male=True, tone=tone)
    bodies.paint_body(image, model, person, kind, lighting.sample_light(rng), rng)
    return image, (image != np.float32(BACKDROP)).any(-1)


@pytest.mark.parametrize("kind", bodies.REGIONS)
def test_every_region_fills_a_good_part_of_the_picture(model, kind):
    covered = [painted(model, kind, seed)[1].mean() for seed in range(12)]
    assert 0.2 < np.mean(covered) < 0.98


@pytest.mark.parametrize("kind", bodies.REGIONS)
def test_every_region_exists_on_the_body(model, kind):
    rest = model.body.rest[model.body.parts["body"].vertices]
    assert bodies._inside(rest, bodies.REGIONS[kind]).sum() > 20


def test_hands_have_the_colour_of_skin(model):
    image, body = painted(model, "hand", seed=3, tone=3)
    red, green, blue = np.median(image[body], axis=0)
    assert red > green > blue


def test_darker_skin_reflects_less(model):
    def reflected(tone: int) -> float:
        pictures = [painted(model, "foot", seed, tone) for seed in range(10)]
        return np.mean([image[body].mean() for image, body in pictures])

    assert reflected(tone=6) < 0.4 * reflected(tone=1)


def test_the_face_is_never_in_the_picture(model):
    part = model.body.parts["body"]
    vertices = model.body.rest[part.vertices]
    normals = bodies.vertex_normals(vertices, part.triangles)
    nose = np.argmin(((vertices - bodies.NOSE) ** 2).sum(1))
    for kind, seed in [(kind, seed) for kind in ("shoulder", "nape", "ear", "chest") for seed in range(25)]:
        rng = np.random.default_rng(seed)
        view = bodies._sample_view(rng, vertices, vertices, normals, bodies.REGIONS[kind], 64)
        column, row, _ = view.project(view.place(vertices[nose][None]))[0]
        turned_away = normals[nose] @ view.rotation[2] < 0
        assert turned_away or not (0 <= column < 64 and 0 <= row < 64), (kind, seed)


def test_curling_keeps_lengths_on_the_bent_axis():
    """Points on the axis of the fingers move to a circle: their distances along the arc stay."""
    along = np.linspace(0.4, 2.0, 400)[:, None]
    rest = (bodies.WRIST + along * bodies.FINGERS / np.linalg.norm(bodies.FINGERS)).astype(np.float32)
    bent = rest.copy()
    bodies.curl(bent, rest, side=1, curvature=0.8)
    steps = np.linalg.norm(np.diff(bent, axis=0), axis=1)
    assert np.allclose(steps, np.diff(along[:, 0]), rtol=0.02)
    chord = np.linalg.norm(bent[-1] - bent[0])
    assert chord < 0.97 * np.linalg.norm(rest[-1] - rest[0])


def test_curling_leaves_the_other_hand_alone():
    left = np.float32([bodies.WRIST + share * bodies.FINGERS for share in (0.4, 0.5, 1.5)])
    both = np.concatenate([left, left * np.float32([-1, 1, 1])])
    bent = both.copy()
    bodies.curl(bent, both, side=1, curvature=0.8)
    assert not np.allclose(bent[2], both[2], atol=0.1)
    assert np.array_equal(bent[3:], both[3:])
