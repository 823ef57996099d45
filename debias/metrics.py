"""How well each group is detected: recall by group, E[A] and Var[A] of the paper, and their uncertainty."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from fairlearn.metrics import MetricFrame, count
from scipy import stats
from sklearn.metrics import brier_score_loss, precision_score, recall_score, roc_auc_score

from debias import guards
from debias.errors import InputError

FPR = 0.01  # the false-positive rate at which methods are compared
OWN_THRESHOLD = 0.5  # the threshold that training with cross-entropy on balanced batches implies


@dataclasses.dataclass(frozen=True)
class GroupReport:
    """Rates at one threshold; recalls and moments are in % and %^2 as in the paper's table 1.

    Attributes:
        threshold: scores >= this count as detected.
        recall: group name -> recall in %.
        interval: group name -> 95 % Wilson interval of that recall, in %.
        mean_recall: E[A], the unweighted mean over groups, in %.
        var_recall: Var[A], the sample variance over groups (ddof = 1, the paper's), in %^2; NaN for a single group.
        var_recall_population: the population variance (ddof = 0), in %^2; NaN for a single group.
        worst_recall: recall of the worst group, in %.
        gap: best minus worst, in percentage points; NaN for a single group.
        fpr: share of negatives detected, in %.
        precision: share of detections that are positives, in %.
        auroc: area under the ROC curve, 0..1, positives of all groups against negatives.
        brier: mean squared error of the scores as probabilities, 0..1.
        ece: expected calibration error over 10 equal bins, 0..1.
    """

    threshold: float
    recall: dict[str, float]
    interval: dict[str, tuple[float, float]]
    mean_recall: float
    var_recall: float
    var_recall_population: float
    worst_recall: float
    gap: float
    fpr: float
    precision: float
    auroc: float
    brier: float
    ece: float


def group_report(
    labels: np.ndarray,
    scores: np.ndarray,
    groups: np.ndarray,
    group_names: Sequence[str],
    threshold: float = OWN_THRESHOLD,
) -> GroupReport:
    """Rates by group at `threshold`.

    Args:
        labels: (N,) 0 or 1, both present.
        scores: (N,) probabilities in [0, 1].
        groups: (N,) indices into `group_names` for the positives; ignored for negatives.

    Raises:
        InputError: shapes disagree, a score is not a probability, or a group has no positives.
    """
    # In float64, since NumPy would round the threshold to the scores' own type.
    labels, scores, groups = np.asarray(labels), np.asarray(scores, np.float64), np.asarray(groups)
    guards.no_nan(threshold=threshold)
    guards.indices(groups=groups)
    _check(labels, scores, groups, group_names)
    detected = (scores >= threshold).astype(int)
    positive = labels == 1
    frame = _frame(labels[positive], detected[positive], groups[positive], group_names)
    by_group = frame.by_group.loc[list(group_names)]  # MetricFrame sorts by name
    recall = 100 * by_group["recall"]
    values = recall.to_numpy()
    return GroupReport(
        threshold=float(threshold),
        recall=recall.to_dict(),
        interval={name: wilson(rate, count) for name, rate, count in by_group.itertuples()},
        mean_recall=float(values.mean()),
        # One group alone has no spread between groups, which is not to say that it is zero.
        var_recall=float(values.var(ddof=1)) if len(values) > 1 else np.nan,
        var_recall_population=float(values.var()) if len(values) > 1 else np.nan,
        worst_recall=float(100 * frame.group_min()["recall"]),
        gap=float(100 * frame.difference(method="between_groups")["recall"]) if len(values) > 1 else np.nan,
        fpr=float(100 * detected[~positive].mean()),
        precision=float(100 * precision_score(labels, detected, zero_division=0)),
        auroc=float(roc_auc_score(labels, scores)),
        brier=float(brier_score_loss(labels, scores)),
        ece=expected_calibration_error(labels, scores),
    )


def threshold_at_fpr(negative_scores: np.ndarray, fpr: float = 0.01) -> float:
    """The lowest threshold at which at most a share `fpr` of the negatives (N,) is detected.

    It lies between two scores as their own floating-point type has them: compared with that type, it still does.

    Raises:
        InputError: `fpr` is not in (0, 1), a score is NaN, or there are fewer negatives than 1 / fpr, so that the
            rate cannot be resolved.
    """
    scores = np.asarray(negative_scores)
    scores = np.sort(scores if scores.dtype.kind == "f" else scores.astype(np.float64))[::-1]
    if not 0 < fpr < 1:
        raise InputError(f"the false-positive rate must be between 0 and 1, got {fpr:g}")
    if np.any(np.isnan(scores)):
        raise InputError("scores of negatives hold NaN: the model has diverged, lower the learning rate")
    allowed = int(fpr * len(scores) + 1e-9)
    if allowed < 1:
        raise InputError(
            f"{len(scores)} negatives cannot resolve a false-positive rate of {fpr:g}: "
            f"give at least {int(np.ceil(1 / fpr))}"
        )
    return float(np.nextafter(scores[allowed], scores.dtype.type(np.inf)))


def wilson(rate: float, count: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval, in %, of a rate in 0..1 seen in `count` trials."""
    test = stats.binomtest(round(rate * count), int(count))
    interval = test.proportion_ci(confidence, method="wilson")
    return 100 * interval.low, 100 * interval.high


def paired_bootstrap(ours: np.ndarray, theirs: np.ndarray, confidence: float = 0.95, seed: int = 0) -> tuple:
    """Mean of ours - theirs over paired seeds, and its bootstrap interval: (mean, low, high).

    Both are (S,), entry i of the same seed; S >= 2. The interval is the percentile one over resampled seeds.
    """
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if ours.shape != theirs.shape or ours.ndim != 1 or len(ours) < 2:
        raise InputError(f"a paired bootstrap needs two or more common seeds, got {ours.shape} and {theirs.shape}")
    difference = ours - theirs
    result = stats.bootstrap(
        (difference,),
        np.mean,
        confidence_level=confidence,
        n_resamples=10_000,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    interval = result.confidence_interval
    return float(difference.mean()), float(interval.low), float(interval.high)


def expected_calibration_error(labels: np.ndarray, scores: np.ndarray, bins: int = 10) -> float:
    """Mean over `bins` equal bins of |share of positives - mean score|, weighted by the bin's size."""
    index = np.minimum((np.asarray(scores) * bins).astype(int), bins - 1)
    signed = np.bincount(index, weights=labels - np.asarray(scores, np.float64), minlength=bins)
    return float(np.abs(signed).sum() / len(index))


def mass_by_group(probabilities: np.ndarray, groups: np.ndarray, group_names: Sequence[str]) -> dict[str, float]:
    """Share of the sampling mass, in %, that each group receives; both arrays are (N,)."""
    mass = np.bincount(groups, weights=probabilities, minlength=len(group_names))
    return dict(zip(group_names, (100 * mass).tolist(), strict=True))


def _frame(labels, detected, groups, group_names) -> MetricFrame:
    metrics = {"recall": functools.partial(recall_score, zero_division=0), "count": count}
    named = np.asarray(group_names, object)[groups]
    return MetricFrame(metrics=metrics, y_true=labels, y_pred=detected, sensitive_features={"group": named})


def _check(labels, scores, groups, group_names) -> None:
    if not labels.shape == scores.shape == groups.shape or labels.ndim != 1:
        raise InputError(f"labels {labels.shape}, scores {scores.shape} and groups {groups.shape} must all be (N,)")
    if not np.all((scores >= 0) & (scores <= 1)):
        raise InputError("scores must be probabilities in [0, 1], without NaN: pass sigmoid(logits)")
    if set(np.unique(labels)) != {0, 1}:
        raise InputError("labels must hold both 0 and 1: recall needs positives, the false-positive rate negatives")
    if len(set(group_names)) < len(group_names):
        raise InputError(f"names of groups must differ, got {', '.join(group_names)}")
    positives = groups[labels == 1]
    empty = [name for index, name in enumerate(group_names) if not np.any(positives == index)]
    if empty:
        raise InputError(f"no positives in group {', '.join(empty)}: add some or drop the group")
    if positives.min() < 0 or positives.max() >= len(group_names):
        raise InputError(f"groups of positives must be 0..{len(group_names) - 1}: every test face needs a group")
