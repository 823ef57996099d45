"""People: the factors of an identity, an expression and a pose, as frozen dataclasses drawn from a generator."""

from dataclasses import dataclass

import numpy as np

from debias.data.parliament import appearance
from debias.data.parliament.appearance import Ancestry, pick
from debias.errors import InputError

IDENTITY_AXES = 93  # paired morph targets of the face: `morphs.identity_axes`
ASYMMETRY_AXES = 58
HEAD_SHAPES = ("oval", "round", "rectangular", "square", "triangular", "invertedtriangular", "diamond")
TONES = (1, 2, 3, 4, 5, 6)

# Per Fitzpatrick type: (probability, Dirichlet parameters of African, Asian and European ancestry).
ANCESTRIES = {
    1: ((0.93, (0.1, 0.4, 8.0)), (0.07, (0.2, 5.0, 1.5))),
    2: ((0.72, (0.15, 0.6, 7.0)), (0.28, (0.2, 6.0, 1.0))),
    3: ((0.55, (0.4, 0.8, 6.0)), (0.35, (0.3, 6.0, 1.0)), (0.1, (2.5, 0.5, 3.0))),
    4: ((0.35, (1.0, 1.0, 5.0)), (0.25, (1.5, 2.5, 4.0)), (0.2, (0.8, 6.0, 1.0)), (0.2, (5.0, 0.7, 1.5))),
    5: ((0.56, (8.0, 0.5, 0.8)), (0.28, (1.5, 2.0, 4.0)), (0.16, (1.5, 5.0, 1.0))),
    6: ((0.78, (9.0, 0.4, 0.4)), (0.22, (3.0, 1.5, 3.5))),
}
MOODS = {"neutral": 0.36, "smile": 0.25, "grin": 0.27, "talk": 0.07, "frown": 0.05}


@dataclass(frozen=True)
class Person:
    """Everything about one face that does not change from one photograph to the next."""

    male: bool
    tone: int  # Fitzpatrick type 1..6
    age: float  # years
    ancestry: Ancestry
    masculinity: float  # 0 = the female, 1 = the male morph target; a little beyond either exaggerates
    muscle: float  # -1..1
    weight: float  # -1..1
    identity: tuple[float, ...]  # (IDENTITY_AXES,) standard normal
    head_shape: tuple[float, ...]  # weight per HEAD_SHAPES
    asymmetry: tuple[float, ...]  # (ASYMMETRY_AXES,) weights, most of them 0
    skin: appearance.Skin
    hair: appearance.Hair
    brows: appearance.Brows
    beard: appearance.Beard
    makeup: appearance.Makeup
    glasses: appearance.Glasses
    clothes: appearance.Clothes
    iris: str
    phases: tuple[float, ...]  # (8,) in 0..1, where this person's textures start


@dataclass(frozen=True)
class Expression:
    """A mood and the weights of its facial action units (names of MakeHuman's expression units)."""

    mood: str
    units: tuple[tuple[str, float], ...]
    mouth_open: float  # 0..1
    gaze: tuple[float, float]  # right and up, tangent of the angle


@dataclass(frozen=True)
class Pose:
    """Rotation of the head in radians: positive yaw turns to the image's right, positive pitch looks down."""

    yaw: float
    pitch: float
    roll: float


def sample_person(rng: np.random.Generator, male: bool, tone: int) -> Person:
    """A person of the given gender and Fitzpatrick type 1..6.

    Raises:
        InputError: the type is not 1..6.
    """
    age = float(np.clip(18 + rng.gamma(2.0, 8.0), 18, 75))
    ancestry = _sample_ancestry(rng, tone)
    hair = appearance.sample_hair(rng, male, tone, age, ancestry)
    return Person(
        male=bool(male),
        tone=int(tone),
        age=age,
        ancestry=ancestry,
        masculinity=float(1 + rng.uniform(-0.02, 0.15) if male else rng.uniform(-0.12, 0.06)),
        muscle=float(np.clip(rng.normal(0.3 if male else -0.1, 0.35), -1, 1)),
        weight=float(np.clip(rng.normal(0.05, 0.42), -0.9, 1)),
        identity=tuple(rng.normal(size=IDENTITY_AXES).tolist()),
        head_shape=_sample_head_shape(rng),
        asymmetry=_sample_asymmetry(rng),
        skin=appearance.sample_skin(rng, tone),
        hair=hair,
        brows=appearance.sample_brows(rng, male, hair),
        beard=appearance.sample_beard(rng, male),
        makeup=appearance.sample_makeup(rng, male),
        glasses=appearance.sample_glasses(rng),
        clothes=appearance.sample_clothes(rng),
        iris=appearance.sample_iris(rng, tone, ancestry),
        phases=tuple(rng.random(8).tolist()),
    )


def sample_expression(rng: np.random.Generator) -> Expression:
    """A mood with its action units, spontaneous brows and a partial blink."""
    mood = pick(rng, MOODS)
    units = _MOOD_UNITS[mood](rng)
    mouth_open = max(units.get("mouth-open", 0.0), 0.5 * units.get("mouth-part-later", 0.0))
    units |= _brow_units(rng) | _both_eyes("closure", max(0.0, rng.normal(-0.02, 0.1)))
    gaze = rng.normal(0, 0.12, 2)
    return Expression(mood, tuple(units.items()), mouth_open, (float(gaze[0]), float(gaze[1])))


def sample_pose(rng: np.random.Generator) -> Pose:
    """Mostly frontal: standard deviations of 15, 6 and 4 degrees, yaw at most 40."""
    yaw = np.clip(rng.normal(0, 0.27), -0.7, 0.7)
    return Pose(float(yaw), float(np.clip(rng.normal(0.02, 0.11), -0.3, 0.3)), float(rng.normal(0, 0.075)))


def sample_pose_from_behind(rng: np.random.Generator) -> Pose:
    """The back of the head, or the side far enough round to hide the face."""
    return Pose(float(np.pi + rng.uniform(-1.1, 1.1)), float(rng.normal(0, 0.15)), float(rng.normal(0, 0.15)))


NEUTRAL = Expression("neutral", (), 0.0, (0.0, 0.0))


def _sample_ancestry(rng: np.random.Generator, tone: int) -> Ancestry:
    if tone not in TONES:
        raise InputError(f"skin tone {tone!r} is not a Fitzpatrick type; use 1..6")
    parameters = pick(rng, {concentration: probability for probability, concentration in ANCESTRIES[tone]})
    return Ancestry(*rng.dirichlet(parameters).tolist())


def _sample_head_shape(rng: np.random.Generator) -> tuple[float, ...]:
    weights = np.zeros(len(HEAD_SHAPES))
    weights[rng.permutation(len(HEAD_SHAPES))[:2]] = np.abs(rng.normal(0, 0.25, 2))
    return tuple(weights.tolist())


def _sample_asymmetry(rng: np.random.Generator) -> tuple[float, ...]:
    weights = np.zeros(ASYMMETRY_AXES)
    weights[rng.integers(0, ASYMMETRY_AXES, 6)] = np.abs(rng.normal(0, 0.15, 6))
    return tuple(weights.tolist())


def _neutral(rng: np.random.Generator) -> dict[str, float]:
    return {"mouth-compression": max(0.0, rng.normal(0, 0.15)), "mouth-elevation": max(0.0, rng.normal(0, 0.15))}


def _smile(rng: np.random.Generator) -> dict[str, float]:
    squint = _both_eyes("slit", rng.uniform(0, 0.35))
    return {"mouth-corner-puller": rng.uniform(0.3, 0.8), **squint}


def _grin(rng: np.random.Generator) -> dict[str, float]:
    return {
        "mouth-corner-puller": rng.uniform(0.5, 1.0),
        "mouth-part-later": rng.uniform(0.3, 0.75),
        "mouth-retraction": rng.uniform(0.0, 0.6),
        "mouth-upward-retraction": max(0.0, rng.uniform(-0.3, 0.4)),
        "mouth-open": max(0.0, rng.uniform(-0.1, 0.12)),
        **_both_eyes("slit", rng.uniform(0.05, 0.4)),
    }


def _talk(rng: np.random.Generator) -> dict[str, float]:
    return {"mouth-open": rng.uniform(0.08, 0.38), "mouth-part-later": rng.uniform(0, 0.4)}


def _frown(rng: np.random.Generator) -> dict[str, float]:
    brows = {f"eyebrows-{side}-down": rng.uniform(0.3, 0.8) for side in ("left", "right")}
    return {"mouth-depression": rng.uniform(0.2, 0.7), **brows}


_MOOD_UNITS = {"neutral": _neutral, "smile": _smile, "grin": _grin, "talk": _talk, "frown": _frown}


def _brow_units(rng: np.random.Generator) -> dict[str, float]:
    kind = pick(rng, {"none": 0.5, "inner-up": 0.15, "up": 0.2, "down": 0.15})
    if kind == "none":
        return {}
    strength, slant = rng.uniform(0, 0.5), rng.uniform(-0.1, 0.1)
    return {f"eyebrows-left-{kind}": max(0.0, strength + slant), f"eyebrows-right-{kind}": max(0.0, strength - slant)}


def _both_eyes(unit: str, weight: float) -> dict[str, float]:
    return {f"eye-left-{unit}": float(weight), f"eye-right-{unit}": float(weight)}
