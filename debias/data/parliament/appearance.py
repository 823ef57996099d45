"""What a person looks like beyond the shape of the head: skin, hair, brows, beard, make-up, glasses, clothes.

Every factor is drawn from tables of probabilities that depend on gender, tone, age and ancestry only. The tables aim at
variety, not at the statistics of any real population.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from debias.data.parliament import colour

Key = TypeVar("Key")
RGB = tuple[float, float, float]


class Ancestry(NamedTuple):
    """Weights of the three morph-target families; they sum to 1."""

    african: float
    asian: float
    european: float


@dataclass(frozen=True)
class Skin:
    typology_angle: float  # degrees
    lab: tuple[float, float, float]  # CIE L*, a*, b*
    freckles: float  # 0..1
    blotches: float  # contrast of uneven pigment, 0..1
    gloss: float  # strength of the highlights, about 1


@dataclass(frozen=True)
class Hair:
    style: str
    colour: str
    rgb: RGB  # linear
    grey: float  # share of grey hair, 0..1
    length: float  # 0..1 within the style
    volume: float  # 0..1 within the style
    fringe: float  # decimetres by which it falls over the forehead
    recession: float  # 0..1
    parting: float  # -1..1, side and strength
    sweep: float  # slope of the hairline, where hair is combed over one side of the forehead
    bun: str  # 'none', 'top' or 'back'


@dataclass(frozen=True)
class Brows:
    rgb: RGB
    width: float  # about 1
    density: float  # 0..1
    arch: float  # about 0


@dataclass(frozen=True)
class Beard:
    style: str
    density: float  # 0..1


@dataclass(frozen=True)
class Makeup:
    strength: float  # 0..1
    lips: tuple[float, float, float]  # lightness factor, added a*, added b*
    lids: float  # 0..1


@dataclass(frozen=True)
class Glasses:
    style: str
    rgb: RGB
    radius: float  # decimetres
    aspect: float  # height over width
    squareness: float  # exponent of the superellipse
    thickness: float  # decimetres


@dataclass(frozen=True)
class Clothes:
    rgb: RGB  # linear
    headwear_rgb: RGB
    collar: float  # decimetres above the base of the neck
    stripes: float  # stripes per decimetre, 0 = plain


FRINGED_STYLES = ("long", "bob", "wavy", "medium", "pixie")
SWEPT_STYLES = ("long", "bob", "wavy", "medium", "pixie", "side", "curly")
MEN_STYLES = {"short": 0.5, "side": 0.2, "buzz": 0.1, "bald": 0.07, "medium": 0.05, "curly crop": 0.05, "cap": 0.03}
MEN_STYLES_AFRICAN = {"buzz": 0.42, "curly crop": 0.2, "bald": 0.18, "afro": 0.08, "twists": 0.08, "cap": 0.04}
WOMEN_STYLES = {"long": 0.38, "wavy": 0.2, "bob": 0.16, "pulled": 0.13, "pixie": 0.05, "curly": 0.05, "scarf": 0.03}
WOMEN_STYLES_DARKER = {"long": 0.3, "wavy": 0.2, "pulled": 0.2, "scarf": 0.12, "bob": 0.1, "curly": 0.08}
WOMEN_STYLES_AFRICAN = {
    "afro": 0.14,
    "braids": 0.17,
    "pulled": 0.14,
    "long": 0.13,
    "curly": 0.14,
    "bob": 0.08,
    "buzz": 0.07,
    "scarf": 0.06,
    "curly crop": 0.04,
    "twists": 0.03,
}
HAIR_COLOURS = {"dark": 0.22, "brown": 0.33, "light": 0.18, "blond": 0.15, "auburn": 0.06, "red": 0.05}
HAIR_COLOURS_TAN = {"black": 0.45, "dark": 0.4, "brown": 0.12, "auburn": 0.03}
HAIR_COLOURS_DARK = {"black": 0.72, "dark": 0.28}
DYES = {"brown": 0.5, "auburn": 0.25, "blond": 0.25}
BEARDS = {"none": 0.36, "shadow": 0.2, "stubble": 0.18, "full": 0.15, "goatee": 0.07, "moustache": 0.04}
GLASSES = {"none": 0.91, "clear": 0.07, "sun": 0.02}
FRAMES = {
    "black": (0.01, 0.01, 0.01),
    "tortoise": (0.06, 0.03, 0.015),
    "gold": (0.25, 0.2, 0.12),
    "steel": (0.2, 0.2, 0.2),
}
IRISES_LIGHT = {"blue": 0.34, "green": 0.12, "grey": 0.1, "hazel": 0.16, "brown": 0.28}
IRISES_TAN = {"brown": 0.5, "dark": 0.4, "hazel": 0.1}
IRISES_DARK = {"brown": 0.3, "dark": 0.7}
GREYING_AGE = 42.0


def pick(rng: np.random.Generator, table: dict[Key, float]) -> Key:
    """One key of a table of probabilities (they need not sum to 1)."""
    threshold = rng.random() * sum(table.values())
    for name, probability in table.items():
        threshold -= probability
        if threshold < 0:
            return name
    return name


def sample_skin(rng: np.random.Generator, tone: int) -> Skin:
    """Skin of a Fitzpatrick type 1..6, its typology angle uniform within the type's range."""
    angle = float(rng.uniform(*colour.TYPOLOGY_ANGLE[tone]))
    return Skin(
        typology_angle=angle,
        lab=colour.skin_lab(angle, redder=rng.normal(0, 1.3), yellower=rng.normal(0, 1.5)),
        freckles=float(rng.random() ** 4) if tone <= 2 else 0.0,
        blotches=float(rng.beta(2, 4)),
        gloss=float(rng.uniform(0.5, 1.4)),
    )


def sample_hair(rng: np.random.Generator, male: bool, tone: int, age: float, ancestry: Ancestry) -> Hair:
    """Style by gender and ancestry, colour by tone, greying by age."""
    style = pick(rng, _style_table(male, tone, age, ancestry))
    colour_name = _hair_colour(rng, male, tone, style, ancestry)
    grey = _grey_share(rng, male, age)
    tint = np.array(colour.HAIR[colour_name]) * rng.uniform(0.75, 1.3)
    grey_tint = np.array(colour.HAIR["grey" if age < 60 else "white"])
    return Hair(
        style=style,
        colour=colour_name,
        rgb=_rgb(tint * (1 - grey) + grey_tint * grey),
        grey=grey,
        length=float(rng.random()),
        volume=float(rng.random()),
        fringe=float(rng.uniform(0.2, 0.5)) if style in FRINGED_STYLES and rng.random() < 0.3 else 0.0,
        recession=float(np.clip((age - 28) / 40 * rng.random(), 0, 1)) if male else 0.0,
        parting=float(rng.uniform(-1, 1)),
        sweep=float(rng.uniform(-0.9, 0.9)) if style in SWEPT_STYLES else 0.0,
        bun=pick(rng, {"none": 0.4, "top": 0.3, "back": 0.3}) if style == "pulled" else "none",
    )


def sample_brows(rng: np.random.Generator, male: bool, hair: Hair) -> Brows:
    """Brows a little darker than the hair."""
    tint = np.array(colour.HAIR[hair.colour]) * (1 - 0.5 * hair.grey) + np.array(colour.HAIR["grey"]) * 0.3 * hair.grey
    if hair.colour in ("blond", "platinum"):
        tint = np.array(colour.HAIR["light"]) * rng.uniform(0.6, 1.1)
    return Brows(
        rgb=_rgb(tint * 0.6),
        width=float(rng.uniform(0.95, 1.35) if male else rng.uniform(0.65, 1.05)),
        density=float(rng.uniform(0.8, 1.0) if male else rng.uniform(0.65, 1.0)),
        arch=float(rng.normal(-0.3 if male else 0.2, 0.3)),
    )


def sample_beard(rng: np.random.Generator, male: bool) -> Beard:
    """No beard for women."""
    return Beard(pick(rng, BEARDS) if male else "none", float(rng.uniform(0.5, 1.0)))


def sample_makeup(rng: np.random.Generator, male: bool) -> Makeup:
    """None for men."""
    strength = 0.0 if male else float(np.clip(rng.normal(0.4, 0.35), 0, 1))
    lips = (rng.uniform(0.65, 1.0), rng.uniform(8, 38), rng.uniform(0, 16))
    return Makeup(strength, tuple(map(float, lips)), float(rng.random()))


def sample_glasses(rng: np.random.Generator) -> Glasses:
    """Frame and shape are drawn even where the style is 'none'."""
    return Glasses(
        style=pick(rng, GLASSES),
        rgb=FRAMES[pick(rng, dict.fromkeys(FRAMES, 1.0))],
        radius=float(rng.uniform(0.24, 0.30)),
        aspect=float(rng.uniform(0.66, 0.98)),
        squareness=float(rng.uniform(2.0, 4.5)),
        thickness=float(rng.uniform(0.010, 0.026)),
    )


def sample_clothes(rng: np.random.Generator) -> Clothes:
    """Plain or striped, in any muted colour."""
    return Clothes(
        rgb=_cloth_rgb(rng),
        headwear_rgb=_cloth_rgb(rng),
        collar=float(rng.uniform(-0.35, 0.3)),
        stripes=float(rng.uniform(3, 9)) if rng.random() < 0.2 else 0.0,
    )


def sample_iris(rng: np.random.Generator, tone: int, ancestry: Ancestry) -> str:
    """A key of `colour.IRIS`."""
    if tone <= 3 and ancestry.european > 0.6:
        return pick(rng, IRISES_LIGHT)
    return pick(rng, IRISES_TAN if tone <= 4 else IRISES_DARK)


def _style_table(male: bool, tone: int, age: float, ancestry: Ancestry) -> dict[str, float]:
    african = ancestry.african > 0.5
    if male:
        table = dict(MEN_STYLES_AFRICAN if african else MEN_STYLES)
        table["bald"] += 0.12 * (age > 50)
        return table
    if african:
        return WOMEN_STYLES_AFRICAN
    return WOMEN_STYLES_DARKER if tone >= 4 else WOMEN_STYLES


def _hair_colour(rng: np.random.Generator, male: bool, tone: int, style: str, ancestry: Ancestry) -> str:
    if tone <= 3 and ancestry.european > 0.6:
        return pick(rng, HAIR_COLOURS)
    dyed = not male and style != "afro" and rng.random() < 0.12
    if dyed:
        return pick(rng, DYES)
    return pick(rng, HAIR_COLOURS_TAN if tone <= 4 and ancestry.african < 0.5 else HAIR_COLOURS_DARK)


def _grey_share(rng: np.random.Generator, male: bool, age: float) -> float:
    if age < GREYING_AGE:
        return 0.0
    share = float(np.clip((age - GREYING_AGE) / 30 + rng.normal(0, 0.2), 0, 1))
    return share if male else 0.45 * share  # many dye it


def _cloth_rgb(rng: np.random.Generator) -> RGB:
    return _rgb(np.clip(rng.uniform(0.01, 0.6) * np.clip(rng.normal(1, 0.35, 3), 0.2, 2), 0.004, 0.9))


def _rgb(values: np.ndarray) -> RGB:
    return tuple(float(value) for value in values)
