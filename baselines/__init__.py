"""Every method that is compared, by name. A new method is one file and one line in METHODS."""

import dataclasses
import importlib
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING

from debias.errors import InputError

if TYPE_CHECKING:
    import keras

    from debias.config import Config
    from debias.data.dataset import Splits

STAGES = "stages"  # where a method that trains several models keeps the earlier ones, in its run's folder


@dataclasses.dataclass(frozen=True)
class Method:
    """How to train a method, what it may see and what it does.

    Attributes:
        title: its name in tables and figures.
        module: has `train(splits, config)`, which returns a trained model whose call gives logits (B,). It is imported
            when the method trains, so that to know all methods costs nothing.
        labels: 'class' or 'group', the labels it needs to train; it is not given more.
        resamples: whether it changes how often a face is drawn by what it learns of the faces.
        reconstructs: whether its model decodes images as a `DBVAE` does.
        arguments: its hyper-parameters with their defaults, more keyword arguments of `train`.
        selection: 'class' or 'group', the labels by which its authors choose hyper-parameters on validation images.
        paper: where it comes from.
    """

    title: str
    module: str
    labels: str = "class"
    resamples: bool = False
    reconstructs: bool = False
    arguments: Mapping[str, object] = dataclasses.field(default_factory=dict)
    selection: str = "class"
    paper: str = ""

    def train(self, splits: "Splits", config: "Config") -> "keras.Model":
        """Train on what the method declared to need: no test split, no factors, groups only if declared.

        Raises:
            InputError: the data have no groups, and the method needs them; or a hyper-parameter has no value.
        """
        from debias.devices import scope  # TensorFlow, which takes seconds

        visible = splits.visible_to(self.labels)
        train = importlib.import_module(self.module).train
        self._check_complete(train)
        with scope(config):
            return train(visible, config, **self.arguments)

    def having(self, **arguments) -> "Method":
        """The same with other values of some hyper-parameters; InputError for one that it does not have."""
        if unknown := [name for name in arguments if name not in self.arguments]:
            known = ", ".join(self.arguments) or "none"
            raise InputError(f"{self.title} has no hyper-parameter {', '.join(unknown)}: it has {known}")
        return dataclasses.replace(self, arguments={**self.arguments, **arguments})

    def _check_complete(self, train) -> None:
        _, _, *others = inspect.signature(train).parameters.values()
        needed = [
            p.name for p in others if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        ]
        if missing := [name for name in needed if name not in self.arguments]:
            raise InputError(
                f"{self.title}: hyper-parameter {', '.join(missing)} of {self.module} has no value: "
                "add it to `arguments` in the method's line in baselines/__init__.py"
            )


def _debiased(title: str, rule: str) -> Method:
    return Method(title, "debias.dbvae", resamples=True, reconstructs=True, arguments={"rule": rule}, paper=_PAPER)


def _blind(title: str, file: str, paper: str, selection: str = "class", resamples: bool = False, **arguments) -> Method:
    """A CNN that is trained in another way, by no group labels."""
    return Method(title, f"baselines.{file}", "class", resamples, False, arguments, selection, paper)


def _bound(title: str, file: str, paper: str, **arguments) -> Method:
    """A CNN that is trained by group labels: a bound for those that have none."""
    named = f"{title} (groups)"
    return Method(named, f"baselines.{file}", "group", False, False, arguments, "group", paper)


def _registered(*lines: tuple[str, Method]) -> dict[str, Method]:
    """The table of methods; InputError where two have one name, of which a plain dictionary would drop the first."""
    names = [name for name, _ in lines]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"baselines/__init__.py: two methods are called {', '.join(twice)}: rename one")
    return dict(lines)


_PAPER = "Amini, Soleimany et al., AIES 2019"

_OURS = {"dimensions": 3, "share": 0.1, "search": 0.375}
_DENSITY = {"dimensions": 8, "power": 0.25}

METHODS = _registered(
    ("cnn", Method("CNN", "baselines.cnn", paper=_PAPER)),
    ("vae", Method("VAE, uniform", "baselines.vae", reconstructs=True, paper="DB-VAE without its rule")),
    ("dbvae-product", _debiased("DB-VAE, product", "product")),
    ("dbvae-max", _debiased("DB-VAE, max", "max")),
    ("oracle", Method("Oracle (groups)", "baselines.oracle", labels="group", selection="group", paper="oversampling")),
    ("wide", _blind("CNN, wider", "wide", "ours", times=2, share=0.45)),
    ("residual", _blind("CNN, residual", "residual", "He et al., CVPR 2016", share=0.35)),
    ("class-balanced", _blind("Class-balanced loss", "class_balanced", "Cui et al., CVPR 2019", beta=0.999)),
    ("focal", _blind("Focal loss", "focal", "Lin et al., ICCV 2017", gamma=2.0)),
    ("cvar-dro", _blind("CVaR-DRO", "cvar_dro", "Levy et al., NeurIPS 2020", share=0.2)),
    ("jtt", _blind("JTT", "jtt", "Liu et al., ICML 2021", "group", True, first_epochs=1, times=20)),
    ("lff", _blind("LfF", "lff", "Nam et al., NeurIPS 2020", "group", q=0.7, decay=0.7)),
    ("afr", _blind("AFR", "afr", "Qiu et al., ICML 2023", "group", gamma=4.0, penalty=1e-3)),
    ("george", _blind("GEORGE", "george", "Sohoni et al., NeurIPS 2020", step_size=0.01, dimensions=8)),
    ("density", Method("VAE, by density", "baselines.density", "class", True, True, _DENSITY, paper="ours")),
    ("neighbours", _blind("Ours, costly neighbourhoods", "neighbours", "ours", resamples=True, **_OURS)),
    ("subsampling", _bound("Subsampling", "subsampling", "Idrissi et al., CLeaR 2022")),
    ("group-dro", _bound("Group DRO", "group_dro", "Sagawa et al., ICLR 2020", step_size=0.01, adjustment=1.0)),
    ("dfr", _bound("DFR", "dfr", "Kirichenko et al., ICLR 2023", inverse_penalty=0.1)),
)


def method(name: str) -> Method:
    """The method called `name`; InputError when there is none."""
    if name not in METHODS:
        raise InputError(f"unknown method {name!r}: use one of {', '.join(METHODS)}")
    return METHODS[name]
