"""A new data set: bright and dark discs, the dark ones rare in training, against squares.

1. cp experiments/templates/dataset.py shapes.py, and put your own images in it
2. .venv/bin/python -m shapes
3. ./run_experiments.sh quick --data shapes.h5
"""

from pathlib import Path

import numpy as np

from debias.data.dataset import NO_GROUP, create

PATH = Path("shapes.h5")
GROUPS = ("bright disc", "dark disc")
COUNTS = np.array([[2000, 40, 2000], [200, 10, 300], [200, 200, 300]])  # rows: train, validation, test; last: squares


def draw(disc: np.ndarray, dark: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shapes (N, 64, 64, 3) uint8 on noise, discs where `disc` (N,) is True, else squares."""
    x, y, size = rng.uniform((22, 22, 9), (42, 42, 18), (len(disc), 3)).T[..., None, None]
    across, down = np.abs(np.arange(64) - x), np.abs(np.arange(64)[:, None] - y)
    inside = np.where(disc[:, None, None], np.hypot(across, down), 1.13 * np.maximum(across, down)) < size  # same area
    noise = rng.normal(120, 30, (*inside.shape, 3))
    return np.clip(noise + inside[..., None] * np.where(dark, -50, 50)[:, None, None, None], 0, 255).astype(np.uint8)


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    split, kind = (np.repeat(index.ravel(), COUNTS.ravel()) for index in np.indices(COUNTS.shape))
    disc, dark = kind < 2, np.where(kind < 2, kind == 1, rng.random(len(kind)) < 0.5)
    with create(PATH, len(kind), (64, 64, 3), {"dark": "float32"}, GROUPS, {"origin": "shapes.py"}) as writer:
        writer.write(0, draw(disc, dark, rng), disc, split, np.where(disc, kind, NO_GROUP), {"dark": dark})
    print(f"./run_experiments.sh quick --data {PATH}")
