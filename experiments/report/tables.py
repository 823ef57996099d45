"""Rows -> table.md, summary.json and the table on screen."""

import dataclasses
from collections.abc import Mapping, Sequence

import pandas as pd
from rich import box
from rich.table import Table

from debias.metrics import paired_bootstrap

BASELINE = "cnn"
MEASURES = ("mean_recall", "var_recall", "worst_recall")
SHOWN = {"mean_recall": "ΔE[A]", "var_recall": "ΔVar[A]"}  # in tables of differences
SUFFIXES = {"": "At the model's own threshold (0.5)", "_fpr1": "At 1 % false positives, fixed on validation negatives"}


@dataclasses.dataclass(frozen=True)
class Section:
    """One table: what it shows, its header and its lines; the first column is text, the others mostly numbers."""

    title: str
    header: Sequence[str]
    lines: Sequence[Sequence[str]]


def sections(rows: pd.DataFrame) -> list[Section]:
    """Recalls at either threshold, then what was sampled; one line a setting, means over seeds."""
    thresholds = [_recall_section(rows, suffix, title) for suffix, title in SUFFIXES.items()]
    return [*thresholds, _sampling_section(rows)]


def caption(rows: pd.DataFrame) -> str:
    """What the numbers are."""
    seeds = rows.groupby("setting")["seed"].nunique()
    count = f"{seeds.min()}" if seeds.min() == seeds.max() else f"{seeds.min()} to {seeds.max()}"
    return (
        f"Recall in % by group, mean over {count} paired seeds. E[A]: unweighted mean over groups in %. "
        "Var[A]: sample variance over groups in %², both ± standard error over seeds. FPR and precision in %."
    )


def as_markdown(rows: pd.DataFrame, further: Sequence[Section] = ()) -> str:
    """All sections, and `further` ones after them, as Markdown."""
    parts = [f"**{part.title}**\n\n{markdown(part.header, part.lines)}" for part in (*sections(rows), *further)]
    return "\n\n".join([caption(rows), *parts]) + "\n"


def on_screen(rows: pd.DataFrame) -> list[Table]:
    """All sections as tables for a terminal of about 90 columns."""
    return [_screen(part) for part in sections(rows)]


def summary(rows: pd.DataFrame) -> dict:
    """Per setting: mean, standard error and number of seeds of every measure, and the paired difference to the CNN."""
    out = {name: {"seeds": len(part)} | _moments(part) for name, part in rows.groupby("setting", sort=False)}
    for name, part in rows.groupby("setting", sort=False):
        if name != BASELINE and BASELINE in out:
            out[name]["difference_to_cnn"] = differences(part, rows[rows["setting"] == BASELINE])
    return {"settings": out, "commits": sorted(rows["commit"].unique()), "seconds": float(rows["seconds"].sum())}


def differences(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict:
    """Mean and 95 % paired bootstrap interval of ours - theirs over common seeds, for every measure and threshold."""
    pairs = ours.merge(theirs, on="seed", suffixes=("", "|theirs"))
    if len(pairs) < 2:
        return {}
    columns = [measure + suffix for measure in MEASURES for suffix in SUFFIXES]
    tested = {column: paired_bootstrap(pairs[column], pairs[f"{column}|theirs"]) for column in columns}
    return {column: dict(zip(("mean", "low", "high"), values, strict=True)) for column, values in tested.items()}


def difference_section(rows: pd.DataFrame, baselines: Mapping[str, str]) -> Section:
    """Each setting minus its baseline over common seeds: mean [95 % paired bootstrap interval], at either threshold.

    Args:
        baselines: setting -> the setting it is compared with; settings without one are left out.
    """
    lines = []
    for name, other in baselines.items():
        part, theirs = rows[rows["setting"] == name], rows[rows["setting"] == other]
        if found := differences(part, theirs):
            cells = [interval(found[measure + suffix]) for suffix in SUFFIXES for measure in SHOWN]
            lines.append([title(part), title(theirs), *cells])
    header = ["setting", "minus"] + [f"{name}{at}" for at in ("", ", 1 % FPR") for name in SHOWN.values()]
    return Section(
        "Paired difference over seeds, with its 95 % bootstrap interval; * where that excludes 0", header, lines
    )


def interval(difference: Mapping[str, float]) -> str:
    """'-1.2 [-2.0, -0.4] *' for a difference with mean, low and high; the star where zero lies outside."""
    star = " *" if difference["low"] > 0 or difference["high"] < 0 else ""
    return "{mean:+.1f} [{low:+.1f}, {high:+.1f}]".format(**difference) + star


def groups_of(rows: pd.DataFrame) -> list[str]:
    """Names of the groups that the rows have recalls for, in the data set's order."""
    return [column.removeprefix("recall ") for column in rows if column.startswith("recall ")]


def title(part: pd.DataFrame) -> str:
    """The name, as people read it, of the setting that these rows are of."""
    return part["title"].iloc[0]


def markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table that also reads well as plain text, first column left-aligned, the others right-aligned."""
    widths = [max(3, *map(len, column)) for column in zip(header, *lines, strict=True)]
    rule = [":" + "-" * (widths[0] - 1)] + ["-" * (width - 1) + ":" for width in widths[1:]]
    return "\n".join(_line(cells, widths) for cells in (header, rule, *lines))


def _line(cells, widths) -> str:
    padded = [cells[0].ljust(widths[0])] + [cell.rjust(n) for cell, n in zip(cells[1:], widths[1:], strict=True)]
    return f"| {' | '.join(padded)} |"


def _recall_section(rows, suffix, heading) -> Section:
    groups = groups_of(rows)
    lines = []
    for _, part in rows.groupby("setting", sort=False):
        recalls = [f"{part[f'recall{suffix} {group}'].mean():.1f}" for group in groups]
        moments = [with_error(part[f"{measure}{suffix}"]) for measure in ("mean_recall", "var_recall")]
        rates = [f"{part[f'{rate}{suffix}'].mean():.1f}" for rate in ("worst_recall", "fpr", "precision")]
        lines.append([title(part), *recalls, *moments, *rates])
    return Section(heading, ["setting", *groups, "E[A]", "Var[A]", "worst", "FPR", "precision"], lines)


def _sampling_section(rows) -> Section:
    groups = [column.removeprefix("mass ") for column in rows if column.startswith("mass ")]  # of the training faces
    lines = []
    for _, part in rows.groupby("setting", sort=False):
        masses = [f"{part[f'mass {group}'].mean():.2f}" for group in groups]
        others = [f"{part['train_loss'].mean():.3f}", f"{part['auroc'].mean():.4f}", f"{part['ece'].mean():.3f}"]
        lines.append([title(part), f"{part['ess'].mean():,.0f}", *masses, *others, f"{part['seconds'].mean():.0f}"])
    header = ["setting", "ESS", *groups, "training loss", "AUROC", "ECE", "seconds"]
    return Section("Last epoch: ESS in faces, and each group's share of the sampling mass in %", header, lines)


def _screen(section: Section) -> Table:
    table = Table(title=section.title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for index, name in enumerate(section.header):
        table.add_column(name.replace(" ", "\n"), justify="right" if index else "left", no_wrap=True, vertical="bottom")
    for line in section.lines:
        table.add_row(*line)
    return table


def with_error(values: pd.Series) -> str:
    error = "" if len(values) < 2 else f" ±{values.sem():.1f}"
    return f"{values.mean():.1f}{error}"


def _moments(part: pd.DataFrame) -> dict:
    numbers = part.drop(columns=["seed"]).select_dtypes("number").dropna(axis=1, how="all")
    return {
        name: {"mean": float(values.mean()), "sem": float(values.sem()) if len(values) > 1 else None}
        for name, values in numbers.items()
    }
