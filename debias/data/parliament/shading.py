"""Per-pixel shaders: one small function per material, one loop that fills an image.

An attribute table (n, 11) float32 holds, per vertex: rest position, unit normal and position in camera space, ambient
occlusion, and whether it lies inside the mouth (or how far inside a sheet of hair).
"""

import math

import numba
import numpy as np

from debias.data.parliament import colour, mesh
from debias.data.parliament.lighting import illuminate, lit_share, normalised
from debias.data.parliament.mesh import FINE, GRAINS, PATCHES, STREAKS, Model
from debias.data.parliament.people import Expression, Person
from debias.data.parliament.raster import blend
from debias.data.parliament.scene import EYE, HAIR, HEADWEAR, LASH, LENS, LOCKS, SKIN, TEETH, TONGUE, Scene
from debias.data.parliament.skin import (
    SKIN_LOOK,
    beard_cover,
    beyond_hairline,
    face_albedo,
    lip_cover,
    mix,
    sample,
    skin_look,
    smooth_step,
    turn_of,
)

REST, NORMAL, POSITION, OCCLUSION, INNER = 0, 3, 6, 9, 10

STRAIGHT, WAVY, COILED, BRAIDED, CROPPED = range(5)
HAIR_TEXTURE = {
    "wavy": WAVY,
    "afro": COILED,
    "curly": COILED,
    "curly crop": COILED,
    "twists": COILED,
    "braids": BRAIDED,
    "buzz": CROPPED,
}

IRIS_ANGLE = 0.46  # radians from the pupil's centre to the edge of the iris, seen from the eye's centre
PUPIL_ANGLE = 0.18
NECKLINE_Y = 5.45
PALE_FROM = 45.0  # L* above which light scatters visibly under the skin

# Everything the shaders know about a person; records are passed by their address, so calls stay cheap.
EYE_LOOK = np.dtype([("left", "f8", 3), ("right", "f8", 3), ("gaze", "f8", 3), ("iris", "f8", 3)])
HAIR_LOOK = np.dtype(
    [("rgb", "f8", 3), ("texture", "i8"), ("fringe", "f8"), ("sweep", "f8"), ("recession", "f8"), ("down", "f8", 3)]
)
CLOTH_LOOK = np.dtype([("rgb", "f8", 3), ("headwear_rgb", "f8", 3), ("neckline", "f8"), ("stripes", "f8")])
LOOK = np.dtype(
    [("skin", SKIN_LOOK), ("eyes", EYE_LOOK), ("hair", HAIR_LOOK), ("cloth", CLOTH_LOOK), ("frame_rgb", "f8", 3)]
)


def look_of(model: Model, person: Person, expression: Expression, rotation: np.ndarray) -> np.void:
    """The LOOK record of a person; rotation (3, 3) turns model space into camera space."""
    look = np.zeros((), LOOK)
    look["skin"] = skin_look(person)
    look["eyes"] = _eye_look(model, person, expression)
    look["hair"] = _hair_look(person, rotation)
    look["cloth"] = _cloth_look(person)
    look["frame_rgb"] = person.glasses.rgb
    return look[()]


def attribute_table(scene: Scene, positions: np.ndarray) -> np.ndarray:
    """The (n, 11) float32 table of a scene whose vertices stand at camera-space positions (n, 3)."""
    table = np.empty((len(positions), 11), np.float32)
    table[:, REST : REST + 3] = scene.rest
    table[:, NORMAL : NORMAL + 3] = mesh.vertex_normals(positions, scene.triangles)
    table[:, POSITION : POSITION + 3] = positions
    table[:, OCCLUSION] = scene.occlusion
    table[:, INNER] = scene.inner
    return table


@numba.njit(cache=True, fastmath=True)
def shade(image, ids, weights, triangles, materials, table, look, rig, shadow, noise, distance):
    """Blend the visible triangles into image (h, w, 3) float32 linear RGB.

    ids (h, w) and weights (h, w, 2) are the rasteriser's; the camera stands at (0, 0, distance) in camera space.
    """
    for row in range(ids.shape[0]):
        for column in range(ids.shape[1]):
            t = ids[row, column]
            if t < 0:
                continue
            wb, wc = weights[row, column, 0], weights[row, column, 1]
            rgb, alpha = _surface(materials[t], triangles[t], wb, wc, table, look, rig, shadow, noise, distance)
            for channel in range(3):
                image[row, column, channel] += np.float32(alpha * (rgb[channel] - image[row, column, channel]))


@numba.njit(cache=True, fastmath=True)
def _surface(material, triangle, wb, wc, table, look, rig, shadow, noise, distance):
    """Linear RGB and opacity of one point of a triangle."""
    rest = _vector(table, triangle, wb, wc, REST)
    position = _vector(table, triangle, wb, wc, POSITION)
    x, y, z = _vector(table, triangle, wb, wc, NORMAL)
    normal = normalised(x, y, z)
    view = normalised(-position[0], -position[1], distance - position[2])
    occlusion = blend(table, triangle, wb, wc, OCCLUSION)
    if material != SKIN and normal[0] * view[0] + normal[1] * view[1] + normal[2] * view[2] < 0.0:
        normal = (-normal[0], -normal[1], -normal[2])
    lit = lit_share(shadow, position, normal) * (0.35 + 0.65 * occlusion)
    if material == SKIN:
        inner = blend(table, triangle, wb, wc, INNER)
        return _skin(look, rig, noise, rest, normal, view, lit, occlusion, inner), 1.0
    if material in (HAIR, LOCKS):
        edge = blend(table, triangle, wb, wc, INNER) if material == LOCKS else -1.0
        return _hair(look.hair, look.skin.phases, rig, noise, rest, normal, view, lit, occlusion, edge)
    if material == EYE:
        return _eye(look, rig, rest, normal, view, lit), 1.0
    if material == LASH:
        return (0.006, 0.004, 0.004), 0.5 + 0.4 * look.skin.makeup
    if material == HEADWEAR:
        return _headwear(look, rig, noise, rest, normal, view, lit, occlusion), 1.0
    return _accessory(material, look, rig, rest, normal, view, lit, occlusion), 1.0


@numba.njit(cache=True, fastmath=True)
def _vector(table, triangle, wb, wc, column):
    return (
        blend(table, triangle, wb, wc, column),
        blend(table, triangle, wb, wc, column + 1),
        blend(table, triangle, wb, wc, column + 2),
    )


@numba.njit(cache=True, fastmath=True)
def _skin(look, rig, noise, rest, normal, view, lit, occlusion, inner):
    x, y, z = rest
    if _dressed(look.cloth, x, y, z):
        albedo = _stripes(look.cloth.rgb, look.cloth.stripes, y)
        return illuminate(rig, normal, view, lit, occlusion * math.sqrt(occlusion), albedo, 0.6, 0.1, (0.1, 0.1, 0.1))
    skin, turn = look.skin, turn_of(x, z)
    albedo = face_albedo(skin, noise, x, y, z)
    if inner > 0.6:
        albedo = (0.16 * albedo[0], 0.09 * albedo[1], 0.09 * albedo[2])
    pale = skin.lab[0] > PALE_FROM
    wrap = (0.30, 0.16, 0.10) if pale else (0.22, 0.14, 0.10)
    gloss = skin.gloss * (1.1 if pale else 1.65) * (0.1 if inner > 0.6 else 1.0)
    if y < 7.0:
        gloss *= 1.0 + 0.7 * lip_cover(abs(x), y) * (z > 1.0) * (0.4 + skin.makeup)
        gloss *= 1.0 - 0.8 * beard_cover(skin, noise, x, y, z, turn)
    wrinkled = min(max((skin.age - 30.0) / 40.0, 0.0), 1.0)
    bumped = _bumped(noise, FINE, normal, turn, y, 0.9, 0.03 + 0.04 * wrinkled)
    crevices, roughness = occlusion * math.sqrt(occlusion), 0.38 + 0.1 * skin.phases[2]
    return illuminate(rig, bumped, view, lit, crevices, albedo, roughness, gloss, wrap)


@numba.njit(cache=True, fastmath=True)
def _eye(look, rig, rest, normal, view, lit):
    """White, iris with a dark rim, pupil, the upper lid's shadow and a catch light."""
    centre = look.eyes.left if rest[0] > 0.0 else look.eyes.right
    x, y, z = normalised(rest[0] - centre[0], rest[1] - centre[1], rest[2] - centre[2])
    gaze = look.eyes.gaze
    angle = math.acos(min(max(x * gaze[0] + y * gaze[1] + z * gaze[2], -1.0), 1.0))
    radius = min(angle / IRIS_ANGLE, 1.0)
    glow = 0.75 + 0.6 * radius * (1.0 - smooth_step(0.75, 1.0, radius))
    glow *= 1.0 - 0.75 * smooth_step(0.78, 1.0, radius)
    iris = (glow * look.eyes.iris[0], glow * look.eyes.iris[1], glow * look.eyes.iris[2])
    white_share = smooth_step(IRIS_ANGLE - 0.03, IRIS_ANGLE + 0.03, angle)
    white = 1.0 - 0.35 * smooth_step(0.5, 1.0, angle)
    albedo = mix(iris, (0.62 * white, 0.55 * white, 0.51 * white), white_share)
    visible = smooth_step(PUPIL_ANGLE - 0.03, PUPIL_ANGLE + 0.03, angle) * (1.0 - 0.65 * smooth_step(-0.05, 0.40, y))
    albedo = (0.004 + albedo[0] * visible, 0.004 + albedo[1] * visible, 0.004 + albedo[2] * visible)
    red, green, blue = illuminate(rig, normal, view, 0.7 * lit + 0.3, 0.65, albedo, 0.15, 0.4, (0.3, 0.3, 0.3))
    catch = _catch_light(rig, normal)
    return red + catch * rig.colours[0, 0], green + catch * rig.colours[0, 1], blue + catch * rig.colours[0, 2]


@numba.njit(cache=True, fastmath=True)
def _catch_light(rig, normal):
    x = 0.12 if rig.directions[0, 0] > 0.0 else -0.12
    towards = normalised(x, 0.22, 1.0)
    aligned = normal[0] * towards[0] + normal[1] * towards[1] + normal[2] * towards[2]
    return 0.9 * max(aligned, 0.0) ** 260


@numba.njit(cache=True, fastmath=True)
def _hair(hair, phases, rig, noise, rest, normal, view, lit, occlusion, edge):
    """Colour and opacity of hair; edge is negative on the scalp, else how far inside hanging hair the point is."""
    x, y, z = rest
    turn = turn_of(x, z)
    strand = _strand(hair, phases, noise, turn, y)
    shade_factor = 1.0 + 0.42 * strand
    albedo = (
        min(max(hair.rgb[0] * shade_factor, 0.003), 0.8),
        min(max(hair.rgb[1] * shade_factor, 0.003), 0.8),
        min(max(hair.rgb[2] * shade_factor, 0.003), 0.8),
    )
    bump = 0.35 if hair.texture == COILED else 0.14
    bumped = _bumped(noise, GRAINS, normal, turn, y, 1.3, bump)
    shelter = occlusion * (0.55 + 0.45 * smooth_step(5.0, 7.6, y))
    rgb = illuminate(rig, bumped, view, 0.75 * lit + 0.1, shelter, albedo, 0.6, 0.05, (0.3, 0.3, 0.3))
    if hair.texture != COILED and hair.texture != CROPPED:
        sheen = _sheen(hair.down, rig, normal, view) * (0.6 + 0.5 * strand) * lit
        rgb = (
            rgb[0] + sheen * (1.3 * albedo[0] + 0.016) * rig.colours[0, 0],
            rgb[1] + sheen * (1.3 * albedo[1] + 0.015) * rig.colours[0, 1],
            rgb[2] + sheen * (1.3 * albedo[2] + 0.014) * rig.colours[0, 2],
        )
    if edge >= 0.0:
        return rgb, smooth_step(0.05, 0.45, edge + 0.22 * strand)
    return rgb, _hair_opacity(hair, phases, noise, rest, turn, strand, normal, view)


@numba.njit(cache=True, fastmath=True)
def _strand(hair, phases, noise, turn, y):
    """Brightness of the strand at a place on the scalp, about zero mean and unit variance."""
    if hair.texture == COILED:
        fine = sample(noise, FINE, turn * 1.5, y * 1.5 + 0.3)
        return 0.5 * fine + 0.5 * sample(noise, GRAINS, turn * 1.1 + phases[0], y * 1.1 + phases[1])
    if hair.texture == CROPPED:
        return 0.6 * sample(noise, FINE, turn * 1.5, y * 1.5)
    if hair.texture == BRAIDED:
        lane = turn * 26.0
        plait = 0.25 * math.sin(y * 55.0 + 9.0 * math.floor(lane / math.pi))
        return 1.6 * abs(math.sin(lane + 0.5 * math.sin(y * 14.0))) - 1.0 + 0.3 * sample(noise, FINE, turn, y) + plait
    swing = 0.10 * math.sin(y * 9.0 + 3.0 * phases[3] + turn * 2.0) if hair.texture == WAVY else 0.0
    swing += 0.03 * math.sin(y * 5.0 + 3.0 * phases[3])
    lock = sample(noise, STREAKS, (turn + swing) * 2.2 + phases[0], y * 0.14 + phases[1])
    return 0.7 * lock + 0.5 * sample(noise, FINE, (turn + swing) * 3.6 + phases[2], y * 0.10)


@numba.njit(cache=True, fastmath=True)
def _sheen(down, rig, normal, view):
    """Kajiya-Kay highlight of strands that follow the surface downwards."""
    along = down[0] * normal[0] + down[1] * normal[1] + down[2] * normal[2]
    strand = normalised(down[0] - along * normal[0], down[1] - along * normal[1], down[2] - along * normal[2])
    key = rig.directions[0]
    half = normalised(key[0] + view[0], key[1] + view[1], key[2] + view[2])
    aligned = strand[0] * half[0] + strand[1] * half[1] + strand[2] * half[2]
    return max(1.0 - aligned * aligned, 0.0) ** 30


@numba.njit(cache=True, fastmath=True)
def _hair_opacity(hair, phases, noise, rest, turn, strand, normal, view):
    """Ragged at the hairline, fluffy at the outline of coiled hair."""
    x, y, z = rest
    above = beyond_hairline(x, y, z, hair.fringe, hair.sweep, hair.recession)
    ragged = 0.05 if hair.texture == STRAIGHT or hair.texture == BRAIDED else 0.03
    ragged *= sample(noise, FINE, turn * 1.6 + phases[4], y * 0.5)
    opacity = smooth_step(-0.02, 0.11, above + ragged)
    if hair.texture == COILED:
        facing = max(normal[0] * view[0] + normal[1] * view[1] + normal[2] * view[2], 0.0)
        opacity *= smooth_step(-0.02, 0.3, facing + 0.22 * min(max(strand, -1.0), 1.0))
    return opacity


@numba.njit(cache=True, fastmath=True)
def _headwear(look, rig, noise, rest, normal, view, lit, occlusion):
    albedo = _stripes(look.cloth.headwear_rgb, look.cloth.stripes, rest[1])
    folded = _bumped(noise, PATCHES, normal, turn_of(rest[0], rest[2]), rest[1], 0.3, 0.2)
    return illuminate(rig, folded, view, lit, occlusion, albedo, 0.6, 0.1, (0.1, 0.1, 0.1))


@numba.njit(cache=True, fastmath=True)
def _accessory(material, look, rig, rest, normal, view, lit, occlusion):
    if material == TEETH:
        return _teeth(rig, rest, normal, view, lit)
    if material == TONGUE:
        return illuminate(rig, normal, view, 0.3 * lit + 0.2, 0.4, (0.25, 0.07, 0.06), 0.3, 0.4, (0.2, 0.2, 0.2))
    if material == LENS:
        sky = 0.012 + 0.12 * smooth_step(-0.3, 0.5, normal[1] + 0.6 * (rest[1] - 7.25))
        return sky * rig.sky[0] + 0.006, sky * rig.sky[1] + 0.006, sky * rig.sky[2] + 0.007
    return illuminate(rig, normal, view, lit, occlusion, look.frame_rgb, 0.3, 0.8, (0.0, 0.0, 0.0))


@numba.njit(cache=True, fastmath=True)
def _teeth(rig, rest, normal, view, lit):
    """Enamel that darkens into the corners of the mouth and at the gums, with faint gaps."""
    corner = 1.0 - 0.75 * smooth_step(0.12, 0.30, abs(rest[0]))
    gap = 1.0 - 0.12 * math.exp(-((math.sin(rest[0] * 34.0) / 0.25) ** 2))
    gum = 0.75 + 0.25 * smooth_step(0.0, 0.4, abs(rest[1]))
    lower = 0.6 if rest[1] > 0.0 else 1.0
    white = 0.66 * corner * gap * gum * lower
    albedo = (white, 0.94 * white, 0.83 * white)
    return illuminate(rig, normal, view, 0.4 * lit + 0.45, 0.8, albedo, 0.3, 0.3, (0.2, 0.2, 0.2))


@numba.njit(cache=True, fastmath=True)
def _bumped(noise, which, normal, turn, y, frequency, height):
    """The normal tilted by noise wrapped round the head."""
    tilt_x = height * sample(noise, which, turn * frequency, y * frequency)
    tilt_y = height * sample(noise, which, turn * frequency + 0.5, y * frequency + 0.3)
    return normalised(normal[0] + tilt_x, normal[1] + tilt_y, normal[2])


@numba.njit(cache=True, fastmath=True)
def _dressed(cloth, x, y, z):
    """Clothes cover what lies below the neckline, which dips in front."""
    dip = 0.35 * math.exp(-((x / 0.45) ** 2)) if z > 0.0 else 0.0
    return y < cloth.neckline - dip


@numba.njit(cache=True, fastmath=True)
def _stripes(rgb, stripes, y):
    if stripes > 0.0 and math.sin(2.0 * math.pi * stripes * y) > 0.0:
        return 0.4 * rgb[0], 0.4 * rgb[1], 0.4 * rgb[2]
    return rgb[0], rgb[1], rgb[2]


def _eye_look(model: Model, person: Person, expression: Expression) -> tuple:
    centres = [model.face.rest[model.face.parts[f"{side} eye"].vertices].mean(0) for side in ("left", "right")]
    gaze = np.array([*expression.gaze, 1.0])
    brightness = 0.75 + 0.5 * person.phases[0]
    return *centres, gaze / np.linalg.norm(gaze), brightness * np.array(colour.IRIS[person.iris])


def _hair_look(person: Person, rotation: np.ndarray) -> tuple:
    hair = person.hair
    down = rotation @ np.array([0.0, -1.0, 0.0])
    return hair.rgb, HAIR_TEXTURE.get(hair.style, STRAIGHT), hair.fringe, hair.sweep, hair.recession, down


def _cloth_look(person: Person) -> tuple:
    clothes = person.clothes
    return clothes.rgb, clothes.headwear_rgb, NECKLINE_Y + clothes.collar, clothes.stripes
