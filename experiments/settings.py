"""What the experiments on faces share: the data, the length of training, and the settings that several of them use.

Settings of the same content are trained once, whichever experiment asks for them first.
"""

import dataclasses
from collections.abc import Mapping

from debias.config import Config
from experiments.engine.experiment import Setting

DATA = "parliament-pool"
# The few darker faces decide as much as the seed of training does: each seed draws its own 160 of 1,600.
DRAW = {"darker male": 88, "darker female": 72}
RARE = tuple(DRAW)
# Little more than one pass over the faces: resampling acts less the better a model fits its training set (Byrd and
# Lipton 2019). The pass is cut in four so that the latents which decide the sampling have been learned.
FACES = Config(epochs=4, steps_per_epoch=48, batch_size=128)
# For tests on another source: fewer faces with the same imbalance, so that a run takes minutes, and eight passes;
# `passes` says what more of them change.
SMALL = "parliament-small"
OTHER_CAMERA = "parliament-camera"
FEW = {"darker male": 44, "darker female": 36}  # of 2,700, beside 4,720 lighter faces
EVEN = dict.fromkeys(("lighter male", "lighter female", *RARE), 1_200)  # as many faces, without the imbalance
TRAINED = Config(epochs=8, batch_size=64)  # an epoch is one pass over the faces
CAMERA = {"augment": 1.0}
ALPHAS = (0.1, 0.05, 0.01, 0.001)  # of the paper's table
K = 100  # of the lab; the paper does not say
# The most latents, of 2, 4, 8, ..., with which the product of Eq. 4 still draws from a tenth of the faces at alpha .01,
# judged by the effective sample size of a training without resampling, never by a test.
K_THAT_WORKS = 2


def face(name: str, method: str, title: str = "", **changes) -> Setting:
    """A setting on the faces, with the common draw."""
    return Setting(name, method, changes, DRAW, title=title)


CNN = face("cnn", "cnn", "CNN, no debiasing")
ORACLE = face("oracle", "oracle", "Oracle, sees the groups")


def vae(k: int = K) -> Setting:
    """DB-VAE's network and loss with `k` latents, faces drawn uniformly."""
    return face("vae" if k == K else f"vae-k{k}", "vae", f"VAE, uniform, k = {k}", **_latents(k))


def debiased(rule: str, k: int = K, alpha: float = 0.01) -> Setting:
    """DB-VAE with `k` latents whose faces are drawn by `rule`."""
    name = "-".join([rule, *([] if k == K else [f"k{k}"]), f"a{alpha:g}"])
    chosen = {} if alpha == FACES.alpha else {"alpha": alpha}
    return face(name, f"dbvae-{rule}", f"{rule}, k = {k}, α = {alpha:g}", **_latents(k), **chosen)


def changed(setting: Setting, name: str, title: str, **changes) -> Setting:
    """The same setting under another name, with some more changes."""
    return dataclasses.replace(setting, name=name, title=title, changes={**setting.changes, **changes})


def tested_elsewhere(setting: Setting, seeds: int | None = None) -> Setting:
    """A setting of the short training as it is trained for a test by another camera: fewer faces, a random camera."""
    return dataclasses.replace(with_camera(setting)[1], title=setting.title, draw=FEW, seeds=seeds)


def with_camera(setting: Setting) -> tuple[Setting, Setting]:
    """A setting, and the same with a random camera in training."""
    return setting, changed(setting, f"{setting.name}-camera", f"{setting.title}, random camera", **CAMERA)


def resampled(few: Mapping[str, int] | None = None, even: Mapping[str, int] | None = None) -> tuple[Setting, ...]:
    """What every imbalance is tried with, nothing retuned: DB-VAE without and with its max rule, JTT, ours, the oracle.

    Args:
        few: the draw that makes the imbalance; None where the data have one of their own.
        even: the draw of as many training images without it, for a CNN that shows what the imbalance costs.
    """
    few = few or {}
    balanced = [Setting("balanced", "cnn", draw=even, title="CNN, balanced training set")] if even else []
    return (
        Setting("cnn", "cnn", draw=few),
        Setting("vae", "vae", draw=few),
        Setting("max", "dbvae-max", {"alpha": 0.001}, few, title="DB-VAE, max, α = 0.001"),
        Setting("jtt", "jtt", draw=few),
        Setting("neighbours", "neighbours", draw=few),
        Setting("oracle", "oracle", draw=few),
        *balanced,
    )


def _latents(k: int) -> dict[str, int]:
    return {} if k == K else {"latent_dim": k}
