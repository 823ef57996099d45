"""Which hyper-parameters each method has in `methods`: three points each, with a random camera, five other seeds.

./run_experiments.sh methods_search

No test decides: the rows choose by the validation loss, which needs no groups, and beside it by the worst group of the
validation faces. A default is kept unless another point is clearly better.
"""

import dataclasses

from experiments import methods
from experiments.engine.experiment import Setting
from experiments.methods import ALL, Compared, Point, at
from experiments.settings import CAMERA


def searched(compared: Compared, point: Point) -> Setting:
    """A point of a method's grid, such as 'jtt-times20'."""
    told = [f"{name}{value:g}" for name, value in point.items()]
    return at("-".join([compared.method, *told]), compared, point, f", {shown(point)}", **CAMERA)


def shown(point: Point) -> str:
    """A point as people read it: 'times 20'."""
    return ", ".join(f"{name} {value:g}" for name, value in point.items())


EXPERIMENT = dataclasses.replace(
    methods.EXPERIMENT,
    name="methods_search",
    title="Hyper-parameters of every method",
    settings=tuple(searched(compared, point) for compared in ALL for point in compared.grid),
    seeds=tuple(range(100, 105)),
    folder="",
    minutes=350,
    tests=(),
    prepares=True,
)
