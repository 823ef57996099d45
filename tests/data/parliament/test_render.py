"""Whole portraits: reproducible, framed as asked, lit as asked, and described by their factors."""

from dataclasses import replace

import numpy as np
import pytest

from debias.data.parliament import camera, geometry, people, render, shading
from debias.data.parliament import scene as scenes
from debias.errors import InputError

GROUPS = [(True, 2), (False, 2), (True, 5), (False, 5)]


def plain_backdrop(rng, size):
    return np.full((size, size, 3), 0.2, np.float32)


def magenta_backdrop(rng, size):
    return np.broadcast_to(np.float32([1.0, 0.0, 1.0]), (size, size, 3)).copy()


def make_portrait(seed=0, male=False, tone=5, **changes):
    return replace(render.sample_portrait(np.random.default_rng(seed), male, tone), **changes)


def draw(model, portrait, backdrop=plain_backdrop, seed=0, size=64):
    return render.render_portrait(model, portrait, backdrop, np.random.default_rng(seed), size)


@pytest.mark.parametrize(("male", "tone"), GROUPS)
def test_the_same_generator_gives_the_same_picture(model, male, tone):
    first, again, other = (draw(model, make_portrait(seed, male, tone), seed=seed) for seed in (1, 1, 2))
    assert first.shape == (64, 64, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 5


def test_nothing_depends_on_the_global_generator(model):
    portrait = make_portrait()
    np.random.seed(0)
    first = draw(model, portrait)
    np.random.seed(1)
    np.testing.assert_array_equal(first, draw(model, portrait))


@pytest.mark.parametrize("size", [32, 64, 100])
def test_the_size_is_free(model, size):
    assert draw(model, make_portrait(), size=size).shape == (size, size, 3)


def test_the_eyes_are_as_far_apart_as_the_zoom_says(model):
    portrait = make_portrait(pose=people.Pose(0.0, 0.0, 0.0))
    _, landmarks = geometry.build_face(model, portrait.person, portrait.expression)
    view = render._view_of(portrait, landmarks, 640)
    eyes = view.project(view.place(np.stack([landmarks.left_eye, landmarks.right_eye])))
    # Eyes lie a little nearer to the camera than the plane in which the zoom is exact.
    assert eyes[0, 0] - eyes[1, 0] == pytest.approx(portrait.camera.zoom * 640, rel=0.1)
    middle = eyes[:, :2].mean(0) / 640 - portrait.camera.shift
    assert abs(middle[0] - 0.5) < 0.05 and 0.25 < middle[1] < 0.5  # upper half, as in photographs


@pytest.mark.parametrize(("male", "tone"), GROUPS)
def test_the_head_fills_the_picture(model, male, tone):
    hidden = []
    for seed in range(15):
        image = draw(model, make_portrait(seed, male, tone), magenta_backdrop).astype(int)
        hidden.append((image[..., 1] > 0.4 * (image[..., 0] + image[..., 2]) / 2).mean())
    assert np.mean(hidden) > 0.7


def test_darker_types_reflect_less_light(model):
    light = replace(make_portrait(4, False, 2).light, kind="soft")
    studio = camera.Camera(0.38, (0.0, 0.0), 10.0, 1.0, 1.0, 0.0, 0.0, 100)
    brightness = []
    for tone in people.TONES:
        portraits = [make_portrait(seed, True, tone, light=light, camera=studio) for seed in range(12)]
        brightness.append(np.mean([np.median(draw(model, portrait)[20:50, 20:44]) for portrait in portraits]))
    assert brightness == sorted(brightness, reverse=True) and brightness[0] > 1.6 * brightness[-1]


def test_underexposure_and_side_light_show_in_the_pixels(model):
    portrait = make_portrait(3, False, 3, pose=people.Pose(0.0, 0.0, 0.0))
    dim = replace(portrait, camera=replace(portrait.camera, exposure=0.5 * portrait.camera.exposure))
    assert draw(model, dim).mean() < draw(model, portrait).mean() - 15
    from_right = replace(portrait.light, azimuth=1.2, elevation=0.1, key=(1.5, 1.5, 1.5), fill=(0, 0, 0), rim=(0, 0, 0))
    image = draw(model, replace(portrait, light=from_right)).astype(float)
    assert image[20:50, 34:46].mean() > image[20:50, 18:30].mean() + 20


def test_from_behind_there_are_no_eyes(model):
    def eye_pixels(view):
        portrait = render.sample_portrait(np.random.default_rng(2), False, 2, view)
        scene, landmarks = geometry.build_face(model, portrait.person, portrait.expression)
        camera_view = render._view_of(portrait, landmarks, 96)
        image, ids = _visible_triangles(scene, camera_view)
        return (scene.materials[ids[ids >= 0]] == scenes.EYE).sum()

    assert eye_pixels("front") > 40 and eye_pixels("back") == 0


def _visible_triangles(scene, view):
    from debias.data.parliament import raster

    depth, ids, weights = raster.buffers(96, 96)
    two_sided = ~np.isin(scene.materials, scenes.ONE_SIDED)
    raster.rasterise(view.project(view.place(scene.positions)), scene.triangles, two_sided, depth, ids, weights)
    return depth, ids


def test_unknown_views_are_refused():
    with pytest.raises(InputError, match="'front' or 'back'"):
        render.sample_portrait(np.random.default_rng(0), True, 1, view="top")


def test_factors_describe_the_portrait():
    portrait = make_portrait(8, True, 6)
    columns = render.factors(portrait)
    assert columns["tone"] == 6 and columns["male"] == 1.0
    assert columns["yaw"] == pytest.approx(np.degrees(portrait.pose.yaw))
    assert columns["typology_angle"] < -30
    shares = [columns[f"ancestry_{name}"] for name in ("african", "asian", "european")]
    assert sum(shares) == pytest.approx(1)
    assert columns["hair"] == portrait.person.hair.style and columns["light"] == portrait.light.kind


def test_factors_have_the_same_columns_for_everybody():
    tables = [render.factors(make_portrait(seed, bool(seed % 2), 1 + seed % 6)) for seed in range(40)]
    kinds = [{name: type(value) for name, value in table.items()} for table in tables]
    assert all(kind == kinds[0] for kind in kinds) and set(kinds[0].values()) == {float, str}
    assert all(len(value) <= 12 and value for t in tables for value in t.values() if isinstance(value, str))
    assert all(np.isfinite(value) for t in tables for value in t.values() if isinstance(value, float))


def test_one_compiled_shader_serves_every_portrait(model):
    for seed in range(12):
        draw(model, make_portrait(seed, bool(seed % 2), 1 + seed % 6))
    assert len(shading.shade.signatures) == 1
