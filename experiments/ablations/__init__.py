"""One small file an ablation; a new one is its file and one line here."""

from experiments.ablations import (
    alpha,
    bins,
    darker,
    encoder,
    epochs,
    histogram,
    k,
    kl,
    latents,
    lighter,
    reconstruction,
    refresh,
    rule,
    size,
    threshold,
)

ABLATIONS = (
    alpha.EXPERIMENT,
    rule.EXPERIMENT,
    threshold.EXPERIMENT,
    k.EXPERIMENT,
    histogram.EXPERIMENT,
    latents.EXPERIMENT,
    bins.EXPERIMENT,
    reconstruction.EXPERIMENT,
    refresh.EXPERIMENT,
    kl.EXPERIMENT,
    encoder.EXPERIMENT,
    darker.EXPERIMENT,
    size.EXPERIMENT,
    lighter.EXPERIMENT,
    epochs.EXPERIMENT,
)
