"""An experiment as data: settings times seeds, and how its rows become a table, figures and a sentence."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from baselines import method
from debias.config import Config
from debias.errors import InputError
from experiments import tables
from experiments.evidence import Evidence

if TYPE_CHECKING:
    from experiments.store import Store


@dataclasses.dataclass(frozen=True)
class Setting:
    """One line of a table: a method with what is changed for it.

    Attributes:
        name: second part of a run's id, such as 'max-a0.01'.
        method: name in `baselines.METHODS`.
        changes: `Config` field -> value, on top of the experiment's base.
        draw: group, or 'negatives' -> how many of its training images each seed draws; others are taken whole.
        data: a data set of its own; None takes the experiment's.
        title: what people read; empty takes the method's.
    """

    name: str
    method: str
    changes: Mapping[str, object] = dataclasses.field(default_factory=dict)
    draw: Mapping[str, int] = dataclasses.field(default_factory=dict)
    data: str | None = None
    title: str = ""

    def __post_init__(self):
        if not self.title:
            object.__setattr__(self, "title", method(self.method).title)


@dataclasses.dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        id: readable and unique, 'alpha/product-a0.01/seed3': experiment, setting, seed.
        setting: what it trains.
        config: all settings of training; its folder and callbacks are set by the runner.
        data: name for `debias.data.catalog.load`.
        test: a prepared file (`debias.data.prepared`) to test on instead of the test split of `data`.
    """

    id: str
    setting: Setting
    config: Config
    data: str
    test: str | None = None


def nothing(rows: pd.DataFrame, evidence: Evidence) -> dict:
    """For experiments without figures, or without further texts."""
    return {}


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A table or a figure of the paper, or an ablation.

    Attributes:
        name: first part of its ids and the word after `run`.
        title: its heading.
        settings: the lines of its table.
        seeds: of which every setting trains each.
        base: settings that all have in common.
        data: name for `debias.data.catalog.load`.
        table: rows -> Markdown.
        figures: rows and evidence -> name -> figure.
        texts: rows and evidence -> file name -> Markdown of further tables.
        collect: finished runs -> what figures need beside rows, from trained models; None where rows are enough.
        text: rows -> one paragraph that says what they show; empty for none.
        folder: under results/; None takes the name.
        minutes: on two cores, with the data rendered.
        test: a prepared file to test on instead of the test split of `data`.
    """

    name: str
    title: str
    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]
    base: Config
    data: str
    table: Callable[[pd.DataFrame], str] = tables.as_markdown
    figures: Callable[[pd.DataFrame, Evidence], dict[str, Figure]] = nothing
    texts: Callable[[pd.DataFrame, Evidence], dict[str, str]] = nothing
    collect: "Callable[[Sequence[Run], Store], Evidence] | None" = None
    text: Callable[[pd.DataFrame], str] = lambda rows: ""
    folder: str = ""
    minutes: int = 1
    test: str | None = None

    def __post_init__(self):
        names = [setting.name for setting in self.settings]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"experiment {self.name}: two settings are called {', '.join(twice)}: rename one")
        if not self.folder:
            object.__setattr__(self, "folder", self.name)

    def runs(self) -> tuple[Run, ...]:
        """Every setting with every seed, seeds outermost so that complete pairs come first.

        Raises:
            InputError: there are no seeds, or a setting changes what `Config` does not have.
        """
        if not self.seeds:
            raise InputError(f"experiment {self.name}: zero seeds: give at least one")
        return tuple(self._run(setting, seed) for seed in self.seeds for setting in self.settings)

    def _run(self, setting: Setting, seed: int) -> Run:
        known = self.base.settings()
        if unknown := [name for name in setting.changes if name not in known]:
            raise InputError(
                f"experiment {self.name}, setting {setting.name}: Config has no {', '.join(unknown)}: "
                f"use some of {', '.join(known)}"
            )
        config = dataclasses.replace(self.base, **setting.changes, seed=seed)
        return Run(f"{self.name}/{setting.name}/seed{seed}", setting, config, setting.data or self.data, self.test)
