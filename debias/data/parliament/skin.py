"""The colour of facial skin: pigment, blood, lips, brows, beard, scalp, make-up and wrinkles, painted procedurally.

Positions are rest-mesh coordinates in decimetres (see `mesh`), so paint follows the anatomy through every morph.
"""

import math

import numba
import numpy as np

from debias.data.parliament.colour import lab_to_linear
from debias.data.parliament.mesh import FINE, GRAINS, NOISE_SIZE, PATCHES, STREAKS
from debias.data.parliament.people import Person

# Anatomy of the rest face. "Across" is the distance from the plane of symmetry.
EYE_ACROSS, EYE_Y = 0.31, 7.30
LID_Y = 7.37
BROW_INNER, BROW_OUTER, BROW_Y = 0.13, 0.57, 7.455
CHEEK_ACROSS, CHEEK_Y = 0.42, 6.98
NOSE_Y = 6.98
FOREHEAD_Y = 7.85
MOUTH_Y, LIPS_Z = 6.605, 1.0
CHIN_Y = 6.25
FRONT_Z = 0.6  # the front of the face lies at greater z
AXIS_Z = 0.35  # of the cylinder that textures wrap round

HAIRLINE_Y = 7.98
LOWEST_FRINGE_Y = 7.56
EAR_LINE_Y = 6.55
SIDEBURN_Y = 7.15

BEARDS = ("none", "shadow", "stubble", "full", "goatee", "moustache")
SHADOW, STUBBLE, FULL, GOATEE, MOUSTACHE = 1, 2, 3, 4, 5
BEARD_COVER = (0.0, 0.17, 0.40, 0.92, 0.88, 0.88)
BARE_SCALPS = ("bald", "cap", "scarf")


# A person's skin as the kernels take it: a record is passed by its address, so calls stay cheap.
SKIN_LOOK = np.dtype(
    [
        ("lab", "f8", 3),
        ("freckles", "f8"),
        ("blotches", "f8"),
        ("gloss", "f8"),
        ("age", "f8"),
        ("makeup", "f8"),
        ("lips", "f8", 3),
        ("lids", "f8"),
        ("brow_rgb", "f8", 3),
        ("brow_width", "f8"),
        ("brow_density", "f8"),
        ("brow_arch", "f8"),
        ("beard", "i8"),
        ("beard_density", "f8"),
        ("hair_rgb", "f8", 3),
        ("scalp_cover", "f8"),
        ("recession", "f8"),
        ("phases", "f8", 8),
    ]
)


def skin_look(person: Person) -> np.void:
    """The painted factors of a person, a SKIN_LOOK record."""
    skin, makeup, brows, beard, hair = person.skin, person.makeup, person.brows, person.beard, person.hair
    values = (
        *(skin.lab, skin.freckles, skin.blotches, skin.gloss, person.age),
        *(makeup.strength, makeup.lips, makeup.lids),
        *(brows.rgb, brows.width, brows.density, brows.arch),
        *(BEARDS.index(beard.style), beard.density),
        *(hair.rgb, _scalp_cover(person), hair.recession, person.phases),
    )
    return np.array(values, SKIN_LOOK)[()]


@numba.njit(cache=True, fastmath=True)
def face_albedo(look, noise, x, y, z):
    """Linear RGB of facial skin at a rest position, everything painted on it included."""
    across, turn = abs(x), turn_of(x, z)
    albedo = complexion(look, noise, x, y, z, turn)
    if z > LIPS_Z and abs(y - MOUTH_Y) < 0.25 and across < 0.4:
        albedo = _paint_lips(look, albedo, across, y)
    if z > 0.8 and y > 7.2:
        albedo = _paint_lids(look, albedo, across, y)
        albedo = _paint_brows(look, noise, albedo, x, y)
    if look.beard > 0 and z > 0.3 and 5.7 < y < 7.4:
        albedo = _paint_beard(look, noise, albedo, x, y, z, turn)
    if look.scalp_cover > 0.0:
        albedo = _paint_scalp(look, noise, albedo, x, y, z, turn)
    return albedo


@numba.njit(cache=True, fastmath=True)
def complexion(look, noise, x, y, z, turn):
    """Linear RGB of bare skin: uneven pigment, blood under cheeks, nose and chin, eye sockets, freckles, wrinkles."""
    lightness, redness, yellowness = look.lab[0], look.lab[1], look.lab[2]
    phases = look.phases
    patches = sample(noise, PATCHES, turn * 0.22 + phases[0], y * 0.22 + phases[1])
    lightness += (0.5 + 1.4 * look.blotches) * patches
    lightness += 0.5 * sample(noise, FINE, turn * 0.7 + phases[2], y * 0.7 + phases[3])
    redness += 0.9 * sample(noise, PATCHES, turn * 0.3 + phases[4], y * 0.3 + phases[5])
    if z > FRONT_Z:
        across = abs(x)
        blood = _blood(look, across, y)
        socket = _spot(across, y, EYE_ACROSS, EYE_Y, 0.17)
        lightness += 1.3 * _spot(across, y, 0.0, FOREHEAD_Y, 0.35) - 0.9 * blood - socket * (3.2 + 0.05 * look.age)
        redness += (3.2 if look.lab[0] > 45.0 else 2.2) * blood + 1.2 * socket
        freckles = _freckles(look, noise, across, turn, y)
        lightness -= 12.0 * freckles + _wrinkles(look, across, x, y)
        yellowness += 5.0 * freckles
    return lab_to_linear(lightness, redness, yellowness)


@numba.njit(cache=True, fastmath=True)
def lip_cover(across, y):
    """0..1: how much of a position is lip."""
    inside = 1.0 - (across / 0.275) ** 2
    if inside <= 0.0:
        return 0.0
    upper = MOUTH_Y + 0.118 * inside**0.9 - 0.03 * math.exp(-((across / 0.05) ** 2))
    lower = MOUTH_Y - 0.148 * inside**0.8
    return smooth_step(0.0, 0.03, upper - y) * smooth_step(0.0, 0.035, y - lower)


@numba.njit(cache=True, fastmath=True)
def beyond_hairline(x, y, z, fringe, sweep, recession):
    """Decimetres above the hairline: positive where hair grows."""
    across = abs(x)
    if z > 0.72:
        temples = math.exp(-(((across - 0.38) / 0.2) ** 2))
        front = HAIRLINE_Y - 0.62 * smooth_step(0.30, 0.76, across) + recession * (0.22 * temples + 0.12)
        return y - max(front - fringe - max(sweep * x, 0.0), LOWEST_FRINGE_Y)
    if z > 0.5:
        return y - (SIDEBURN_Y + 1.6 * (z - 0.5))
    above_ear = 0.95 * smooth_step(0.0, 0.25, z) if across > 0.45 else 0.0
    return y - (EAR_LINE_Y + above_ear)


@numba.njit(cache=True, fastmath=True)
def beard_cover(look, noise, x, y, z, turn):
    """0..1: how much of a position is beard."""
    across = abs(x)
    if look.beard == 0 or z < 0.38:
        return 0.0
    moustache = _moustache(across, y)
    region = _beard_region(noise, across, y, z, turn)
    if look.beard == MOUSTACHE:
        cover = moustache
    elif look.beard == GOATEE:
        chin = (1.0 - smooth_step(0.2, 0.3, across)) * smooth_step(0.0, 0.05, 6.60 - y)
        cover = max(moustache, chin * region * (z > 0.9))
    else:
        cover = max(moustache, region * (smooth_step(0.3, 0.38, across) if y > 6.6 else 1.0))
    cover *= 1.0 - min(1.2 * lip_cover(across, y), 1.0)
    grain = 0.8 + 0.2 * sample(noise, FINE, turn * 1.5 + look.phases[3], y * 1.5)
    return min(max(cover * grain, 0.0), 1.0) * BEARD_COVER[look.beard]


@numba.njit(cache=True, fastmath=True)
def turn_of(x, z):
    """Angle in radians round the head from its front, by which textures wrap."""
    return math.atan2(x, z - AXIS_Z)


@numba.njit(cache=True, fastmath=True)
def smooth_step(low, high, value):
    """0 below `low`, 1 above `high` (or the reverse if low > high), a cubic between."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@numba.njit(cache=True, fastmath=True)
def sample(noise, which, u, v):
    """Bilinear sample of a tileable noise texture; u and v count tiles."""
    size, textures = NOISE_SIZE, noise.textures
    u, v = u * size, v * size
    left, top = math.floor(u), math.floor(v)
    right_share, lower_share = u - left, v - top
    column, row = int(left) & (size - 1), int(top) & (size - 1)
    next_column, next_row = (column + 1) & (size - 1), (row + 1) & (size - 1)
    left_share = 1.0 - right_share
    upper = textures[which, row, column] * left_share + textures[which, row, next_column] * right_share
    lower = textures[which, next_row, column] * left_share + textures[which, next_row, next_column] * right_share
    return upper * (1.0 - lower_share) + lower * lower_share


@numba.njit(cache=True, fastmath=True)
def mix(first, second, share):
    """`first` and `second` RGB blended, `share` of the second."""
    rest = 1.0 - share
    return (
        first[0] * rest + second[0] * share,
        first[1] * rest + second[1] * share,
        first[2] * rest + second[2] * share,
    )


def _scalp_cover(person: Person) -> float:
    if person.hair.style == "bald":
        return 0.16 * person.hair.length
    return 0.0 if person.hair.style in BARE_SCALPS else 0.85


@numba.njit(cache=True, fastmath=True)
def _spot(across, y, centre_across, centre_y, radius):
    """A soft spot, and its mirror image, a little wider than high."""
    squared = ((across - centre_across) / radius) ** 2 + ((y - centre_y) / (0.8 * radius)) ** 2
    return math.exp(-squared) if squared < 9.0 else 0.0


@numba.njit(cache=True, fastmath=True)
def _blood(look, across, y):
    cheeks = (0.8 + 0.8 * look.makeup) * _spot(across, y, CHEEK_ACROSS, CHEEK_Y, 0.2)
    return cheeks + 0.8 * _spot(across, y, 0.0, NOSE_Y, 0.13) + 0.35 * _spot(across, y, 0.0, CHIN_Y, 0.15)


@numba.njit(cache=True, fastmath=True)
def _freckles(look, noise, across, turn, y):
    if look.freckles < 0.2:
        return 0.0
    grains = sample(noise, GRAINS, turn * 1.2 + look.phases[6], y * 1.2 + look.phases[7])
    return min(max(grains - 1.2, 0.0), 1.0) * look.freckles * _spot(across, y, 0.25, 7.05, 0.35)


@numba.njit(cache=True, fastmath=True)
def _wrinkles(look, across, x, y):
    """Loss of lightness along the lines of the forehead and from nose to mouth."""
    old = min(max((look.age - 35.0) / 35.0, 0.0), 1.0)
    if old == 0.0:
        return 0.0
    loss = 0.0
    if 7.65 < y < 8.1 and across < 0.5:
        band = smooth_step(7.65, 7.75, y) * (1.0 - smooth_step(7.95, 8.1, y))
        loss += 5.0 * band * max(math.sin(y * 48.0 + 1.2 * math.cos(x * 4.0)) - 0.55, 0.0)
    if 6.55 < y < 6.97:
        fold = (across - (0.19 + 0.45 * (6.95 - y))) / 0.035
        loss += 8.0 * math.exp(-fold * fold) * smooth_step(6.55, 6.65, y) * (1.0 - smooth_step(6.9, 6.97, y))
    return old * loss


@numba.njit(cache=True, fastmath=True)
def _paint_lips(look, albedo, across, y):
    lightness, redness, yellowness = look.lab[0], look.lab[1], look.lab[2]
    bare_lightness = 0.80 * lightness + 4.0
    bare_redness = redness + (9.0 if lightness > 45.0 else 5.0)
    bare_yellowness = 0.75 * yellowness + 1.0
    share = 0.75 * look.makeup
    lips = lab_to_linear(
        bare_lightness * (1.0 - share) + share * min(lightness, 52.0) * look.lips[0],
        bare_redness * (1.0 - share) + share * (redness + look.lips[1]),
        bare_yellowness * (1.0 - share) + share * look.lips[2],
    )
    albedo = mix(albedo, lips, 0.85 * lip_cover(across, y))
    if across < 0.27:
        parting = math.exp(-(((y - MOUTH_Y) / 0.014) ** 2))
        albedo = mix(albedo, (0.004, 0.002, 0.002), 0.75 * parting)
    return albedo


@numba.njit(cache=True, fastmath=True)
def _paint_lids(look, albedo, across, y):
    if look.makeup < 0.3:
        return albedo
    cover = min(_spot(across, y, EYE_ACROSS, LID_Y, 0.14) * (look.makeup - 0.3) * (0.5 + look.lids), 1.0)
    return albedo[0] * (1.0 - 0.45 * cover), albedo[1] * (1.0 - 0.6 * cover), albedo[2] * (1.0 - 0.5 * cover)


@numba.njit(cache=True, fastmath=True)
def _paint_brows(look, noise, albedo, x, y):
    across = abs(x)
    along = min(max((across - BROW_INNER) / (BROW_OUTER - BROW_INNER), 0.0), 1.0)
    bow = (0.045 + 0.05 * look.brow_arch) * math.sin(0.8 * math.pi * along)
    centre = BROW_Y + 0.035 * along + bow - 0.06 * along**3
    width = 0.052 * look.brow_width * (1.0 - 0.6 * along)
    distance = (y - centre) / width
    if abs(distance) > 2.5 or across < 0.06 or across > 0.62:
        return albedo
    ends = smooth_step(0.06, 0.17, across) * (1.0 - smooth_step(0.5, 0.62, across))
    hairs = 0.8 + 0.22 * sample(noise, FINE, x * 3.2 + look.phases[1], y * 1.2 + x + look.phases[2])
    cover = 1.2 * math.exp(-0.9 * distance * distance) * ends * hairs
    return mix(albedo, look.brow_rgb, look.brow_density * min(max(cover, 0.0), 1.0))


@numba.njit(cache=True, fastmath=True)
def _moustache(across, y):
    top = 1.0 - smooth_step(6.78, 6.84, y - 0.05 * (1.0 - across / 0.3))
    return smooth_step(6.66, 6.71, y) * top * (1.0 - smooth_step(0.24, 0.33, across))


@numba.njit(cache=True, fastmath=True)
def _beard_region(noise, across, y, z, turn):
    """Cheeks below a line that rises to the ears, jaw and chin, fading into the neck."""
    rise = min(max((across - 0.26) / 0.46, 0.0), 1.0) ** 1.3
    line = 6.64 + 0.50 * rise + 0.03 * sample(noise, STREAKS, turn * 0.8, y * 0.8)
    jaw = smooth_step(0.42, 0.60, z + 0.12 * smooth_step(6.9, 6.5, y))
    neck = smooth_step(5.92, 6.12, y + 0.25 * (z < 0.9)) * smooth_step(6.08, 6.2, y + 0.12 * (z > 1.1))
    return smooth_step(0.0, 0.16, line - y) * jaw * neck


@numba.njit(cache=True, fastmath=True)
def _paint_beard(look, noise, albedo, x, y, z, turn):
    cover = beard_cover(look, noise, x, y, z, turn)
    density = look.beard_density if look.beard != FULL else 0.95
    hair = (0.8 * look.hair_rgb[0] + 0.004, 0.8 * look.hair_rgb[1] + 0.004, 0.8 * look.hair_rgb[2] + 0.004)
    return mix(albedo, hair, cover * density)


@numba.njit(cache=True, fastmath=True)
def _paint_scalp(look, noise, albedo, x, y, z, turn):
    if y < 6.3:
        return albedo
    ragged = 0.02 * sample(noise, FINE, turn * 0.9 + look.phases[5], y * 0.9)
    cover = smooth_step(-0.03, 0.10, beyond_hairline(x, y, z, 0.0, 0.0, look.recession) + ragged)
    return mix(albedo, look.hair_rgb, look.scalp_cover * cover)
