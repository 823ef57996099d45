"""An experiment as data: settings times seeds."""

import dataclasses
from collections.abc import Mapping

from baselines import method
from debias.config import Config
from debias.errors import InputError


@dataclasses.dataclass(frozen=True)
class Setting:
    """One line of a table: a method with what is changed for it."""

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
    """One training run."""

    id: str
    setting: Setting
    config: Config
    data: str
    test: str | None = None


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A table or a figure of the paper, or an ablation."""

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

    def __post_init__(self):
        names = [setting.name for setting in self.settings]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"experiment {self.name}: two settings are called {', '.join(twice)}: rename one")
        if not self.folder:
            object.__setattr__(self, "folder", self.name)

    def runs(self) -> tuple[Run, ...]:
        """Every setting with every seed, seeds outermost so that complete pairs come first."""
        return tuple(self._run(setting, seed) for seed in self.seeds for setting in self.settings)

    def _run(self, setting: Setting, seed: int) -> Run:
        config = dataclasses.replace(self.base, **setting.changes, seed=seed)
        return Run(f"{self.name}/{setting.name}/seed{seed}", setting, config, setting.data or self.data, self.test)
