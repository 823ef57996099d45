"""Sliders in a notebook, above a picture or a sound that follows them.

They need ipywidgets and a running notebook. For readers without, a lab shows a picture of some positions before them.
"""

import io
from collections.abc import Callable, Mapping, Sequence

from matplotlib.figure import Figure

try:
    import ipywidgets
except ImportError:  # the picture before has to do
    ipywidgets = None


def picture(draw: Callable[..., Figure], **positions: Sequence[float]):
    """Sliders above the figure that `draw` gives.

    Args:
        draw: called with the position of each slider.
        positions: name of a slider, with _ for a space -> where it can stand; it begins in the middle.

    Returns:
        A widget, for the notebook to show; None where there is no ipywidgets.
    """
    if ipywidgets is None:
        return None
    return _with_sliders(ipywidgets.Image(format="png"), lambda *places: _png(draw(*places)), positions)


def sound(play: Callable[..., bytes], **positions: Sequence[float]):
    """Sliders above a player of the WAV file that `play` gives, otherwise as `picture`."""
    if ipywidgets is None:
        return None
    return _with_sliders(ipywidgets.Audio(format="wav", autoplay=False, loop=False), play, positions)


def _with_sliders(shown, give: Callable[..., bytes], positions: Mapping[str, Sequence[float]]):
    sliders = [_slider(name, places) for name, places in positions.items()]

    def follow(_change=None):
        shown.value = give(*(slider.value for slider in sliders))

    for slider in sliders:
        slider.observe(follow, "value")
    follow()
    return ipywidgets.VBox([*sliders, shown])


def _slider(name: str, places: Sequence[float]):
    return ipywidgets.SelectionSlider(
        options=[(f"{place:g}", place) for place in places],
        value=places[len(places) // 2],
        description=name.replace("_", " "),
        continuous_update=False,  # once it is let go: a network takes longer than a hand
        style={"description_width": "initial"},
    )


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    return buffer.getvalue()
