"""FairFace (Kärkkäinen and Joo 2021): 97,698 faces from Flickr with gender, seven races and an age range.

The labels are annotators' impressions. They are kept as they are and mapped to nothing: race is not skin tone.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from debias.data.lists import read_csv, require
from debias.data.prepare import Source
from debias.data.sources.trees import Listed, check_folder
from debias.errors import InputError

HOW = (
    "download the images and both lists from https://github.com/joojs/fairface and unpack them, so that train/, val/, "
    "fairface_label_train.csv and fairface_label_val.csv lie in this folder"
)
LISTS = ("fairface_label_train.csv", "fairface_label_val.csv")
COLUMNS = ("file", "age", "gender", "race")


def read(root: Path) -> Source:
    """All faces, by gender x race as the lists name them; every column is a factor, and 'partition': train or val.

    Raises:
        InputError: the folder or both lists are missing, a list lacks a column or a label, or lists an image twice.
    """
    root = check_folder(root, HOW)
    paths = [root / name for name in LISTS if (root / name).exists()]
    if not paths:
        raise InputError(f"{root / LISTS[0]}: no such file: {HOW}")
    table = pd.concat([_read(path) for path in paths], ignore_index=True).fillna("")
    for part in sorted({name.split("/")[0] for name in table["file"] if "/" in name}):
        check_folder(root / part, HOW)
    listed = Listed(root)
    groups, names = pd.factorize(table["gender"] + " " + table["race"], sort=True)
    columns = table.drop(columns=["file", "where"])
    return Source(
        kind="fairface",
        items=[listed.image(name, where=where) for name, where in zip(table["file"], table["where"], strict=True)],
        labels=np.ones(len(table), np.uint8),
        columns={name: np.array([cell.encode() for cell in cells]) for name, cells in columns.items()},
        groups=groups.astype(np.int8),
        group_names=tuple(names),
        lists=paths,
    )


def _read(path: Path) -> pd.DataFrame:
    table = read_csv(path, COLUMNS, HOW)
    require(~table["file"].duplicated(), table["file"], path, "{} is listed twice: delete one of the lines")
    for name in COLUMNS:
        require(table[name] != "", table["file"], path, f"{{}} has no {name}: add it or delete this line")
    table["partition"] = path.stem.removeprefix("fairface_label_")
    table["where"] = [f"{path.name}, line {line}: " for line in table.index]
    return table
