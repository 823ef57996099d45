"""Every method that is compared, by name. A new method is one file and one line in METHODS."""

import dataclasses
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from debias.errors import InputError

if TYPE_CHECKING:
    import keras

    from debias.config import Config
    from debias.data.dataset import Splits


@dataclasses.dataclass(frozen=True)
class Method:
    """How to train a method, what it may see and what it does.

    Attributes:
        title: its name in tables and figures.
        module: has `train(splits, config)`, which returns a trained model whose call gives logits (B,). It is imported
            when the method trains, so that to know all methods costs nothing.
        labels: 'class' or 'group', the labels it needs; it is not given more.
        resamples: whether it changes how often a face is drawn by what it learns of the faces.
        reconstructs: whether its model decodes images as a `DBVAE` does.
        arguments: more keyword arguments of `train`.
    """

    title: str
    module: str
    labels: str = "class"
    resamples: bool = False
    reconstructs: bool = False
    arguments: Mapping[str, object] = dataclasses.field(default_factory=dict)

    def train(self, splits: "Splits", config: "Config") -> "keras.Model":
        """Train on what the method declared to need: no test split, no factors, groups only if declared."""
        from debias.devices import scope  # TensorFlow, which takes seconds

        visible = splits.visible_to(self.labels)
        with scope(config):
            return importlib.import_module(self.module).train(visible, config, **self.arguments)


def _debiased(title: str, rule: str) -> Method:
    return Method(title, "debias.dbvae", resamples=True, reconstructs=True, arguments={"rule": rule})


METHODS = {
    "cnn": Method("CNN", "baselines.cnn"),
    "vae": Method("VAE, uniform", "baselines.vae", reconstructs=True),
    "dbvae-product": _debiased("DB-VAE, product", "product"),
    "dbvae-max": _debiased("DB-VAE, max", "max"),
    "oracle": Method("Oracle (groups)", "baselines.oracle", labels="group"),
}


def method(name: str) -> Method:
    """The method called `name`; InputError when there is none."""
    if name not in METHODS:
        raise InputError(f"unknown method {name!r}: use one of {', '.join(METHODS)}")
    return METHODS[name]
