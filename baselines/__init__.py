"""Every method that is compared, by name. A new method is one file and one line in METHODS."""

import dataclasses
from collections.abc import Callable
from functools import partial

from baselines import cnn, oracle, vae
from debias import dbvae
from debias.backend import keras
from debias.config import Config
from debias.data.dataset import Splits
from debias.errors import InputError


@dataclasses.dataclass(frozen=True)
class Method:
    """How to train a method, and what it may see.

    Attributes:
        run: (splits, config) -> trained model whose call gives logits (B,).
        labels: 'class' or 'group', the labels it needs; it is not given more.
        title: its name in tables and figures.
    """

    run: Callable[[Splits, Config], keras.Model]
    labels: str
    title: str

    def train(self, splits: Splits, config: Config) -> keras.Model:
        """Train on what the method declared to need: no test split, no factors, groups only if declared."""
        return self.run(splits.visible_to(self.labels), config)


METHODS = {
    "cnn": Method(cnn.train, "class", "CNN"),
    "vae": Method(vae.train, "class", "VAE, uniform"),
    "dbvae-product": Method(partial(dbvae.train, rule="product"), "class", "DB-VAE, product"),
    "dbvae-max": Method(partial(dbvae.train, rule="max"), "class", "DB-VAE, max"),
    "oracle": Method(oracle.train, "group", "Oracle (groups)"),
}


def method(name: str) -> Method:
    """The method called `name`; InputError when there is none."""
    if name not in METHODS:
        raise InputError(f"unknown method {name!r}: use one of {', '.join(METHODS)}")
    return METHODS[name]
