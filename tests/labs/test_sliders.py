"""Sliders call what they are given with where they stand, and without ipywidgets there are none."""

import ipywidgets
import pytest
from matplotlib.figure import Figure

from labs import sliders


def moved(widget, index, value):
    """What a box of sliders shows once one of them is moved."""
    widget.children[index].value = value
    return widget.children[-1].value


def test_a_sound_follows_two_sliders_which_begin_in_the_middle():
    box = sliders.sound(lambda *places: repr(places).encode(), temperature=(0.5, 1.0, 1.5), top_p=[0.8, 1.0])
    first, second, player = box.children
    assert player.value == b"(1.0, 1.0)" and (player.format, player.autoplay) == ("wav", False)
    assert (first.description, second.description) == ("temperature", "top p")
    assert moved(box, 0, 1.5) == b"(1.5, 1.0)" and moved(box, 1, 0.8) == b"(1.5, 0.8)"


def test_a_picture_follows_its_slider():
    drawn = []

    def draw(degrees):
        drawn.append(degrees)
        figure = Figure()
        figure.text(0, 0, f"{degrees} degrees")
        return figure

    box = sliders.picture(draw, turned_by=range(-90, 91, 30))
    before = bytes(box.children[-1].value)
    assert before.startswith(b"\x89PNG") and moved(box, 0, 60) != before
    assert drawn == [0, 60]


@pytest.mark.parametrize("kind", [sliders.picture, sliders.sound])
def test_without_ipywidgets_there_is_none(kind, monkeypatch):
    assert isinstance(kind.__globals__["ipywidgets"], type(ipywidgets))
    monkeypatch.setattr(sliders, "ipywidgets", None)
    assert kind(lambda place: pytest.fail("called"), place=[0, 1]) is None
