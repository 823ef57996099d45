"""Who debiases best: a table for each test, differences to the CNN with a random camera, and one figure."""

import ast
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from baselines import Method, method
from debias.markdown import plain
from experiments.engine.experiment import Experiment
from experiments.methods import ALL
from experiments.report import cameras, effects, tables
from experiments.report.comparisons import FIXED_RATE, Finding, seeds_of, told
from experiments.report.figure_data import FigureData
from experiments.report.report import Report

CAMERA = "camera.md"
_MANY = 4  # methods, that are counted and not named
_WITH = {True: "with", False: "without"}
HOW = {"class": "without group labels", "group": "with them"}
_WIDER, _RESIDUAL = (f"{100 * method(name).arguments['share']:.0f} %" for name in ("wide", "residual"))
_OTHERS = ", ".join(method(each.method).title for each in ALL if each.chosen)
ABOUT = (
    f"Eight passes over the faces; the wider CNN takes {_WIDER} of the steps and the residual one {_RESIDUAL}, meant "
    "to cost about the CNN's time; JTT trains one pass before and GEORGE eight. Hyper-parameters: the defaults of "
    "baselines/, from the papers or within their authors' ranges, unless methods_search found another value clearly "
    f"better by the validation loss on other training seeds: {_OTHERS or 'so for none'}; 'chosen by groups' are those "
    "that the worst validation group would choose instead. Its table says what was tried. Our rule's defaults had been "
    "chosen on these faces before, with those seeds as well."
)


def table(experiment: Experiment, rows: pd.DataFrame) -> str:
    """For each test the methods that see no groups, then those that do; then what each draws."""
    head = f"{cameras.caption(rows)} {ABOUT}"
    return "\n\n".join([head, *cameras.sections(experiment, rows), effects.draws(experiment, rows).markdown()]) + "\n"


def figures(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, Figure]:
    """The worst group without and with a random camera, and its difference to the CNN's."""
    return {experiment.name: cameras.figure(experiment, rows)}


def texts(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, str]:
    """What each method does, by the first line of its file; how they compare without a random camera; and its gain."""
    methods = [method(name) for name in dict.fromkeys(setting.method for setting in experiment.settings)]
    lines = [f"- **{plain(each.title)}** ({plain(each.paper)}). {_does(each)}\n" for each in methods]
    said = {"without_camera.md": sentence(experiment, rows, camera=False), CAMERA: camera_sentence(experiment, rows)}
    return {"about.md": "".join(lines), **{name: f"{text}\n" for name, text in said.items() if text}}


def sentence(
    experiment: Experiment, rows: pd.DataFrame, tests: Mapping[str, str] | None = None, camera: bool = True
) -> str:
    """Which methods beat the CNN with a random camera in the worst group, by test, without and with group labels.

    Args:
        tests: what a test's columns end in -> its name; all that the rows have, if it is left out.
        camera: False compares the settings without a random camera.
    """
    about = f"Worst group at 1 % false positives, in points above the CNN {_WITH[camera]} a random camera"
    return _by_test(rows, tests, about, lambda column: _blocks(experiment, rows, column, camera))


def camera_sentence(experiment: Experiment, rows: pd.DataFrame, tests: Mapping[str, str] | None = None) -> str:
    """What a random camera in training does to each method's worst group, by test; `tests` as for `sentence`."""
    about = "What a random camera in training adds to the same method's worst group at 1 % false positives, in points"
    parts = tables.by_setting(rows)
    return _by_test(rows, tests, about, lambda column: _range(cameras.gains(experiment, rows, column), parts))


def _by_test(rows, tests, about, tell: Callable[[str], str]) -> str:
    """`about`, and what is told of the column of each test's worst group, a line a test; '' where nothing is."""
    columns = {name: f"worst_recall{FIXED_RATE}{end}" for end, name in (tests or tables.tests_of(rows)).items()}
    said = [f"{name[0].upper()}{name[1:]}: {found}." for name, column in columns.items() if (found := tell(column))]
    how = f"over {seeds_of(rows)} (95 % intervals; * significant by Holm's correction for all methods, else n.s.)"
    if len(said) < 2:
        return "".join(f"{about}, {how}. {found}" for found in said)
    return f"{about}, {how}:\n\n" + "\n".join(f"- {found}" for found in said)


def _range(found: Mapping[str, Finding], parts) -> str:
    """How many gain and lose clearly, the least and the most, and the CNN; '' for none."""
    if not found:
        return ""
    ranked = sorted(found, key=lambda name: found[name][0]["mean"])
    named = {name: f"{plain(cameras.method_of(parts[name]))} {told(found[name])}" for name in ranked}
    better, worse = ([n for n in ranked if found[n][1] and sign * found[n][0]["mean"] > 0] for sign in (1, -1))
    cnn = "".join(f"; {named[name]}" for name in ranked[1:-1] if parts[name]["method"].iloc[0] == "cnn")
    few = f" ({'; '.join(plain(cameras.method_of(parts[name])) for name in better)})" if 0 < len(better) < _MANY else ""
    gain, lose = (f"{len(each)} {verb}{'s' * (len(each) == 1)}" for each, verb in ((better, "gain"), (worse, "lose")))
    counts = f"of {len(ranked)} methods {gain} clearly{few} and {lose} clearly"
    return f"{counts}; the least {named[ranked[0]]}, the most {named[ranked[-1]]}{cnn}".removesuffix(".")


def _does(described: Method) -> str:
    """The first line of the docstring of a method's file, which is read, since to import it loads TensorFlow."""
    source = Path(importlib.util.find_spec(described.module).origin).read_text(encoding="utf-8")
    line = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    does = line.removeprefix(f"{described.title.removesuffix(' (groups)')}: ")  # which stands before it already
    return does[:1].upper() + does[1:]


def _blocks(experiment, rows, column, camera) -> str:
    found, parts = cameras.findings(experiment, rows, column, camera), tables.by_setting(rows)
    names = {setting.name: cameras.labels_of(setting) for setting in experiment.settings if setting.name in found}
    blocks = {labels: {n: found[n] for n, needed in names.items() if needed == labels} for labels in cameras.BLOCKS}
    return "; ".join(f"{HOW[labels]}, {_best(block, parts)}" for labels, block in blocks.items() if block)


def _best(found: Mapping[str, Finding], parts) -> str:
    """Significant gains and losses, largest first; of none of them, the best."""
    ranked = sorted(found, key=lambda name: -found[name][0]["mean"])
    named = {name: f"{plain(cameras.method_of(parts[name]))} {told(found[name])}" for name in ranked}
    gains = [named[name] for name in ranked if found[name][1] and found[name][0]["mean"] > 0]
    losses = [named[name] for name in ranked if found[name][1] and found[name][0]["mean"] < 0]
    best = ", ".join(gains) if gains else f"none gains clearly (highest mean: {named[ranked[0]]})"
    return best + (f"; clearly worse: {', '.join(losses)}" if losses else "")


REPORT = Report(table=table, figures=figures, texts=texts, sentence=sentence)
