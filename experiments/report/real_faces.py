"""Rows of models that were tested on real photographs as well -> table, figure and summary in results/photographs."""

import json
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from debias.errors import InputError
from debias.files import write_text
from debias.markdown import markdown
from debias.metrics import wilson
from experiments.engine.experiment import Experiment
from experiments.report import cameras, effects, figure_data, methods, tables
from experiments.report.artefacts import SUMMARY, save_figure, write_texts
from experiments.report.comparisons import ABOUT, FIXED_RATE, seeds_of
from experiments.report.rows import write_rows
from experiments.report.tables import NAMES, Section, by_setting, title

FOLDER = "photographs"  # last part of folders under results/, and the label of the test
TEST = {f"@{FOLDER}": FOLDER}  # what its columns end in -> its name
COUNTS = "images"  # figure data: how many images the test holds of each kind


def folder_of(experiment: Experiment) -> str:
    """Under results/, where the rows of an experiment's models are; those of the paper's own test lead."""
    return FOLDER if experiment.name == "transfer" else f"{experiment.folder}/{FOLDER}"


def write(folder: Path, rows: pd.DataFrame, counts: pd.DataFrame, experiment: Experiment) -> None:
    """Everything of these rows in `folder`.

    Args:
        counts: kind and images, of `experiments.photographs.write_test`.
        experiment: whose models were tested.
    """
    figure_data.save(folder, {COUNTS: counts})
    write_rows(folder, rows)
    draw(folder, rows, experiment)


def draw(folder: Path, rows: pd.DataFrame, experiment: Experiment) -> None:
    """Table, figure and summary.json from rows and the counts in `folder`; the same rows give the same bytes."""
    data = figure_data.load(folder)
    if COUNTS not in data:
        raise InputError(f"{folder / figure_data.FOLDER}: holds no {COUNTS}.csv: restore it from git")
    counts = data[COUNTS]
    save_figure(folder, FOLDER, figure(rows, experiment))
    write_texts(folder, table(rows, counts), sentence(rows, experiment), texts(rows, experiment))
    images = dict(zip(counts["kind"], counts["images"].tolist(), strict=True))
    write_text(folder / SUMMARY, json.dumps({**tables.summary(rows), "images": images}, indent=1) + "\n")


def table(rows: pd.DataFrame, counts: pd.DataFrame) -> str:
    """table.md."""
    sections = [
        _tests(rows),
        _recalls(rows, counts),
        effects.section(rows, {"own test": FIXED_RATE, FOLDER: f"{FIXED_RATE}@{FOLDER}"}),
    ]
    told = [section.markdown() for section in sections]
    parts = [_head(rows, counts), *told, effects.notes(rows), _reference(rows)]
    return "\n\n".join(parts) + "\n"


def sentence(rows: pd.DataFrame, experiment: Experiment) -> str:
    """What each change does to the worst group on photographs; of methods beside each other, which gain."""
    return effects.sentence(rows) or methods.sentence(experiment, rows, TEST)


def texts(rows: pd.DataFrame, experiment: Experiment) -> dict[str, str]:
    """What a random camera in training does on photographs to each method that was trained with and without one."""
    said = methods.camera_sentence(experiment, rows, TEST)
    return {methods.CAMERA: f"{said}\n"} if said else {}


def figure(rows: pd.DataFrame, experiment: Experiment) -> Figure:
    """Each setting on photographs; of methods beside each other, as in the sentence, the differences to the CNN."""
    paired = None if effects.sentence(rows) else cameras.figure(experiment, rows, TEST)
    return paired or cameras.points(rows, f"@{FOLDER}")


def _experiment(rows) -> str:
    return rows["id"].iloc[0].split("/")[0]


def _head(rows, counts) -> str:
    images = dict(zip(counts["kind"], counts["images"], strict=True))
    fixing, tested = (images.pop(name) for name in list(images)[-2:])
    fewest, most = min(images.values()), max(images.values())
    each = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return (
        f"Models of '{_experiment(rows)}', trained on rendered faces alone, "
        f"{seeds_of(rows)}, tested on {sum(images.values()):,} photographs of adults "
        f"(UTKFace) by gender and race, {each} a group, and {tested:,} of anything else (Tiny ImageNet). "
        f"The threshold is the one that 1 % of {fixing:,} other such negatives pass. Gender and race are labels that "
        "annotators gave."
    )


def _tests(rows) -> Section:
    """Each test's E[A], Var[A] and worst group, so that photographs stand beside rendered faces."""
    rates = {
        "FPR": lambda part: f"{part[f'fpr{FIXED_RATE}@{FOLDER}'].mean():.1f}",
        "AUROC": lambda part: f"{part[f'auroc@{FOLDER}'].mean():.4f}",
    }
    about = "At 1 % false positives, mean over seeds ± standard error; FPR and AUROC on photographs"
    return tables.tests_section(about, rows, rates)


def _recalls(rows, counts) -> Section:
    """A line a group, a column a setting."""
    lines = []
    for group, count in counts.iloc[:-2].itertuples(index=False):
        column, parts = f"recall{FIXED_RATE} {group}@{FOLDER}", by_setting(rows).values()
        lines.append([f"{group} (n={count})", *(_with_wilson(part[column].mean(), count) for part in parts)])
    interval = "the 95 % Wilson interval that so many faces leave open, seeds aside"
    about = f"Recall on photographs in %, mean over seeds, and {interval}"
    return Section(about, ["group", *map(title, by_setting(rows).values())], lines)


def _with_wilson(recall: float, count: int) -> str:
    return "{:.1f} [{:.0f}, {:.0f}]".format(recall, *wilson(recall / 100, count))


def _reference(rows) -> str:
    """What of the gap on photographs is the imbalance's, and what the distance from rendered to real faces."""
    biased = effects.imbalanced(rows)
    others = {name: part for name, part in by_setting(rows).items() if name not in biased}
    balanced = {name: part for name, part in others.items() if part["method"].iloc[0] == "cnn"}
    if not balanced:
        return (
            "None of these settings is trained without the imbalance, so their gaps on photographs are two in one: "
            "that of the imbalance, and that of the distance from rendered to real faces."
        )
    compared = {
        f"{name}, {other}": (part, reference)
        for other, reference in balanced.items()
        for name, part in biased.items()
        if effects.camera(part) == effects.camera(reference)
    }
    about = (
        "**Effect of the imbalance.** Each setting minus the CNN on as many faces without the imbalance, on "
        "photographs. The gap that a balanced training set leaves has other causes: rendered faces are not real ones, "
        "and labels and image quality differ by group."
    )
    header = ["setting", "minus", *(f"Δ{measure}" for measure in NAMES.values())]
    lines = tables.difference_lines(compared, [f"{measure}{FIXED_RATE}@{FOLDER}" for measure in NAMES])
    return f"{about} {ABOUT}\n\n{markdown(header, lines)}"
