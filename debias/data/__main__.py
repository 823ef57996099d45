"""Prepare data sets of real images, and merge them into a training file.

Examples:
    python -m debias.data sources
    python -m debias.data prepare celeba path/to/CelebA --out celeba-faces.h5
    python -m debias.data prepare imagenet path/to/synsets --out imagenet.h5
    python -m debias.data merge --positives celeba-faces.h5 --negatives imagenet.h5 --out celeba.h5
    python -m debias.data prepare ppb path/to/PPB-2017 --out ppb.h5
    ./run_experiments.sh table1 --train celeba.h5 --test ppb.h5
"""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated, ClassVar

from tyro.conf import Positional, arg, subcommand

from debias.commandline import exit_code, parse
from debias.data.merge import merge
from debias.data.prepare import ALLOWED_BAD, Source, prepare, report_path
from debias.data.sources import celeba, fairface, folder, imagenet, mit, ppb, utkface
from debias.files import check_output


@dataclasses.dataclass(frozen=True, kw_only=True)
class Output:
    """Where the result goes."""

    out: Path
    """HDF5 file to write; it appears when it is whole."""
    overwrite: bool = False
    """Replace it if it exists."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Images(Output):
    """How images are converted, and the images of a source, which each command below reads in its own way."""

    root: Positional[Path]
    """The folder that holds the data set: python -m debias.data sources tells how to get it."""
    size: int = 64
    """Side of the square images in pixels; ignored where they are kept whole."""
    allow_bad: float = ALLOWED_BAD
    """Largest share of images that may be skipped; they are listed beside the output."""
    processes: int | None = None
    """Worker processes; all cores if not given. The file does not depend on it."""
    keep_conflicts: bool = False
    """Keep images that are equal byte for byte although their labels differ."""

    def source(self) -> Source:
        """What is at `root`."""
        raise NotImplementedError

    def __call__(self) -> int:
        source = self.source()
        skipped = prepare(
            source,
            self.out,
            size=self.size,
            allow_bad=self.allow_bad,
            processes=self.processes,
            overwrite=self.overwrite,
            keep_conflicts=self.keep_conflicts,
        )
        rest = f", {len(skipped):,} skipped: {report_path(self.out)}" if len(skipped) else ""
        print(f"{self.out}: {len(source.items) - len(skipped):,} images{rest}")
        return 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class CelebA(Images):
    """CelebA's faces, cropped to a square on the annotated box.

    Example: python -m debias.data prepare celeba path/to/CelebA --out celeba-faces.h5
    """

    aligned: bool = False
    """Take img_align_celeba instead, cropped in the middle."""

    def source(self) -> Source:
        return celeba.read(self.root, aligned=self.aligned)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageNet(Images):
    """ImageNet without its synsets of people, as non-faces: a folder of synsets, or ILSVRC2012_img_train.tar.

    Example: python -m debias.data prepare imagenet path/to/synsets --out imagenet.h5
    """

    drop: Path | None = None
    """A text file with the WordNet ids to leave out, instead of the three of people in ILSVRC-2012."""
    follow_links: bool = False
    """Also read what lies below links to folders."""

    def source(self) -> Source:
        drop = imagenet.read_drop(self.drop) if self.drop else tuple(imagenet.HUMAN)
        return imagenet.read(self.root, drop=drop, follow_links=self.follow_links)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PPB(Images):
    """The Pilot Parliaments Benchmark by gender and skin type, whole, for windows to slide over.

    Example: python -m debias.data prepare ppb path/to/PPB-2017 --out ppb.h5
    """

    def source(self) -> Source:
        return ppb.read(self.root)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FairFace(Images):
    """FairFace by gender and race, as its lists name them.

    Example: python -m debias.data prepare fairface path/to/fairface --out fairface.h5
    """

    def source(self) -> Source:
        return fairface.read(self.root)


@dataclasses.dataclass(frozen=True, kw_only=True)
class UTKFace(Images):
    """UTKFace by gender and race, as its file names code them.

    Example: python -m debias.data prepare utkface path/to/UTKFace --out utkface.h5
    """

    follow_links: bool = False
    """Also read what lies below links to folders."""

    def source(self) -> Source:
        return utkface.read(self.root, follow_links=self.follow_links)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Folder(Images):
    """Your own images with a list of them, labels.csv: columns file,label and, if known, group, split and more.

    Example: python -m debias.data prepare folder path/to/photos --out photos.h5
    """

    seed: int = 0
    """Of the split, where labels.csv gives none."""

    def source(self) -> Source:
        return folder.read(self.root, seed=self.seed)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MIT(Output):
    """The course's train_face.h5 in our layout, its channels in the order red, green, blue.

    Example: python -m debias.data prepare mit train_face.h5 --download --out faces.h5
    """

    path: Positional[Path]
    """train_face.h5."""
    seed: int = 0
    """Of the split."""
    download: bool = False
    """Fetch it first (1.3 GB), unless it is there."""

    def __call__(self) -> int:
        if self.download:
            check_output(self.out, self.overwrite)  # as `convert` does, but before 1.3 GB are fetched
            mit.download(self.path)
        mit.convert(self.path, self.out, seed=self.seed, overwrite=self.overwrite)
        print(self.out)
        return 0


@dataclasses.dataclass(frozen=True)
class Prepare:
    """Convert a data set of real images into one file; a broken-off call continues where it stopped."""

    source: Annotated[
        Annotated[CelebA, subcommand("celeba")]
        | Annotated[ImageNet, subcommand("imagenet")]
        | Annotated[PPB, subcommand("ppb")]
        | Annotated[FairFace, subcommand("fairface")]
        | Annotated[UTKFace, subcommand("utkface")]
        | Annotated[Folder, subcommand("folder")]
        | Annotated[MIT, subcommand("mit")],
        arg(name=""),
    ]

    def __call__(self) -> int:
        return self.source()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Merge(Output):
    """Join prepared faces and non-faces into one training file: 80 % train, 10 % validation, 10 % test, by person.

    Example: python -m debias.data merge --positives celeba-faces.h5 --negatives imagenet.h5 --out celeba.h5
    """

    positives: tuple[Path, ...]
    """Prepared files of faces."""
    negatives: tuple[Path, ...]
    """Prepared files without faces."""
    seed: int = 0
    """Of the split."""
    groups: bool = True
    """Keep the groups of the faces."""
    near: bool = False
    """Keep images in one split that look alike from afar, not only equal ones."""
    keep_conflicts: bool = False
    """Keep equal images although their labels or groups differ."""

    def __call__(self) -> int:
        merge(
            self.positives,
            self.negatives,
            self.out,
            seed=self.seed,
            groups=self.groups,
            overwrite=self.overwrite,
            near=self.near,
            keep_conflicts=self.keep_conflicts,
        )
        print(self.out)
        return 0


@dataclasses.dataclass(frozen=True)
class Sources:
    """How to get each data set, and where to put it.

    Example: python -m debias.data sources
    """

    modules: ClassVar = (celeba, imagenet, ppb, fairface, utkface, mit)

    def __call__(self) -> int:
        for module in self.modules:
            name = module.__name__.rpartition(".")[2]
            print(f"{name:<9} {module.__doc__.splitlines()[0]}\n          {module.HOW}")
        return 0


COMMANDS = {"prepare": Prepare, "merge": Merge, "sources": Sources}


def main(words: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = sys.argv[1:] if words is None else words
    return exit_code(lambda: parse(COMMANDS, "python -m debias.data", __doc__, words)())


if __name__ == "__main__":
    sys.exit(main())
