"""Who debiases best: every method, without and with a random camera; ten paired seeds.

./run_experiments.sh methods   # hyper-parameters: the defaults of baselines/, until methods_search has chosen others

All train for eight passes, as in transfer, but for the wider and the residual CNN, which take a share of the steps for
about the CNN's time. JTT trains one pass before, GEORGE eight, and LfF two networks at once.
"""

import dataclasses
from collections.abc import Mapping

from baselines import method
from experiments import transfer
from experiments.engine.experiment import Setting
from experiments.settings import CAMERA, EVEN, FEW, TRAINED

Point = Mapping[str, float]  # field of `Config` or hyper-parameter of the method -> value
RATES = (
    {"learning_rate": 1e-3},
    {"learning_rate": 5e-4},
    {"learning_rate": 2e-3},
)  # of methods without any of their own


@dataclasses.dataclass(frozen=True)
class Compared:
    """A method and its search.

    Attributes:
        grid: three points for each method, an equal budget; the first is the published default or ours.
        chosen: another point that `methods_search` finds clearly better by validation loss, which needs no group
            labels; else None.
        by_groups: the one that it chooses by the worst group of the validation faces, where that is another; else None.
    """

    method: str
    grid: tuple[Point, ...] = RATES
    chosen: Point | None = None
    by_groups: Point | None = None

    @property
    def point(self) -> Point:
        """What `methods` trains."""
        return self.grid[0] if self.chosen is None else self.chosen


def grid(name: str, *values: float) -> tuple[Point, ...]:
    """Points of one hyper-parameter."""
    return tuple({name: value} for value in values)


# `chosen` and `by_groups` are what results/methods_search/table.md says, once it has rows: a test compares them.
BLIND = (
    Compared("cnn"),
    Compared("wide"),
    Compared("residual"),
    Compared("vae"),
    Compared("class-balanced", grid("beta", 0.999, 0.99, 0.9999)),
    Compared("focal", grid("gamma", 2, 1, 5), chosen={"gamma": 1}, by_groups={"gamma": 2}),
    Compared("cvar-dro", grid("share", 0.2, 0.5, 0.1)),
    Compared("jtt", grid("times", 20, 5, 50)),
    Compared("lff", grid("q", 0.7, 0.5, 0.9)),
    Compared("afr", grid("gamma", 4, 1, 10)),
    Compared("george", grid("step_size", 0.01, 0.001, 0.1), chosen={"step_size": 0.1}, by_groups={"step_size": 0.01}),
    Compared("density", grid("power", 0.25, 0.1, 0.5)),
    Compared("dbvae-max", grid("alpha", 0.001, 0.01, 0.1)),
    Compared("neighbours", grid("share", 0.1, 0.05, 0.2)),
)
BOUNDS = (
    Compared("subsampling"),
    Compared("oracle"),
    Compared("group-dro", grid("adjustment", 1, 0, 3), chosen={"adjustment": 0}, by_groups={"adjustment": 1}),
    Compared("dfr", grid("inverse_penalty", 0.1, 1, 10), chosen={"inverse_penalty": 10}),
)
ALL = (*BLIND, *BOUNDS)


def at(
    name: str, compared: Compared, point: Point, title: str = "", draw: Mapping[str, int] = FEW, **changes
) -> Setting:
    """A method with a point of its grid; what is no field of `Config` is a hyper-parameter of the method.

    Its defaults are left out: so a run of `transfer` is the same run here, and not trained again.
    """
    usual = vars(TRAINED) | method(compared.method).arguments
    chosen = {key: value for key, value in point.items() if value != usual.get(key)}
    changes |= {key: value for key, value in chosen.items() if key in vars(TRAINED)}
    arguments = {key: value for key, value in chosen.items() if key not in vars(TRAINED)}
    title = f"{method(compared.method).title}{title}"
    return Setting(name, compared.method, changes, draw, title=title, arguments=arguments)


def both(compared: Compared) -> tuple[Setting, ...]:
    """Without and with a random camera, and with one by the point that the groups choose where it is another."""
    name, point = compared.method, compared.point
    settings = (
        at(f"{name}-none", compared, point),
        at(f"{name}-random-camera", compared, point, ", random camera", **CAMERA),
    )
    if compared.by_groups is None:
        return settings
    chosen = at(f"{name}-by-groups", compared, compared.by_groups, ", chosen by groups, random camera", **CAMERA)
    return (*settings, chosen)


EXPERIMENT = dataclasses.replace(
    transfer.EXPERIMENT,
    name="methods",
    title="Every method, without and with a random camera",
    settings=(
        *(setting for compared in ALL for setting in both(compared)),
        at("balanced-random-camera", ALL[0], ALL[0].point, ", balanced training set, random camera", EVEN, **CAMERA),
    ),
    folder="",
    minutes=480,
)
