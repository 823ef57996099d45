"""The data sets that come with this repository, by name; any other name is a path of the user's."""

from pathlib import Path

EMBEDDED = {  # name -> preset of the embedded benchmark
    "parliament": "default",
    "parliament-other": "other",
    "parliament-balanced": "balanced",
    "parliament-tiny": "tiny",
    "parliament-pool": "pool",
    "parliament-small": "small",
    "parliament-smoke": "smoke",
    "parliament-camera": "camera",
    "parliament-camera-smoke": "camera-smoke",
}
DIGITS = "digits"  # scikit-learn's


def is_public(name: str) -> bool:
    """Whether a data set comes with this repository, so that its images may be shown to anybody."""
    return name in EMBEDDED or name == DIGITS


def label(name: str) -> str:
    """What a data set is called in columns of results, where models are tested on it beside their own test.

    'camera' for 'parliament-camera', and for 'parliament-camera-smoke', its toy size; of a file its stem.
    """
    return name.removeprefix("parliament-").removesuffix("-smoke") if name in EMBEDDED else Path(name).stem
