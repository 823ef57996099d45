"""Which morph targets, with which weights, give a figure the shape of a person and an expression."""

from functools import lru_cache

from debias.data.parliament.mesh import Figure
from debias.data.parliament.people import HEAD_SHAPES, Expression, Person

OPPOSITES = (
    ("decr", "incr"),
    ("down", "up"),
    ("in", "out"),
    ("backward", "forward"),
    ("concave", "convex"),
    ("compress", "uncompress"),
)
IDENTITY_FOLDERS = ("cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck", "nose")
# Targets that move a whole feature out of place, or that age sets already.
EXCLUDED = ("measure", "head-trans", "neck-trans", "nose-trans", "mouth-trans-in", "mouth-trans-out", "head-age")
SPREAD = {"nose": 0.2, "mouth": 0.2, "chin": 0.18, "cheek": 0.18, "forehead": 0.16, "head": 0.15, "eyes": 0.14}
DEFAULT_SPREAD = 0.12
LIMIT = 0.55  # beyond it targets start to break the mesh
# Mean of an axis (female, male): exaggerates the difference between the sexes beyond the macro targets.
DIMORPHISM = {
    "chin/chin-width:decr": (-0.22, 0.15),
    "chin/chin-jaw-drop:decr": (-0.20, 0.12),
    "chin/chin-bones:decr": (-0.15, 0.12),
    "mouth/mouth-upperlip-volume:decr": (0.20, -0.05),
    "mouth/mouth-lowerlip-volume:decr": (0.20, -0.05),
    "eyes/eye-scale:decr": (0.22, -0.05),
    "nose/nose-scale-horiz:decr": (-0.12, 0.05),
    "nose/nose-volume:decr": (-0.15, 0.05),
    "eyebrows/eyebrows-trans:down": (0.15, -0.15),
    "neck/neck-scale-horiz:decr": (-0.25, 0.2),
}
LEAST_WEIGHT = 1e-3
YOUNG, OLD = 25.0, 90.0  # ages in years that the 'young' and 'old' targets stand for

Axis = tuple[tuple[str, ...], tuple[str, ...]]


def body_weights(person: Person) -> dict[str, float]:
    """Gender, age, ancestry, muscle and weight: MakeHuman's macro targets."""
    old = min(max((person.age - YOUNG) / (OLD - YOUNG), 0.0), 1.0)
    weights = {}
    for gender, gender_weight in (("female", 1.0 - person.masculinity), ("male", person.masculinity)):
        for age, age_weight in (("young", 1.0 - old), ("old", old)):
            outer = gender_weight * age_weight
            weights |= {name: outer * inner for name, inner in _macro_weights(person, gender, age).items()}
    return _noticeable(weights)


def face_weights(figure: Figure, person: Person, expression: Expression) -> dict[str, float]:
    """The body's targets plus head shape, identity, asymmetry and expression."""
    names = tuple(figure.target_index)
    weights = {f"head/head-{shape}": weight for shape, weight in zip(HEAD_SHAPES, person.head_shape, strict=True)}
    weights |= dict(zip(_asymmetry_targets(names), person.asymmetry, strict=True))
    weights |= _identity_weights(identity_axes(names), person)
    weights |= _expression_weights(person, expression)
    return body_weights(person) | _noticeable(weights)


@lru_cache(maxsize=4)
def identity_axes(names: tuple[str, ...]) -> dict[str, Axis]:
    """Each axis of identity with its negative and positive targets; left and right are tied into one axis."""
    axes = {}
    for name in names:
        if name.split("/")[0] in IDENTITY_FOLDERS and not any(word in name for word in EXCLUDED):
            stem, _, ending = name.rpartition("-")
            for side, endings in enumerate(zip(*OPPOSITES, strict=True)):
                if ending in endings:
                    key = f"{stem.replace('/l-', '/').replace('/r-', '/')}:{OPPOSITES[endings.index(ending)][0]}"
                    axes.setdefault(key, ([], []))[side].append(name)
    return {key: (tuple(low), tuple(high)) for key, (low, high) in axes.items() if low and high}


@lru_cache(maxsize=4)
def _asymmetry_targets(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name.startswith("asym/"))


def _macro_weights(person: Person, gender: str, age: str) -> dict[str, float]:
    african, asian, european = person.ancestry
    shares = {"african": african, "asian": asian, "caucasian": european}
    weights = {f"macrodetails/{family}-{gender}-{age}": share for family, share in shares.items()}
    for muscle, muscle_weight in _levels(person.muscle, "muscle"):
        for size, size_weight in _levels(person.weight, "weight"):
            weights[f"macrodetails/universal-{gender}-{age}-{muscle}-{size}"] = muscle_weight * size_weight
    return weights


def _levels(value: float, quantity: str) -> tuple[tuple[str, float], tuple[str, float]]:
    """A value in -1..1 as a mixture of the average and the nearer extreme."""
    extreme = "max" if value > 0 else "min"
    return (f"average{quantity}", 1.0 - abs(value)), (f"{extreme}{quantity}", abs(value))


def _identity_weights(axes: dict[str, Axis], person: Person) -> dict[str, float]:
    weights = {}
    for (key, (low, high)), value in zip(axes.items(), person.identity, strict=True):
        mean = DIMORPHISM.get(key, (0.0, 0.0))[person.male]
        scaled = mean + SPREAD.get(key.split("/")[0], DEFAULT_SPREAD) * value
        amount = min(abs(scaled), LIMIT)
        weights |= dict.fromkeys(high if scaled > 0 else low, amount)
    return weights


def _expression_weights(person: Person, expression: Expression) -> dict[str, float]:
    african, asian, european = person.ancestry
    families = (("african", african), ("asian", asian), ("caucasian", european))
    return {
        f"expression/units/{family}/{unit}": share * weight
        for family, share in families
        for unit, weight in expression.units
    }


def _noticeable(weights: dict[str, float]) -> dict[str, float]:
    return {name: weight for name, weight in weights.items() if abs(weight) > LEAST_WEIGHT}
