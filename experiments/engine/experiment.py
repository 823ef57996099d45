"""An experiment as data: settings times seeds."""

import dataclasses
import json
import types
from collections.abc import Mapping
from pathlib import Path

from baselines import Method, method
from debias import smoke
from debias.config import Config
from debias.data.names import label
from debias.errors import InputError

# What every experiment trains with on scikit-learn's data, which are neither as large as faces nor may be mirrored.
DIGITS = Config(preset="digits", epochs=40, flip=False)
TUMOURS = Config(preset="table", epochs=40, steps_per_epoch=8, flip=False)  # a pass takes one or two steps
BASES = {"digits": DIGITS, "tumours": TUMOURS}


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
        arguments: values of hyper-parameters of the method, instead of its defaults.
        seeds: how many of the experiment's seeds train it, the first ones; None takes all.
    """

    name: str
    method: str
    changes: Mapping[str, object] = dataclasses.field(default_factory=dict)
    draw: Mapping[str, int] = dataclasses.field(default_factory=dict)
    data: str | None = None
    title: str = ""
    arguments: Mapping[str, object] = dataclasses.field(default_factory=dict)
    seeds: int | None = None

    def __post_init__(self):
        if not self.title:
            object.__setattr__(self, "title", method(self.method).title)

    @property
    def trained(self) -> Method:
        """The method with this line's hyper-parameters; InputError for one that it does not have."""
        return method(self.method).having(**self.arguments)


@dataclasses.dataclass(frozen=True)
class Run:
    """One training run, and what its model is tested on.

    Attributes:
        id: readable and unique, 'alpha/product-a0.01/seed3': experiment, setting, seed.
        setting: what it trains.
        config: all settings of training; the folder and callbacks are set where it is trained.
        data: name for `debias.data.catalog.load`.
        test: a prepared file (`debias.data.prepared`) to test on instead of the test split of `data`.
        tests: names of further data sets, on whose test splits the model is measured as well.
    """

    id: str
    setting: Setting
    config: Config
    data: str
    test: str | None = None
    tests: tuple[str, ...] = ()

    def settings(self) -> dict:
        """Everything that decides the outcome beside data and code, as plain values."""
        chosen = {"arguments": dict(self.setting.arguments)} if self.setting.arguments else {}
        return {"method": self.setting.method, **self.config.settings(), "draw": dict(self.setting.draw), **chosen}

    def names(self) -> dict[str, str]:
        """The columns by which a row of results is found."""
        return {"id": self.id, "setting": self.setting.name, "title": self.setting.title}

    def facts(self) -> dict:
        """The columns that say what was run."""
        config = json.dumps(self.settings())
        return {"method": self.setting.method, "seed": self.config.seed, "config": config}


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
        folder: under results/; empty takes the name.
        minutes: on two cores, with the data rendered.
        test: a prepared file to test on instead of the test split of `data`.
        rare: names of the groups that are rare in training, for figures.
        tests: further data sets for `debias.data.catalog.load`, on whose test splits each model is measured as well, at
            thresholds that their own validation negatives fix. They need no training images.
        prepares: whether it chooses what another experiment trains, instead of showing something: `all` leaves it out.
    """

    name: str
    title: str
    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]
    base: Config
    data: str
    folder: str = ""
    minutes: int = 10
    test: str | None = None
    rare: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    prepares: bool = False

    def __post_init__(self):
        names = [setting.name for setting in self.settings]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"experiment {self.name}: two settings are called {', '.join(twice)}: rename one")
        labels = [label(test) for test in self.tests]
        if twice := sorted({name for name in labels if labels.count(name) > 1}):
            raise InputError(f"experiment {self.name}: two tests are called {', '.join(twice)}: rename a file")
        if not self.folder:
            object.__setattr__(self, "folder", self.name)

    def runs(self) -> tuple[Run, ...]:
        """Every setting with each of its seeds, seeds outermost so that complete pairs come first.

        Raises:
            InputError: there are no seeds, or a setting changes what `Config` or its method does not have.
        """
        if not self.seeds:
            raise InputError(f"experiment {self.name}: zero seeds: give at least one")
        pairs = ((seed, setting) for seed in self.seeds for setting in self.settings)
        return tuple(self._run(setting, seed) for seed, setting in pairs if seed in self.seeds[: setting.seeds])

    def _run(self, setting: Setting, seed: int) -> Run:
        _ = setting.trained  # raises for a hyper-parameter that the method does not have
        known = self.base.settings()
        if unknown := [name for name in setting.changes if name not in known]:
            raise InputError(
                f"experiment {self.name}, setting {setting.name}: Config has no {', '.join(unknown)}: "
                f"use some of {', '.join(known)}"
            )
        config = dataclasses.replace(self.base, **setting.changes, seed=seed)
        name, data = f"{self.name}/{setting.name}/seed{seed}", setting.data or self.data
        return Run(name, setting, config, data, self.test, self.tests)

    def at_smoke_size(self) -> "Experiment":
        """All its settings at toy size, with seed 0: one is enough to see that everything runs, and others share it."""
        settings = tuple(dataclasses.replace(s, draw=smoke.draw(s.draw), data=None) for s in self.settings)
        data, tests = smoke.SIZES.get(self.data, smoke.DATA), tuple(smoke.SIZES.get(t, t) for t in self.tests)
        size = {"base": smoke.config(data), "data": data, "tests": tests}
        return dataclasses.replace(self, settings=settings, seeds=(0,), **size)

    def on_other_data(
        self,
        data: str,
        name: str,
        group_names: tuple[str, ...],
        rare: tuple[str, ...],
        test: str | None = None,
        draw: Mapping[str, int] = types.MappingProxyType({}),
    ) -> "Experiment":
        """The same on another data set, taken whole unless `draw` says otherwise, in a folder of its own.

        Without groups, methods that need them are left out, and so are further tests. An epoch is one pass over its
        faces, however many there are.

        Args:
            data: for `debias.data.catalog.load`.
            name: of the data set, for the folder.
            group_names: of the data set; empty where no groups are known.
            rare: those of them that are rare in training.
            test: a prepared file to test on instead of the test split of `data`.
            draw: of every setting, see `Setting`.

        Raises:
            InputError: the experiment compares data sets, or draws of the embedded benchmark's groups; or it is given a
                test and decides by validation images alone.
        """
        if test and self.prepares:
            raise InputError(f"{self.name} decides by validation images and tests nothing: leave out another test")
        draws = {tuple(setting.draw.items()) for setting in self.settings}
        if len(draws) > 1 or any(setting.data for setting in self.settings):
            raise InputError(f"{self.name} compares parts of the embedded benchmark: leave out other data")
        chosen = [s for s in self.settings if group_names or method(s.method).labels != "group"]
        return dataclasses.replace(
            self,
            data=data,
            base=self._base_on(data),
            settings=tuple(dataclasses.replace(setting, draw=dict(draw)) for setting in chosen),
            folder="-".join([self.folder, name, *([Path(test).stem] if test else [])]),
            test=test,
            rare=rare,
            tests=(),
        )

    def _base_on(self, data: str) -> Config:
        """What is trained with there, at toy size where the experiment is."""
        if self.base == smoke.config(self.data):
            return smoke.config(data)
        return BASES.get(data) or dataclasses.replace(self.base, steps_per_epoch=None)
