"""Build the benchmark: a configuration in, one HDF5 file with train, validation and test out.

Every image is drawn from its own random generator, seeded by its split, kind and number, so a file does not depend on
the number of processes, and two configurations of one seed share the images they have in common.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import numpy as np
from rich.console import Console

from debias.data import dataset
from debias.data.parliament import assets, camera, negatives, photographs, render
from debias.data.parliament.mesh import Model
from debias.data.workers import check_processes, on_all_cores
from debias.errors import InputError
from debias.locks import locked
from debias.progress import progress_bar

GROUPS = ("lighter male", "lighter female", "darker male", "darker female")
NEGATIVE = len(GROUPS)  # stands where a group's index would in the seed of an image
REVISION = 1  # raise it whenever the same configuration gives other pixels
CHUNK = 64  # images per task of a worker
TEXT = "S16"


@dataclass(frozen=True)
class BenchmarkConfig:
    """What the benchmark contains. Tones are Fitzpatrick types: lighter is I to III, darker is IV to VI."""

    name: str = "default"
    """Readable part of the file's name."""
    seed: int = 0
    """Every image follows from this number."""
    train_lighter: int = 10_000
    """Lighter training faces."""
    train_darker: int = 160
    """Darker training faces."""
    lighter_female_share: float = 0.5
    """Share of women among lighter faces of train and validation."""
    darker_female_share: float = 0.45
    """Share of women among darker faces of train and validation: below one half makes them the rarest group."""
    train_negatives: int = 12_000
    """Training images without a face."""
    validation_faces: int = 600
    """Validation faces; their groups have the shares of the training faces, so they reveal no balanced test."""
    validation_negatives: int = 2_000
    """Validation images without a face, on which false-positive rates are fixed."""
    test_faces_per_group: int = 500
    """Test faces in each of the four groups."""
    test_negatives: int = 2_000
    """Test images without a face."""
    lighter_tones: tuple[float, float, float] = (0.3, 0.45, 0.25)
    """Shares of types I, II and III among lighter faces."""
    darker_tones: tuple[float, float, float] = (0.05, 0.25, 0.7)
    """Shares of types IV, V and VI among darker faces."""
    negative_tones: tuple[float, float, float, float, float, float] = negatives.EVEN_TONES
    """Shares of types I to VI in the skin of negatives."""
    size: int = 64
    """Side of the square images in pixels."""
    camera: Literal["usual", "other"] = "usual"
    """What takes the pictures; another camera has other people before it as well."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value, least = getattr(self, field.name), 0 if field.name in _MAY_BE_ZERO else 1
            if isinstance(value, int) and value < least:
                raise InputError(f"benchmark config: {field.name} is {value}; choose a whole number from {least}")
            if field.name.endswith("_share") and not 0 <= value <= 1:
                raise InputError(f"benchmark config: {field.name} is {value}; choose a share between 0 and 1")
            if field.name.endswith("_tones") and (min(value) < 0 or abs(sum(value) - 1) > 1e-6):
                raise InputError(f"benchmark config: {field.name} is {value}; shares are not negative and sum to 1")
        if self.camera not in camera.CAMERAS:
            raise InputError(f"benchmark config: camera is {self.camera}; choose one of {', '.join(camera.CAMERAS)}")


# Nothing to train on: pictures of another camera are a test alone.
_NO_TRAINING = {"train_lighter": 0, "train_darker": 0, "train_negatives": 0, "validation_faces": 0}
_MAY_BE_ZERO = ("seed", *_NO_TRAINING)
PRESETS = {
    "default": BenchmarkConfig(),
    "other": BenchmarkConfig("other", seed=1),  # the same benchmark with other people
    # The default with ten times the darker faces, of which each seed of an experiment draws its own.
    "pool": BenchmarkConfig("pool", train_darker=1_600),
    # Small enough that a model is trained to its end in minutes, with enough darker faces to draw a balanced set of the
    # same size.
    "small": BenchmarkConfig("small", train_lighter=4_720, train_darker=2_700, train_negatives=5_600),
    "balanced": BenchmarkConfig("balanced", train_lighter=5_000, train_darker=5_000, darker_female_share=0.5),
    "tiny": BenchmarkConfig(
        "tiny",
        train_lighter=24,
        train_darker=6,
        train_negatives=30,
        validation_faces=10,
        validation_negatives=20,
        test_faces_per_group=4,
        test_negatives=16,
    ),
    "smoke": BenchmarkConfig(  # a hundredth of the pool, and enough negatives for a false-positive rate of 1 %
        "smoke",
        train_lighter=100,
        train_darker=32,
        train_negatives=120,
        validation_faces=32,
        validation_negatives=100,
        test_faces_per_group=8,
        test_negatives=64,
    ),
    "camera": BenchmarkConfig("camera", camera="other", **_NO_TRAINING),
    "camera-smoke": BenchmarkConfig(
        "camera-smoke",
        camera="other",
        **_NO_TRAINING,
        validation_negatives=100,
        test_faces_per_group=8,
        test_negatives=100,
    ),
}


@dataclass(frozen=True)
class Cell:
    """Images of one split and kind in consecutive rows of the file."""

    split: int  # index in dataset.SPLITS
    kind: int  # index in GROUPS, or NEGATIVE
    count: int


def ensure(config: BenchmarkConfig, cache: Path, processes: int | None = None) -> Path:
    """Path of the benchmark of `config` in `cache`, built first unless a valid file is there.

    Processes that want the same file at a time take turns, so that one of them renders it.

    Raises InputError when the file cannot be written or the assets cannot be fetched.
    """
    path = Path(cache) / f"parliament-{config.name}-{digest(config)}.h5"
    if _is_valid(path):
        return path
    with locked(path.with_suffix(".lock"), f"waiting for another process, which renders {path.name}"):
        if not _is_valid(path):
            build(config, path, cache, processes)
    return path


def build(config: BenchmarkConfig, path: Path, cache: Path, processes: int | None = None) -> None:
    """Render every image of `config` into the HDF5 file `path`, which appears only when it is complete.

    Args:
        cache: where the assets of the faces are kept, see `assets.load_model`.
        processes: worker processes; None uses every core. Pixels do not depend on it.

    Raises:
        InputError: the file cannot be written, the assets cannot be fetched, or `processes` is below 1.
    """
    check_processes(processes)
    began = time.perf_counter()
    assets.load_model(cache)  # before any worker starts, so that one process downloads the assets and errors show
    with _writing(config, path) as writer:
        _render(config, writer, cache, processes)
        writer.describe(seconds=round(time.perf_counter() - began, 1))


def digest(config: BenchmarkConfig) -> str:
    """Eight hexadecimal digits that change with anything that changes pixels."""
    settings = dataclasses.asdict(config)
    if config.camera == "usual":
        del settings["camera"]  # so that files made before there was another one keep their names
    described = json.dumps([REVISION, assets.WHEEL_SHA256, settings], sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()[:8]


def cells(config: BenchmarkConfig) -> tuple[Cell, ...]:
    """What the file holds, in the order of its rows."""
    train = group_counts(config, config.train_lighter, config.train_darker)
    rare = config.train_darker / max(1, config.train_lighter + config.train_darker)
    darker = round(config.validation_faces * rare)
    validation = group_counts(config, config.validation_faces - darker, darker)
    faces = (train, validation, (config.test_faces_per_group,) * len(GROUPS))
    others = (config.train_negatives, config.validation_negatives, config.test_negatives)
    rows = [(*counts, other) for counts, other in zip(faces, others, strict=True)]
    return tuple(Cell(split, kind, count) for split, row in enumerate(rows) for kind, count in enumerate(row))


def group_counts(config: BenchmarkConfig, lighter: int, darker: int) -> tuple[int, int, int, int]:
    """Faces per group, in the order of GROUPS."""
    lighter_female = round(lighter * config.lighter_female_share)
    darker_female = round(darker * config.darker_female_share)
    return lighter - lighter_female, lighter_female, darker - darker_female, darker_female


def draw_image(
    model: Model, pool: photographs.Pool, config: BenchmarkConfig, cell: Cell, number: int
) -> tuple[np.ndarray, dict[str, float | str]]:
    """Image `number` of a cell: (size, size, 3) uint8, and its factors."""
    others = [] if config.camera == "usual" else [1]  # people that no split of the usual camera has
    rng = np.random.default_rng([config.seed, cell.split, cell.kind, number, *others])
    if cell.kind == NEGATIVE:
        usual = {"tones": config.negative_tones, "size": config.size, "taken_by": config.camera}
        image, kind = negatives.render_negative(model, pool, rng, **usual)
        return image, {"kind": kind}
    portrait = _sample_portrait(config, cell.kind, rng)
    image = render.render_portrait(model, portrait, photographs.backdrop(pool), rng, config.size)
    return image, render.factors(portrait) | {"kind": "face"}


def columns() -> dict[str, str]:
    """Name and NumPy dtype of every factor column."""
    example = render.factors(render.sample_portrait(np.random.default_rng(0), male=True, tone=1))
    dtypes = {name: TEXT if isinstance(value, str) else "float32" for name, value in example.items()}
    return dtypes | {"kind": TEXT}


def _sample_portrait(config: BenchmarkConfig, group: int, rng: np.random.Generator) -> render.Portrait:
    gender, darker = GROUPS[group].split()[1], GROUPS[group].startswith("darker")
    tones, shares = ((4, 5, 6), config.darker_tones) if darker else ((1, 2, 3), config.lighter_tones)
    tone = int(rng.choice(tones, p=shares))
    return render.sample_portrait(rng, gender == "male", tone, camera=config.camera)


def _writing(config: BenchmarkConfig, path: Path):
    """The file under construction."""
    count, shape = sum(cell.count for cell in cells(config)), (config.size, config.size, 3)
    return dataset.create(path, count, shape, columns(), GROUPS, _provenance(config))


def _render(config: BenchmarkConfig, writer: dataset.Writer, cache: Path, processes: int | None) -> None:
    plan = cells(config)
    with progress_bar(Console(stderr=True)) as progress:
        task = progress.add_task("rendering the benchmark", total=sum(cell.count for cell in plan))
        for start, cell, images, factors in _rendered(config, plan, cache, processes):
            writer.write(start, images, *_annotations(cell, len(images)), factors)
            progress.advance(task, len(images))


def _rendered(config, plan, cache, processes) -> Iterator[tuple]:
    """Chunks as they finish, in any order: (first row, cell, images, factor columns)."""
    return on_all_cores(_render_chunk, ((config, cache, *chunk) for chunk in _chunks(plan)), processes)


def _chunks(plan: tuple[Cell, ...]) -> Iterator[tuple[int, Cell, range]]:
    """Parts of cells: (first row in the file, cell, numbers of the images)."""
    row = 0
    for cell in plan:
        for first in range(0, cell.count, CHUNK):
            yield row + first, cell, range(first, min(first + CHUNK, cell.count))
        row += cell.count


def _render_chunk(
    config: BenchmarkConfig, cache: Path, start: int, cell: Cell, numbers: range
) -> tuple[int, Cell, np.ndarray, dict[str, np.ndarray]]:
    model, pool = _model(cache), _pool(dataset.SPLITS[cell.split])
    images, factors = zip(*(draw_image(model, pool, config, cell, number) for number in numbers), strict=True)
    return start, cell, np.stack(images), _as_columns(factors)


@functools.cache
def _model(cache: Path) -> Model:
    """The assets, loaded once per worker."""
    return assets.load_model(cache)


@functools.cache
def _pool(name: str) -> photographs.Pool:
    return photographs.load_pool(name)


def _as_columns(factors: tuple[dict[str, float | str], ...]) -> dict[str, np.ndarray]:
    """Factors of n images as (n,) columns; what does not apply to an image is NaN or empty."""
    absent = {TEXT: b"", "float32": np.nan}
    dtypes = columns().items()
    return {name: np.array([image.get(name, absent[dtype]) for image in factors], dtype) for name, dtype in dtypes}


def _annotations(cell: Cell, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, split and groups, each (count,)."""
    face = cell.kind != NEGATIVE
    group = cell.kind if face else dataset.NO_GROUP
    return np.full(count, face, np.uint8), np.full(count, cell.split, np.uint8), np.full(count, group, np.int8)


def _provenance(config: BenchmarkConfig) -> dict[str, str | int]:
    return {
        "config": json.dumps(dataclasses.asdict(config)),
        "seed": config.seed,
        "revision": REVISION,
        "assets_sha256": assets.WHEEL_SHA256,
        "version": _version(),
    }


def _version() -> str:
    try:
        return metadata.version("debias")
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "source"


def _is_valid(path: Path) -> bool:
    try:
        dataset.validate(path)
    except InputError:
        return False
    return True
