"""Speed, each figure beside its peer in one run.

For example:

    python -m experiments benchmark
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from debias import dbvae, resampling
from debias.backend import tf
from debias.callbacks import encode
from debias.data import prepare
from debias.data.dataset import NO_GROUP, Dataset
from debias.data.images import resized
from debias.data.parliament import assets, build, photographs
from debias.data.pipeline import BalancedBatches, on_device
from debias.data.sources.photographs import bundled
from debias.detection import SIDE, Windows, image_scores
from debias.markdown import markdown
from debias.training import annealed_adam, on_gpu
from experiments.engine.cluster import evaluated_in_parallel
from experiments.engine.experiment import Experiment
from experiments.engine.store import StoredRun, loaded
from experiments.settings import DATA, FACES, debiased

IMAGES, STEPS, ROUNDS, PAIRS = 8_000, 10, 7, 41
LATENTS = (55_000, 100)
IMAGES_DRAWN = 200
PORTRAITS = 20
PARALLEL = Experiment("benchmark", "Speed", (debiased("max"),), tuple(range(4)), FACES, DATA)


def measure(cache: Path) -> dict[str, float]:
    """All speeds: images/s, faces/s per core and seconds; ratios compare medians of interleaved rounds."""
    return {
        **training_speed(),
        **resampling_speed(),
        **rendering_speed(cache),
        **preparation_speed(),
        **window_speed(),
        **parallel_speed(cache),
    }


def training_speed() -> dict[str, float]:
    """Images/s of DB-VAE training with draws in the graph, and of the same step on one fixed batch.

    The ratio is the median over pairs of short rounds, one right after the other: machines that are shared change their
    speed by half from one quarter of a minute to the next.
    """
    data, batch_size = _noise(), FACES.batch_size
    drawn = BalancedBatches(data, batch_size)
    batch = drawn(tf.constant(0))
    trainers = {"sampled": _trainer(data, drawn), "fixed": _trainer(data, lambda step: batch)}
    seconds = _rounds(trainers, PAIRS)
    speed = {f"train_{name}_images_per_s": STEPS * batch_size / statistics.median(s) for name, s in seconds.items()}
    ratio = statistics.median(fixed / ours for ours, fixed in zip(*seconds.values(), strict=True))
    return {**speed, "train_sampled_to_fixed": ratio, "encode_images_per_s": _encoding_speed(data)}


def resampling_speed() -> dict[str, float]:
    """Seconds to turn 55,000 x 100 latents into probabilities by each rule."""
    latents = np.random.default_rng(0).normal(size=LATENTS).astype(np.float32)
    jobs = {rule: lambda rule=rule: resampling.sampling_probabilities(latents, rule) for rule in ("product", "max")}
    return {f"resampling_{rule}_s": seconds for rule, seconds in _interleaved(jobs).items()}


def rendering_speed(cache: Path) -> dict[str, float]:
    """Faces and negatives rendered a second on one core, everything included, after compilation."""
    model, pool, config = assets.load_model(cache), photographs.load_pool("train"), build.PRESETS["default"]
    cells = {"faces": build.Cell(0, 0, IMAGES_DRAWN), "negatives": build.Cell(0, build.NEGATIVE, IMAGES_DRAWN)}

    def draw(cell: build.Cell) -> None:
        for index in range(cell.count):
            build.draw_image(model, pool, config, cell, index)

    jobs = {name: partial(draw, cell) for name, cell in cells.items()}
    return {f"{kind}_per_core_s": IMAGES_DRAWN / seconds for kind, seconds in _interleaved(jobs, rounds=3).items()}


def parallel_speed(cache: Path) -> dict[str, float]:
    """Runs an hour by one and by two processes of one thread each, their start and the evaluation included."""
    hours = {jobs: _hours(cache, jobs) for jobs in (1, 2)}
    speed = {f"runs_per_h_{jobs}_jobs": len(PARALLEL.seeds) / spent for jobs, spent in hours.items()}
    return {**speed, "runs_2_jobs_to_1": hours[1] / hours[2]}


def preparation_speed() -> dict[str, float]:
    """JPEGs of 178 x 218 pixels prepared a second by one process, and how much faster that is than Pillow alone.

    Ours reads, checks, hashes, decodes, crops, resizes and writes; Pillow reads, decodes, crops and resizes.
    """
    with tempfile.TemporaryDirectory() as folder:
        items = _jpegs(Path(folder))
        jobs = {
            "ours": lambda: prepare.convert_chunk(Path(folder) / "chunk.npz", items, 64, False),
            "pillow": lambda: [_by_pillow(item.path) for item in items],
        }
        seconds = _interleaved(jobs)
    return {
        "prepare_per_core_s": len(items) / seconds["ours"],
        "prepare_to_pillow": seconds["pillow"] / seconds["ours"],
    }


def window_speed() -> dict[str, float]:
    """Windows cut and scored a second, and how much faster that is than each resized by itself."""
    model, windows = dbvae.build(FACES, (SIDE, SIDE, 3)), Windows()
    portraits = list(np.random.default_rng(0).integers(0, 256, (PORTRAITS, 400, 300, 3), np.uint8))
    places = windows.places(400, 300)
    jobs = {
        "ours": lambda: image_scores(model, portraits, windows),
        "single": lambda: [model.predict_on_batch(_one_by_one(image, places)) for image in portraits],
    }
    seconds = _interleaved(jobs)
    count = len(places) * len(portraits)
    return {"windows_per_s": count / seconds["ours"], "windows_to_single": seconds["single"] / seconds["ours"]}


def table(measured: Mapping[str, float]) -> str:
    """Markdown of the measurements."""
    lines = [[name, f"{value:,.3g}" if value < 100 else f"{value:,.0f}"] for name, value in measured.items()]
    return markdown(["measured", "value"], lines) + "\n"


def _jpegs(folder: Path) -> list[prepare.Item]:
    """Noisy crops of a photograph as files."""
    rng, photograph = np.random.default_rng(0), bundled("skimage", "data/astronaut.png")
    items = []
    for number in range(IMAGES_DRAWN):
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


def _hours(cache: Path, jobs: int) -> float:
    """Hours that `jobs` processes take for the runs of PARALLEL, none of which is finished yet."""
    loaded(DATA, cache)  # built before the clock starts
    with tempfile.TemporaryDirectory() as folder:
        for path in cache.glob("*.h5"):
            (Path(folder) / path.name).symlink_to(path.resolve())
        todo = [StoredRun(run, Path(folder)) for run in PARALLEL.runs()]
        began = time.perf_counter()
        for _, outcome in evaluated_in_parallel(todo, False, jobs):
            if isinstance(outcome, Exception):
                raise outcome
        return (time.perf_counter() - began) / 3600


def _trainer(data: Dataset, batches: Callable) -> Callable[[], object]:
    model = dbvae.build(FACES, data.image_shape)
    model.batches = batches
    model.compile(optimizer=annealed_adam(1e-3, 10**6), jit_compile=on_gpu())
    return lambda: model.fit(tf.data.Dataset.range(STEPS), verbose=0, shuffle=False)


def _encoding_speed(data: Dataset) -> float:
    model, images = dbvae.build(FACES, data.image_shape), on_device(data)
    return len(data) / _interleaved({"encode": lambda: encode(model, images)}, rounds=3)["encode"]


def _interleaved(jobs: Mapping[str, Callable], rounds: int = ROUNDS) -> dict[str, float]:
    """Median seconds of each job."""
    return {name: statistics.median(seconds) for name, seconds in _rounds(jobs, rounds).items()}


def _rounds(jobs: Mapping[str, Callable], rounds: int) -> dict[str, list[float]]:
    """Seconds of each job in every round; jobs alternate so that a busy moment hits all alike."""
    seconds = {name: [] for name in jobs}
    for repeat in range(rounds + 1):
        for name, job in jobs.items():
            begin = time.perf_counter()
            job()
            if repeat:  # the first round compiles
                seconds[name].append(time.perf_counter() - begin)
    return seconds


def _noise() -> Dataset:
    rng = np.random.default_rng(0)
    labels = (np.arange(IMAGES) % 2).astype(np.uint8)
    images = rng.integers(0, 256, (IMAGES, 64, 64, 3), np.uint8)
    return Dataset(images, np.arange(IMAGES), labels, np.full(IMAGES, NO_GROUP, np.int8))
