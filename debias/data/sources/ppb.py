"""The Pilot Parliaments Benchmark (Buolamwini and Gebru 2018): 1,270 portraits of members of six parliaments.

Groups are the paper's: lighter is Fitzpatrick type I to III, darker IV to VI. The portraits are kept as they are, since
windows of several sizes slide over them; the archive's list comes with lines that end as on an old Macintosh.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from debias.data.lists import as_factor, read_csv, require
from debias.data.prepare import Source
from debias.data.sources.trees import Listed, check_folder

HOW = (
    "request it by the form at http://gendershades.org and unpack it, so that PPB-2017-metadata.csv and imgs/ lie in "
    "this folder"
)
LIST = "PPB-2017-metadata.csv"
COLUMNS = (
    ("filename", "file", "name", "image"),
    ("gender", "Gender"),
    ("bi.fitz", "bi_fitz", "skin", "skin_color", "fitz", "fitzpatrick", "Fitzpatrick"),
)
GROUPS = ("lighter male", "lighter female", "darker male", "darker female")
DARKER = {"lighter": 0, "darker": 1}
DARKER |= {tone: kind for kind, tones in enumerate(("1 2 3 i ii iii", "4 5 6 iv v vi")) for tone in tones.split()}
FEMALE = {"male": 0, "m": 0, "female": 1, "f": 1}


def read(root: Path) -> Source:
    """All portraits by group, whole; every column of the list is kept as a factor.

    Args:
        root: the folder PPB-2017, or the one that holds it.

    Raises:
        InputError: the folder or list is missing, or a gender or skin type in it is unknown.
    """
    root = check_folder(root, HOW)
    root = root / "PPB-2017" if (root / "PPB-2017").is_dir() else root
    folder, path = check_folder(root / "imgs", HOW), root / LIST
    table = read_csv(path, COLUMNS, HOW)
    names, listed = table["filename"], Listed(folder)
    require(~names.duplicated(), names, path, "{} is listed twice: delete one of the lines")
    female = _coded(table["gender"], FEMALE, path, "gender")
    darker = _coded(table["bi.fitz"], DARKER, path, "skin type")
    return Source(
        kind="ppb",
        items=[listed.image(name, where=f"line {line}: ") for line, name in names.items()],
        labels=np.ones(len(names), np.uint8),
        columns={name: as_factor(cells) for name, cells in table.items() if name != "filename"},
        groups=(2 * darker + female).to_numpy(np.int8),
        group_names=GROUPS,
        lists=[path],
        whole=True,
    )


def _coded(cells: pd.Series, codes: dict[str, int], path: Path, what: str) -> pd.Series:
    coded = cells.str.lower().map(codes)
    require(coded.notna(), cells, path, f"unknown {what} {{}}: use {' or '.join(list(codes)[:2])}")
    return coded.astype(int)
