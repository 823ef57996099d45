"""CelebA (Liu et al. 2015): 202,599 photographs of 10,177 celebrities, 40 attributes, a box around each face.

The paper's faces: the photographs as they were found on the web (img_celeba), cropped to a square on the annotated box.
With `aligned`, the smaller edition whose eyes lie at the same place (img_align_celeba), cropped in the middle.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from debias.data.lists import read_csv, read_spaced, require
from debias.data.prepare import Source
from debias.data.sources.trees import Listed, check_folder
from debias.errors import InputError

HOW = (
    "agree to its terms at https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, unpack img_celeba (or img_align_celeba) "
    "and put list_attr_celeba.txt, list_bbox_celeba.txt and list_eval_partition.txt beside it"
)
FOLDERS = {False: "img_celeba", True: "img_align_celeba"}
PLACES = ("", "Anno", "Eval", "Img")  # as the download has them, or all in one folder
BOX = ("x_1", "y_1", "width", "height")
_LINE = " line"  # a column that no list has: names in lists are stripped
GROUPS = ("pale male", "pale female", "not pale male", "not pale female")


def read(root: Path, aligned: bool = False) -> Source:
    """All images with attributes (-1 or 1) and the official partition (0, 1, 2) as factors.

    Groups are Pale_Skin x Male, for analysis: an annotator's impression of a photograph, and not a skin type. With
    identity_CelebA.txt in place, persons are told apart as well.

    Raises:
        InputError: a folder or list is missing or damaged, or the lists disagree on the images.
    """
    root = check_folder(root, HOW)
    folder = _images(root, aligned)
    lists = {"attr": _table(root, "list_attr_celeba"), "partition": _partition(root)}
    if not aligned:
        lists["bbox"] = _table(root, "list_bbox_celeba", BOX)
    if any(_found(root, f"identity_CelebA{ending}").exists() for ending in (".txt", ".csv")):
        lists["identity"] = _table(root, "identity_CelebA", header=("file", "identity"))
    tables = _agreeing(lists)
    attributes = _numbers(*lists["attr"], (-1, 1))
    columns = {name: attributes[name].to_numpy(np.int8) for name in attributes}
    columns["partition"] = _numbers(lists["partition"][0], tables["partition"], (0, 1, 2))["partition"].to_numpy(
        np.int8
    )
    if "identity" in tables:
        columns["identity"] = tables["identity"]["identity"].str.encode("utf-8").to_numpy("S")
    names, listed = lists["attr"][1]["file"], Listed(folder)
    boxes = [None] * len(names) if aligned else _boxes(lists["bbox"][0], tables["bbox"])
    return Source(
        kind="celeba-aligned" if aligned else "celeba",
        items=[listed.image(name, box=box) for name, box in zip(names, boxes, strict=True)],
        labels=np.ones(len(names), np.uint8),
        columns=columns,
        groups=_groups(columns, lists["attr"][0]),
        group_names=GROUPS,
        lists=[path for path, _ in lists.values()],
    )


def _table(
    root: Path, name: str, needed: Sequence[str] = (), header: Sequence[str] | None = None
) -> tuple[Path, pd.DataFrame]:
    """A list, as its authors give it (.txt) or as CSV, with the column of names called 'file'."""
    path = _found(root, f"{name}.txt")
    if not path.exists() and _found(root, f"{name}.csv").exists():
        path = _found(root, f"{name}.csv")
        return path, _checked(read_csv(path, (("file", "image_id"), *needed), HOW), path, needed)
    table = read_spaced(path, header, HOW)
    return path, _checked(table if "file" in table else table.rename(columns={"image_id": "file"}), path, needed)


def _images(root: Path, aligned: bool) -> Path:
    """The folder of images; Kaggle has it in another one of the same name."""
    folder, other = _found(root, FOLDERS[aligned]), _found(root, FOLDERS[not aligned])
    if not folder.is_dir() and other.is_dir():
        option = "leave out" if aligned else "pass"
        raise InputError(f"{folder}: no such folder, but {other.name} is there: {option} --aligned to take that")
    inner = folder / folder.name
    return check_folder(inner if inner.is_dir() else folder, HOW)


def _partition(root: Path) -> tuple[Path, pd.DataFrame]:
    return _table(root, "list_eval_partition", header=("file", "partition"))


def _found(root: Path, name: str) -> Path:
    """Where the download, or a user who put all into one folder, has `name`; in `root` if it is nowhere."""
    return next((root / place / name for place in PLACES if (root / place / name).exists()), root / name)


def _checked(table: pd.DataFrame, path: Path, needed: Sequence[str]) -> pd.DataFrame:
    if missing := [name for name in ("file", *needed) if name not in table]:
        raise InputError(f"{path}: no column {' and '.join(missing)}: download it again")
    require(~table["file"].duplicated(), table["file"], path, "{} is listed twice: download it again")
    return table


def _agreeing(lists: dict[str, tuple[Path, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    """The tables in the order of the first, all of the same images."""
    (first_path, first), *_ = lists.values()
    ordered = {}
    for kind, (path, table) in lists.items():
        if set(table["file"]) != set(first["file"]):
            differ = sorted(set(table["file"]) ^ set(first["file"]))[0]
            raise InputError(
                f"{path} lists {len(table)} images, {first_path.name} {len(first)}, and not the same ones, such as "
                f"{differ}: download both again"
            )
        ordered[kind] = table.reset_index(names=_LINE).set_index("file").loc[first["file"]].reset_index()
    return {kind: table.set_index(_LINE) for kind, table in ordered.items()}


def _numbers(path: Path, table: pd.DataFrame, allowed: Sequence[int]) -> pd.DataFrame:
    """The columns beside 'file' as numbers, each of which is one of `allowed`."""
    columns = table.drop(columns="file")
    for name, cells in columns.items():
        require(cells.isin([str(value) for value in allowed]), cells, path, f"{name} is {{}}: download it again")
    return columns.astype(int)


def _boxes(path: Path, table: pd.DataFrame) -> list[tuple[float, ...]]:
    columns = {name: pd.to_numeric(table[name], errors="coerce") for name in BOX}
    for name, numbers in columns.items():
        require(numbers.notna(), table[name], path, f"{name} is {{}}: download it again")
    return [tuple(map(float, box)) for box in zip(*columns.values(), strict=True)]


def _groups(columns: dict[str, np.ndarray], path: Path) -> np.ndarray:
    """(N,) int8 index in GROUPS."""
    if missing := [name for name in ("Pale_Skin", "Male") if name not in columns]:
        raise InputError(f"{path}: no column {' and '.join(missing)}: download it again")
    return (2 * (columns["Pale_Skin"] < 0) + (columns["Male"] < 0)).astype(np.int8)
