"""The size of the training set: the same shares of faces and negatives, fewer of all."""

from experiments.ablations.base import drawn
from experiments.common import CNN, DRAW, K, debiased

WHOLE = {"lighter male": 5_000, "lighter female": 5_000, **DRAW, "negatives": 12_000}
DRAWS = {part: {name: round(part / 100 * count) for name, count in WHOLE.items()} for part in (12.5, 25, 50)}

EXPERIMENT = drawn("size", "Size of the training set", [CNN, debiased("max", K)], DRAWS, 100, "% of images", minutes=16)
