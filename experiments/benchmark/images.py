"""Images a second: rendered, prepared from files, encoded, and cut into windows."""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from debias import dbvae
from debias.callbacks import encode
from debias.data import prepare
from debias.data.dataset import Dataset
from debias.data.images import resized
from debias.data.parliament import assets, build, photographs
from debias.data.pipeline import on_device
from debias.data.sources.photographs import bundled
from debias.detection import SIDE, Windows, image_scores
from experiments.benchmark.timing import Measurements, ratios, rounds, speeds
from experiments.settings import FACES

JPEGS, PORTRAITS, ENCODED = 200, 20, 8_000


def rendering_speed(cache: Path, count: int, images: int = 100) -> Measurements:
    """Faces and negatives rendered a second on one core, everything included, after compilation."""
    model, pool, config = assets.load_model(cache), photographs.load_pool("train"), build.PRESETS["default"]
    cells = {"faces": build.Cell(0, 0, images), "negatives": build.Cell(0, build.NEGATIVE, images)}

    def draw(cell: build.Cell) -> None:
        for index in range(cell.count):
            build.draw_image(model, pool, config, cell, index)

    seconds = rounds({name: partial(draw, cell) for name, cell in cells.items()}, count)
    return {f"{kind}_per_core_s": speeds(each, images) for kind, each in seconds.items()}


def encoding_speed(data: Dataset, count: int) -> Measurements:
    """Images encoded a second for a refresh of the sampling."""
    data = data.take(np.arange(ENCODED))
    model, images = dbvae.build(FACES, data.image_shape), on_device(data)
    seconds = rounds({"encode": lambda: encode(model, images)}, count)["encode"]
    return {"encode_images_per_s": speeds(seconds, ENCODED)}


def preparation_speed(count: int) -> Measurements:
    """JPEGs of 178 x 218 pixels prepared a second by one process, and how much faster that is than Pillow alone.

    Ours reads, checks, hashes, decodes, crops, resizes and writes; Pillow reads, decodes, crops and resizes.
    """
    with tempfile.TemporaryDirectory() as folder:
        items = _jpegs(Path(folder))
        jobs = {
            "ours": lambda: prepare.convert_chunk(Path(folder) / "chunk.npz", items, 64, False),
            "pillow": lambda: [_by_pillow(item.path) for item in items],
        }
        seconds = rounds(jobs, count)
    return {
        "prepare_per_core_s": speeds(seconds["ours"], JPEGS),
        "prepare_to_pillow": ratios(seconds["pillow"], seconds["ours"]),
    }


def window_speed(count: int) -> Measurements:
    """Windows cut and scored a second, and how much faster that is than each resized by itself."""
    model, windows = dbvae.build(FACES, (SIDE, SIDE, 3)), Windows()
    portraits = list(np.random.default_rng(0).integers(0, 256, (PORTRAITS, 400, 300, 3), np.uint8))
    places = windows.places(400, 300)
    jobs = {
        "ours": lambda: image_scores(model, portraits, windows),
        "single": lambda: [model.predict_on_batch(_one_by_one(image, places)) for image in portraits],
    }
    seconds = rounds(jobs, count)
    return {
        "windows_per_s": speeds(seconds["ours"], len(places) * PORTRAITS),
        "windows_to_single": ratios(seconds["single"], seconds["ours"]),
    }


def _jpegs(folder: Path) -> list[prepare.Item]:
    """Noisy crops of a photograph as files."""
    rng, photograph = np.random.default_rng(0), bundled("skimage", "data/astronaut.png")
    items = []
    for number in range(JPEGS):
        top, left = rng.integers(0, (512 - 218, 512 - 178))
        path = folder / f"{number}.jpg"
        Image.fromarray(photograph[top : top + 218, left : left + 178]).save(path, quality=90)
        items.append(prepare.Item(path.name, path))
    return items


def _by_pillow(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR, box=(0, 20, 178, 198)))


def _one_by_one(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Windows (n, 64, 64, 3) in [0, 1], each cut out and shrunk by itself."""
    cut = [resized(image[top : top + side, left : left + side], SIDE, SIDE) for top, left, side in places]
    return np.stack(cut).astype(np.float32) / 255
