"""How ablations are put together: settings, each with its place in a figure, most of them a default with one change."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from debias.config import Config
from debias.presets import network
from experiments.engine.experiment import Experiment, Setting
from experiments.settings import CNN, DATA, FACES, K_THAT_WORKS, RARE, changed, debiased

SEEDS = tuple(range(5))
# What most ablations change; the names of changed settings begin with these words.
BOTH_RULES = {"max": debiased("max"), f"product-k{K_THAT_WORKS}": debiased("product", K_THAT_WORKS)}
CNN_AND_MAX = {"cnn": CNN, "max": debiased("max")}


@dataclasses.dataclass(frozen=True)
class Point:
    """A setting and where it stands in the ablation's figure.

    Attributes:
        x: position: a number, or text.
        line: which line it belongs to; also named in the figure's legend.
        against: name of the setting that it is compared with, usually its line's default.
    """

    setting: Setting
    x: float | str
    line: str
    against: str


@dataclasses.dataclass(frozen=True)
class Ablation(Experiment):
    """An experiment whose settings are points of a figure.

    Attributes:
        points: its settings, but for the baseline.
        x: label of the horizontal axis.
        log: whether that axis is logarithmic.
        baseline: drawn as a dashed line; None draws none.
    """

    points: tuple[Point, ...] = ()
    x: str = ""
    log: bool = False
    baseline: Setting | None = None

    def at_smoke_size(self) -> "Ablation":
        """Toy size, of each line only its ends and what they are compared with: what lies between runs alike."""
        ends = [point for line in self._lines() for point in (line[0], line[-1])]
        needed = {point.setting.name for point in ends} | {point.against for point in ends}
        points = tuple(point for point in self.points if point.setting.name in needed)
        named = needed | ({self.baseline.name} if self.baseline else set())
        settings = tuple(setting for setting in self.settings if setting.name in named)
        return Experiment.at_smoke_size(dataclasses.replace(self, settings=settings, points=points))

    def on_other_data(self, *arguments, **options) -> "Ablation":
        """As of every experiment; what is varied keeps its usual value where a setting does not change it.

        Other data may be trained with another one, and a default would then stand at the wrong place of the axis.
        """
        varied = {name for setting in self.settings for name in setting.changes}
        usual = {name: value for name, value in self._usual().items() if name in varied and value is not None}
        settings = (dataclasses.replace(each, changes={**usual, **each.changes}) for each in self.settings)
        return Experiment.on_other_data(dataclasses.replace(self, settings=tuple(settings)), *arguments, **options)

    def _usual(self) -> Mapping[str, Any]:
        return {**self.base.settings(), "latent_dim": network(self.base).latent_dim}

    def _lines(self) -> list[list[Point]]:
        names = dict.fromkeys(point.line for point in self.points)
        return [[point for point in self.points if point.line == name] for name in names]


def ablation(
    name: str,
    title: str,
    points: Sequence[Point],
    x: str,
    *,
    minutes: int,
    log: bool = False,
    baseline: Setting | None = CNN,
    seeds: Sequence[int] = SEEDS,
    base: Config = FACES,
    data: str = DATA,
    tests: Sequence[str] = (),
) -> Ablation:
    """An ablation on the faces, in results/ablations/<name>.

    Args:
        minutes: on two cores, when nothing of it has been trained by another experiment.
        tests: the first of them, where there is one, is what the figure and the sentence tell of.
        others: as of `Ablation`.
    """
    settings = [point.setting for point in points] + ([baseline] if baseline else [])
    return Ablation(
        name,
        title,
        tuple({setting.name: setting for setting in settings}.values()),
        tuple(seeds),
        base,
        data,
        folder=f"ablations/{name}",
        minutes=minutes,
        rare=RARE,
        tests=tuple(tests),
        points=tuple(points),
        x=x,
        log=log,
        baseline=baseline,
    )


def switch(
    name: str, title: str, defaults: Mapping[str, Setting], field: str, usual, others: Sequence, **options
) -> Ablation:
    """An ablation of one field of `Config`: every default as it is, and with each of the `others` in that field.

    Args:
        defaults: what the names of its changed settings begin with -> the default.
        usual: the value that the defaults have.
        options: for `ablation`.
    """
    values = [usual, *others] if isinstance(usual, str) else sorted([usual, *others])
    points = [
        Point(_switched(default, short, name, field, value, usual), value, default.title, default.name)
        for short, default in defaults.items()
        for value in values
    ]
    return ablation(name, title, points, field, **options)


def drawn(
    name: str,
    title: str,
    defaults: Mapping[str, Setting],
    draws: Mapping[float, Mapping[str, int]],
    usual: float | None,
    x: str,
    **options,
) -> Ablation:
    """An ablation of the training images: every default with each of the draws, and, at `usual`, as it is.

    Args:
        defaults: as for `switch`.
        draws: position on the horizontal axis -> training images of each group.
        usual: position of the defaults' own draw; None leaves it out, and compares with the draw at the least position.
        options: for `ablation`.
    """
    points = []
    for short, default in defaults.items():
        settings = {value: _redrawn(default, short, name, value, draw) for value, draw in draws.items()}
        settings |= {usual: default} if usual is not None else {}
        against = settings[min(draws) if usual is None else usual].name
        points += [Point(settings[value], value, default.title, against) for value in sorted(settings)]
    return ablation(name, title, points, x, baseline=None, **options)


def _switched(default: Setting, short: str, name: str, field: str, value, usual) -> Setting:
    if value == usual:
        return default
    shown = value if isinstance(value, str) else f"{name}{value:g}"
    return changed(default, f"{short}-{shown}", f"{default.title}, {field} {value}", **{field: value})


def _redrawn(default: Setting, short: str, name: str, value: float, draw: Mapping[str, int]) -> Setting:
    title = f"{default.title}, {name} {value:g}"
    return dataclasses.replace(default, name=f"{short}-{name}{value:g}", title=title, draw=draw)
