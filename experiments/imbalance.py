"""An imbalance that a user asks for: 'Black=80' -> how many training images of each group are drawn."""

import re
from collections.abc import Sequence

import numpy as np

from debias.data.dataset import NEGATIVES, Splits
from debias.errors import InputError


def draw_of(keep: Sequence[str], splits: Splits) -> dict[str, int]:
    """What `Splits.draw` and `Setting.draw` take: group, or 'negatives' -> how many training images to draw.

    Args:
        keep: such as 'Black=80': 80 images of all groups whose name is 'Black' or holds it as a word, such as 'male
            Black' and 'female Black', which share them in the proportion that they have.

    Raises:
        InputError: an entry is not name=count, no group is called so, two entries name the same group, or there are not
            so many images, or too few for each group to get one.
    """
    draw = {}
    for entry in keep:
        name, count = _parsed(entry)
        groups = _called(name, splits)
        if twice := [group for group in groups if group in draw]:
            raise InputError(f"--keep {entry}: {twice[0]!r} is kept by another --keep already: name each group once")
        draw |= dict(zip(groups, _shared(entry, count, [_size(group, splits) for group in groups]), strict=True))
    splits.draw(draw, seed=0)  # says what there is too little of, before anything is trained
    return draw


def _parsed(entry: str) -> tuple[str, int]:
    found = re.fullmatch(r"(.*\S)\s*=\s*([0-9]{1,9})", entry.strip())
    if not found:
        raise InputError(f"--keep {entry}: use a group and how many of its training images, such as Black=80")
    return found[1], int(found[2])


def _called(name: str, splits: Splits) -> list[str]:
    known = (*splits.train.group_names, NEGATIVES)
    groups = [group for group in known if f" {name} " in f" {group} "]
    if not groups:
        raise InputError(f"{splits.name}: no group is called {name!r} or a part of it: use one of {', '.join(known)}")
    return groups


def _size(group: str, splits: Splits) -> int:
    """How many training images there are."""
    train = splits.train
    if group == NEGATIVES:
        return len(train.negatives())
    return int(np.count_nonzero(train.positives().groups == train.group_names.index(group)))


def _shared(entry: str, count: int, sizes: Sequence[int]) -> list[int]:
    """`count` in the proportion of `sizes`, rounded so that they sum to it (largest remainder)."""
    if count > sum(sizes):
        raise InputError(f"--keep {entry}: there are {sum(sizes)} such training images: keep fewer")
    exact = np.array(sizes) * count / max(1, sum(sizes))
    shares = np.floor(exact + 1e-9).astype(int)
    shares[np.argsort(shares - exact, kind="stable")[: count - shares.sum()]] += 1
    if not shares.all():
        raise InputError(f"--keep {entry}: {len(sizes)} groups share these images and each needs one: keep more")
    return shares.tolist()
