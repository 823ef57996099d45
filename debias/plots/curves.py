"""Lines: sampling mass against effective sample size, recall against the false-positive rate."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from debias.plots.style import COLLAPSED, NOTE, WIDTH, colours, legend_below, styled

_THRESHOLD_PANELS = {"gap": "recall, best minus worst group, in points", "mean_recall": "mean recall over groups in %"}
_LINEAR_TO = 1.0  # % of the sampling mass; logarithmic above
_SHARES = (0, 0.5, 1, 2, 5, 10, 20, 50, 100)
_PLAIN = FuncFormatter(lambda value, _: f"{value:g}")


@styled
def mass_ess(epochs: pd.DataFrame, uniform: float, groups: str) -> Figure:
    """The share of the sampling mass that rare groups receive, against the effective sample size, over epochs.

    Args:
        epochs: columns setting, epoch, ess (share of all faces, 0..1) and mass (in %), one row an epoch and seed.
        uniform: the groups' share of the faces in %, which is their mass when all faces are equally likely.
        groups: which groups, in words.
    """
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    palette = colours(epochs["setting"])
    for setting, part in epochs.groupby("setting", sort=False):
        path = part.groupby("epoch")[["ess", "mass"]].mean()
        _draw_path(axes, path["ess"], path["mass"], palette[setting], setting)
    axes.axhline(uniform, color="0.3", lw=0.8, ls=":", zorder=1)
    axes.axvline(1, color="0.3", lw=0.8, ls=":", zorder=1)
    axes.set(xscale="log", xlabel="ESS / N, the share of the faces that draws come from")
    axes.set_yscale("symlog", linthresh=_LINEAR_TO)  # a rule that has collapsed may leave a group nothing at all
    axes.set_ylim(-0.03, 1.3 * max(uniform, epochs["mass"].max()))
    axes.set_ylabel(f"sampling mass on {groups} in %")
    _name_plainly(axes.xaxis, (1,))
    axes.set_yticks([share for share in _SHARES if share <= axes.get_ylim()[1]])
    axes.yaxis.set_major_formatter(_PLAIN)
    axes.set_title("means over seeds; ring: first epoch, large dot: last; dotted: uniform sampling", loc="left", **NOTE)
    axes.spines[["top", "right"]].set_visible(False)
    legend_below(figure, axes)
    return figure


@styled
def thresholds(rates: pd.DataFrame) -> Figure:
    """Gap between the groups' recalls, and their mean, over the false-positive rate that a threshold gives.

    Args:
        rates: columns setting, seed, target (what the threshold was set for), fpr (measured), gap and mean_recall, all
            rates in %, one row a seed and target.
    """
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    recall = rates.groupby("setting", sort=False)["mean_recall"].mean()
    collapsed = list(recall.index[recall < COLLAPSED]) if (recall >= COLLAPSED).any() else []
    palette = colours(rates["setting"])
    panels = figure.subplots(1, len(_THRESHOLD_PANELS))
    for axes, (measure, title) in zip(panels, _THRESHOLD_PANELS.items(), strict=True):
        for setting, part in rates[~rates["setting"].isin(collapsed)].groupby("setting", sort=False):
            _draw_band(axes, part.groupby("target"), measure, color=palette[setting], label=setting)
        axes.set(xlabel="false-positive rate in %")
        if (rates["fpr"] > 0).any():  # of few negatives none may pass
            axes.set_xscale("log")
            _name_plainly(axes.xaxis, (1, 2, 5))
        axes.set_title(title, loc="left", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    notes = ["means over seeds, bands: s.e.m." if rates["seed"].nunique() > 1 else "one training each"]
    if collapsed:
        notes.append(f"not shown, mean recall below {COLLAPSED} %: {', '.join(collapsed)}")
    figure.suptitle("; ".join(notes), x=0.01, ha="left", **NOTE)
    legend_below(figure, panels[0])
    return figure


def _draw_path(axes, x, y, colour, label) -> None:
    """A line through the epochs, whose first and last stand out."""
    axes.plot(x, y, color=colour, lw=1.2, marker="o", ms=3.5, label=label, clip_on=False)
    axes.plot(x.iloc[-1], y.iloc[-1], color=colour, marker="o", ms=7, clip_on=False)
    axes.plot(x.iloc[0], y.iloc[0], color=colour, marker="o", ms=8, mfc="none", mew=1.4, clip_on=False)


def _draw_band(axes, targets, measure, **style) -> None:
    mean, error = targets.mean(numeric_only=True), targets[measure].sem().fillna(0)
    mean = mean[mean["fpr"] > 0]  # a logarithmic axis has no place for none
    error = error.loc[mean.index]
    axes.plot(mean["fpr"], mean[measure], marker="o", ms=3.5, lw=1.4, **style)
    low, high = mean[measure] - error, mean[measure] + error
    axes.fill_between(mean["fpr"], low, high, color=style["color"], alpha=0.15, lw=0)


def _name_plainly(axis, digits) -> None:
    """Ticks of a logarithmic axis at these digits of every power of ten, as 0.1 rather than as a power."""
    axis.set_major_locator(LogLocator(subs=digits))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(_PLAIN)
