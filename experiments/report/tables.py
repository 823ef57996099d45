"""Rows -> tables in Markdown and on screen, and summary.json."""

import dataclasses
import re
import types
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from rich import box
from rich.table import Table

from debias.markdown import markdown
from experiments.engine.experiment import Experiment
from experiments.report.comparisons import (
    ABOUT,
    CHANGES,
    FIXED_RATE,
    OWN,
    seeds_of,
    significant,
    told,
)
from experiments.settings import RARE

Pair = tuple[pd.DataFrame, pd.DataFrame]  # rows of a setting, and of the one that it is compared with
NAMES = {"mean_recall": "E[A]", "var_recall": "Var[A]", "worst_recall": "worst"}
_TESTS = {"camera": "another camera"}  # by their labels; others are called by these
THRESHOLDS = {
    OWN: "At the model's own threshold (0.5)",
    FIXED_RATE: "At 1 % false positives, fixed on validation negatives",
}


@dataclasses.dataclass(frozen=True)
class Section:
    """One table: what it shows, its header and its lines; the first column is text, the others mostly numbers."""

    title: str
    header: Sequence[str]
    lines: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """The title in bold, and the table."""
        return f"**{self.title}**\n\n{markdown(self.header, self.lines)}"


def sections(rows: pd.DataFrame) -> list[Section]:
    """Recalls at either threshold, then what was sampled; one line a setting, means over seeds."""
    recalls = [_recall_section(rows, threshold, title) for threshold, title in THRESHOLDS.items()]
    return [*recalls, sampling_section(rows)]


def caption(rows: pd.DataFrame) -> str:
    """What the numbers are."""
    return (
        f"Recall in % by group, mean over {seeds_of(rows)}. E[A]: unweighted mean over groups in %. "
        "Var[A]: sample variance over groups in %², both ± standard error over seeds. FPR and precision in %."
    )


def as_markdown(rows: pd.DataFrame, further: Sequence[Section] = ()) -> str:
    """All sections, and `further` ones after them, as Markdown."""
    parts = [section.markdown() for section in (*sections(rows), *further)]
    return "\n\n".join([caption(rows), *parts]) + "\n"


def on_screen(rows: pd.DataFrame) -> list[Table]:
    """All sections as tables for a terminal of about 90 columns; that of all tests last, where it is seen first."""
    further = [further_section(rows)] if further_tests(rows) else []
    return [_screen(part) for part in (*sections(rows), *further)]


def summary(rows: pd.DataFrame) -> dict:
    """Per setting: mean, standard error and number of seeds of every measure."""
    out = {name: {"seeds": len(part)} | _moments(part) for name, part in by_setting(rows).items()}
    return {"settings": out, "commits": sorted(rows["commit"].unique()), "seconds": float(rows["seconds"].sum())}


def further_section(rows: pd.DataFrame) -> Section:
    """E[A], Var[A] and the worst group on each test, and the validation loss."""
    losses = {"validation loss": lambda part: f"{part['validation_loss'].mean():.4f}"}
    return tests_section("At 1 % false positives, fixed on each test's own validation negatives", rows, losses)


def tests_section(
    heading: str,
    rows: pd.DataFrame,
    further: Mapping[str, Callable[[pd.DataFrame], str]] = types.MappingProxyType({}),
    names: Mapping[str, str] = NAMES,
) -> Section:
    """E[A], Var[A] and the worst group at 1 % false positives, on the rows' own test and on each further one.

    Args:
        further: name of a last column -> its cell, from the rows of a setting.
        names: measure -> what its columns are called.
    """
    tests = tests_of(rows)
    header = ["setting", *(f"{name}, {test}" for test in tests.values() for name in names.values()), *further]
    lines = []
    for part in by_setting(rows).values():
        cells = [with_error(part[f"{measure}{FIXED_RATE}{at}"]) for at in tests for measure in names]
        lines.append([title(part), *cells, *(cell(part) for cell in further.values())])
    return Section(heading, header, lines)


def difference_section(rows: pd.DataFrame, baselines: Mapping[str, str], at: str = "") -> Section:
    """Each setting minus its baseline over common seeds, at either threshold.

    Args:
        baselines: setting -> the setting it is compared with; those without rows are left out.
        at: what columns end in, '@camera' for a further test.
    """
    columns = [f"{measure}{threshold}{at}" for threshold in THRESHOLDS for measure in CHANGES]
    header = ["setting", "minus"] + [f"{name}{rate}" for rate in ("", ", 1 % FPR") for name in CHANGES.values()]
    test = f"On {test_name(at[1:])}. " if at else ""
    return Section(f"{test}{ABOUT}", header, difference_lines(pairs_of(rows, baselines), columns))


def loss_section(rows: pd.DataFrame, baselines: Mapping[str, str]) -> Section:
    """The same difference in validation loss, which needs no groups and no test; in thousandths of a nat.

    Args:
        baselines: as for `difference_section`.
    """
    pairs = pairs_of(rows.assign(loss=1000 * rows["validation_loss"]), baselines)
    return Section(f"Validation loss. {ABOUT}", ["setting", "minus", "10⁻³ nats"], difference_lines(pairs, ["loss"]))


def pairs_of(rows: pd.DataFrame, baselines: Mapping[str, str]) -> dict[str, Pair]:
    """Name of a setting -> its rows and those of its baseline, where both have some."""
    parts = by_setting(rows)
    return {name: (parts[name], parts[other]) for name, other in baselines.items() if {name, other} <= set(parts)}


def difference_lines(pairs: Mapping[str, Pair], columns: Sequence[str]) -> list[list[str]]:
    """A line for each pair with common seeds: both titles, and its difference in each column of the rows."""
    found = [significant(pairs, column) for column in columns]
    return [
        [title(ours), title(theirs), *(told(each.get(name)) or "-" for each in found)]
        for name, (ours, theirs) in pairs.items()
        if any(name in each for each in found)
    ]


def by_setting(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Name of each setting -> its rows, in order of appearance."""
    return dict(list(rows.groupby("setting", sort=False)))


def groups_of(rows: pd.DataFrame, kind: str = "recall") -> list[str]:
    """Names of the groups that the rows have recalls ('recall') or sampling mass ('mass') for, in order.

    Those of their own test, not of further ones.
    """
    further = tuple(f"@{name}" for name in further_tests(rows))
    own = [column for column in rows if column.startswith(f"{kind} ") and not column.endswith(further)]
    return [column.removeprefix(f"{kind} ") for column in own]


def further_tests(rows: pd.DataFrame) -> list[str]:
    """Labels of the tests that the rows have columns for beside their own, in order."""
    return [column.removeprefix("mean_recall@") for column in rows if column.startswith("mean_recall@")]


def tests_of(rows: pd.DataFrame) -> dict[str, str]:
    """What columns end in -> name, of the tests that the rows have: their own, then further ones."""
    return {"": "own test"} | {f"@{name}": test_name(name) for name in further_tests(rows)}


def test_name(label: str) -> str:
    """What people call a further test."""
    return _TESTS.get(label, label)


def on_test(rows: pd.DataFrame, at: str) -> pd.DataFrame:
    """The rows with what was measured on one of their tests alone, under the plain names of columns.

    Args:
        at: what that test's columns end in, '@camera'; empty for their own test.
    """
    measured = {name: name.removesuffix(at) for name in rows if at and name.endswith(at)}
    others = [name for name in rows if re.search("@|_[tf][0-9.]+$", name) and name not in measured]
    kept = rows.drop(columns=[*(others if at else []), *measured.values()])
    return kept.rename(columns=measured)


def endings(rows: pd.DataFrame, kind: str) -> dict[float, str]:
    """What columns end in, such as '_t0.3', by the threshold ('t') or false-positive rate in % ('f') they are of."""
    found = (re.fullmatch(rf"mean_recall(_{kind}([\d.]+))", column) for column in rows)
    return {float(match[2]): match[1] for match in found if match}


def rare_mass(experiment: Experiment, rows: pd.DataFrame, kind: str = "mass") -> pd.Series:
    """The share of the sampling mass ('mass') or of the faces ('share') that the rare groups have, in %."""
    return rows[[f"{kind} {group}" for group in experiment.rare]].sum(axis=1)


def rare_faces(experiment: Experiment) -> str:
    """What the rare groups are called together."""
    return "darker faces" if experiment.rare == RARE else " and ".join(experiment.rare)


def title(part: pd.DataFrame) -> str:
    """The name, as people read it, of the setting that these rows are of."""
    return part["title"].iloc[0]


def with_error(values: pd.Series) -> str:
    """Mean over seeds ± its standard error, which one seed has not; a dash where there is nothing to measure."""
    if values.isna().all():  # such as the variance of a single group
        return "-"
    error = "" if len(values) < 2 else f" ±{values.sem():.1f}"
    return f"{values.mean():.1f}{error}"


def _recall_section(rows, threshold, heading) -> Section:
    groups = groups_of(rows)
    lines = []
    for part in by_setting(rows).values():
        recalls = [f"{part[f'recall{threshold} {group}'].mean():.1f}" for group in groups]
        moments = [with_error(part[f"{measure}{threshold}"]) for measure in ("mean_recall", "var_recall")]
        rates = [f"{part[f'{rate}{threshold}'].mean():.1f}" for rate in ("worst_recall", "fpr", "precision")]
        lines.append([title(part), *recalls, *moments, *rates])
    return Section(heading, ["setting", *groups, "E[A]", "Var[A]", "worst", "FPR", "precision"], lines)


def sampling_section(rows: pd.DataFrame) -> Section:
    """What was drawn in the last epoch, and what became of it."""
    groups = groups_of(rows, "mass")  # of the training faces
    lines = []
    for part in by_setting(rows).values():
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


def _moments(part: pd.DataFrame) -> dict:
    numbers = part.drop(columns=["seed"]).select_dtypes("number").dropna(axis=1, how="all")
    means, errors = numbers.mean(), numbers.sem()
    return {
        name: {"mean": float(means[name]), "sem": float(errors[name]) if len(numbers) > 1 else None} for name in numbers
    }
