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
BY_POSE = "-pose"  # behind the name of an embedded benchmark: its faces are grouped by pose
DIGITS, TUMOURS = "digits", "tumours"  # scikit-learn's


def is_public(name: str) -> bool:
    """Whether a data set comes with this repository, so that its images may be shown to anybody."""
    return is_embedded(name) or name in (DIGITS, TUMOURS)


def is_embedded(name: str) -> bool:
    """Whether a data set is the embedded benchmark, grouped in either way."""
    return name.removesuffix(BY_POSE) in EMBEDDED


def label(name: str) -> str:
    """What a data set is called in columns of results, where models are tested on it beside their own test.

    'camera' for 'parliament-camera', for 'parliament-camera-smoke', its toy size, and for either by pose; of a file its
    stem.
    """
    if not is_embedded(name):
        return Path(name).stem
    return name.removeprefix("parliament-").removesuffix(BY_POSE).removesuffix("-smoke")
