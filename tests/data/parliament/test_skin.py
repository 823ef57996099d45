"""Paint on the skin: where each feature lies, and what it does to the colour."""

import numpy as np
import pytest

from debias.data.parliament import colour, people, skin

LIPS = (0.12, 6.66, 1.6)
CHEEK = (0.5, 6.95, 1.2)
FOREHEAD = (0.0, 7.75, 1.4)
BROW = (0.33, 7.51, 1.35)
JAW = (0.45, 6.35, 0.9)
CROWN = (0.0, 8.6, 0.2)


@pytest.fixture
def look():
    """A plain light-skinned person's skin, to be changed by the tests."""
    record = np.array(skin.skin_look(people.sample_person(np.random.default_rng(0), False, 2)))
    plain = {"freckles": 0, "blotches": 0, "age": 20, "makeup": 0, "beard": 0, "scalp_cover": 0, "recession": 0}
    for name, value in plain.items():
        record[name] = value
    record["lab"] = colour.skin_lab(45.0)
    record["brow_rgb"] = record["hair_rgb"] = (0.02, 0.01, 0.01)
    return record


def albedo(look, model, place):
    return np.array(skin.face_albedo(look[()], model.noise, *place))


def luminance(rgb):
    return rgb @ np.array([0.2126, 0.7152, 0.0722])


def test_bare_skin_has_about_its_own_colour(look, model):
    np.testing.assert_allclose(albedo(look, model, FOREHEAD), colour.lab_to_linear(*look["lab"]), rtol=0.2)


def test_cheeks_and_lips_are_redder_than_the_forehead(look, model):
    colours = []
    for phases in np.random.default_rng(0).random((30, 8)):  # averages the uneven pigment away
        look["phases"] = phases
        colours.append([albedo(look, model, place) for place in (FOREHEAD, CHEEK, LIPS)])
    red, green, _ = np.mean(colours, axis=0).T
    assert (np.diff(red / green) > 0.05).all()


def test_brows_are_dark_where_brows_are(look, model):
    assert luminance(albedo(look, model, BROW)) < 0.5 * luminance(albedo(look, model, FOREHEAD))


@pytest.mark.parametrize("style", skin.BEARDS[1:])
def test_beards_cover_their_part_of_the_face_only(look, model, style):
    look["beard"], look["beard_density"] = skin.BEARDS.index(style), 1.0
    turn = skin.turn_of
    on_jaw = skin.beard_cover(look[()], model.noise, *JAW, turn(JAW[0], JAW[2]))
    on_upper_lip = skin.beard_cover(look[()], model.noise, 0.1, 6.75, 1.6, turn(0.1, 1.6))
    assert (on_jaw > 0.1) == (style in ("shadow", "stubble", "full"))
    assert on_upper_lip > 0.1
    for place in (FOREHEAD, LIPS, (0.0, 7.0, 1.7)):
        assert skin.beard_cover(look[()], model.noise, *place, turn(place[0], place[2])) < 0.02


def test_hair_grows_on_the_crown_and_not_on_the_face():
    for place in (FOREHEAD, CHEEK, LIPS):
        assert skin.beyond_hairline(*place, 0.0, 0.0, 0.0) < 0
    assert skin.beyond_hairline(*CROWN, 0.0, 0.0, 0.0) > 0
    assert skin.beyond_hairline(0.0, 7.0, -0.6, 0.0, 0.0, 0.0) > 0  # the back of the head


def test_fringes_lower_and_age_raises_the_hairline():
    plain = skin.beyond_hairline(*FOREHEAD, 0.0, 0.0, 0.0)
    assert skin.beyond_hairline(*FOREHEAD, 0.4, 0.0, 0.0) == pytest.approx(plain + 0.4)
    assert skin.beyond_hairline(*FOREHEAD, 0.0, 0.0, 1.0) < plain
    left, right = (skin.beyond_hairline(x, 7.75, 1.3, 0.0, 0.6, 0.0) for x in (0.3, -0.3))
    assert left == pytest.approx(right + 0.18)  # swept to the left


def test_the_paint_follows_the_mesh_of_the_head(model):
    """Lips are painted on the vertices whose boundary the mesh calls lips."""
    rest = model.face.rest[model.face.parts["lips"].vertices]
    covers = np.array([skin.lip_cover(abs(x), y) for x, y, _ in rest])
    assert np.mean(covers > 0.5) > 0.5
    assert skin.lip_cover(0.1, 6.9) == skin.lip_cover(0.1, 6.3) == skin.lip_cover(0.5, 6.6) == 0


def test_smooth_step_is_a_step():
    assert [skin.smooth_step(1.0, 3.0, value) for value in (0.0, 1.0, 2.0, 3.0, 9.0)] == [0, 0, 0.5, 1, 1]
    assert skin.smooth_step(3.0, 1.0, 1.5) == pytest.approx(1 - skin.smooth_step(1.0, 3.0, 1.5))


def test_sampling_interpolates_and_wraps(model):
    texture = model.noise["textures"][2]
    size = texture.shape[0]
    assert skin.sample(model.noise, 2, 7 / size, 3 / size) == pytest.approx(texture[3, 7])
    assert skin.sample(model.noise, 2, 7.5 / size, 3 / size) == pytest.approx(texture[3, 7:9].mean(), abs=1e-6)
    assert skin.sample(model.noise, 2, 7 / size - 4, 3 / size + 2) == pytest.approx(texture[3, 7], abs=1e-6)
    assert skin.sample(model.noise, 2, (size - 0.5) / size, 0.0) == pytest.approx(texture[0, [0, -1]].mean(), abs=1e-6)
