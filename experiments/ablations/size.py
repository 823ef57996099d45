"""The size of the training set: the same shares of faces and negatives, fewer of all."""

from experiments.ablation import CNN_AND_MAX, drawn
from experiments.settings import DRAW

WHOLE = {"lighter male": 5_000, "lighter female": 5_000, **DRAW, "negatives": 12_000}
DRAWS = {part: {name: round(part / 100 * count) for name, count in WHOLE.items()} for part in (12.5, 25, 50)}

EXPERIMENT = drawn("size", "Size of the training set", CNN_AND_MAX, DRAWS, 100, "% of images", minutes=16)
