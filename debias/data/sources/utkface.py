"""UTKFace (Zhang et al. 2017): 23,708 faces from the web, labelled by their file names, age_gender_race_date.jpg.

Age, gender and race were estimated by a model and checked by annotators. The codes are kept as factors and mapped to
nothing: race is not skin tone.
"""

import re
from pathlib import Path

import numpy as np

from debias.data.dataset import NO_GROUP
from debias.data.prepare import Item, Source
from debias.data.sources.trees import Unread, check_folder, images_in

HOW = "download UTKFace (cropped faces) from https://susanqq.github.io/UTKFace and unpack it into this folder"
GENDERS = ("male", "female")  # in the order of the codes, as its page names them
RACES = ("White", "Black", "Asian", "Indian", "Others")
GROUPS = tuple(f"{gender} {race}" for gender in GENDERS for race in RACES)
NAME = re.compile(r"(\d{1,3})_([01])_([0-4])_\d+ ?(?:\.|jpg)")  # two names have a blank or lack the dot


def read(root: Path, follow_links: bool = False) -> Source:
    """All faces below `root` by gender x race; a file whose name lacks a label is a bad image.

    Args:
        follow_links: also read what lies below links to folders.

    Raises:
        InputError: the folder is missing.
    """
    unread = Unread()
    items = [_checked(item) for item in images_in(check_folder(root, HOW), unread, follow_links)]
    labels = np.array([_labels(item) for item in items], np.int16).reshape(-1, 3)
    present = np.unique(labels[labels[:, 1] >= 0][:, 1:], axis=0)
    codes = {(gender, race): index for index, (gender, race) in enumerate(present.tolist())}
    return Source(
        kind="utkface",
        items=items,
        labels=np.ones(len(items), np.uint8),
        columns=dict(zip(("age", "gender", "race"), labels.T, strict=True)),
        groups=np.array([codes.get(tuple(pair), NO_GROUP) for pair in labels[:, 1:].tolist()], np.int8),
        group_names=tuple(GROUPS[len(RACES) * gender + race] for gender, race in codes),
        remarks=unread.remarks(),
    )


def _checked(item: Item) -> Item:
    if NAME.match(item.path.name):
        return item
    return item._replace(problem=item.problem or "its name is not age_gender_race_date.jpg")


def _labels(item: Item) -> tuple[int, int, int]:
    """Age in years, gender and race as coded; -1 where the name does not say."""
    found = NAME.match(item.path.name)
    return tuple(map(int, found.groups())) if found else (-1, -1, -1)
