"""ImageNet (Deng et al. 2009): images without a face, in folders or tar files named by their WordNet id (n01440764).

Synsets of people are left out. Of the 1,000 of ILSVRC-2012 these are the three in `HUMAN`; of other releases, name
those below 'person' (n00007846) in a file of your own. People are also seen in images of other synsets: Yang et al.
2022, 'A study of face obfuscation in ImageNet', found faces in 17 % of the images of ILSVRC-2012. Such negatives are
label noise.
"""

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from debias.data.prepare import Item, Source
from debias.data.sources.trees import (
    SUFFIXES,
    Unread,
    check_folder,
    image_at,
    images_in,
    images_in_tar,
    is_leftover,
)
from debias.errors import InputError

HOW = (
    "ask for access at https://image-net.org/download-images and put the folders or tar files of its synsets "
    "(n01440764, n01440764.tar, ...) there, or give the path of ILSVRC2012_img_train.tar"
)
HUMAN = {"n09835506": "ballplayer", "n10148035": "groom", "n10565667": "scuba diver"}  # all people of ILSVRC-2012
SHOWN_WITH_PEOPLE = {  # worn, held or played; of Imagenette the first three
    "n01440764": "tench",
    "n03000684": "chain saw",
    "n03394916": "French horn",
    "n02669723": "academic gown",
    "n02837789": "bikini",
    "n02892767": "brassiere",
    "n03617480": "kimono",
    "n03763968": "military uniform",
    "n03770439": "miniskirt",
    "n04371430": "swimming trunks",
    "n04356056": "sunglasses",
}
WNID = re.compile(r"n\d{8}")


def read(root: Path, drop: Collection[str] = tuple(HUMAN), follow_links: bool = False) -> Source:
    """All images with their WordNet id as the factor 'wnid', without the synsets in `drop`.

    Args:
        root: a folder of synsets, each a folder or a tar file, also below train/ and val/; or one tar file of synsets'
            tar files.
        follow_links: also read what lies below links to folders within synsets.

    Raises:
        InputError: there is nothing, a tar file is damaged or compressed, or no image belongs to a synset.
    """
    root, unread = Path(root), Unread()
    found = list(
        _in_tar(root, unread) if os.path.isfile(root) else _below(check_folder(root, HOW), unread, follow_links)
    )
    items = [item for item in found if _wnid(item) not in (None, *drop)]
    for item in found if items else found[:1]:
        if _wnid(item) is None and items:
            unread.add(item.name, "images of no synset (put them into folders named by their WordNet ids)")
        elif _wnid(item) is None:
            raise InputError(
                f"{root}: {item.name!r} belongs to no synset: put it into a folder named by its WordNet id"
            )
    if not items:
        raise InputError(f"{root}: no images in it: {HOW}")
    wnids = [_wnid(item) for item in items]
    return Source(
        kind="imagenet",
        items=items,
        labels=np.zeros(len(items), np.uint8),
        columns={"wnid": np.array([wnid.encode() for wnid in wnids])},
        notes={"dropped_synsets": " ".join(sorted(drop))},
        remarks=(*unread.remarks(), *_people(set(wnids))),
    )


def read_drop(path: Path) -> list[str]:
    """The WordNet ids in a text file, one a line; what follows an id on its line is ignored."""
    try:
        if not os.path.isfile(path):
            raise OSError("no such file")
        words = [line.split()[0] for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable text file: write one WordNet id a line, such as n09835506") from error
    if bad := [word for word in words if not WNID.fullmatch(word)]:
        raise InputError(f"{path}: {bad[0]!r} is not a WordNet id: write one a line, such as n09835506")
    return words


def _below(root: Path, unread: Unread, follow_links: bool) -> Iterator[Item]:
    """Images of all folders and tar files in `root`, in the order of their names; a synset may be a link."""
    for path in sorted(root.iterdir()):
        if path.is_dir() and not is_leftover(f"{path.name}/"):
            inner = images_in(path.resolve(), unread, follow_links, tars=True)
            yield from (item._replace(name=f"{path.name}/{item.name}") for item in inner)
        elif path.suffix.lower() == ".tar" and not is_leftover(path.name):
            yield from _in_tar(path, unread)
        elif path.suffix.lower() in SUFFIXES and not is_leftover(path.name):
            yield image_at(root, path.name)
        else:
            unread.add(path.name)


def _in_tar(path: Path, unread: Unread) -> Iterator[Item]:
    """Images of one tar file, under its synset if it is called by one."""
    prefix = f"{path.stem}/" if WNID.fullmatch(path.stem) else ""
    return (item._replace(name=prefix + item.name) for item in images_in_tar(path, unread))


def _wnid(item: Item) -> str | None:
    """The synset of an image: the folder it is in, or what its own name begins with."""
    *folders, last = item.name.split("/")
    return next((found[0] for word in (*reversed(folders), last) if (found := WNID.match(word))), None)


def _people(wnids: Collection[str]) -> tuple[str, ...]:
    """A line on the people who are left among the non-faces."""
    names = [name for wnid, name in SHOWN_WITH_PEOPLE.items() if wnid in wnids]
    more = f", most in those of {', '.join(names)}: --drop FILE leaves out what a file lists" if names else ""
    return (f"people are seen in images of all synsets, faces in 17 % of ILSVRC-2012's (Yang et al. 2022){more}",)
