"""ImageNet (Deng et al. 2009): images without a face, in folders or tar files named by their WordNet id (n01440764).

Synsets of people are left out. Of the 1,000 of ILSVRC-2012 these are the three in `HUMAN`; of other releases, name
those below 'person' (n00007846) in a file of your own. People are also seen in images of other synsets: Yang et al.
2022, 'A study of face obfuscation in ImageNet', found faces in 17 % of the images of ILSVRC-2012. Such negatives are
label noise.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from debias.data.prepare import Item, Source
from debias.data.sources.trees import check_folder, images_in, images_in_tar
from debias.errors import InputError

HOW = (
    "ask for access at https://image-net.org/download-images and put the folders or tar files of its synsets "
    "(n01440764, n01440764.tar, ...) there, or give the path of ILSVRC2012_img_train.tar"
)
HUMAN = {"n09835506": "ballplayer", "n10148035": "groom", "n10565667": "scuba diver"}  # all people of ILSVRC-2012
WNID = re.compile(r"n\d{8}")


def read(root: Path, drop: Collection[str] = tuple(HUMAN)) -> Source:
    """All images with their WordNet id as the factor 'wnid', without the synsets in `drop`.

    Args:
        root: a folder of synsets, each a folder or a tar file; or one tar file of synsets' tar files.

    Raises:
        InputError: there is nothing, a tar file is damaged or compressed, or an image belongs to no synset.
    """
    root = Path(root)
    found = _in_tar(root) if root.is_file() else _below(check_folder(root, HOW))
    items = [item for item in found if _wnid(item) not in drop]
    if not items:
        raise InputError(f"{root}: no images in it: {HOW}")
    return Source(
        kind="imagenet",
        items=items,
        labels=np.zeros(len(items), np.uint8),
        columns={"wnid": np.array([_wnid(item).encode() for item in items])},
        notes={"dropped_synsets": " ".join(sorted(drop))},
    )


def read_drop(path: Path) -> list[str]:
    """The WordNet ids in a text file, one a line; what follows an id on its line is ignored."""
    try:
        words = [line.split()[0] for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable text file: write one WordNet id a line, such as n09835506") from error
    if bad := [word for word in words if not WNID.fullmatch(word)]:
        raise InputError(f"{path}: {bad[0]!r} is not a WordNet id: write one a line, such as n09835506")
    return words


def _below(root: Path) -> Iterator[Item]:
    """Images of all folders and tar files in `root`, in the order of their names."""
    for path in sorted(root.iterdir()):
        if path.is_dir():
            yield from (item._replace(name=f"{path.name}/{item.name}") for item in images_in(path.resolve()))
        elif path.suffix == ".tar":
            yield from _in_tar(path)


def _in_tar(path: Path) -> Iterator[Item]:
    """Images of one tar file, under its synset if it is called by one."""
    prefix = f"{path.stem}/" if WNID.fullmatch(path.stem) else ""
    return (item._replace(name=prefix + item.name) for item in images_in_tar(path))


def _wnid(item: Item) -> str:
    """The synset of an image: the first folder of its name, or what its own name begins with."""
    folders = item.name.split("/")
    for word in (folders[0], folders[-1]):
        if found := WNID.match(word):
            return found[0]
    raise InputError(f"{item.path}: {item.name!r} belongs to no synset: put it into a folder named by its WordNet id")
