"""Both tens of seeds together: what the settings that `methods` and `replication` share change over twenty seeds.

The second ten alone are the clean test of what the first have chosen; both together are the best estimate.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.files import write_text
from experiments.report import cameras, effects
from experiments.report.artefacts import DRAWN_FROM, SUMMARY, clear, digest, drawn_from, save_figure, write_texts
from experiments.report.comparisons import ABOUT, FIXED_RATE, OWN, paired, seeds_of, significant, told
from experiments.report.rows import as_csv
from experiments.report.tables import NAMES, Pair, Section, by_setting, difference_lines, pairs_of

FIGURE = "pooled"
PARTS = {  # folder that holds what is made -> folders whose rows are taken together
    "replication/pooled": ("methods", "replication"),
    "replication/pooled-photographs": ("methods/photographs", "replication/photographs"),
}
MEASURES = {**NAMES, "fpr": "FPR"}
THRESHOLDS = {"own threshold": OWN, "1 % FPR": FIXED_RATE}
RULE, NETWORK = "dbvae-max-random-camera", "vae-random-camera"  # the same network, drawing by its rule and evenly
ALONE = "rule alone"  # names the pair of the two, where all others are pairs of a setting and the CNN
ASKED = {  # name of a pair -> what it stands for in the sentence
    RULE: "DB-VAE (max rule)",
    ALONE: "that rule alone, counted from the same network drawing evenly",
    "jtt-random-camera": "JTT",
    "oracle-random-camera": "resampling by group labels",
}
CHOSEN = (
    "The first ten seeds chose JTT, density and our rule, and by their photographs the residual network, so that over "
    "both tens these may look better than they are. DB-VAE, its network and drawing by group labels were not chosen so."
)


def write(folder: Path, tens: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Table, sentence and figure in `folder`, of the rows of either ten of seeds; none where they share too few.

    summary.json comes last and says for which rows.
    """
    rows = together(*tens)
    if not pairs(rows):
        return clear(folder)
    save_figure(folder, FIGURE, figure(rows))
    said = sentence(rows)
    write_texts(folder, table(rows), said)
    write_text(folder / SUMMARY, json.dumps({DRAWN_FROM: digest(as_csv(rows)), "text": said}, indent=1) + "\n")


def is_current(folder: Path, tens: tuple[pd.DataFrame, pd.DataFrame]) -> bool:
    """Whether `folder` holds what is made of these rows."""
    return drawn_from(folder) == digest(as_csv(together(*tens)))


def together(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """The rows of all settings that both have, each seed once."""
    common = set(first["setting"]) & set(second["setting"])
    rows = pd.concat([first, second], ignore_index=True)
    return rows[rows["setting"].isin(common)].drop_duplicates(["setting", "seed"])


def pairs(rows: pd.DataFrame) -> dict[str, Pair]:
    """What is compared: every setting with the CNN, and the max rule with its own network drawing evenly."""
    parts = by_setting(rows)
    found = pairs_of(rows, effects.peers(rows))
    return found | ({ALONE: (parts[RULE], parts[NETWORK])} if {RULE, NETWORK} <= set(parts) else {})


def table(rows: pd.DataFrame) -> str:
    """Every difference on the last test, at either threshold; FPR: what part of that test's negatives passes."""
    header = ["setting", "minus", *(f"Δ{name}, {at}" for at in THRESHOLDS for name in MEASURES.values())]
    columns = [f"{measure}{rate}{effects.hardest(rows)}" for rate in THRESHOLDS.values() for measure in MEASURES]
    heading = f"On {effects.where(rows)}, over {seeds_of(rows)}. {ABOUT}"
    return f"{Section(heading, header, difference_lines(pairs(rows), columns)).markdown()}\n\n{CHOSEN}\n"


def sentence(rows: pd.DataFrame) -> str:
    """What DB-VAE changes by the paper's measures, and what it and others do to the worst group, on the last test."""
    at = effects.hardest(rows)
    variance, mean, worst = f"var_recall{at}", f"mean_recall{at}", f"worst_recall{FIXED_RATE}{at}"
    _, cnn = next(iter(pairs(rows).values()))
    own, fixed = _listed(rows, (RULE, ALONE), variance, mean), _listed(rows, ASKED, worst)
    if not fixed:
        return ""
    moments = f"the CNN's Var[A] is {cnn[variance].mean():.1f} %² and its E[A] {cnn[mean].mean():.1f} %"
    return (
        f"Models trained with a random camera, tested on {effects.where(rows)}, {seeds_of(rows)}. At the model's own "
        f"threshold, as in the paper, {moments}{own and f'; these change{own}'}. At 1 % false positives its worst "
        f"group's recall of {cnn[worst].mean():.1f} % changes{fixed} (95 % intervals; * significant by Holm's "
        "correction for all compared, else n.s.)."
    )


def figure(rows: pd.DataFrame) -> Figure:
    """Var[A] and the worst group at either threshold, minus those of what each is compared with."""
    panels = {
        f"{measure}{rate}{effects.hardest(rows)}": f"Δ{NAMES[measure]}\n{at}"
        for at, rate in THRESHOLDS.items()
        for measure in ("var_recall", "worst_recall")
    }
    worst = significant(pairs(rows), f"worst_recall{FIXED_RATE}{effects.hardest(rows)}")
    shown, left_out = effects.near(rows, worst)
    found = pd.concat([_differences(name, *pair, panels) for name, pair in pairs(shown).items()])
    note = f"{effects.where(rows)}, minus the CNN or what is named; {plots.POINTS_NOTE}{left_out}"
    return plots.named_points(found, "setting", panels, note=note, zero=True)


def _listed(rows, asked: Iterable[str], *columns) -> str:
    """' by -1.3 [-1.9, -0.7] * and +0.6 [+0.4, +0.9] * with DB-VAE (max rule), by ... with JTT'."""
    compared = pairs(rows)
    found = [significant(compared, column) for column in columns]
    shown = [name for name in asked if all(name in each for each in found)]  # two seeds or more
    named = {name: " and ".join(told(each[name]) for each in found) for name in shown}
    return ",".join(f" by {changes} with {ASKED[name]}" for name, changes in named.items())


def _differences(name, ours, theirs, columns) -> pd.DataFrame:
    """A row a seed."""
    shown = cameras.method_of(ours) + (f" - {cameras.method_of(theirs)}" if name == ALONE else "")
    return pd.DataFrame({"setting": shown, **{column: paired(ours, theirs, column) for column in columns}})
