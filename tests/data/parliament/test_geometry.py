"""Scenes: whole, in place, and with everything that a person wears."""

from dataclasses import replace

import numpy as np
import pytest

from debias.data.parliament import geometry, hairstyles, people
from debias.data.parliament import scene as scenes

STYLES = sorted(set(hairstyles.SHELLS) | {"bald", "cap", "scarf"})


def make_person(seed=0, male=False, **hair):
    person = people.sample_person(np.random.default_rng(seed), male, 5)
    glasses = replace(person.glasses, style="none")
    return replace(person, hair=replace(person.hair, bun="none", **hair), glasses=glasses)


def materials_of(model, person, expression=people.NEUTRAL):
    return set(geometry.build_face(model, person, expression)[0].materials.tolist())


@pytest.mark.parametrize("style", STYLES)
def test_every_style_gives_a_sound_scene(model, style):
    scene, _ = geometry.build_face(model, make_person(style=style), people.NEUTRAL)
    count = len(scene.positions)
    assert scene.triangles.min() >= 0 and scene.triangles.max() < count
    assert len(scene.rest) == len(scene.occlusion) == len(scene.inner) == count
    assert len(scene.materials) == len(scene.triangles)
    assert np.isfinite(scene.positions).all() and np.abs(scene.positions).max() < 12
    assert scene.positions.dtype == np.float32 and scene.triangles.dtype == np.int32
    assert scene.occlusion.min() >= 0 and scene.occlusion.max() <= 1


@pytest.mark.parametrize("style", STYLES)
def test_styles_are_made_of_the_right_materials(model, style):
    materials = materials_of(model, make_person(style=style))
    assert (scenes.HAIR in materials) == (style in hairstyles.SHELLS)
    assert (scenes.LOCKS in materials) == (style in hairstyles.SHEETS)
    assert (scenes.HEADWEAR in materials) == (style in ("cap", "scarf"))


def test_hair_lies_outside_the_skull_and_more_volume_further_out(model):
    def radius(volume):
        scene, _ = geometry.build_face(model, make_person(style="afro", volume=volume), people.NEUTRAL)
        hair = np.unique(scene.triangles[scene.materials == scenes.HAIR])
        skin = np.unique(scene.triangles[scene.materials == scenes.SKIN])
        distance = np.linalg.norm(scene.positions - [0.0, 7.6, 0.2], axis=1)
        top = scene.rest[:, 1] > 7.9
        return distance[hair[top[hair]]].mean(), distance[skin[top[skin]]].mean()

    (thin, skull), (thick, _) = radius(0.0), radius(1.0)
    assert skull + 0.1 < thin < thick - 0.3


def test_teeth_show_only_when_the_lips_part(model):
    smile = people.Expression("smile", (("mouth-corner-puller", 0.8),), 0.0, (0.0, 0.0))
    grin = people.Expression("grin", (("mouth-part-later", 0.8),), 0.4, (0.0, 0.0))
    person = make_person(style="short")
    assert scenes.TEETH not in materials_of(model, person, smile)
    assert scenes.TEETH in materials_of(model, person, grin)


@pytest.mark.parametrize(("style", "lens"), [("clear", False), ("sun", True)])
def test_glasses_sit_before_the_eyes(model, style, lens):
    person = make_person(style="short")
    person = replace(person, glasses=replace(person.glasses, style=style))
    scene, landmarks = geometry.build_face(model, person, people.NEUTRAL)
    rims = scene.positions[np.unique(scene.triangles[scene.materials == scenes.FRAME])]
    for eye in (landmarks.left_eye, landmarks.right_eye):
        near = np.abs(rims[:, :2] - eye[:2]).max(1) < 0.35
        assert near.sum() > 50 and rims[near, 2].min() > eye[2]
    assert (scenes.LENS in scene.materials) == lens


def test_landmarks_are_where_features_are(model):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        person, expression = people.sample_person(rng, seed % 2 == 0, 1 + seed % 6), people.sample_expression(rng)
        _, landmarks = geometry.build_face(model, person, expression)
        assert landmarks.left_eye[0] > 0 > landmarks.right_eye[0]
        assert landmarks.mouth[1] < min(landmarks.left_eye[1], landmarks.right_eye[1]) - 0.4


def test_grids_are_closed_without_holes():
    """Every inner edge of a closed strip belongs to two triangles; only the two rims have free edges."""
    triangles = scenes.grid_triangles(4, 6, closed=True)
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert len(triangles) == 2 * 3 * 6
    assert (counts == 1).sum() == 2 * 6 and counts.max() == 2
