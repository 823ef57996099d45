"""What all ablations share: from (setting, x, line) triples to an experiment with a table, a figure and a sentence."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from experiments import tables
from experiments.common import CNN, DATA, FACES, changed
from experiments.experiment import Experiment, Setting

SEEDS = tuple(range(5))
PANELS = {
    "mean_recall_fpr1": "E[A] in %, 1 % FPR",
    "var_recall_fpr1": "Var[A] in %², 1 % FPR",
    "darker": "darker faces' share of the mass, %",
    "ess": "ESS in faces",
}
TESTED = ("mean_recall_fpr1", "var_recall_fpr1")
LABELS = {
    "mean_recall": "E[A] in %",
    "var_recall": "Var[A] in %²",
    "worst_recall": "worst group in %",
    "fpr": "FPR in %",
}


@dataclasses.dataclass(frozen=True)
class Point:
    """A setting and where it stands in the ablation's figure.

    Attributes:
        x: position: a number, or text.
        line: which line it belongs to; also named in the figure's legend.
        against: name of the setting that it is compared with, usually its line's default.
    """

    setting: Setting
    x: float | str
    line: str
    against: str


def ablation(
    name: str,
    title: str,
    points: Sequence[Point],
    x: str,
    log: bool = False,
    baseline: Setting | None = CNN,
    seeds: Sequence[int] = SEEDS,
    minutes: int = 10,
) -> Experiment:
    """An experiment over `points`, in results/ablations/<name>.

    Args:
        x: label of the horizontal axis.
        log: whether that axis is logarithmic.
        baseline: drawn as a dashed line; None draws none.
        minutes: on two cores, when nothing of it has been trained by another experiment.
    """
    settings = [point.setting for point in points] + ([baseline] if baseline else [])
    against = {p.setting.name: p.against for p in points if p.against != p.setting.name}
    return Experiment(
        name,
        title,
        tuple({setting.name: setting for setting in settings}.values()),
        tuple(seeds),
        FACES,
        DATA,
        table=lambda rows: tables.as_markdown(rows, [tables.difference_section(rows, against)]),
        figures=lambda rows, _: {name: figure(rows, points, x, log, baseline)},
        text=lambda rows: text(rows, against),
        folder=f"ablations/{name}",
        minutes=minutes,
    )


def switch(
    name: str, title: str, defaults: Sequence[Setting], field: str, usual, others: Sequence, **options
) -> Experiment:
    """An ablation of one field of `Config`: every default as it is, and with each of the `others` in that field.

    Args:
        usual: the value that the defaults have.
        options: for `ablation`.
    """
    points = [
        Point(default, usual, default.title, default.name)
        if value == usual
        else Point(_changed(default, name, field, value), value, default.title, default.name)
        for default in defaults
        for value in _in_order([usual, *others])
    ]
    return ablation(name, title, points, field, **options)


def drawn(
    name: str,
    title: str,
    defaults: Sequence[Setting],
    draws: Mapping[float, Mapping[str, int]],
    usual: float | None,
    x: str,
    **options,
) -> Experiment:
    """An ablation of the training images: every default with each of the draws, and, at `usual`, as it is.

    Args:
        draws: position on the horizontal axis -> training images of each group.
        usual: position of the defaults' own draw; None leaves it out, the first draw is then compared with.
        options: for `ablation`.
    """
    points = []
    for default in defaults:
        first = default.name if usual is not None else _redrawn(default, name, min(draws), draws).name
        settings = {value: _redrawn(default, name, value, draws) for value in draws}
        settings |= {usual: default} if usual is not None else {}
        points += [Point(settings[value], value, default.title, first) for value in sorted(settings)]
    return ablation(name, title, points, x, baseline=None, **options)


def ablation_of_rows(
    name: str,
    title: str,
    settings: Sequence[Setting],
    unfolded: Callable[[pd.DataFrame], pd.DataFrame],
    x: str,
    columns: Sequence[str],
    **options,
) -> Experiment:
    """An ablation of what is done after training.

    Args:
        unfolded: rows -> each of them several times, with its `x` and `columns`.
    """

    def table(rows: pd.DataFrame) -> str:
        return means(unfolded(rows), x, columns)

    def draw(rows: pd.DataFrame, _) -> dict[str, Figure]:
        labels = {column: LABELS[column] for column in columns}
        return {name: plots.setting_points(unfolded(rows), x, labels, "title")}

    return Experiment(
        name, title, tuple(settings), SEEDS, FACES, DATA, table, draw, folder=f"ablations/{name}", **options
    )


def means(rows: pd.DataFrame, x: str, columns: Sequence[str]) -> str:
    """Markdown: mean ± standard error over seeds of `columns`, a line for each setting and `x`."""
    lines = [
        [tables.title(part), f"{value:g}", *(tables.with_error(part[column]) for column in columns)]
        for (_, value), part in rows.groupby(["setting", x], sort=False)
    ]
    return tables.markdown(["setting", x, *(LABELS[column] for column in columns)], lines) + "\n"


def figure(rows: pd.DataFrame, points: Sequence[Point], x: str, log: bool, baseline: Setting | None):
    """E[A] and Var[A] at 1 % FPR and the darker groups' mass against the setting, a line for each `Point.line`."""
    darker = rows[[name for name in rows if name.startswith("mass darker")]].sum(axis=1)
    rows = rows.assign(darker=darker)
    placed = pd.concat([rows[rows["setting"] == p.setting.name].assign(**{x: p.x, "line": p.line}) for p in points])
    compared = {baseline.title: rows[rows["setting"] == baseline.name]} if baseline else {}
    return plots.setting_points(placed, x, PANELS, "line", log, compared)


def text(rows: pd.DataFrame, against: Mapping[str, str]) -> str:
    """Which settings differ from what they are compared with at 1 % FPR by more than chance, over paired seeds."""
    parts = dict(list(rows.groupby("setting", sort=False)))
    alive = [name for name in against if parts[name]["mean_recall"].mean() >= plots.COLLAPSED]
    fallen = [tables.title(parts[name]) for name in against if name not in alive]
    found = {name: tables.differences(parts[name], parts[against[name]]) for name in alive}
    clear = [_clear(tables.title(parts[name]), found[name], measure) for measure in TESTED for name in alive]
    said = "; ".join(filter(None, clear)) or "no interval of a difference excludes zero"
    collapsed = f" Collapsed (mean recall below {plots.COLLAPSED} %): {'; '.join(fallen)}." if fallen else ""
    return f"At 1 % false positives, over {rows['seed'].nunique()} paired seeds: {said}.{collapsed}"


def _clear(title: str, found: Mapping, measure: str) -> str:
    """The difference, where its interval excludes zero."""
    difference = found.get(measure)
    if not difference or difference["low"] <= 0 <= difference["high"]:
        return ""
    return f"{title}: {tables.SHOWN[measure.removesuffix('_fpr1')]} {tables.interval(difference)}"


def _changed(default: Setting, name: str, field: str, value) -> Setting:
    shown = value if isinstance(value, str) else f"{name}{value:g}"
    return changed(default, f"{_short(default)}-{shown}", f"{default.title}, {field} {value}", **{field: value})


def _redrawn(default: Setting, name: str, value: float, draws: Mapping[float, Mapping[str, int]]) -> Setting:
    title = f"{default.title}, {name} {value:g}"
    return dataclasses.replace(default, name=f"{_short(default)}-{name}{value:g}", title=title, draw=draws[value])


def _short(setting: Setting) -> str:
    return setting.name.removesuffix("-a0.01")


def _in_order(values: Sequence) -> Sequence:
    return values if isinstance(values[0], str) else sorted(values)
